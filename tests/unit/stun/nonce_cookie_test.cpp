#include "stun/nonce_cookie.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "support/bytes.h"

namespace postern::stun {
namespace {

using testing::as_bytes;
using testing::Exact;

std::string written(uint32_t bits) {
  std::array<uint8_t, kNonceCookieCharacters> out{};
  write_nonce_cookie({.bits = bits}, out);
  return testing::as_text(out);
}

std::optional<uint32_t> read(std::string_view nonce) {
  const Exact exact(as_bytes(nonce));
  const auto features = read_nonce_cookie(exact.view());
  return features ? std::optional(features->bits) : std::nullopt;
}

TEST(NonceCookieTest, WritesThePrefixAndFourDigits) {
  EXPECT_EQ(written(0), "obMatJos2AAAA");
  EXPECT_EQ(written(1), "obMatJos2AAAB");
  EXPECT_EQ(written(0x000002), "obMatJos2AAAC");  // RFC 8489 appendix B.1
  EXPECT_EQ(written(0x800000), "obMatJos2gAAA");  // RFC 8656 section 20
  EXPECT_EQ(written(0xFFFFFF), "obMatJos2////");
  EXPECT_EQ(written(0xFBF699), "obMatJos2+/aZ");
}

TEST(NonceCookieTest, ReadsWhatIsWritten) {
  std::mt19937 random(1);
  for (unsigned bit = 0; bit < kSecurityFeatureBits; ++bit)
    EXPECT_EQ(read(written(1U << bit)), 1U << bit);
  for (int i = 0; i < 1000; ++i) {
    const auto bits = static_cast<uint32_t>(random() & 0xFFFFFF);
    EXPECT_EQ(read(written(bits) + "and the rest"), bits);
  }
}

// Every character in each of the four places: 64 are digits.
TEST(NonceCookieTest, OnlyBase64IsACookie) {
  for (size_t place = 9; place < 13; ++place) {
    int digits = 0;
    for (int character = 0; character < 256; ++character) {
      std::string nonce = "obMatJos2AAAA";
      nonce[place] = static_cast<char>(character);
      if (read(nonce)) ++digits;
    }
    EXPECT_EQ(digits, 64);
  }
  EXPECT_FALSE(read("obMatJos2AAA="));
  EXPECT_FALSE(read("obMatJos2AA-_"));
}

TEST(NonceCookieTest, NoncesWithoutACookie) {
  const std::string cookie = "obMatJos2AAAA";
  for (size_t size = 0; size < cookie.size(); ++size) EXPECT_FALSE(read(cookie.substr(0, size)));
  EXPECT_TRUE(read(cookie));
  for (size_t place = 0; place < kNonceCookiePrefix.size(); ++place) {
    std::string other = cookie;
    other[place] = static_cast<char>(other[place] ^ 0x20);
    EXPECT_FALSE(read(other)) << other;
  }
  EXPECT_FALSE(read(" obMatJos2AAAA"));
}

TEST(SecurityFeaturesTest, BothOrdersOfBits) {
  using enum FeatureBitOrder;
  const SecurityFeatures right{.bits = 0x000001};
  EXPECT_TRUE(right.has(SecurityFeature::PasswordAlgorithms));
  EXPECT_TRUE(right.has(SecurityFeature::PasswordAlgorithms, FromRight));
  EXPECT_FALSE(right.has(SecurityFeature::PasswordAlgorithms, FromLeft));
  EXPECT_FALSE(right.has(SecurityFeature::UsernameAnonymity));
  const SecurityFeatures left{.bits = 0x400000};
  EXPECT_FALSE(left.has(SecurityFeature::UsernameAnonymity));
  EXPECT_TRUE(left.has(SecurityFeature::UsernameAnonymity, FromLeft));
  EXPECT_FALSE(left.has(SecurityFeature::PasswordAlgorithms, FromLeft));
  const SecurityFeatures none{};
  const SecurityFeatures all{.bits = 0xFFFFFF};
  for (const auto feature :
       {SecurityFeature::PasswordAlgorithms, SecurityFeature::UsernameAnonymity}) {
    for (const auto order : {FromRight, FromLeft}) {
      EXPECT_FALSE(none.has(feature, order));
      EXPECT_TRUE(all.has(feature, order));
    }
  }
}

}  // namespace
}  // namespace postern::stun
