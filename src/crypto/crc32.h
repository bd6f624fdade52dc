// CRC-32 as in FINGERPRINT (RFC 8489 14.7): ITU V.42, the same as in zlib and PNG.
#pragma once

#include <cstdint>
#include <span>

namespace postern::crypto {

// `before` is the CRC of the bytes that precede `bytes`, so that pieces can be chained.
[[nodiscard]] uint32_t crc32(std::span<const uint8_t> bytes, uint32_t before = 0);

}  // namespace postern::crypto
