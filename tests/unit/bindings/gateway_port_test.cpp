#include "bindings/gateway_port.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <string>
#include <string_view>

#include "sim/allocation_counter.h"
#include "support/bytes.h"
#include "support/raw_message.h"

namespace postern::bindings {
namespace {

using namespace postern::testing;  // NOLINT(google-build-using-namespace)
using List = GatewayPort::RuleList;
using server::Reply;
using server::Ruling;

constexpr uint32_t kHuge = std::numeric_limits<uint32_t>::max();
constexpr uint16_t kBinding = 0x0001;
constexpr uint16_t kCreatePermission = 0x0008;
// 8.8.8.8 and 127.0.0.1, port 9, XORed.
constexpr const char* kGlobal = "00120008 0001211b291aac4a";
constexpr const char* kLoopback = "00120008 0001211b5e12a443";

class GatewayPortTest : public ::testing::Test {
 protected:
  uint32_t put(std::span<const uint8_t> bytes) {
    std::copy(bytes.begin(), bytes.end(), port_->inbox().begin());
    return static_cast<uint32_t>(bytes.size());
  }
  uint32_t put(std::string_view text) { return put(as_bytes(text)); }
  bool rule(List list, std::string_view text) {
    return port_->add_rule(static_cast<uint32_t>(list), put(text));
  }
  int32_t screen(uint32_t handle, const ByteVector& message) {
    return port_->screen(handle, put(message));
  }
  int32_t judge(uint32_t handle, std::string_view text) { return port_->judge(handle, put(text)); }
  std::string reason() {
    const uint32_t bytes = port_->reason();
    return as_text(port_->inbox().first(bytes));
  }

