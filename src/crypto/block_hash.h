// What MD5, SHA-1 and SHA-256 have in common: 64-byte blocks folded into a few 32-bit words, then
// padding that ends with the message length in bits (RFC 1321 3.1-3.2, RFC 3174 4, RFC 6234 4.1).
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/byte_order.h"
#include "crypto/little_endian.h"

namespace postern::crypto {

inline constexpr size_t kBlockSize = 64;

// `Compression` is the part that differs:
//   State                     std::array<uint32_t, N>, the whole of what a midstate has to keep
//   kInitialState, kByteOrder
//   static void compress(State&, const uint8_t* blocks, size_t count)
template <typename Compression>
class BlockHash {
 public:
  using State = typename Compression::State;
  static constexpr size_t kBlockSize = crypto::kBlockSize;
  static constexpr size_t kDigestSize = sizeof(State);
  using Digest = std::array<uint8_t, kDigestSize>;

  BlockHash() : BlockHash(Compression::kInitialState, 0) {}

  // Continues after `blocks` whole blocks, whose compression left `midstate`.
  BlockHash(const State& midstate, uint64_t blocks)
      : state_(midstate), length_(blocks * kBlockSize) {}

  // The midstate after exactly one block.
  [[nodiscard]] static State compress_first(std::span<const uint8_t, kBlockSize> block) {
    State state = Compression::kInitialState;
    Compression::compress(state, block.data(), 1);
    return state;
  }

  void update(std::span<const uint8_t> bytes);

  // Ends the message. The object is spent afterwards.
  [[nodiscard]] Digest finish();

  [[nodiscard]] static Digest hash(std::span<const uint8_t> message) {
    BlockHash whole;
    whole.update(message);
    return whole.finish();
  }

 private:
  static constexpr size_t kLengthOffset = kBlockSize - sizeof(uint64_t);

  static void store_word(uint8_t* to, uint32_t word) {
    if constexpr (Compression::kByteOrder == std::endian::big) {
      store_be32(to, word);
    } else {
      store_le32(to, word);
    }
  }

  void store_length_in_bits() {
    const uint64_t bits = length_ * 8;
    const auto low = static_cast<uint32_t>(bits);
    const auto high = static_cast<uint32_t>(bits >> 32);
    constexpr bool kHighFirst = Compression::kByteOrder == std::endian::big;
    store_word(&block_[kLengthOffset], kHighFirst ? high : low);
    store_word(&block_[kLengthOffset + 4], kHighFirst ? low : high);
  }

  State state_;
  uint64_t length_;  // in bytes, so length_ % kBlockSize of them wait in block_
  std::array<uint8_t, kBlockSize> block_;
};

template <typename Compression>
void BlockHash<Compression>::update(std::span<const uint8_t> bytes) {
  const size_t waiting = length_ % kBlockSize;
  length_ += bytes.size();
  if (waiting != 0) {
    const auto head = bytes.first(std::min(bytes.size(), kBlockSize - waiting));
    std::copy(head.begin(), head.end(), block_.data() + waiting);
    if (waiting + head.size() < kBlockSize) return;
    Compression::compress(state_, block_.data(), 1);
    bytes = bytes.subspan(head.size());
  }
  // Whole blocks are read where they are.
  if (const size_t blocks = bytes.size() / kBlockSize; blocks != 0) {
    Compression::compress(state_, bytes.data(), blocks);
    bytes = bytes.subspan(blocks * kBlockSize);
  }
  std::copy(bytes.begin(), bytes.end(), block_.data());
}

template <typename Compression>
auto BlockHash<Compression>::finish() -> Digest {
  size_t end = length_ % kBlockSize;
  block_[end++] = 0x80;
  if (end > kLengthOffset) {
    std::fill(block_.data() + end, block_.data() + kBlockSize, uint8_t{0});
    Compression::compress(state_, block_.data(), 1);
    end = 0;
  }
  std::fill(block_.data() + end, block_.data() + kLengthOffset, uint8_t{0});
  store_length_in_bits();
  Compression::compress(state_, block_.data(), 1);

  Digest digest;
  for (size_t i = 0; i < state_.size(); ++i) store_word(&digest[4 * i], state_[i]);
  return digest;
}

}  // namespace postern::crypto
