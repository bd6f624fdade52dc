// What an authorization server does for a TURN server (RFC 7635 section 6.2): seals tokens.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_order.h"
#include "base/text.h"
#include "crypto/aes_gcm.h"

namespace postern::test {

struct TokenToSeal {
  std::string_view server_name;
  std::vector<uint8_t> key;      // shared with the server
  std::vector<uint8_t> mac_key;  // for the client
  uint64_t timestamp = 0;        // seconds << 16
  uint32_t lifetime = 3600;
  std::string_view nonce = "h4j3k2l2n4b5";
};

[[nodiscard]] inline std::vector<uint8_t> plaintext_of(const TokenToSeal& token) {
  std::vector<uint8_t> plaintext(2);
  store_be16(plaintext.data(), static_cast<uint16_t>(token.mac_key.size()));
  plaintext.insert(plaintext.end(), token.mac_key.begin(), token.mac_key.end());
  plaintext.resize(plaintext.size() + 12);
  store_be64(&plaintext[plaintext.size() - 12], token.timestamp);
  store_be32(&plaintext[plaintext.size() - 4], token.lifetime);
  return plaintext;
}

// `plaintext` may be anything, in tests of what is refused.
[[nodiscard]] inline std::vector<uint8_t> seal_access_token(const TokenToSeal& token,
                                                            const std::vector<uint8_t>& plaintext) {
  using crypto::AesGcm;
  constexpr size_t kSealedAt = 2 + AesGcm::kNonceBytes;
  std::vector<uint8_t> sealed(kSealedAt + plaintext.size() + AesGcm::kTagBytes);
  store_be16(sealed.data(), AesGcm::kNonceBytes);
  const auto nonce = as_bytes(token.nonce).first<AesGcm::kNonceBytes>();
  std::copy(nonce.begin(), nonce.end(), sealed.begin() + 2);
  AesGcm(token.key).seal(nonce, as_bytes(token.server_name), plaintext,
                         std::span(sealed).subspan(kSealedAt));
  return sealed;
}

[[nodiscard]] inline std::vector<uint8_t> seal_access_token(const TokenToSeal& token) {
  return seal_access_token(token, plaintext_of(token));
}

}  // namespace postern::test
