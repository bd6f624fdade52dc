#include "server/nonces.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <string>

#include "crypto/hmac.h"
#include "support/bytes.h"
#include "support/names.h"

namespace postern::server {
namespace {

using State = Nonces::State;
using testing::as_bytes;
using testing::Exact;

const std::string kSecret = "0123456789abcdef0123456789abcdef";
const TransportAddress kClient = TransportAddress::ipv4(192, 0, 2, 1, 40000);

Instant at(double seconds) { return Instant::from_milliseconds(seconds * 1000); }

std::string write(const Nonces& nonces, Instant now, const TransportAddress& client = kClient) {
  std::array<uint8_t, kNonceBytes> out{};
  EXPECT_EQ(nonces.write(now, client, out), kNonceBytes);
  return testing::as_text(out);
}

State check(const Nonces& nonces, Instant now, std::string_view nonce,
            const TransportAddress& client = kClient) {
  const Exact exact(as_bytes(nonce));
  return nonces.check(now, client, exact.view());
}

TEST(NoncesTest, AreFreshForTheirLifetime) {
  const Nonces nonces(as_bytes(kSecret));
  for (const double start : {0.0, 0.5, 12345.678, 1.0e9}) {
    const std::string nonce = write(nonces, at(start));
    const double second = std::floor(start);
    EXPECT_EQ(check(nonces, at(start), nonce), State::Fresh);
    EXPECT_EQ(check(nonces, at(second + 599.999), nonce), State::Fresh);
    EXPECT_EQ(check(nonces, at(second + 600), nonce), State::Stale);
    EXPECT_EQ(check(nonces, at(second + 1.0e6), nonce), State::Stale);
  }
}

TEST(NoncesTest, LifetimeIsAnOption) {
  const Nonces nonces(as_bytes(kSecret), {.lifetime = Duration::seconds(1)});
  const std::string nonce = write(nonces, at(7));
  EXPECT_EQ(check(nonces, at(7.999), nonce), State::Fresh);
  EXPECT_EQ(check(nonces, at(8), nonce), State::Stale);
}

TEST(NoncesTest, ClocksMayBeginBeforeTheirOrigin) {
  const Nonces nonces(as_bytes(kSecret));
  const std::string nonce = write(nonces, at(-0.5));
  EXPECT_EQ(check(nonces, at(-0.5), nonce), State::Fresh);
  EXPECT_EQ(check(nonces, at(598.999), nonce), State::Fresh);
  EXPECT_EQ(check(nonces, at(599), nonce), State::Stale);
  EXPECT_EQ(write(nonces, at(-1)), nonce);
  EXPECT_NE(write(nonces, at(0)), nonce);
}

// The same secret under a clock of another origin, or one that was set back.
TEST(NoncesTest, FromTheFutureIsStale) {
  const Nonces nonces(as_bytes(kSecret));
  const std::string nonce = write(nonces, at(1000));
  EXPECT_EQ(check(nonces, at(999.999), nonce), State::Stale);
  EXPECT_EQ(check(nonces, at(0), nonce), State::Stale);
  EXPECT_EQ(check(nonces, at(-1000), nonce), State::Stale);
}

TEST(NoncesTest, AreTextOfOneLength) {
  const Nonces nonces(as_bytes(kSecret));
  const std::string allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::set<char> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string nonce = write(nonces, at(i * 1.0e7));
    EXPECT_EQ(nonce.size(), kNonceBytes);
    EXPECT_EQ(nonce.find_first_not_of(allowed), std::string::npos) << nonce;
    seen.insert(nonce.begin(), nonce.end());
  }
  EXPECT_EQ(seen.size(), allowed.size());
  static_assert(kNonceBytes == 40);
}

TEST(NoncesTest, AnnounceTheFeatures) {
  const auto features_of = [](const Nonces& nonces) {
    const std::string nonce = write(nonces, at(1));
    const auto features = stun::read_nonce_cookie(as_bytes(nonce));
    return features ? features->bits : 0xFFFFFFFF;
  };
  EXPECT_EQ(features_of(Nonces(as_bytes(kSecret))), 3U);
  EXPECT_EQ(features_of(Nonces(as_bytes(kSecret), {.features = {.bits = 0}})), 0U);
  EXPECT_EQ(features_of(Nonces(as_bytes(kSecret), {.features = {.bits = 0x400001}})), 0x400001U);
}

// The form is fixed: servers that share a secret and a clock understand each other.
TEST(NoncesTest, AreMadeAsDescribed) {
  const std::string nonce = write(Nonces(as_bytes(kSecret)), at(40));
  EXPECT_EQ(nonce.substr(0, 19), "obMatJos2AAADAAAAAo");
  testing::ByteVector message = testing::copy(as_bytes("nonce"));
  testing::append(message, testing::unhex("049c40c0000201"));
  message.resize(message.size() + 12);
  testing::append(message, as_bytes("obMatJos2AAADAAAAAo"));
  const auto mac = crypto::hmac<crypto::Sha256>(as_bytes(kSecret), message);
  // 126 bits of it, in base64.
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < 21; ++i) {
    unsigned digit = 0;
    for (size_t bit = i * 6; bit < i * 6 + 6; ++bit) {
      digit = digit * 2 + ((mac[bit / 8] >> (7 - bit % 8)) & 1U);
    }
    text += digits[digit];
  }
  EXPECT_EQ(nonce.substr(19), text);
}

