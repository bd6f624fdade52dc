#include "crypto/crc32.h"

#include <gtest/gtest.h>

#include "unit/crypto/bytes.h"

namespace postern::crypto {
namespace {

using test::Bytes;
using test::pattern;
using test::text;
using test::unhex;

TEST(Crc32Test, CheckValue) { EXPECT_EQ(crc32(text("123456789")), 0xcbf43926u); }

TEST(Crc32Test, KnownValues) {
  EXPECT_EQ(crc32({}), 0u);
  EXPECT_EQ(crc32(text("a")), 0xe8b7be43u);
  EXPECT_EQ(crc32(text("abc")), 0x352441c2u);
  EXPECT_EQ(crc32(Bytes(4, 0x00)), 0x2144df1cu);
  EXPECT_EQ(crc32(Bytes(4, 0xff)), 0xffffffffu);
  EXPECT_EQ(crc32(Bytes(32, 0x00)), 0x190a55adu);
  EXPECT_EQ(crc32(Bytes(32, 0xff)), 0xff6cab0bu);
}

// RFC 5769 2.1: the message up to FINGERPRINT; the value is XORed with "STUN" (RFC 8489 14.7).
TEST(Crc32Test, Rfc5769Fingerprint) {
  const Bytes message = unhex(
      "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74"
      "002400046e0001ff80290008932ff9b151263b36000600096576746a3a68367659202020000800149a"
      "eaa70cbfd8cb56781ef2b5b2d3f249c1b571a2");
  EXPECT_EQ(crc32(message) ^ 0x5354554e, 0xe57a3bcfu);
}

// One bit after the other, as the polynomial division is defined.
uint32_t crc32_by_definition(std::span<const uint8_t> bytes) {
  uint32_t remainder = 0xffffffff;
  for (const uint8_t byte : bytes) {
    for (int bit = 0; bit < 8; ++bit) {
      const bool subtract = ((remainder ^ (byte >> bit)) & 1) != 0;
      remainder = (remainder >> 1) ^ (subtract ? 0xedb88320 : 0);
    }
  }
  return ~remainder;
}

TEST(Crc32Test, EveryLengthAndSplit) {
  for (size_t size = 0; size <= 300; ++size) {
    const Bytes message = pattern(size);
    const std::span<const uint8_t> whole = message;
    const uint32_t expected = crc32_by_definition(message);
    ASSERT_EQ(crc32(message), expected) << size;
    for (size_t cut = 0; cut <= size; ++cut) {
      ASSERT_EQ(crc32(whole.subspan(cut), crc32(whole.first(cut))), expected)
          << size << " bytes cut at " << cut;
    }
  }
}

TEST(Crc32Test, EveryByteValueInEveryLane) {
  for (size_t lane = 0; lane < 8; ++lane) {
    for (int value = 0; value < 256; ++value) {
      Bytes message(16);
      message[lane] = static_cast<uint8_t>(value);
      ASSERT_EQ(crc32(message), crc32_by_definition(message)) << lane << ", " << value;
    }
  }
}

}  // namespace
}  // namespace postern::crypto
