#include "stun/message_writer.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "stun/integrity.h"
#include "stun/message_view.h"
#include "support/bytes.h"
#include "support/names.h"
#include "support/raw_message.h"

namespace postern::stun {
namespace {

using testing::as_bytes;
using testing::ByteVector;
using testing::Exact;
using testing::hex;
using testing::kTransactionId;
using testing::raw_message;
using testing::unhex;

const PreparedKey kKey(as_bytes("VOkJxbRl1RmTxUk/WvJxBt"));

// A writer over `size` bytes that hold something else, and what has become of them.
class Written {
 public:
  explicit Written(size_t size = 512, uint16_t type = testing::kBindingSuccess)
      : buffer_(ByteVector(size, 0xEE)), writer(buffer_.view(), type, kTransactionId) {}

  [[nodiscard]] std::string digits() const {
    const auto message = writer.finish();
    EXPECT_TRUE(message) << message.error();
    return message ? hex(*message) : "";
  }
  [[nodiscard]] std::span<const uint8_t> buffer() const { return buffer_.view(); }

 private:
  Exact buffer_;

 public:
  MessageWriter writer;
};

TEST(MessageWriterTest, AHeaderAlone) {
  Written written(20, 0x0011);
  EXPECT_EQ(written.digits(), "001100002112a442b7e7a701bc34d686fa87dfae");
  EXPECT_EQ(written.writer.size(), 20U);
}

TEST(MessageWriterTest, TakesClassAndMethodToo) {
  ByteVector buffer(20);
  const MessageWriter writer(buffer, Class::Error, Method::Allocate, kTransactionId);
  EXPECT_EQ(hex(*writer.finish()), "011300002112a442b7e7a701bc34d686fa87dfae");
}

TEST(MessageWriterTest, AttributesFollowEachOther) {
  Written written;
  written.writer.add<AttributeType::Software>(as_bytes("abc"));
  written.writer.add<AttributeType::XorMappedAddress>(TransportAddress::ipv4(192, 0, 2, 1, 32853));
  written.writer.add<AttributeType::UseCandidate>(true);
  written.writer.add<AttributeType::EvenPort>(true);
  written.writer.add_raw(0xBEEF, unhex("0102030405"));
  EXPECT_EQ(written.digits(), hex(raw_message("8022 0003 61626300"
                                              "0020 0008 0001a147e112a643"
                                              "0025 0000"
                                              "0018 0001 80000000"
                                              "beef 0005 0102030405000000")));
}

// RFC 8489 section 14: zero, whatever the buffer held before.
TEST(MessageWriterTest, PaddingIsZeroInADirtyBuffer) {
  for (size_t size = 0; size <= 9; ++size) {
    Written written;
    written.writer.add_raw(0x8022, ByteVector(size, 0xAA));
    const auto message = *written.writer.finish();
    ASSERT_EQ(message.size(), 24 + (size + 3) / 4 * 4);
    for (size_t at = 24 + size; at < message.size(); ++at) EXPECT_EQ(message[at], 0) << at;
  }
}

TEST(MessageWriterTest, TouchesNothingBehindTheMessage) {
  Written written(200);
  written.writer.add<AttributeType::Username>(as_bytes("evtj:h6vY"));
  written.writer.add_integrity(kKey);
  written.writer.add_integrity_sha256(kKey);
  written.writer.add_fingerprint();
  for (const uint8_t byte : written.buffer().subspan(written.writer.size())) EXPECT_EQ(byte, 0xEE);
}

TEST(MessageWriterTest, ClassicMessagesHaveNoCookie) {
  const ByteVector id = unhex("00112233445566778899aabbccddeeff");
  const Exact buffer{ByteVector(32, 0xEE)};
  auto writer = MessageWriter::classic(buffer.view(), 0x0101, std::span(id).first<16>());
  // XORed with the first bytes of the ID, where the cookie would be.
  writer.add<AttributeType::XorMappedAddress>(TransportAddress::ipv4(0, 0, 0, 0, 0));
  EXPECT_EQ(hex(*writer.finish()),
            "0101000c00112233445566778899aabbccddeeff002000080001001100112233");
}

TEST(MessageWriterTest, ClassicMessagesNeedAHeaderToo) {
  const ByteVector id(16);
  const Exact buffer{ByteVector(19, 0xEE)};
  auto writer = MessageWriter::classic(buffer.view(), 0x0101, std::span(id).first<16>());
  EXPECT_EQ(writer.finish().error(), Errc::MessageTooLong);
  EXPECT_EQ(hex(buffer.view()), hex(ByteVector(19, 0xEE)));
}

// --- Room.

const std::vector<std::pair<size_t, std::function<void(MessageWriter&)>>> kParts = {
    {4, [](MessageWriter& writer) { writer.add<AttributeType::UseCandidate>(true); }},
    {8, [](MessageWriter& writer) { writer.add<AttributeType::EvenPort>(true); }},
    {8, [](MessageWriter& writer) { writer.add_raw(0x8022, unhex("010203")); }},
    {24, [](MessageWriter& writer) { writer.add_integrity(kKey); }},
    {20, [](MessageWriter& writer) { writer.add_integrity_sha256(kKey, 16); }},
    {36, [](MessageWriter& writer) { writer.add_integrity_sha256(kKey); }},
    {8, [](MessageWriter& writer) { writer.add_fingerprint(); }},
};

TEST(MessageWriterTest, FitsExactly) {
  for (const auto& [bytes, add] : kParts) {
    Written written(kHeaderBytes + bytes);
    add(written.writer);
    EXPECT_EQ(written.writer.error(), Errc::Ok);
    EXPECT_EQ(written.writer.size(), kHeaderBytes + bytes);
    EXPECT_TRUE(written.writer.finish());
  }
}

TEST(MessageWriterTest, OneByteLessIsTooLong) {
  for (const auto& [bytes, add] : kParts) {
    for (size_t less = 1; less <= bytes; ++less) {
      Written written(kHeaderBytes + bytes - less);
      add(written.writer);
      EXPECT_EQ(written.writer.finish().error(), Errc::MessageTooLong);
      for (const uint8_t byte : written.buffer().subspan(kHeaderBytes)) EXPECT_EQ(byte, 0xEE);
    }
  }
}

TEST(MessageWriterTest, ABufferWithoutRoomForAHeader) {
  for (size_t size = 0; size < kHeaderBytes; ++size) {
    Written written(size);
    written.writer.add<AttributeType::UseCandidate>(true);
    written.writer.add_integrity(kKey);
    written.writer.add_fingerprint();
    EXPECT_EQ(written.writer.finish().error(), Errc::MessageTooLong);
    EXPECT_EQ(hex(written.buffer()), hex(ByteVector(size, 0xEE)));
  }
}

// However large the buffer, the length field has 16 bits and counts in steps of 4.
TEST(MessageWriterTest, TheLongestMessage) {
  const ByteVector value(0xFFFF, 0xAA);
  Written longest(100'000);
  longest.writer.add<AttributeType::Data>(std::span(value).first(0xFFF8));
  const auto message = longest.writer.finish();
  ASSERT_TRUE(message);
  EXPECT_EQ(message->size(), kMaxMessageBytes);
  EXPECT_EQ(load_be16(&(*message)[2]), 0xFFFC);
  longest.writer.add<AttributeType::UseCandidate>(true);
  EXPECT_EQ(longest.writer.finish().error(), Errc::MessageTooLong);

  for (size_t size = 0xFFF9; size <= 0xFFFF; ++size) {
    Written written(100'000);
    written.writer.add<AttributeType::Data>(std::span(value).first(size));
    EXPECT_EQ(written.writer.finish().error(), Errc::MessageTooLong) << size;
  }
}

// --- Values and types that cannot be written.

TEST(MessageWriterTest, ValuesOutOfRange) {
  const ByteVector bytes(0x10001);
  const std::vector<std::function<void(MessageWriter&)>> bad = {
      [&](auto& writer) {
        writer.template add<AttributeType::Username>(std::span(bytes).first(509));
      },
      [&](auto& writer) { writer.template add<AttributeType::Data>(bytes); },
      [&](auto& writer) { writer.add_raw(0xBEEF, std::span(bytes).first(0x10000)); },
      [&](auto& writer) {
        writer.template add<AttributeType::Userhash>(std::span(bytes).first(31));
      },
      [&](auto& writer) {
        writer.template add<AttributeType::ErrorCode>({.code = 299, .reason = {}});
      },
      [&](auto& writer) { writer.template add<AttributeType::XorPeerAddress>({}); },
  };
  for (const auto& add : bad) {
    Written written(100'000);
    add(written.writer);
    EXPECT_EQ(written.writer.finish().error(), Errc::AttributeValue);
  }
}

TEST(MessageWriterTest, TypesOfMoreThan14Bits) {
  for (const int type : {0x4000, 0x8001, 0xFFFF}) {
    const Written written(100, static_cast<uint16_t>(type));
    EXPECT_EQ(written.writer.finish().error(), Errc::BadMessageType);
  }
  EXPECT_TRUE(Written(100, 0x3FFF).writer.finish());
}

TEST(MessageWriterTest, TruncationsOfSha256) {
  for (size_t bytes = 0; bytes <= 40; ++bytes) {
    Written written;
    written.writer.add_integrity_sha256(kKey, bytes);
    const bool is_valid = bytes >= 16 && bytes <= 32 && bytes % 4 == 0;
    EXPECT_EQ(written.writer.error(), is_valid ? Errc::Ok : Errc::IntegrityLength) << bytes;
    EXPECT_EQ(written.writer.size(), kHeaderBytes + (is_valid ? 4 + bytes : 0));
  }
}

// --- Order (RFC 8489 sections 14.5 to 14.7).

enum class Part { Attribute, Raw, Sha1, Sha256, Fingerprint };
constexpr std::array kAllParts = {Part::Attribute, Part::Raw, Part::Sha1, Part::Sha256,
                                  Part::Fingerprint};

void add(MessageWriter& writer, Part part) {
  switch (part) {
    case Part::Attribute:
      return writer.add<AttributeType::Lifetime>(600);
    case Part::Raw:
      return writer.add_raw(0xBEEF, unhex("01"));
    case Part::Sha1:
      return writer.add_integrity(kKey);
    case Part::Sha256:
      return writer.add_integrity_sha256(kKey);
    case Part::Fingerprint:
      return writer.add_fingerprint();
  }
}

int rank(Part part) { return part == Part::Raw ? 0 : static_cast<int>(part); }

TEST(MessageWriterTest, EveryPairOfPartsInEitherOrder) {
  for (const Part first : kAllParts) {
    for (const Part second : kAllParts) {
      Written written;
      add(written.writer, first);
      ASSERT_EQ(written.writer.error(), Errc::Ok);
      const size_t size = written.writer.size();
      add(written.writer, second);
      const bool is_ordered = rank(first) < rank(second) || rank(second) == 0;
      const bool is_allowed = is_ordered && (rank(first) == 0 || rank(second) != 0);
      EXPECT_EQ(written.writer.error(), is_allowed ? Errc::Ok : Errc::AttributeOrder);
      if (!is_allowed) {
        EXPECT_EQ(written.writer.size(), size);
      }
    }
  }
}

TEST(MessageWriterTest, TheFirstFailureSticks) {
  const std::vector<std::pair<Errc, std::function<void(MessageWriter&)>>> failures = {
      {Errc::AttributeValue,
       [](auto& writer) { writer.template add<AttributeType::XorPeerAddress>({}); }},
      {Errc::MessageTooLong, [](auto& writer) { writer.add_raw(0x8022, ByteVector(1000)); }},
      {Errc::IntegrityLength, [](auto& writer) { writer.add_integrity_sha256(kKey, 1); }},
      {Errc::AttributeOrder,
       [](auto& writer) {
         writer.add_fingerprint();
         writer.add_fingerprint();
       }},
  };
  for (const auto& [errc, fail] : failures) {
    for (const auto& [other, fail_otherwise] : failures) {
      Written written;
      fail(written.writer);
      const size_t size = written.writer.size();
      fail_otherwise(written.writer);
      for (const Part part : kAllParts) add(written.writer, part);
      EXPECT_EQ(written.writer.error(), errc);
      EXPECT_EQ(written.writer.finish().error(), errc);
      EXPECT_EQ(written.writer.size(), size);
    }
  }
}

TEST(MessageWriterTest, AllPartsTogetherVerify) {
  Written written;
  for (const Part part : kAllParts) add(written.writer, part);
  MessageView view;
  ASSERT_EQ(MessageView::parse(*written.writer.finish(), {}, view).errc, Errc::Ok);
  EXPECT_EQ(check_integrity(view, kKey), Errc::Ok);
  EXPECT_EQ(check_integrity_sha256(view, kKey), Errc::Ok);
  EXPECT_EQ(view.fingerprint(), FingerprintState::Valid);
  EXPECT_EQ(*view.get<AttributeType::Lifetime>(), 600U);
}

}  // namespace
}  // namespace postern::stun
