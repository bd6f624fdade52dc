#include "server/access_token.h"

#include <gtest/gtest.h>

#include "support/access_token.h"
#include "unit/crypto/bytes.h"

namespace postern::server {
namespace {

using crypto::AesGcm;
using crypto::test::hex;
using crypto::test::text;
using crypto::test::unhex;
using postern::test::plaintext_of;
using postern::test::seal_access_token;
using postern::test::TokenToSeal;
using Buffer = std::vector<uint8_t>;

constexpr std::string_view kServerName = "blackdow.carleon.gov";
constexpr int64_t kMadeAt = 92470300704768 / 65536;

// The sample of RFC 7635 appendix A.
TokenToSeal sample() {
  return {.server_name = kServerName,
          .key = text("HGkj32KJGiuy098sdfaqbNjOiaz71923"),
          .mac_key = text("ZksjpweoixXmvn67534m"),
          .timestamp = 92470300704768,
          .lifetime = 3600};
}
constexpr std::string_view kSample256 =
    "000c68346a336b326c326e346235617ef134a3d5e44e9a19cc7dc104b0c03d03b2a551d8fdf5cd3b6dca6f10cfb77e"
    "5b2ddec84d293a5c50499359f0c2e26f76";
constexpr std::string_view kSample128 =
    "000c68346a336b326c326e3462357fb9e99f0827be3df1e1bd651493d3031d36df57079784aee5eacb65fad4f27fab"
    "1a3f97974b69f851b24bf5af09eda357e0";

std::optional<AccessToken> open(const Buffer& token, const Buffer& key = sample().key,
                                std::string_view server_name = kServerName) {
  return open_access_token(AesGcm(key), server_name, token);
}

bool signs_like(const stun::PreparedKey& key, const Buffer& mac_key) {
  const stun::PreparedKey other(mac_key);
  return key.sha1.to_bytes() == other.sha1.to_bytes() &&
         key.sha256.to_bytes() == other.sha256.to_bytes();
}

TEST(AccessTokenTest, TheSamplesOfTheRfc) {
  Buffer short_key = sample().key;
  short_key.resize(16);  // what AEAD_AES_128_GCM takes of it
  for (const auto& [token, key] :
       {std::pair(kSample256, sample().key), std::pair(kSample128, short_key)}) {
    const auto opened = open(unhex(token), key);
    ASSERT_TRUE(opened);
    EXPECT_TRUE(signs_like(opened->key, sample().mac_key));
    EXPECT_EQ(opened->made_at, kMadeAt);
    EXPECT_EQ(opened->lifetime_seconds, 3600U);
  }
  EXPECT_EQ(hex(seal_access_token(sample())), kSample256);
}

TEST(AccessTokenTest, KeysOfAllLengths) {
  for (size_t size = 0; size <= 100; ++size) {
    TokenToSeal token = sample();
    token.mac_key.assign(size, 0x5A);
    const auto opened = open(seal_access_token(token));
    EXPECT_EQ(opened.has_value(), size >= kMinSessionKeyBytes && size <= kMaxSessionKeyBytes)
        << size;
    EXPECT_TRUE(!opened || signs_like(opened->key, token.mac_key));
  }
}

TEST(AccessTokenTest, IsForOneServerAndOneKey) {
  const Buffer token = unhex(kSample256);
  EXPECT_FALSE(open(token, sample().key, "blackdow.carleon.gow"));
  EXPECT_FALSE(open(token, sample().key, ""));
  EXPECT_FALSE(open(token, Buffer(32, 1)));
  Buffer short_key = sample().key;
  short_key.resize(16);
  EXPECT_FALSE(open(token, short_key));
}

TEST(AccessTokenTest, EachBitCounts) {
  Buffer token = unhex(kSample256);
  for (size_t bit = 0; bit < 8 * token.size(); ++bit) {
    token[bit / 8] ^= static_cast<uint8_t>(1U << bit % 8);
    EXPECT_FALSE(open(token)) << bit;
    token[bit / 8] ^= static_cast<uint8_t>(1U << bit % 8);
  }
}

TEST(AccessTokenTest, EachLengthIsChecked) {
  const Buffer token = unhex(kSample256);
  // Cut anywhere, and longer, in memory of its own.
  for (size_t size = 0; size < token.size(); ++size) {
    EXPECT_FALSE(open(Buffer(token.begin(), token.begin() + static_cast<ptrdiff_t>(size)))) << size;
  }
  Buffer longer = token;
  longer.resize(0xFFFF);
  EXPECT_FALSE(open(longer));
  // Lengths of the nonce that lie.
  for (const unsigned length : {0U, 11U, 13U, 62U, 64U, 255U, 256U, 0xFFF0U, 0xFFFFU}) {
    Buffer lying = token;
    store_be16(lying.data(), static_cast<uint16_t>(length));
    EXPECT_FALSE(open(lying)) << length;
    lying.resize(2);
    EXPECT_FALSE(open(lying)) << length;
  }
  // Lengths of the key that lie, though whoever sealed it knew the key that seals.
  const Buffer plaintext = plaintext_of(sample());
  for (const unsigned length : {0U, 19U, 21U, 32U, 34U, 0xFFFFU}) {
    Buffer lying = plaintext;
    store_be16(lying.data(), static_cast<uint16_t>(length));
    EXPECT_FALSE(open(seal_access_token(sample(), lying))) << length;
  }
  for (size_t size = 0; size < 200; ++size) {
    Buffer cut = plaintext;
    cut.resize(size);
    EXPECT_EQ(open(seal_access_token(sample(), cut)).has_value(), size == plaintext.size()) << size;
  }
}

// Section 7: lifetime + Delta > abs(RDnew - TS).
TEST(AccessTokenTest, Remains) {
  const AccessToken token{.key = {}, .made_at = 1000, .lifetime_seconds = 60};
  EXPECT_EQ(token.remaining(1000), 65);
  EXPECT_EQ(token.remaining(1064), 1);
  EXPECT_EQ(token.remaining(1065), 0);
  EXPECT_EQ(token.remaining(9999), 0);
  EXPECT_EQ(token.remaining(936), 1) << "of a clock that is ahead";
  EXPECT_EQ(token.remaining(935), 0);
  const AccessToken latest{
      .key = {}, .made_at = (int64_t{1} << 48) - 1, .lifetime_seconds = 0xFFFFFFFF};
  EXPECT_EQ(latest.remaining(0), 0);
  EXPECT_EQ(latest.remaining(latest.made_at), int64_t{0xFFFFFFFF} + kTokenDeltaSeconds);
}

TEST(TokenKeysTest, AreChecked) {
  TokenKeys keys("server");
  EXPECT_TRUE(keys.empty());
  const Buffer key(32, 1);
  ASSERT_EQ(keys.set({{.kid = "first", .key = key, .expires_at = 100},
                      {.kid = "second", .key = Buffer(16, 2)}}),
            Errc::Ok);
  const auto refused = [&](const std::vector<TokenKey>& list) {
    return keys.set(list) == Errc::BadCredentials && keys.find("second", 0) != nullptr;
  };
  EXPECT_TRUE(refused({{.kid = "", .key = key}}));
  EXPECT_TRUE(refused({{.kid = std::string(509, 'x'), .key = key}}));
  EXPECT_TRUE(refused({{.kid = "x", .key = Buffer(24, 1)}}));
  EXPECT_TRUE(refused({{.kid = "x", .key = {}}}));
  EXPECT_TRUE(refused({{.kid = "x", .key = key}, {.kid = "x", .key = key}}));
  std::vector<TokenKey> many;
  for (size_t i = 0; i <= kMaxTokenKeys; ++i)
    many.push_back({.kid = std::to_string(i), .key = key});
  EXPECT_TRUE(refused(many));
  EXPECT_NE(keys.find("first", 99), nullptr);
  EXPECT_EQ(keys.find("first", 100), nullptr);
  EXPECT_EQ(keys.find("third", 0), nullptr);
  ASSERT_EQ(keys.set({}), Errc::Ok);
  EXPECT_EQ(keys.find("second", 0), nullptr);
}

}  // namespace
}  // namespace postern::server
