#include "crypto/hmac.h"

#include <gtest/gtest.h>

#include "crypto/md5.h"
#include "unit/crypto/bytes.h"

namespace postern::crypto {
namespace {

using test::Bytes;
using test::hex;
using test::pattern;
using test::text;
using test::unhex;

Bytes repeated(uint8_t byte, size_t times) { return Bytes(times, byte); }

struct Vector {
  Bytes key;
  Bytes data;
  std::string mac;  // may be truncated
};

template <typename Hash>
void expect_macs(const std::vector<Vector>& vectors) {
  for (const Vector& vector : vectors) {
    const PreparedHmac<Hash> prepared(vector.key);
    EXPECT_EQ(hex(prepared.mac(vector.data)).substr(0, vector.mac.size()), vector.mac);
    EXPECT_EQ(hmac<Hash>(vector.key, vector.data), prepared.mac(vector.data));
  }
}

const Bytes kCountingKey = unhex("0102030405060708090a0b0c0d0e0f10111213141516171819");

// RFC 2202 2.
TEST(HmacTest, Rfc2202Md5) {
  expect_macs<Md5>({
      {repeated(0x0b, 16), text("Hi There"), "9294727a3638bb1c13f48ef8158bfc9d"},
      {text("Jefe"), text("what do ya want for nothing?"), "750c783e6ab0b503eaa86e310a5db738"},
      {repeated(0xaa, 16), repeated(0xdd, 50), "56be34521d144c88dbb8c733f0e8b3f6"},
      {kCountingKey, repeated(0xcd, 50), "697eaf0aca3a3aea3a75164746ffaa79"},
      {repeated(0x0c, 16), text("Test With Truncation"), "56461ef2342edc00f9bab995690efd4c"},
      {repeated(0x0c, 16), text("Test With Truncation"), "56461ef2342edc00f9bab995"},
      {repeated(0xaa, 80), text("Test Using Larger Than Block-Size Key - Hash Key First"),
       "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd"},
      {repeated(0xaa, 80),
       text("Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data"),
       "6f630fad67cda0ee1fb1f562db3aa53e"},
  });
}

// RFC 2202 3.
TEST(HmacTest, Rfc2202Sha1) {
  expect_macs<Sha1>({
      {repeated(0x0b, 20), text("Hi There"), "b617318655057264e28bc0b6fb378c8ef146be00"},
      {text("Jefe"), text("what do ya want for nothing?"),
       "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
      {repeated(0xaa, 20), repeated(0xdd, 50), "125d7342b9ac11cd91a39af48aa17b4f63f175d3"},
      {kCountingKey, repeated(0xcd, 50), "4c9007f4026250c6bc8414f9bf50c86c2d7235da"},
      {repeated(0x0c, 20), text("Test With Truncation"),
       "4c1a03424b55e07fe7f27be1d58bb9324a9a5a04"},
      {repeated(0x0c, 20), text("Test With Truncation"), "4c1a03424b55e07fe7f27be1"},
      {repeated(0xaa, 80), text("Test Using Larger Than Block-Size Key - Hash Key First"),
       "aa4ae5e15272d00e95705637ce8a3b55ed402112"},
      {repeated(0xaa, 80),
       text("Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data"),
       "e8e99d0f45237d786d6bbaa7965c7808bbff1a91"},
  });
}

// RFC 4231 4.2 to 4.8.
TEST(HmacTest, Rfc4231Sha256) {
  expect_macs<Sha256>({
      {repeated(0x0b, 20), text("Hi There"),
       "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {text("Jefe"), text("what do ya want for nothing?"),
       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {repeated(0xaa, 20), repeated(0xdd, 50),
       "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
      {kCountingKey, repeated(0xcd, 50),
       "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
      {repeated(0x0c, 20), text("Test With Truncation"), "a3b6167473100ee06e0c796c2955552b"},
      {repeated(0xaa, 131), text("Test Using Larger Than Block-Size Key - Hash Key First"),
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
      {repeated(0xaa, 131),
       text("This is a test using a larger than block-size key and a larger than block-size data. "
            "The key needs to be hashed before being used by the HMAC algorithm."),
       "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
  });
}

// RFC 5769 2.1: the header with the length up to MESSAGE-INTEGRITY, then the attributes before it.
TEST(HmacTest, Rfc5769RequestInPieces) {
  const PreparedHmac<Sha1> key(text("VOkJxbRl1RmTxUk/WvJxBt"));
  const Bytes header = unhex("000100502112a442b7e7a701bc34d686fa87dfae");
  const Bytes attributes = unhex(
      "802200105354554e207465737420636c69656e74002400046e0001ff80290008932ff9b151263b36"
      "000600096576746a3a68367659202020");
  EXPECT_EQ(hex(key.mac(header, attributes)), "9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2");
  // The same with only the length substituted.
  const Bytes as_sent = unhex("000100582112a442b7e7a701bc34d686fa87dfae");
  Bytes rest(as_sent.begin() + 4, as_sent.end());
  rest.insert(rest.end(), attributes.begin(), attributes.end());
  EXPECT_EQ(hex(key.mac(std::span(as_sent).first(2), unhex("0050"), rest)),
            "9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2");
}

// Hash::hash of the MACs of pattern(key * 3 % 211) under pattern(key), for key = 0 .. 200.
template <typename Hash>
constexpr const char* kAllKeys = nullptr;
template <>
constexpr const char* kAllKeys<Md5> = "50b27cde0c82d79f8ecff66cd6af27df";
template <>
constexpr const char* kAllKeys<Sha1> = "735f3b5d1895a1002588e760609c5d0faded7898";
template <>
constexpr const char* kAllKeys<Sha256> =
    "6864c922dd92556ef92fe6976c14da53dae0080c410922494849c917d0f84316";

// RFC 2104 2, word for word.
template <typename Hash>
typename Hash::Digest hmac_by_definition(const Bytes& key, const Bytes& message) {
  Bytes padded = key;
  if (key.size() > Hash::kBlockSize) {
    const auto digest = Hash::hash(key);
    padded.assign(digest.begin(), digest.end());
  }
  padded.resize(Hash::kBlockSize);
  Bytes inner, outer;
  for (const uint8_t byte : padded) {
    inner.push_back(byte ^ 0x36);
    outer.push_back(byte ^ 0x5c);
  }
  inner.insert(inner.end(), message.begin(), message.end());
  const auto digest = Hash::hash(inner);
  outer.insert(outer.end(), digest.begin(), digest.end());
  return Hash::hash(outer);
}

template <typename Hash>
class PreparedHmacTest : public ::testing::Test {};
using Hashes = ::testing::Types<Md5, Sha1, Sha256>;
TYPED_TEST_SUITE(PreparedHmacTest, Hashes);

TYPED_TEST(PreparedHmacTest, EveryKeyLength) {
  TypeParam macs;
  for (size_t size = 0; size <= 200; ++size) {
    const Bytes key = pattern(size);
    const Bytes message = pattern(size * 3 % 211);
    const PreparedHmac<TypeParam> prepared(key);
    const auto mac = prepared.mac(message);
    ASSERT_EQ(mac, hmac_by_definition<TypeParam>(key, message)) << "key of " << size;
    ASSERT_EQ(mac, hmac<TypeParam>(key, message)) << "key of " << size;
    ASSERT_EQ(mac, prepared.mac(message)) << "the key changed by being used";
    macs.update(mac);
  }
  EXPECT_EQ(hex(macs.finish()), kAllKeys<TypeParam>);
}

TYPED_TEST(PreparedHmacTest, EveryCutIntoThreePieces) {
  const Bytes message = pattern(150);
  const std::span<const uint8_t> whole = message;
  const PreparedHmac<TypeParam> key(text("key"));
  const auto expected = key.mac(message);
  for (size_t first = 0; first <= message.size(); ++first) {
    ASSERT_EQ(key.mac(whole.first(first), whole.subspan(first)), expected) << first;
    for (size_t second = first; second <= message.size(); ++second) {
      ASSERT_EQ(
          key.mac(whole.first(first), whole.subspan(first, second - first), whole.subspan(second)),
          expected)
          << first << ", " << second;
    }
  }
}

TYPED_TEST(PreparedHmacTest, SurvivesTheJourneyThroughBytes) {
  using Key = PreparedHmac<TypeParam>;
  const Key key(text("a key"));
  const auto bytes = key.to_bytes();
  EXPECT_EQ(bytes.size(), 2 * TypeParam::kDigestSize);
  Bytes outside(1);  // so that what comes back is not aligned
  outside.insert(outside.end(), bytes.begin(), bytes.end());
  const Key back =
      Key::from_bytes(std::span(outside).subspan(1).template first<Key::kSerializedSize>());
  EXPECT_EQ(back.to_bytes(), bytes);
  EXPECT_EQ(back.mac(pattern(100)), key.mac(pattern(100)));
  EXPECT_NE(Key(text("b key")).to_bytes(), bytes);
}

}  // namespace
}  // namespace postern::crypto
