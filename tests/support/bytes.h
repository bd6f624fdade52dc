// Bytes as tests write and print them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace postern::testing {

using ByteVector = std::vector<uint8_t>;

[[nodiscard]] inline ByteVector unhex(std::string_view digits) {
  const auto value = [](char digit) { return digit <= '9' ? digit - '0' : digit - 'a' + 10; };
  ByteVector bytes;
  for (size_t i = 0; i + 1 < digits.size(); i += 2) {
    bytes.push_back(static_cast<uint8_t>(value(digits[i]) * 16 + value(digits[i + 1])));
  }
  return bytes;
}

[[nodiscard]] inline std::string hex(std::span<const uint8_t> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string digits;
  for (const uint8_t byte : bytes) {
    digits += kDigits[byte >> 4];
    digits += kDigits[byte & 15];
  }
  return digits;
}

[[nodiscard]] inline std::span<const uint8_t> as_bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

[[nodiscard]] inline std::string as_text(std::span<const uint8_t> bytes) {
  return {bytes.begin(), bytes.end()};
}

[[nodiscard]] inline ByteVector copy(std::span<const uint8_t> bytes) {
  return {bytes.begin(), bytes.end()};
}

inline void append(ByteVector& to, std::span<const uint8_t> bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

// Bytes on the heap, exactly as many as they are: a read past the end is a sanitizer's finding,
// which it would not be in the spare capacity of a vector.
class Exact {
 public:
  explicit Exact(std::span<const uint8_t> bytes)
      : bytes_(std::make_unique<uint8_t[]>(bytes.size())), size_(bytes.size()) {
    std::copy(bytes.begin(), bytes.end(), bytes_.get());
  }

  [[nodiscard]] std::span<uint8_t> view() const { return {bytes_.get(), size_}; }

 private:
  std::unique_ptr<uint8_t[]> bytes_;
  size_t size_;
};

}  // namespace postern::testing
