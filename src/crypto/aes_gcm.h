// AES-GCM (NIST SP 800-38D) as AEAD_AES_128_GCM and AEAD_AES_256_GCM have it (RFC 5116 section 5):
// nonces of 12 bytes, tags of 16 behind the ciphertext. For a few short messages: see aes.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "crypto/aes.h"

namespace postern::crypto {

class AesGcm {
 public:
  static constexpr size_t kNonceBytes = 12;
  static constexpr size_t kTagBytes = 16;
  using Nonce = std::span<const uint8_t, kNonceBytes>;

  // `key`: 16 or 32 bytes.
  explicit AesGcm(std::span<const uint8_t> key);

  // Encrypts, to kTagBytes more than the plaintext. No nonce may come twice.
  void seal(Nonce nonce, std::span<const uint8_t> associated, std::span<const uint8_t> plaintext,
            std::span<uint8_t> out) const;
  // Decrypts, to kTagBytes less than what was sealed. False, and nothing written, where it or the
  // associated data is not what was sealed with this key.
  [[nodiscard]] bool open(Nonce nonce, std::span<const uint8_t> associated,
                          std::span<const uint8_t> sealed, std::span<uint8_t> out) const;

 private:
  // One element of GF(2^128), the coefficient of 1 first.
  struct Element {
    uint64_t high = 0;
    uint64_t low = 0;
  };

  [[nodiscard]] static Element product(Element a, Element b);
  void absorb(Element& sum, std::span<const uint8_t> bytes) const;
  [[nodiscard]] Aes::Block tag(Nonce nonce, std::span<const uint8_t> associated,
                               std::span<const uint8_t> ciphertext) const;
  void apply_keystream(Nonce nonce, std::span<const uint8_t> in, std::span<uint8_t> out) const;
  [[nodiscard]] Aes::Block counter_block(Nonce nonce, uint32_t counter) const;

  Aes aes_;
  Element hash_key_;
};

}  // namespace postern::crypto
