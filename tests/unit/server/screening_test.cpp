#include "server/screening.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "stun/message_type.h"
#include "stun/message_writer.h"
#include "support/bytes.h"
#include "support/names.h"
#include "support/raw_message.h"

namespace postern::server {
namespace {

using namespace postern::testing;  // NOLINT(google-build-using-namespace)
using stun::Class;
using stun::Method;
using Texts = std::initializer_list<const char*>;

constexpr uint16_t kCreatePermission =
    stun::make_message_type(Class::Request, Method::CreatePermission);
constexpr uint16_t kChannelBind = stun::make_message_type(Class::Request, Method::ChannelBind);
constexpr uint16_t kSend = stun::make_message_type(Class::Indication, Method::Send);
constexpr uint16_t kAllocate = stun::make_message_type(Class::Request, Method::Allocate);
constexpr uint16_t kConnect = stun::make_message_type(Class::Request, Method::Connect);

std::vector<Prefix> prefixes(Texts texts) {
  std::vector<Prefix> all;
  for (const char* text : texts) {
    const auto parsed = parse_prefix(text);
    EXPECT_TRUE(parsed) << text;
    all.push_back(parsed.value_or({}));
  }
  return all;
}

TransportAddress address(std::string_view text, uint16_t port = 9) {
  const auto parsed = parse_address(text, port);
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or({});
}

// XOR-PEER-ADDRESS in hexadecimal, made by hand.
std::string peer(std::string_view text, uint16_t port = 9) {
  const TransportAddress value = address(text, port);
  ByteVector mask = unhex("2112a442");
  append(mask, kTransactionId);
  ByteVector bytes(4 + value.address_bytes().size());
  bytes[1] = value.family == Family::IPv4 ? 1 : 2;
  store_be16(&bytes[2], static_cast<uint16_t>(port ^ 0x2112));
  for (size_t i = 0; i < value.address_bytes().size(); ++i) {
    bytes[4 + i] = static_cast<uint8_t>(value.bytes[i] ^ mask[i]);
  }
  std::array<char, 9> head;
  std::snprintf(head.data(), head.size(), "0012%04zx", bytes.size());
  return head.data() + hex(bytes);
}

constexpr const char* kIntegrity = "00080014 0000000000000000000000000000000000000000";
constexpr const char* kData = "00130004 01020304";

Ruling ruling_of(const Screening& screening, const ByteVector& message) {
  return screening.screen(Exact(message).view()).ruling;
}

Ruling ruling_of(const ByteVector& message) { return ruling_of(Screening({}), message); }

TEST(ScreeningTest, PassesWhatClientsOfTurnSend) {
  const Screening screening({});
  const std::string global = peer("8.8.8.8");
  for (const auto& [message, ruling] : std::initializer_list<std::pair<ByteVector, Ruling>>{
           {raw_message("", 0x0001), Ruling::Control},
           {raw_message("", 0x0011), Ruling::Control},
           {raw_message("00190004 11000000", kAllocate), Ruling::Control},
           {raw_message("000d0004 00000000", 0x0004), Ruling::Control},
           {raw_message(global, kCreatePermission), Ruling::Control},
           {raw_message(global + peer("2001:4860:4860::8888"), kCreatePermission), Ruling::Control},
           {raw_message("000c0004 40000000" + global, kChannelBind), Ruling::Control},
           {raw_message(global + kData, kSend), Ruling::Data}}) {
    const Screened screened = screening.screen(Exact(message).view());
    EXPECT_EQ(screened.ruling, ruling) << hex(message);
    EXPECT_EQ(screened.content_bytes, message.size());
    EXPECT_TRUE(screened.verdict.is_allowed());
  }
}

TEST(ScreeningTest, LeavesOtherMethodsAndClassesOut) {
  for (const uint16_t type : {
           stun::make_message_type(Class::Request, Method::Connect),
           stun::make_message_type(Class::Request, Method::ConnectionBind),
           stun::make_message_type(Class::Indication, Method::ConnectionAttempt),
           stun::make_message_type(Class::Indication, Method::Data),
           stun::make_message_type(Class::Request, Method::SharedSecret),
           stun::make_message_type(Class::Request, Method::GoogPing),
           stun::make_message_type(Class::Request, Method::Send),
           stun::make_message_type(Class::Indication, Method::Allocate),
           stun::make_message_type(Class::Indication, Method::CreatePermission),
           stun::make_message_type(Class::Success, Method::Binding),
           stun::make_message_type(Class::Error, Method::Allocate),
           stun::make_message_type(Class::Request, 0x000),
           // Its low bits are those of Allocate.
           stun::make_message_type(Class::Request, 0x023),
           stun::make_message_type(Class::Request, 0x0FF),
       }) {
    EXPECT_EQ(ruling_of(raw_message("", type)), Ruling::Method) << type;
  }
}

TEST(ScreeningTest, TakesTheMethodsThatItIsGiven) {
  const Screening connects(
      {.peers = {.allowed = prefixes({"10.0.0.0/8"})}, .methods = set_of(Method::Connect)});
  EXPECT_EQ(ruling_of(connects, raw_message(peer("8.8.8.8"), kConnect)), Ruling::Control);
  EXPECT_EQ(ruling_of(connects, raw_message(peer("10.0.0.1"), kConnect)), Ruling::Control);
  EXPECT_EQ(ruling_of(connects, raw_message(peer("192.168.0.1"), kConnect)), Ruling::Peer);
  EXPECT_EQ(ruling_of(connects, raw_message("", kAllocate)), Ruling::Method);
}

TEST(ScreeningTest, RefusesWhatIsNotOneWholeMessage) {
  const ByteVector good = raw_message(peer("8.8.8.8"), kCreatePermission);
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_EQ(ruling_of(copy(std::span(good).first(size))), Ruling::Malformed) << size;
  }
  ByteVector twice = good;
  append(twice, good);
  EXPECT_EQ(ruling_of(twice), Ruling::Malformed);
  ByteVector classic = good;
  classic[4] ^= 1;
  EXPECT_EQ(ruling_of(classic), Ruling::Malformed);
  // DTLS, RTP, QUIC, HTTP, and lengths that lie.
  for (const char* text : {"16feff00000000000000", "80600001000000000000", "c0000000010000000000",
                           "47455420", "0001ffff2112a442b7e7a701bc34d686fa87dfae"}) {
    EXPECT_EQ(ruling_of(unhex(text)), Ruling::Malformed) << text;
  }
  // An attribute that reaches past the end, and a peer of a family that is none.
  EXPECT_EQ(ruling_of(raw_message("00120ff0 00000000", kCreatePermission)), Ruling::Malformed);
  EXPECT_EQ(ruling_of(raw_message("00120008 0003000000000000", kCreatePermission)),
            Ruling::Malformed);
  EXPECT_EQ(ruling_of(raw_message("00120004 00010000", kCreatePermission)), Ruling::Malformed);
}

TEST(ScreeningTest, JudgesEachPeerOfEachMessage) {
  const std::string good = peer("8.8.8.8");
  for (const char* form :
       {"10.0.0.1", "127.0.0.1", "169.254.169.254", "192.168.1.1", "100.64.0.1", "0.0.0.0",
        "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fd00:ec2::254", "ff02::1",
        "::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::1",
        "2001:0:808:808:0:63bf:80ff:fffe", "2a00:1:2:3:0:5efe:7f00:1"}) {
    const std::string bad = peer(form);
    for (const uint16_t type : {kCreatePermission, kChannelBind, kSend, kAllocate}) {
      EXPECT_EQ(ruling_of(raw_message(bad, type)), Ruling::Peer) << form;
      EXPECT_EQ(ruling_of(raw_message(good + bad, type)), Ruling::Peer) << form;
      EXPECT_EQ(ruling_of(raw_message(bad + good, type)), Ruling::Peer) << form;
      EXPECT_EQ(ruling_of(raw_message(good + kIntegrity + bad, type)), Ruling::Peer) << form;
    }
  }
}

TEST(ScreeningTest, SaysWhyAPeerIsRefused) {
  const Screened screened =
      Screening({}).screen(raw_message(peer("64:ff9b::127.0.0.1"), kChannelBind));
  EXPECT_EQ(screened.ruling, Ruling::Peer);
  EXPECT_EQ(name_of(screened.verdict), "loopback");
  EXPECT_TRUE(screened.verdict.is_embedded);
}

TEST(ScreeningTest, OnlyPermissionsNameNoPort) {
  EXPECT_EQ(ruling_of(raw_message(peer("8.8.8.8", 0), kCreatePermission)), Ruling::Control);
  EXPECT_EQ(ruling_of(raw_message(peer("8.8.8.8", 0), kChannelBind)), Ruling::Peer);
  EXPECT_EQ(ruling_of(raw_message(peer("8.8.8.8", 0), kSend)), Ruling::Peer);
}

TEST(ScreeningTest, KeepsToTheRules) {
  const Screening open({.peers = {.allowed = prefixes({"127.0.0.0/8"}),
                                  .denied = prefixes({"127.0.0.9/32", "9.9.9.0/24"})}});
  EXPECT_EQ(ruling_of(open, raw_message(peer("127.0.0.1"), kSend)), Ruling::Data);
  EXPECT_EQ(ruling_of(open, raw_message(peer("127.0.0.9"), kSend)), Ruling::Peer);
  EXPECT_EQ(ruling_of(open, raw_message(peer("9.9.9.9"), kSend)), Ruling::Peer);
  EXPECT_EQ(ruling_of(open, raw_message(peer("::ffff:127.0.0.1"), kSend)), Ruling::Peer);
}

TEST(ScreeningTest, OnlyThePeersThatAreNamed) {
  const Screening closed(
      {.peers = {.allowed = prefixes({"203.0.114.0/28", "2a00:1::/32"}), .only_allowed = true}});
  EXPECT_TRUE(closed.judge(address("203.0.114.1")).is_allowed());
  EXPECT_TRUE(closed.judge(address("2a00:1::1")).is_allowed());
  EXPECT_EQ(name_of(closed.judge(address("8.8.8.8"))), "unlisted");
  EXPECT_EQ(name_of(closed.judge(address("2a00:2::1"))), "unlisted");
  EXPECT_EQ(name_of(closed.judge(address("203.0.114.1", 0))), "port-zero");
  EXPECT_EQ(name_of(closed.judge(address("10.0.0.1"))), "private");
  EXPECT_EQ(ruling_of(closed, raw_message(peer("8.8.8.8"), kSend)), Ruling::Peer);
  EXPECT_EQ(ruling_of(closed, raw_message(peer("203.0.114.1"), kSend)), Ruling::Data);
}

TEST(ScreeningTest, RefusesAttributesThatNameAnotherHost) {
  const std::string where = "0008 0001000908080808";
  EXPECT_EQ(ruling_of(raw_message("0002" + where, 0x0001)), Ruling::Attribute);
  EXPECT_EQ(ruling_of(raw_message("0011" + where, kSend)), Ruling::Attribute);
  // What is only unknown is the server's to refuse.
  EXPECT_EQ(ruling_of(raw_message("7ffe" + where, 0x0001)), Ruling::Control);
}

TEST(ScreeningTest, TakesChannelDataByItsHead) {
  const Screening screening({});
  for (const auto& [text, content] :
       std::initializer_list<std::pair<const char*, size_t>>{{"40000000", 4},
                                                             {"4fff0000", 4},
                                                             {"4000000401020304", 8},
                                                             {"4000000501020304", 0},
                                                             {"40000001 01", 5},
                                                             {"40000001 01000000", 5},
                                                             {"400000010100", 5},
                                                             {"40000001 0100000000", 0},
                                                             {"50000000", 0},
                                                             {"3fff0000", 0},
                                                             {"400000", 0},
                                                             {"4000ffff", 0}}) {
    std::string digits(text);
    std::erase(digits, ' ');
    const ByteVector bytes = unhex(digits);
    const Screened screened = screening.screen(Exact(bytes).view());
    EXPECT_EQ(screened.ruling, content == 0 ? Ruling::Malformed : Ruling::Data) << text;
    EXPECT_EQ(screened.content_bytes, content) << text;
    EXPECT_EQ(channel_data_bytes(bytes.data(), bytes.size()), content) << text;
  }
}

TEST(ReplyTest, TellsWhatAGatewayHasToKnow) {
  const auto read = [](std::string_view attributes, uint16_t type) {
    return read_reply(Exact(raw_message(attributes, type)).view());
  };
  const Reply allocated = read("000d0004 00000258", 0x0103);
  EXPECT_EQ(allocated.type, Reply::Type::Allocated);
  EXPECT_EQ(allocated.lifetime, 600U);
  EXPECT_EQ(allocated.content_bytes, 28U);
  EXPECT_EQ(read("000d0004 00000000", 0x0104).type, Reply::Type::Allocated);
  EXPECT_EQ(read("000d0004 00000000", 0x0104).lifetime, 0U);
  EXPECT_EQ(read("", 0x0103).lifetime, 0U);
  EXPECT_EQ(read("", 0x0101).type, Reply::Type::Control);
  EXPECT_EQ(read("", 0x0108).type, Reply::Type::Control);
  const Reply error = read("00090004 00000401", 0x0113);
  EXPECT_EQ(error.type, Reply::Type::Error);
  EXPECT_EQ(error.error_code, 401);
  EXPECT_EQ(read("00090004 00000001", 0x0113).error_code, 0);
  EXPECT_EQ(read("", 0x0113).error_code, 0);
  EXPECT_EQ(read(peer("8.8.8.8") + kData, 0x0017).type, Reply::Type::Data);
}

TEST(ReplyTest, TakesThePaddingOffChannelData) {
  const Reply padded = read_reply(unhex("4000000161000000"));
  EXPECT_EQ(padded.type, Reply::Type::Data);
  EXPECT_EQ(padded.content_bytes, 5U);
  for (const char* text : {"", "400000", "40000009", "16feff0000", "0101000021120000"}) {
    EXPECT_EQ(read_reply(Exact(unhex(text)).view()).type, Reply::Type::Malformed) << text;
  }
}

}  // namespace
}  // namespace postern::server