TEST(NoncesTest, ServeOneClient) {
  const Nonces nonces(as_bytes(kSecret));
  const std::string nonce = write(nonces, at(1));
  TransportAddress other = kClient;
  other.port = 40001;
  EXPECT_EQ(check(nonces, at(1), nonce, other), State::Foreign);
  EXPECT_EQ(check(nonces, at(1), nonce, TransportAddress::ipv4(192, 0, 2, 2, 40000)),
            State::Foreign);
  // The same first bytes in the other family.
  other = kClient;
  other.family = Family::IPv6;
  EXPECT_EQ(check(nonces, at(1), nonce, other), State::Foreign);
  for (size_t byte = 0; byte < 16; ++byte) {
    TransportAddress ipv6{.family = Family::IPv6, .port = 1, .bytes = {0x20, 0x01, 0x0d, 0xb8}};
    const std::string for_ipv6 = write(nonces, at(1), ipv6);
    EXPECT_EQ(check(nonces, at(1), for_ipv6, ipv6), State::Fresh);
    ipv6.bytes[byte] ^= 1;
    EXPECT_EQ(check(nonces, at(1), for_ipv6, ipv6), State::Foreign);
  }
}

TEST(NoncesTest, AreOnesOfASecret) {
  const Nonces ours(as_bytes(kSecret));
  const Nonces theirs(as_bytes("fedcba9876543210"));
  EXPECT_EQ(check(ours, at(1), write(theirs, at(1))), State::Foreign);
  EXPECT_EQ(check(Nonces(as_bytes(kSecret)), at(1), write(ours, at(1))), State::Fresh);
}

TEST(NoncesTest, EveryFlippedBitIsNoticed) {
  const Nonces nonces(as_bytes(kSecret));
  const std::string nonce = write(nonces, at(100));
  for (size_t i = 0; i < nonce.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = nonce;
      changed[i] = static_cast<char>(changed[i] ^ (1 << bit));
      EXPECT_EQ(check(nonces, at(100), changed), State::Foreign) << i << " " << bit;
    }
  }
}

// Also those that would be younger, or announce less.
TEST(NoncesTest, EveryOtherCharacterIsNoticed) {
  const Nonces nonces(as_bytes(kSecret));
  const std::string nonce = write(nonces, at(100));
  for (size_t i = 0; i < nonce.size(); ++i) {
    for (int character = 0; character < 256; ++character) {
      std::string changed = nonce;
      changed[i] = static_cast<char>(character);
      if (changed == nonce) continue;
      EXPECT_EQ(check(nonces, at(100), changed), State::Foreign) << i << " " << character;
    }
  }
}

TEST(NoncesTest, EveryOtherLengthIsForeign) {
  const Nonces nonces(as_bytes(kSecret));
  const std::string nonce = write(nonces, at(100));
  for (size_t size = 0; size < nonce.size(); ++size) {
    EXPECT_EQ(check(nonces, at(100), nonce.substr(0, size)), State::Foreign) << size;
    EXPECT_EQ(check(nonces, at(100), nonce.substr(nonce.size() - size)), State::Foreign) << size;
  }
  for (size_t more = 1; more < 800; ++more) {
    EXPECT_EQ(check(nonces, at(100), nonce + std::string(more, 'A')), State::Foreign) << more;
  }
}

TEST(NoncesTest, PartsOfTwoDoNotMix) {
  const Nonces nonces(as_bytes(kSecret));
  const std::string one = write(nonces, at(100));
  const std::string other = write(nonces, at(101));
  EXPECT_EQ(check(nonces, at(101), one.substr(0, 19) + other.substr(19)), State::Foreign);
  EXPECT_EQ(check(nonces, at(101), other.substr(0, 19) + one.substr(19)), State::Foreign);
}

TEST(NoncesTest, OfOneSecondAreAlike) {
  const Nonces nonces(as_bytes(kSecret));
  EXPECT_EQ(write(nonces, at(5)), write(nonces, at(5.999)));
  std::set<std::string> all;
  for (int i = 0; i < 1000; ++i) all.insert(write(nonces, at(i)));
  EXPECT_EQ(all.size(), 1000U);
}

TEST(NoncesTest, OfThePreviousSecretKeepTheirLifetime) {
  Nonces nonces(as_bytes(kSecret));
  const std::string early = write(nonces, at(0));
  const std::string late = write(nonces, at(500));
  nonces.rotate_secret(at(500), as_bytes("fedcba9876543210"));
  const std::string next = write(nonces, at(500));
  EXPECT_NE(next, late);
  EXPECT_EQ(check(nonces, at(599), early), State::Fresh);
  EXPECT_EQ(check(nonces, at(600), early), State::Stale);
  EXPECT_EQ(check(nonces, at(1099), late), State::Fresh);
  EXPECT_EQ(check(nonces, at(1099), next), State::Fresh);
  // The previous secret is forgotten when nothing made with it can be good any more.
  EXPECT_EQ(check(nonces, at(1100), late), State::Foreign);
  EXPECT_EQ(check(nonces, at(1100), next), State::Stale);
}

TEST(NoncesTest, OfTwoSecretsBeforeAreForeign) {
  Nonces nonces(as_bytes(kSecret));
  const std::string first = write(nonces, at(0));
  nonces.rotate_secret(at(1), as_bytes("second second second"));
  const std::string second = write(nonces, at(1));
  EXPECT_EQ(check(nonces, at(2), first), State::Fresh);
  nonces.rotate_secret(at(2), as_bytes("third third third"));
  EXPECT_EQ(check(nonces, at(2), first), State::Foreign);
  EXPECT_EQ(check(nonces, at(2), second), State::Fresh);
}

}  // namespace
}  // namespace postern::server
