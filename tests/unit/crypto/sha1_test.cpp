#include "crypto/sha1.h"

#include <gtest/gtest.h>

#include "crypto/sha1_rounds.h"
#include "unit/crypto/bytes.h"

namespace postern::crypto {
namespace {

using test::Bytes;
using test::hex;
using test::text;
using test::unhex;

std::string digest_of(std::span<const uint8_t> message) { return hex(Sha1::hash(message)); }

std::string digest_of_repeated(std::string_view message, int times) {
  Sha1 hash;
  for (int i = 0; i < times; ++i) hash.update(text(message));
  return hex(hash.finish());
}

// RFC 6234 8.5 (the first four are those of RFC 3174 7.3), whose tests 5, 7 and 9 are left out:
// they end within a byte.
TEST(Sha1Test, Rfc6234Tests) {
  EXPECT_EQ(digest_of(text("abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(digest_of(text("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
  EXPECT_EQ(digest_of_repeated("a", 1'000'000), "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
  EXPECT_EQ(
      digest_of_repeated("0123456701234567012345670123456701234567012345670123456701234567", 10),
      "dea356a2cddd90c7a7ecedc5ebb563934f460452");
  EXPECT_EQ(digest_of(unhex("5e")), "5e6f80a34a9798cafc6a5db96cc57ba4c4db59c2");
  EXPECT_EQ(digest_of(unhex("9a7dfdf1ecead06ed646aa55fe757146")),
            "82abff6605dbe1c17def12a394fa22a82b544a35");
  EXPECT_EQ(digest_of(unhex(
                "f78f92141bcd170ae89b4fba15a1d59f3fd84d223c9251bdacbbae61d05ed115a06a7ce117b7beea"
                "d24421ded9c32592bd57edeae39c39fa1fe8946a84d0cf1f7beead1713e2e0959897347f67c80b04"
                "00c209815d6b10a683836fd5562a56cab1a28e81b6576654631cf16566b86e3b33a108b05307c00a"
                "ff14a768ed7350606a0f85e6a91d396f5b5cbe577f9b38807c7d523d6d792f6ebc24a4ecf2b3a427"
                "cdbbfb")),
            "cb0082c8f197d260991ba6a460e76e202bad27b3");
}

// The same section: each of four results comes of a thousand hashes of the last three digests.
TEST(Sha1Test, Rfc6234RandomTests) {
  Bytes seed = unhex("d0569cb3665a8a43eb6ea23d75a3c4d2054a0d7d");
  for (const char* expected :
       {"e216836819477c7f78e0d843fe4ff1b6d6c14cd4", "a2dbc7a5b1c6c0a8bcb7aaa41252a6a7d0690dbc",
        "db1f9050bb863dfef4ce37186044e2eeb17ee013", "127fdedf43d372a51d5747c48fbffe38ef6cdf7b"}) {
    std::array<Bytes, 3> last{seed, seed, seed};
    for (int i = 0; i < 1000; ++i) {
      Sha1 hash;
      for (const Bytes& digest : last) hash.update(digest);
      const auto digest = hash.finish();
      last = {last[1], last[2], Bytes(digest.begin(), digest.end())};
    }
    seed = last[2];
    EXPECT_EQ(hex(seed), expected);
  }
}

// The build picks one schedule; the other must not rot.
TEST(Sha1Test, BothSchedulesAgree) {
  const Bytes message = test::pattern(64 * 50);
  for (size_t count = 0; count <= 50; ++count) {
    Sha1::State scalar = Sha1Compression::kInitialState;
    Sha1::State vector = Sha1Compression::kInitialState;
    sha1::compress<sha1::ScalarSchedule>(scalar, message.data(), count);
    sha1::compress<sha1::VectorSchedule>(vector, message.data(), count);
    ASSERT_EQ(scalar, vector) << count << " blocks";
  }
}

}  // namespace
}  // namespace postern::crypto
