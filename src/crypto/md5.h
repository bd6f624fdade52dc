// MD5 (RFC 1321), only for the long-term key username:realm:password (RFC 8489 18.5.1.1).
#pragma once

#include "crypto/block_hash.h"

namespace postern::crypto {

struct Md5Compression {
  using State = std::array<uint32_t, 4>;
  static constexpr State kInitialState{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
  static constexpr std::endian kByteOrder = std::endian::little;
  static void compress(State& state, const uint8_t* blocks, size_t count);
};

extern template class BlockHash<Md5Compression>;
using Md5 = BlockHash<Md5Compression>;

}  // namespace postern::crypto
