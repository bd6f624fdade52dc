// SHA-1 (RFC 3174), for MESSAGE-INTEGRITY (RFC 8489 14.5).
#pragma once

#include "crypto/block_hash.h"

namespace postern::crypto {

struct Sha1Compression {
  using State = std::array<uint32_t, 5>;
  static constexpr State kInitialState{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  static constexpr std::endian kByteOrder = std::endian::big;
  static void compress(State& state, const uint8_t* blocks, size_t count);
};

extern template class BlockHash<Sha1Compression>;
using Sha1 = BlockHash<Sha1Compression>;

}  // namespace postern::crypto
