// Comparing secrets without telling by the time it takes where they differ.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace postern::crypto {

// Makes the value unknown to the optimiser, so that it cannot conclude anything from it early.
[[nodiscard]] inline uint32_t value_barrier(uint32_t value) {
  asm volatile("" : "+r"(value));
  return value;
}

// Every byte is looked at, wherever the first difference is. Lengths are not secret.
[[nodiscard]] inline bool equal_constant_time(std::span<const uint8_t> a,
                                              std::span<const uint8_t> b) {
  if (a.size() != b.size()) return false;
  uint32_t difference = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    difference = value_barrier(difference | static_cast<uint32_t>(a[i] ^ b[i]));
  }
  return difference == 0;
}

}  // namespace postern::crypto
