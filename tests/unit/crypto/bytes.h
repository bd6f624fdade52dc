// Bytes as the tests of the hashes write them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace postern::crypto::test {

using Bytes = std::vector<uint8_t>;

inline Bytes text(std::string_view characters) { return {characters.begin(), characters.end()}; }

inline Bytes unhex(std::string_view digits) {
  const auto value = [](char digit) { return digit <= '9' ? digit - '0' : digit - 'a' + 10; };
  Bytes bytes;
  for (size_t i = 0; i + 1 < digits.size(); i += 2) {
    bytes.push_back(static_cast<uint8_t>(value(digits[i]) * 16 + value(digits[i + 1])));
  }
  return bytes;
}

inline std::string hex(std::span<const uint8_t> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string digits;
  for (const uint8_t byte : bytes) {
    digits += kDigits[byte >> 4];
    digits += kDigits[byte & 15];
  }
  return digits;
}

// A message in which all bytes near each other differ. The expected values that depend on it were
// computed with Python's hashlib, hmac and zlib, from bytes((i * 131 + 7) & 255 for i in range(n)).
inline Bytes pattern(size_t size) {
  Bytes bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(i * 131 + 7);
  return bytes;
}

}  // namespace postern::crypto::test
