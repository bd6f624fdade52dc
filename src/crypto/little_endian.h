// Little-endian numbers: only the hashes need them, everything on the wire is in network order.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace postern::crypto {

[[nodiscard]] inline uint32_t load_le32(const uint8_t* from) {
  uint32_t value;
  std::memcpy(&value, from, sizeof value);
  return std::endian::native == std::endian::big ? __builtin_bswap32(value) : value;
}

inline void store_le32(uint8_t* to, uint32_t value) {
  if constexpr (std::endian::native == std::endian::big) value = __builtin_bswap32(value);
  std::memcpy(to, &value, sizeof value);
}

}  // namespace postern::crypto
