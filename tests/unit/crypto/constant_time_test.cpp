#include "crypto/constant_time.h"

#include <gtest/gtest.h>

#include "unit/crypto/bytes.h"

namespace postern::crypto {
namespace {

using test::Bytes;
using test::pattern;

TEST(ConstantTimeTest, EqualBytesAreEqual) {
  EXPECT_TRUE(equal_constant_time({}, {}));
  for (size_t size = 1; size <= 40; ++size) {
    EXPECT_TRUE(equal_constant_time(pattern(size), pattern(size))) << size;
  }
}

TEST(ConstantTimeTest, EveryBitCounts) {
  for (const size_t size : {1u, 16u, 20u, 32u, 33u}) {
    const Bytes expected = pattern(size);
    for (size_t bit = 0; bit < 8 * size; ++bit) {
      Bytes other = expected;
      other[bit / 8] = static_cast<uint8_t>(other[bit / 8] ^ (1 << (bit % 8)));
      EXPECT_FALSE(equal_constant_time(expected, other)) << size << " bytes, bit " << bit;
    }
  }
}

// Differences that cancel out when bytes are added or XORed.
TEST(ConstantTimeTest, DifferencesDoNotCancelOut) {
  const Bytes a(20, 0x00);
  Bytes b(20, 0x00);
  b[3] = b[4] = 0xff;
  EXPECT_FALSE(equal_constant_time(a, b));
  EXPECT_FALSE(equal_constant_time(Bytes(256, 0x00), Bytes(256, 0x01)));
}

TEST(ConstantTimeTest, APrefixIsNotEqual) {
  EXPECT_FALSE(equal_constant_time(pattern(20), pattern(16)));
  EXPECT_FALSE(equal_constant_time(pattern(16), pattern(20)));
  EXPECT_FALSE(equal_constant_time({}, pattern(1)));
}

}  // namespace
}  // namespace postern::crypto