  std::unique_ptr<GatewayPort> port_ = std::make_unique<GatewayPort>();
};

constexpr int32_t passed(size_t bytes, uint32_t flags) {
  return static_cast<int32_t>(bytes << GatewayPort::kFlagBits | flags);
}
constexpr int32_t minus(Ruling ruling) { return -static_cast<int32_t>(ruling); }

TEST_F(GatewayPortTest, ScreensByTheRulesOfAHandle) {
  EXPECT_TRUE(rule(List::Allowed, "127.0.0.0/8"));
  const uint32_t open = port_->open(0, false);
  // The rules were those of one open().
  const uint32_t strict = port_->open(0, false);
  EXPECT_NE(open, strict);
  const ByteVector local = raw_message(kLoopback, kCreatePermission);
  EXPECT_EQ(screen(open, local), passed(local.size(), GatewayPort::kIsRequest));
  EXPECT_EQ(screen(strict, local), minus(Ruling::Peer));
  EXPECT_EQ(reason(), "loopback");
  EXPECT_EQ(screen(strict, raw_message(kGlobal, kCreatePermission)),
            passed(32, GatewayPort::kIsRequest));
  EXPECT_EQ(screen(strict, raw_message("", 0x000A)), minus(Ruling::Method));
  EXPECT_EQ(screen(strict, raw_message("00020000", kBinding)), minus(Ruling::Attribute));
  EXPECT_EQ(screen(strict, unhex("4000000161000000")), passed(5, GatewayPort::kCarriesData));
  EXPECT_EQ(screen(strict, raw_message("", 0x0011)), passed(20, 0));
  EXPECT_EQ(screen(strict, raw_message(kGlobal, 0x0016)), passed(32, GatewayPort::kCarriesData));
  EXPECT_EQ(screen(strict, unhex("16fe")), minus(Ruling::Malformed));
}

TEST_F(GatewayPortTest, HandlesComeFreeAndNamesNothingElse) {
  const uint32_t first = port_->open(0, false);
  const uint32_t second = port_->open(0, false);
  port_->close(first);
  EXPECT_EQ(screen(first, raw_message("", kBinding)), minus(Ruling::Malformed));
  EXPECT_EQ(judge(first, "8.8.8.8"), -1);
  EXPECT_EQ(port_->open(0, false), first);
  EXPECT_EQ(screen(second, raw_message("", kBinding)), passed(20, GatewayPort::kIsRequest));
  port_->close(kHuge);
  EXPECT_EQ(screen(kHuge, raw_message("", kBinding)), minus(Ruling::Malformed));
}

TEST_F(GatewayPortTest, TakesASetOfMethods) {
  const uint32_t only_binding = port_->open(1U << kBinding, false);
  EXPECT_EQ(screen(only_binding, raw_message("", kBinding)), passed(20, GatewayPort::kIsRequest));
  EXPECT_EQ(screen(only_binding, raw_message("", 0x0003)), minus(Ruling::Method));
}

TEST_F(GatewayPortTest, SaysWhichRulesAreNone) {
  EXPECT_TRUE(rule(List::Denied, "8.8.8.8"));
  EXPECT_TRUE(rule(List::Allowed, "8.8.0.0/16"));
  EXPECT_TRUE(rule(List::Nat64, "2a00:64::/96"));
  EXPECT_FALSE(rule(List::Nat64, "2a00:64::/97"));
  EXPECT_FALSE(rule(List::Nat64, "10.0.0.0/8"));
  EXPECT_FALSE(rule(List::Allowed, "10.0.0.1/8"));
  EXPECT_FALSE(rule(List::Allowed, "*"));
  EXPECT_FALSE(rule(List::Allowed, ""));
  EXPECT_FALSE(port_->add_rule(3, put("8.8.8.8")));
  for (int i = 1; i < 4; ++i) EXPECT_TRUE(rule(List::Nat64, "2a00:64::/96"));
  EXPECT_FALSE(rule(List::Nat64, "2a00:64::/96"));
  const uint32_t handle = port_->open(0, true);
  EXPECT_EQ(judge(handle, "8.8.8.8"), 0);
  EXPECT_EQ(reason(), "denied");
  EXPECT_EQ(judge(handle, "8.8.4.4"), 1);
  EXPECT_EQ(judge(handle, "9.9.9.9"), 0);
}

TEST_F(GatewayPortTest, JudgesAddresses) {
  const uint32_t handle = port_->open(0, false);
  EXPECT_EQ(judge(handle, "8.8.8.8"), 1);
  EXPECT_EQ(judge(handle, "2001:4860:4860::8888"), 1);
  EXPECT_EQ(judge(handle, "169.254.169.254"), 0);
  EXPECT_EQ(reason(), "link-local");
  EXPECT_EQ(judge(handle, "::ffff:8.8.8.8"), 0);
  EXPECT_EQ(reason(), "ipv4-mapped");
  EXPECT_EQ(judge(handle, "example.org"), -1);
  EXPECT_EQ(judge(handle, ""), -1);
}

TEST_F(GatewayPortTest, TellsChannelDataByItsHead) {
  EXPECT_EQ(GatewayPort::channel_data(0x40000001, 5), 5U);
  EXPECT_EQ(GatewayPort::channel_data(0x40000001, 8), 5U);
  EXPECT_EQ(GatewayPort::channel_data(0x40000001, 9), 0U);
  EXPECT_EQ(GatewayPort::channel_data(0x4000FFFF, 0x10003), 0x10003U);
  EXPECT_EQ(GatewayPort::channel_data(0x00010000, 20), 0U);
  EXPECT_EQ(GatewayPort::channel_data(0x40000000, 3), 0U);
}

TEST_F(GatewayPortTest, ReadsReplies) {
  const auto reply = [this](const ByteVector& message) {
    return static_cast<Reply::Type>(port_->reply(put(message)));
  };
  EXPECT_EQ(reply(raw_message("000d0004 00000258", 0x0103)), Reply::Type::Allocated);
  EXPECT_EQ(port_->reply_words().lifetime, 600U);
  EXPECT_EQ(port_->reply_words().content_bytes, 28U);
  EXPECT_EQ(reply(raw_message("00090004 00000425", 0x0113)), Reply::Type::Error);
  EXPECT_EQ(port_->reply_words().error_code, 437U);
  EXPECT_EQ(reply(unhex("4000000161000000")), Reply::Type::Data);
  EXPECT_EQ(port_->reply_words().content_bytes, 5U);
  EXPECT_EQ(reply(unhex("ff")), Reply::Type::Malformed);
}

TEST_F(GatewayPortTest, MessagesAllocateNothing) {
  EXPECT_TRUE(rule(List::Denied, "9.9.9.9"));
  const uint32_t handle = port_->open(0, false);
  const ByteVector good = raw_message(kGlobal, kCreatePermission);
  const ByteVector bad = raw_message(kLoopback, kCreatePermission);
  const ByteVector answer = raw_message("000d0004 00000258", 0x0103);
  const uint64_t before = sim::allocations_so_far();
  for (int i = 0; i < 10; ++i) {
    screen(handle, good);
    screen(handle, bad);
    port_->reason();
    port_->reply(put(answer));
    GatewayPort::channel_data(0x40000001, 5);
  }
  EXPECT_EQ(sim::allocations_so_far(), before);
}

TEST_F(GatewayPortTest, LengthsPastTheInboxNameNothing) {
  const uint32_t handle = port_->open(0, false);
  put(raw_message("", kBinding));
  EXPECT_EQ(port_->screen(handle, kHuge), minus(Ruling::Malformed));
  EXPECT_EQ(port_->reply(kHuge), static_cast<uint32_t>(Reply::Type::Malformed));
  EXPECT_EQ(port_->judge(handle, kHuge), -1);
  EXPECT_FALSE(port_->add_rule(0, kHuge));
}

}  // namespace
}  // namespace postern::bindings
