// The nonce cookie: 13 characters that begin a NONCE and tell which security features the server
// has (RFC 8489 section 9.2). The text counts the feature bits from the left, erratum 6290
// (Verified) from the right, and servers of both kinds exist; so the raw bits are kept and the
// order is the reader's choice.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "stun/registry.h"

namespace postern::stun {

inline constexpr std::string_view kNonceCookiePrefix = "obMatJos2";
inline constexpr size_t kNonceCookieCharacters = 13;
inline constexpr unsigned kSecurityFeatureBits = 24;

enum class FeatureBitOrder : uint8_t { FromRight, FromLeft };

struct SecurityFeatures {
  uint32_t bits = 0;  // 24 bits, as they stand in the cookie

  [[nodiscard]] constexpr bool has(SecurityFeature feature,
                                   FeatureBitOrder order = FeatureBitOrder::FromRight) const {
    return (bits & mask(feature, order)) != 0;
  }
  [[nodiscard]] static constexpr uint32_t mask(SecurityFeature feature, FeatureBitOrder order) {
    const auto from_right = static_cast<uint32_t>(feature);
    if (order == FeatureBitOrder::FromRight) return from_right;
    uint32_t from_left = 0;
    for (unsigned bit = 0; bit < kSecurityFeatureBits; ++bit) {
      if ((from_right >> bit) & 1) from_left |= 1U << (kSecurityFeatureBits - 1 - bit);
    }
    return from_left;
  }
};

// Nothing where the nonce has no cookie: a server that follows RFC 5389.
[[nodiscard]] std::optional<SecurityFeatures> read_nonce_cookie(std::span<const uint8_t> nonce);

void write_nonce_cookie(SecurityFeatures features, std::span<uint8_t, kNonceCookieCharacters> out);

}  // namespace postern::stun
