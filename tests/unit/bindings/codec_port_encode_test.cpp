#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "bindings/codec_port.h"
#include "stun/message_writer.h"
#include "support/attribute_json.h"
#include "support/codec_jobs.h"
#include "support/names.h"
#include "support/raw_message.h"
#include "support/samples.h"

namespace postern::bindings {
namespace {

using namespace postern::testing;  // NOLINT(google-build-using-namespace)

constexpr uint32_t kHuge = std::numeric_limits<uint32_t>::max();
constexpr uint32_t kLifetime = 0x000D;
const std::array<uint32_t, 4> kNone{};

class CodecPortEncodeTest : public ::testing::Test {
 protected:
  int32_t encode(Jobs& jobs, uint32_t count = 1) {
    fill_input(*port_, jobs.bytes());
    return port_->encode(count);
  }
  // The message, or the failure in words.
  std::string encoded(Jobs& jobs) {
    const int32_t length = encode(jobs);
    if (length < 0) {
      const auto [errc, detail] = failure_of(length);
      return std::string(code_of(errc)) + " " + std::to_string(detail);
    }
    return hex(port_->output().first(static_cast<size_t>(length)));
  }
  [[nodiscard]] PortFailure failure(size_t job) { return failure_of(port_->words().batch[job]); }

  std::unique_ptr<CodecPort> port_ = make_port();
};

TEST_F(CodecPortEncodeTest, AMessageOfEachForm) {
  Jobs jobs;
  jobs.job(kBindingSuccess, 0, kTransactionId);
  EXPECT_EQ(encoded(jobs), hex(raw_message("")));
  jobs.record(0x8022, kNone, as_bytes("abc"));
  jobs.record(kLifetime, {600}, {});
  jobs.record(0x0020, {32853}, as_bytes("192.0.2.1"));
  jobs.raw(0xBEEF, unhex("0102030405"));
  jobs.raw(kLifetime, unhex("01"));
  EXPECT_EQ(encoded(jobs), hex(raw_message("8022 0003 61626300 000d 0004 00000258"
                                           "0020 0008 0001a147e112a643"
                                           "beef 0005 0102030405000000 000d 0001 01000000")));
}

TEST_F(CodecPortEncodeTest, IntegrityAndFingerprint) {
  fill_input(*port_, as_bytes("VOkJxbRl1RmTxUk/WvJxBt"));
  port_->prepare_short_term_key(22);
  const stun::PreparedKey key(as_bytes("VOkJxbRl1RmTxUk/WvJxBt"));
  for (uint32_t options = 0; options < 8; ++options) {
    Jobs jobs;
    jobs.job(1, options | 20U << 8, kTransactionId).record(kLifetime, {600}, {});
    ByteVector buffer(200);
    stun::MessageWriter writer(buffer, 1, kTransactionId);
    writer.add<stun::AttributeType::Lifetime>(600);
    if (options & CodecPort::kIntegritySha1) writer.add_integrity(key);
    if (options & CodecPort::kIntegritySha256) writer.add_integrity_sha256(key, 20);
    if (options & CodecPort::kFingerprint) writer.add_fingerprint();
    EXPECT_EQ(encoded(jobs), hex(*writer.finish())) << options;
  }
}

TEST_F(CodecPortEncodeTest, Sha256Truncations) {
  for (uint32_t bytes = 0; bytes < 256; ++bytes) {
    Jobs jobs;
    jobs.job(1, CodecPort::kIntegritySha256 | bytes << 8, kTransactionId);
    const bool is_valid = bytes >= 16 && bytes <= 32 && bytes % 4 == 0;
    EXPECT_EQ(failure_of(encode(jobs)).errc, is_valid ? Errc::Ok : Errc::IntegrityLength) << bytes;
  }
}

TEST_F(CodecPortEncodeTest, ClassicMessages) {
  Jobs jobs;
  jobs.job(1, CodecPort::kClassic, unhex("00112233445566778899aabbccddeeff"));
  EXPECT_EQ(encoded(jobs), "0001000000112233445566778899aabbccddeeff");
}

// What crosses is what the typed setter takes, for every attribute of the registry.
template <stun::AttributeType kType>
void expect_same_as_writer(CodecPort& port) {
  using Kind = stun::KindOf<kType>;
  const auto value = sample<Kind>();
  CrossValue cross;
  to_cross(value, cross);
  std::string address;
  if constexpr (std::is_same_v<typename Kind::Value, TransportAddress>) {
    address = address_text(value);
    cross.bytes = as_bytes(address);
  }
  Jobs jobs;
  jobs.job(1, 0, kTransactionId).record(static_cast<uint32_t>(kType), cross.numbers, cross.bytes);
  fill_input(port, jobs.bytes());
  const int32_t length = port.encode(1);
  ByteVector buffer(200);
  stun::MessageWriter writer(buffer, 1, kTransactionId);
  writer.add<kType>(value);
  ASSERT_GT(length, 0) << failure_of(length).errc;
  EXPECT_EQ(hex(port.output().first(static_cast<size_t>(length))), hex(*writer.finish()));
}

TEST_F(CodecPortEncodeTest, EveryAttribute){
#define POSTERN_ATTRIBUTE(enumerator, name, number, kind, status, reference) \
  {                                                                          \
    SCOPED_TRACE(name);                                                      \
    expect_same_as_writer<stun::AttributeType::enumerator>(*port_);          \
  }
#include "stun/registry/attributes.def"
#undef POSTERN_ATTRIBUTE
}

TEST_F(CodecPortEncodeTest, NumbersOutOfRange) {
  struct Case {
    uint32_t type;
    std::array<uint32_t, 4> numbers;
    std::string_view bytes;
  };
  for (const Case& bad : {Case{0x000C, {0x10000}, ""},         // CHANNEL-NUMBER
                          Case{0x0019, {256}, ""},             // REQUESTED-TRANSPORT
                          Case{0x0027, {65536}, ""},           // RESPONSE-PORT
                          Case{0x0017, {5}, ""},               // REQUESTED-ADDRESS-FAMILY
                          Case{0x0009, {299}, "reason"},       // ERROR-CODE
                          Case{0x0009, {0x10190}, "reason"},   // 400 in its lower 16 bits
                          Case{0x8001, {440, 0}, ""},          // ADDRESS-ERROR-CODE: family
                          Case{0x8001, {700, 4}, ""},          // ... code
                          Case{0x001D, {0x10002}, ""},         // PASSWORD-ALGORITHM
                          Case{0x8004, {256, 0, 0}, ""},       // ICMP
                          Case{0x8004, {0, 256, 0}, ""},       //
                          Case{0x8025, {256, 0}, ""},          // TRANSACTION_TRANSMIT_COUNTER
                          Case{0x8025, {0, 256}, ""},          //
                          Case{0x802D, {4, 0}, ""},            // ECN-CHECK STUN
                          Case{0x802D, {256, 0}, ""},          //
                          Case{0xC057, {0x10000, 0}, ""},      // GOOG-NETWORK-INFO
                          Case{0xC057, {0, 0x10000}, ""},      //
                          Case{0x0020, {65536}, "192.0.2.1"},  // XOR-MAPPED-ADDRESS: port
                          Case{0x0020, {1}, "192.0.2.256"},    // ... text
                          Case{0x0020, {1}, ""},               //
                          Case{0x0022, {}, "seven.."},         // RESERVATION-TOKEN
                          Case{0x8002, {}, "odd"}}) {          // PASSWORD-ALGORITHMS
    Jobs jobs;
    jobs.job(1, 0, kTransactionId).record(kLifetime, {1}, {});
    jobs.record(bad.type, bad.numbers, as_bytes(bad.bytes)).record(kLifetime, {2}, {});
    EXPECT_EQ(failure_of(encode(jobs)), (PortFailure{Errc::AttributeValue, 1}))
        << std::hex << bad.type;
  }
}

TEST_F(CodecPortEncodeTest, FailuresNameTheRecord) {
  Jobs long_text;
  long_text.job(1, 0, kTransactionId).record(kLifetime, {1}, {});
  long_text.record(0x0006, kNone, ByteVector(509, 'a'));
  EXPECT_EQ(failure_of(encode(long_text)), (PortFailure{Errc::AttributeValue, 1}));

  Jobs too_long;
  too_long.job(1, 0, kTransactionId).raw(0x0013, ByteVector(32768)).raw(0x0013, ByteVector(32768));
  EXPECT_EQ(failure_of(encode(too_long)), (PortFailure{Errc::MessageTooLong, 1}));

  for (const uint32_t type : {0x4000U, 0x10001U, kHuge}) {
    Jobs bad_type;
    bad_type.job(type, 0, kTransactionId);
    EXPECT_EQ(failure_of(encode(bad_type)), (PortFailure{Errc::BadMessageType, 0}));
  }
}

TEST_F(CodecPortEncodeTest, BadRecords) {
  const auto failure_with = [&](auto spoil) {
    Jobs jobs;
    jobs.job(1, 0, kTransactionId).record(kLifetime, {1}, {});
    spoil(jobs);
    return failure_of(encode(jobs));
  };
  const PortFailure second{Errc::BadRecord, 1};
  EXPECT_EQ(failure_with([](Jobs& jobs) { jobs.record(kLifetime, {1}, {}, 2); }), second);
  EXPECT_EQ(failure_with([](Jobs& jobs) { jobs.record(kLifetime, {1}, {}, kHuge); }), second);
  EXPECT_EQ(failure_with([](Jobs& jobs) { jobs.record(0x10000, {1}, {}); }), second);
  EXPECT_EQ(failure_with([](Jobs& jobs) { jobs.raw(kHuge, {}); }), second);
  // Cut short, within the header and within the bytes of the second record.
  for (uint32_t bytes = 29; bytes < 28 + 28 + 8; ++bytes) {
    EXPECT_EQ(
        failure_with([&](Jobs& jobs) { jobs.raw(0x0013, ByteVector(8)).set_records_bytes(bytes); }),
        second)
        << bytes;
  }
  // More bytes than there are; the arena ends before the records do.
  EXPECT_EQ(failure_with([](Jobs& jobs) {
              jobs.raw(0x0013, ByteVector(8));
              const uint32_t lie = kHuge;
              std::memcpy(&jobs.bytes()[28 + 28 + 8], &lie, sizeof lie);
            }),
            second);
  const PortFailure job{Errc::BadRecord, 0};
  EXPECT_EQ(failure_with([](Jobs& jobs) { jobs.set_records_bytes(CodecPort::kInputBytes); }), job);
  EXPECT_EQ(failure_with([](Jobs& jobs) { jobs.set_records_bytes(kHuge); }), job);
}

// A record whose bytes end with the job, without padding, is whole.
TEST_F(CodecPortEncodeTest, TheLastRecordNeedsNoPadding) {
  Jobs jobs;
  jobs.job(kBindingSuccess, 0, kTransactionId).raw(0x8022, as_bytes("a"));
  jobs.set_records_bytes(29);
  EXPECT_EQ(encoded(jobs), hex(raw_message("8022 0001 61000000")));
}

TEST_F(CodecPortEncodeTest, ABatchStandsBehindEachOther) {
  Jobs jobs;
  jobs.job(0x0001, 0, kTransactionId).raw(0x8022, as_bytes("a"));
  jobs.job(0x0001, 0, kTransactionId).record(0x0019, {256}, {});  // fails
  jobs.job(0x0011, CodecPort::kFingerprint, kTransactionId);
  EXPECT_EQ(encode(jobs, 3), 28);
  EXPECT_EQ(port_->words().batch[0], 28);
  EXPECT_EQ(failure(1), (PortFailure{Errc::AttributeValue, 0}));
  EXPECT_EQ(port_->words().batch[2], 28);
  EXPECT_EQ(hex(port_->output().first(28)), hex(raw_message("8022 0001 61000000", 0x0001)));
  EXPECT_EQ(hex(port_->output().subspan(28, 4)), "00110008");
}

// Both arenas are of one size, but integrity makes messages longer than their jobs.
TEST_F(CodecPortEncodeTest, AMessageThatFindsNoRoomLeavesTheRestToShorterOnes) {
  constexpr uint32_t kAllParts =
      CodecPort::kIntegritySha1 | CodecPort::kIntegritySha256 | CodecPort::kFingerprint | 32U << 8;
  constexpr int32_t kLength = 20 + 68 + 24 + 36 + 8;
  constexpr uint32_t kFit = (CodecPort::kOutputBytes - stun::kMaxMessageBytes) / kLength;
  Jobs jobs;
  jobs.job(1, 0, kTransactionId).raw(0x0013, ByteVector(65'528));
  for (uint32_t i = 0; i < kFit + 1; ++i)
    jobs.job(1, kAllParts, kTransactionId).raw(0x0013, ByteVector(64));
  jobs.job(0x0011, 0, kTransactionId);
  const uint32_t count = kFit + 3;
  ASSERT_LE(count, CodecPort::kMaxBatch);
  ASSERT_LE(jobs.bytes().size(), CodecPort::kInputBytes);

  EXPECT_EQ(encode(jobs, count), 65'552);
  for (uint32_t i = 1; i <= kFit; ++i) EXPECT_EQ(port_->words().batch[i], kLength);
  EXPECT_EQ(failure(kFit + 1).errc, Errc::MessageTooLong);
  EXPECT_EQ(port_->words().batch[kFit + 2], 20);
  EXPECT_EQ(hex(port_->output().subspan(65'552 + kFit * kLength, 4)), "00110000");
}

TEST_F(CodecPortEncodeTest, HostileCounts) {
  Jobs jobs;
  jobs.job(1, 0, kTransactionId);
  for (const uint32_t count : {2U, 64U, 65U, 0x80000000U, kHuge}) {
    port_->words().batch.fill(77);
    EXPECT_EQ(encode(jobs, count), 20);
    // What follows in the arena is no job.
    EXPECT_EQ(failure(1), (PortFailure{Errc::BadRecord, 0}));
    EXPECT_EQ(port_->words().batch[63] == 77, count == 2);
  }
}

}  // namespace
}  // namespace postern::bindings
