// SHA-256 (RFC 6234), for MESSAGE-INTEGRITY-SHA256 and its keys (RFC 8489 14.6, 18.5.1.2).
#pragma once

#include "crypto/block_hash.h"

namespace postern::crypto {

struct Sha256Compression {
  using State = std::array<uint32_t, 8>;
  static constexpr State kInitialState{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                       0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  static constexpr std::endian kByteOrder = std::endian::big;
  static void compress(State& state, const uint8_t* blocks, size_t count);
};

extern template class BlockHash<Sha256Compression>;
using Sha256 = BlockHash<Sha256Compression>;

}  // namespace postern::crypto
