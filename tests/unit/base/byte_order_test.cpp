#include "base/byte_order.h"

#include <gtest/gtest.h>

#include <random>

#include "support/bytes.h"

namespace postern {
namespace {

using testing::ByteVector;
using testing::hex;
using testing::unhex;

TEST(ByteOrderTest, LoadsTheMostSignificantByteFirst) {
  const ByteVector bytes = unhex("0123456789abcdef");
  EXPECT_EQ(load_be16(bytes.data()), 0x0123);
  EXPECT_EQ(load_be32(bytes.data()), 0x01234567U);
  EXPECT_EQ(load_be64(bytes.data()), 0x0123456789ABCDEFU);
}

TEST(ByteOrderTest, HighBitsAreNotTakenForASign) {
  const ByteVector bytes = unhex("fffefdfcfbfaf9f8");
  EXPECT_EQ(load_be16(bytes.data()), 0xFFFE);
  EXPECT_EQ(load_be32(bytes.data()), 0xFFFEFDFCU);
  EXPECT_EQ(load_be64(bytes.data()), 0xFFFEFDFCFBFAF9F8U);
}

TEST(ByteOrderTest, StoresTheMostSignificantByteFirst) {
  ByteVector bytes(8, 0xEE);
  store_be16(bytes.data(), 0x0123);
  EXPECT_EQ(hex(bytes), "0123eeeeeeeeeeee");
  store_be32(bytes.data(), 0x89ABCDEF);
  EXPECT_EQ(hex(bytes), "89abcdefeeeeeeee");
  store_be64(bytes.data(), 0xFEDCBA9876543210);
  EXPECT_EQ(hex(bytes), "fedcba9876543210");
}

TEST(ByteOrderTest, RoundTripsAtEveryAlignment) {
  std::mt19937_64 random(1);
  ByteVector bytes(16);
  for (size_t offset = 0; offset < 8; ++offset) {
    for (int i = 0; i < 100; ++i) {
      const uint64_t value = random();
      store_be64(&bytes[offset], value);
      EXPECT_EQ(load_be64(&bytes[offset]), value);
      store_be32(&bytes[offset], static_cast<uint32_t>(value));
      EXPECT_EQ(load_be32(&bytes[offset]), static_cast<uint32_t>(value));
      store_be16(&bytes[offset], static_cast<uint16_t>(value));
      EXPECT_EQ(load_be16(&bytes[offset]), static_cast<uint16_t>(value));
    }
  }
}

}  // namespace
}  // namespace postern
