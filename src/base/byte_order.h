// Numbers in network byte order. The one place where bytes become integers and back.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace postern {

// memcpy plus byte swap compiles to one unaligned load or store on every target in use.
[[nodiscard]] inline uint16_t load_be16(const uint8_t* from) {
  return static_cast<uint16_t>((from[0] << 8) | from[1]);
}

[[nodiscard]] inline uint32_t load_be32(const uint8_t* from) {
  uint32_t value;
  std::memcpy(&value, from, sizeof value);
  return std::endian::native == std::endian::little ? __builtin_bswap32(value) : value;
}

[[nodiscard]] inline uint64_t load_be64(const uint8_t* from) {
  return (static_cast<uint64_t>(load_be32(from)) << 32) | load_be32(from + 4);
}

inline void store_be16(uint8_t* to, uint16_t value) {
  to[0] = static_cast<uint8_t>(value >> 8);
  to[1] = static_cast<uint8_t>(value);
}

inline void store_be32(uint8_t* to, uint32_t value) {
  if constexpr (std::endian::native == std::endian::little) value = __builtin_bswap32(value);
  std::memcpy(to, &value, sizeof value);
}

inline void store_be64(uint8_t* to, uint64_t value) {
  store_be32(to, static_cast<uint32_t>(value >> 32));
  store_be32(to + 4, static_cast<uint32_t>(value));
}

}  // namespace postern
