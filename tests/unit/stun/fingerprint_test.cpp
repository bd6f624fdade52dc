#include "stun/fingerprint.h"

#include <gtest/gtest.h>

#include "stun/message_view.h"
#include "stun/message_writer.h"
#include "support/bytes.h"
#include "support/raw_message.h"

namespace postern::stun {
namespace {

using testing::as_bytes;
using testing::ByteVector;
using testing::copy;
using testing::kTransactionId;
using testing::raw_message;
using testing::unhex;

// The state, or Absent where the message is malformed.
FingerprintState state_of(const ByteVector& bytes) {
  MessageView view;
  (void)MessageView::parse(bytes, {}, view);
  return view.fingerprint();
}

TEST(FingerprintTest, IsTheCrcWithTheConstantOfTheRfc) {
  // The check value of CRC-32, 0xCBF43926, XORed with RFC 8489 section 14.7's constant.
  EXPECT_EQ(fingerprint_of(as_bytes("123456789")), 0x98A06C68U);
  EXPECT_EQ(fingerprint_of({}), 0x5354554EU);
}

TEST(FingerprintTest, Rfc5769) {
  const ByteVector bytes = unhex(
      "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000080001a147e112"
      "a643000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96");
  EXPECT_EQ(state_of(bytes), FingerprintState::Valid);
}

TEST(FingerprintTest, AFlippedBitAnywhereShows) {
  ByteVector buffer(100);
  MessageWriter writer(buffer, testing::kBindingSuccess, kTransactionId);
  writer.add<AttributeType::Software>(as_bytes("test"));
  writer.add_fingerprint();
  const ByteVector good = copy(*writer.finish());
  ASSERT_EQ(state_of(good), FingerprintState::Valid);
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    ByteVector bad = good;
    bad[bit / 8] = static_cast<uint8_t>(bad[bit / 8] ^ (1U << (bit % 8)));
    EXPECT_NE(state_of(bad), FingerprintState::Valid) << "bit " << bit;
  }
}

TEST(FingerprintTest, AbsentAndMisplaced) {
  EXPECT_EQ(state_of(raw_message("")), FingerprintState::Absent);
  EXPECT_EQ(state_of(raw_message("8022 0004 61626364")), FingerprintState::Absent);
  EXPECT_EQ(state_of(raw_message("8028 0004 00000000")), FingerprintState::Invalid);
  EXPECT_EQ(state_of(raw_message("8028 0000")), FingerprintState::Invalid);
  EXPECT_EQ(state_of(raw_message("8028 0008 0000000000000000")), FingerprintState::Invalid);
}

// Right where it stands, but not last; then the first of two.
TEST(FingerprintTest, HasToBeLast) {
  ByteVector bytes = raw_message("8028 0004 00000000");
  store_be32(&bytes[24], fingerprint_of(std::span(bytes).first(20)));
  ASSERT_EQ(state_of(bytes), FingerprintState::Valid);
  testing::append(bytes, unhex("80220000"));
  store_be16(&bytes[2], static_cast<uint16_t>(bytes.size() - kHeaderBytes));
  store_be32(&bytes[24], fingerprint_of(std::span(bytes).first(20)));
  EXPECT_EQ(state_of(bytes), FingerprintState::Invalid);

  ByteVector twice = raw_message("8028 0004 00000000 8028 0004 00000000");
  store_be32(&twice[24], fingerprint_of(std::span(twice).first(20)));
  store_be32(&twice[32], fingerprint_of(std::span(twice).first(28)));
  EXPECT_EQ(state_of(twice), FingerprintState::Invalid);
}

TEST(FingerprintTest, CoversWhatStandsBehindIntegrity) {
  ByteVector bytes =
      raw_message("0008 0014 " + std::string(40, '1') + "8022 0000 8028 0004 00000000");
  store_be32(&bytes[52], fingerprint_of(std::span(bytes).first(48)));
  EXPECT_EQ(state_of(bytes), FingerprintState::Valid);
}

}  // namespace
}  // namespace postern::stun
