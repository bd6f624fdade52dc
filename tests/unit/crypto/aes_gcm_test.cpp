#include "crypto/aes_gcm.h"

#include <gtest/gtest.h>

#include <optional>

#include "crypto/sha256.h"
#include "unit/crypto/bytes.h"

namespace postern::crypto {
namespace {

using test::Bytes;
using test::hex;
using test::pattern;
using test::unhex;

// FIPS 197 appendices C.1 and C.3.
TEST(AesTest, Fips197Examples) {
  Aes::Block block{};
  const Bytes plain = unhex("00112233445566778899aabbccddeeff");
  std::copy(plain.begin(), plain.end(), block.begin());
  EXPECT_EQ(hex(Aes(unhex("000102030405060708090a0b0c0d0e0f")).encrypt(block)),
            "69c4e0d86a7b0430d8cdb78070b4c55a");
  EXPECT_EQ(hex(Aes(unhex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"))
                    .encrypt(block)),
            "8ea2b7ca516745bfeafc49904b496089");
  EXPECT_TRUE(Aes::is_key_size(16) && Aes::is_key_size(32));
  EXPECT_FALSE(Aes::is_key_size(24) || Aes::is_key_size(0));
}

struct Sealed {
  std::string key;
  std::string nonce;
  std::string associated;
  std::string plaintext;
  std::string sealed;
};

AesGcm::Nonce nonce_of(const Bytes& bytes) {
  return std::span<const uint8_t>(bytes).first<AesGcm::kNonceBytes>();
}

std::string seal(const AesGcm& aead, const Bytes& nonce, const Bytes& associated,
                 const Bytes& plaintext) {
  Bytes out(plaintext.size() + AesGcm::kTagBytes);
  aead.seal(nonce_of(nonce), associated, plaintext, out);
  return hex(out);
}

std::optional<std::string> open(const AesGcm& aead, const Bytes& nonce, const Bytes& associated,
                                const Bytes& sealed) {
  Bytes out(sealed.size() < AesGcm::kTagBytes ? 0 : sealed.size() - AesGcm::kTagBytes);
  if (!aead.open(nonce_of(nonce), associated, sealed, out)) {
    EXPECT_EQ(out, Bytes(out.size())) << "nothing is written";
    return std::nullopt;
  }
  return hex(out);
}

// McGrew and Viega, "The Galois/Counter Mode of Operation", test cases 1 to 4 and 13 to 16.
const std::vector<Sealed>& spec_cases() {
  static const std::string zeros(32, '0');
  static const std::string key = "feffe9928665731c6d6a8f9467308308";
  static const std::string nonce = "cafebabefacedbaddecaf888";
  static const std::string plaintext =
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6"
      "b525b16aedf5aa0de657ba637b391aafd255";
  static const std::string associated = "feedfacedeadbeeffeedfacedeadbeefabaddad2";
  static const std::vector<Sealed> cases = {
      {zeros, zeros.substr(0, 24), "", "", "58e2fccefa7e3061367f1d57a4e7455a"},
      {zeros, zeros.substr(0, 24), "", zeros,
       "0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf"},
      {key, nonce, "", plaintext,
       "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac"
       "84aa051ba30b396a0aac973d58e091473f59854d5c2af327cd64a62cf35abd2ba6fab4"},
      {key, nonce, associated, plaintext.substr(0, 120),
       "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac"
       "84aa051ba30b396a0aac973d58e0915bc94fbc3221a5db94fae95ae7121a47"},
      {zeros + zeros, zeros.substr(0, 24), "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
      {zeros + zeros, zeros.substr(0, 24), "", zeros,
       "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"},
      {key + key, nonce, "", plaintext,
       "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056"
       "828838c5f61e6393ba7a0abcc9f662898015adb094dac5d93471bdec1a502270e3cc6c"},
      {key + key, nonce, associated, plaintext.substr(0, 120),
       "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056"
       "828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b"},
  };
  return cases;
}

TEST(AesGcmTest, TheCasesOfItsAuthors) {
  for (const Sealed& each : spec_cases()) {
    const AesGcm aead(unhex(each.key));
    const Bytes nonce = unhex(each.nonce);
    const Bytes associated = unhex(each.associated);
    EXPECT_EQ(seal(aead, nonce, associated, unhex(each.plaintext)), each.sealed);
    EXPECT_EQ(open(aead, nonce, associated, unhex(each.sealed)), each.plaintext);
  }
}

// All lengths around those of blocks. The digest was computed with Node's crypto.
TEST(AesGcmTest, AllLengths) {
  Sha256 all;
  const Bytes nonce = pattern(12);
  for (const size_t key_size : {16, 32}) {
    const AesGcm aead(pattern(key_size));
    for (size_t size = 0; size <= 50; ++size) {
      const Bytes associated = pattern(50 - size);
      const Bytes sealed = unhex(seal(aead, nonce, associated, pattern(size)));
      EXPECT_EQ(open(aead, nonce, associated, sealed), hex(pattern(size))) << size;
      all.update(sealed);
    }
  }
  EXPECT_EQ(hex(all.finish()), "6878eb82d32ce52473ad537702fccfc8cf9122b95d74ae4ce06cf548666a23cc");
}

TEST(AesGcmTest, EachBitCounts) {
  for (const Sealed& each : spec_cases()) {
    const AesGcm aead(unhex(each.key));
    const auto flips = [](Bytes bytes, auto opens) {
      for (size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
        bytes[bit / 8] ^= static_cast<uint8_t>(1U << bit % 8);
        EXPECT_FALSE(opens(bytes)) << bit;
        bytes[bit / 8] ^= static_cast<uint8_t>(1U << bit % 8);
      }
    };
    const Bytes nonce = unhex(each.nonce);
    const Bytes associated = unhex(each.associated);
    const Bytes sealed = unhex(each.sealed);
    flips(sealed, [&](const Bytes& other) { return open(aead, nonce, associated, other); });
    flips(nonce, [&](const Bytes& other) { return open(aead, other, associated, sealed); });
    flips(associated, [&](const Bytes& other) { return open(aead, nonce, other, sealed); });
  }
}

TEST(AesGcmTest, LengthsCount) {
  const Sealed& each = spec_cases()[3];
  const AesGcm aead(unhex(each.key));
  const Bytes nonce = unhex(each.nonce);
  const Bytes associated = unhex(each.associated);
  const Bytes sealed = unhex(each.sealed);
  for (size_t size = 0; size < sealed.size(); ++size) {
    EXPECT_FALSE(open(aead, nonce, associated, Bytes(sealed.begin(), sealed.begin() + size)));
  }
  // Zeros that only fill up a block are not the same.
  Bytes longer = associated;
  longer.push_back(0);
  EXPECT_FALSE(open(aead, nonce, longer, sealed));
  longer = sealed;
  longer.insert(longer.end() - AesGcm::kTagBytes, 0);
  EXPECT_FALSE(open(aead, nonce, associated, longer));
  // What is associated is not what is encrypted.
  const auto moved = seal(aead, nonce, {}, associated);
  EXPECT_FALSE(open(aead, nonce, associated, unhex(moved.substr(2 * associated.size()))));
}

}  // namespace
}  // namespace postern::crypto
