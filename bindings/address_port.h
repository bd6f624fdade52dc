// AddressPort: addresses between text and bytes, for JavaScript, which keeps what it has learned.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/transport_address.h"
#include "bindings/mailbox.h"

namespace postern::bindings {

class AddressPort {
 public:
  // Holds an address as text or as bytes.
  static constexpr uint32_t kBytes = 40;

  [[nodiscard]] std::span<uint8_t> bytes() { return bytes_; }

  // From text in bytes() to 4 or 16 bytes there; returns how many, 0 if it is no address.
  uint32_t parse(uint32_t text_bytes) {
    const std::string_view text(reinterpret_cast<const char*>(bytes_.data()),
                                std::min(text_bytes, kBytes));
    const auto parsed = parse_address(text, 0);
    if (!parsed) return 0;
    const Bytes raw = parsed->address_bytes();
    std::copy(raw.begin(), raw.end(), bytes_.begin());
    return static_cast<uint32_t>(raw.size());
  }

  // From 4 or 16 bytes there to text; returns its length.
  uint32_t format(uint32_t address_bytes) {
    Bytes raw = bytes_;
    TransportAddress address;
    if (!take_address(raw, address_bytes, 0, address)) return 0;
    return static_cast<uint32_t>(format_address(
        address,
        std::span<char, kMaxAddressText>(reinterpret_cast<char*>(bytes_.data()), kMaxAddressText)));
  }

 private:
  alignas(8) std::array<uint8_t, kBytes> bytes_{};
};

}  // namespace postern::bindings
