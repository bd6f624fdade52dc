// What a fuzzer checks: a false claim ends the process, in every build.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace postern::fuzz {

inline void require(bool claim) {
  if (!claim) __builtin_trap();
}

// Reads all of the bytes, so that the sanitizers look at each.
inline void touch(std::span<const uint8_t> bytes) {
  for (const uint8_t byte : bytes) asm volatile("" : : "r"(byte));
}

}  // namespace postern::fuzz
