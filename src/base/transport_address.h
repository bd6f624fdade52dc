// TransportAddress: an IPv4 or IPv6 address and a port, as a plain value.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/result.h"

namespace postern {

enum class Family : uint8_t { None = 0, IPv4 = 4, IPv6 = 6 };

struct TransportAddress {
  Family family = Family::None;
  uint16_t port = 0;
  std::array<uint8_t, 16>
      bytes{};  // network byte order; IPv4 uses the first four, the rest is zero

  [[nodiscard]] static TransportAddress ipv4(uint8_t a, uint8_t b, uint8_t c, uint8_t d,
                                             uint16_t port);
  [[nodiscard]] static TransportAddress ipv6(std::span<const uint8_t, 16> bytes, uint16_t port);

  [[nodiscard]] std::span<const uint8_t> address_bytes() const {
    return std::span(bytes).first(family == Family::IPv4 ? 4 : family == Family::IPv6 ? 16 : 0);
  }

  bool operator==(const TransportAddress&) const = default;
  // The port aside.
  [[nodiscard]] bool is_same_host(const TransportAddress& other) const {
    return family == other.family && bytes == other.bytes;
  }
};

// Dotted decimal or IPv6 text (RFC 4291 section 2.2), without brackets, zone or port.
[[nodiscard]] Result<TransportAddress> parse_address(std::string_view text, uint16_t port);

// Longest text that format_address writes: eight groups of four digits and seven colons.
inline constexpr size_t kMaxAddressText = 39;

// Writes dotted decimal, or IPv6 text in the form of RFC 5952; returns the number of characters.
size_t format_address(const TransportAddress& address, std::span<char, kMaxAddressText> out);

}  // namespace postern
