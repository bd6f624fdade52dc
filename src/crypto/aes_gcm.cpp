#include "crypto/aes_gcm.h"

#include <algorithm>
#include <cassert>

#include "base/byte_order.h"
#include "crypto/constant_time.h"

namespace postern::crypto {

AesGcm::AesGcm(std::span<const uint8_t> key) : aes_(key) {
  const Aes::Block block = aes_.encrypt({});
  hash_key_ = {.high = load_be64(block.data()), .low = load_be64(&block[8])};
}

// SP 800-38D section 6.3, with masks for its branches.
AesGcm::Element AesGcm::product(Element a, Element b) {
  constexpr uint64_t kReduction = uint64_t{0xE1} << 56;
  Element sum;
  for (const uint64_t half : {a.high, a.low}) {
    for (unsigned bit = 64; bit-- > 0;) {
      const uint64_t takes = 0 - ((half >> bit) & 1);
      sum.high ^= b.high & takes;
      sum.low ^= b.low & takes;
      const uint64_t reduces = 0 - (b.low & 1);
      b.low = b.low >> 1 | b.high << 63;
      b.high = b.high >> 1 ^ (kReduction & reduces);
    }
  }
  return sum;
}

// Section 6.4; the last block is filled up with zeros.
void AesGcm::absorb(Element& sum, std::span<const uint8_t> bytes) const {
  while (!bytes.empty()) {
    const auto piece = bytes.first(std::min(bytes.size(), Aes::kBlockBytes));
    Aes::Block block{};
    std::copy(piece.begin(), piece.end(), block.begin());
    sum.high ^= load_be64(block.data());
    sum.low ^= load_be64(&block[8]);
    sum = product(sum, hash_key_);
    bytes = bytes.subspan(piece.size());
  }
}

Aes::Block AesGcm::counter_block(Nonce nonce, uint32_t counter) const {
  Aes::Block block{};
  std::copy(nonce.begin(), nonce.end(), block.begin());
  store_be32(&block[kNonceBytes], counter);
  return aes_.encrypt(block);
}

Aes::Block AesGcm::tag(Nonce nonce, std::span<const uint8_t> associated,
                       std::span<const uint8_t> ciphertext) const {
  Element sum;
  absorb(sum, associated);
  absorb(sum, ciphertext);
  Aes::Block lengths{};
  store_be64(lengths.data(), uint64_t{associated.size()} * 8);
  store_be64(&lengths[8], uint64_t{ciphertext.size()} * 8);
  absorb(sum, lengths);
  Aes::Block hash{};
  store_be64(hash.data(), sum.high);
  store_be64(&hash[8], sum.low);
  const Aes::Block mask = counter_block(nonce, 1);
  for (size_t i = 0; i < hash.size(); ++i) hash[i] ^= mask[i];
  return hash;
}

void AesGcm::apply_keystream(Nonce nonce, std::span<const uint8_t> in,
                             std::span<uint8_t> out) const {
  uint32_t counter = 2;
  for (size_t at = 0; at < in.size(); at += Aes::kBlockBytes) {
    const Aes::Block stream = counter_block(nonce, counter++);
    const size_t count = std::min(in.size() - at, stream.size());
    for (size_t i = 0; i < count; ++i) {
      out[at + i] = static_cast<uint8_t>(in[at + i] ^ stream[i]);
    }
  }
}

void AesGcm::seal(Nonce nonce, std::span<const uint8_t> associated,
                  std::span<const uint8_t> plaintext, std::span<uint8_t> out) const {
  assert(out.size() >= plaintext.size() + kTagBytes);
  const auto ciphertext = out.first(plaintext.size());
  apply_keystream(nonce, plaintext, ciphertext);
  const Aes::Block proof = tag(nonce, associated, ciphertext);
  std::copy(proof.begin(), proof.end(), out.begin() + static_cast<ptrdiff_t>(plaintext.size()));
}

bool AesGcm::open(Nonce nonce, std::span<const uint8_t> associated, std::span<const uint8_t> sealed,
                  std::span<uint8_t> out) const {
  if (sealed.size() < kTagBytes) return false;
  const auto ciphertext = sealed.first(sealed.size() - kTagBytes);
  assert(out.size() >= ciphertext.size());
  if (!equal_constant_time(tag(nonce, associated, ciphertext), sealed.last(kTagBytes))) {
    return false;
  }
  apply_keystream(nonce, ciphertext, out);
  return true;
}

}  // namespace postern::crypto
