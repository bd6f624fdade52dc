#include "crypto/sha256.h"

#include <gtest/gtest.h>

#include "unit/crypto/bytes.h"

namespace postern::crypto {
namespace {

using test::Bytes;
using test::hex;
using test::text;
using test::unhex;

std::string digest_of(std::span<const uint8_t> message) { return hex(Sha256::hash(message)); }

std::string digest_of_repeated(std::string_view message, int times) {
  Sha256 hash;
  for (int i = 0; i < times; ++i) hash.update(text(message));
  return hex(hash.finish());
}

// RFC 6234 8.5, whose tests 5, 7 and 9 are left out: they end within a byte.
TEST(Sha256Test, Rfc6234Tests) {
  EXPECT_EQ(digest_of(text("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(digest_of(text("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(digest_of_repeated("a", 1'000'000),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  EXPECT_EQ(
      digest_of_repeated("0123456701234567012345670123456701234567012345670123456701234567", 10),
      "594847328451bdfa85056225462cc1d867d877fb388df0ce35f25ab5562bfbb5");
  EXPECT_EQ(digest_of(unhex("19")),
            "68aa2e2ee5dff96e3355e6c7ee373e3d6a4e17f75f9518d843709c0c9bc3e3d4");
  EXPECT_EQ(digest_of(unhex("e3d72570dcdd787ce3887ab2cd684652")),
            "175ee69b02ba9b58e2b0a5fd13819cea573f3940a94f825128cf4209beabb4e8");
  EXPECT_EQ(digest_of(unhex(
                "8326754e2277372f4fc12b20527afef04d8a056971b11ad57123a7c137760000d7bef6f3c1f7a908"
                "3aa39d810db310777dab8b1e7f02b84a26c773325f8b2374de7a4b5a58cb5c5cf35bcee6fb946e5b"
                "d694fa593a8beb3f9d6592ecedaa66ca82a29d0c51bcf9336230e5d784e4c0a43f8d79a30a165cba"
                "be452b774b9c7109a97d138f129228966f6c0adc106aad5a9fdd30825769b2c671af6759df28eb39"
                "3d54d6")),
            "97dbca7df46d62c8a422c941dd7e835b8ad3361763f7e9b2d95f4f0da6e1ccbc");
}

// The same section: each of four results comes of a thousand hashes of the last three digests.
TEST(Sha256Test, Rfc6234RandomTests) {
  Bytes seed = unhex("f41ece2613e4573915696b5adcd51ca328be3bf566a9ca99c9ceb0279c1cb0a7");
  for (const char* expected :
       {"83d28614d49c3adc1d6fc05db5f48037c056f8d2a4ce44ec6457dea5dd797cd1",
        "99dbe3127ef2e93dd9322d6a07909eb33b63995e529b3f954b8581621bb74d39",
        "8d4be295bb64661ca3c7efd129a2f725b33072dbdde32385b9a87b9af88ea76f",
        "40af5d3f9716b040df9408e31536b70ff906ec51b00447ca97d7dd97c12411f4"}) {
    std::array<Bytes, 3> last{seed, seed, seed};
    for (int i = 0; i < 1000; ++i) {
      Sha256 hash;
      for (const Bytes& digest : last) hash.update(digest);
      const auto digest = hash.finish();
      last = {last[1], last[2], Bytes(digest.begin(), digest.end())};
    }
    seed = last[2];
    EXPECT_EQ(hex(seed), expected);
  }
}

}  // namespace
}  // namespace postern::crypto
