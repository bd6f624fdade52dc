// Bytes as text and back: the same memory, seen as the other.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace postern {

[[nodiscard]] inline std::string_view as_text(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

[[nodiscard]] inline std::span<const uint8_t> as_bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

}  // namespace postern
