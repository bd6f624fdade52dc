#include "stun/nonce_cookie.h"

#include <algorithm>

namespace postern::stun {

namespace {

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::optional<SecurityFeatures> read_nonce_cookie(std::span<const uint8_t> nonce) {
  if (nonce.size() < kNonceCookieCharacters) return std::nullopt;
  if (!std::equal(kNonceCookiePrefix.begin(), kNonceCookiePrefix.end(), nonce.begin()))
    return std::nullopt;
  SecurityFeatures features;
  for (const uint8_t character : nonce.subspan(kNonceCookiePrefix.size(), 4)) {
    const size_t digit = kBase64.find(static_cast<char>(character));
    if (digit == std::string_view::npos) return std::nullopt;
    features.bits = (features.bits << 6) | static_cast<uint32_t>(digit);
  }
  return features;
}

void write_nonce_cookie(SecurityFeatures features, std::span<uint8_t, kNonceCookieCharacters> out) {
  std::copy(kNonceCookiePrefix.begin(), kNonceCookiePrefix.end(), out.begin());
  for (size_t i = 0; i < 4; ++i) {
    out[kNonceCookiePrefix.size() + i] =
        static_cast<uint8_t>(kBase64[(features.bits >> (18 - 6 * i)) & 0x3F]);
  }
}

}  // namespace postern::stun
