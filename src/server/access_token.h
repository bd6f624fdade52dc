// Self-contained access tokens (RFC 7635 section 6.2): what an authorization server seals for a
// TURN server and its client hands over in ACCESS-TOKEN.
//
//   nonce length (16) | nonce | AES-GCM of: key length (16) | key | timestamp (64) | lifetime (32)
//
// The server's name is the associated data, so that a token is good for one server only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/errc.h"
#include "crypto/aes_gcm.h"
#include "stun/attribute_kinds.h"
#include "stun/prepared_key.h"

namespace postern::server {

using stun::Bytes;

// Section 6.2 asks for 20 bytes; 32 are for SHA-256 (appendix B). The bounds are ours.
inline constexpr size_t kMinSessionKeyBytes = 16;
inline constexpr size_t kMaxSessionKeyBytes = 64;
// Section 7: how far clocks may differ.
inline constexpr int64_t kTokenDeltaSeconds = 5;
// Ours: the keys of one authorization server that are being replaced, and of some others.
inline constexpr size_t kMaxTokenKeys = 16;
// Ours: so that a 401 with it and the longest realm has its place.
inline constexpr size_t kMaxServerName = 255;

struct AccessToken {
  stun::PreparedKey key;  // mac_key, which signs as it is (section 5)
  int64_t made_at = 0;    // Unix seconds
  uint32_t lifetime_seconds = 0;

  // Sections 7 and 9: how long it may be used yet, by `lifetime + Delta - abs(RDnew - TS)`; 0 where
  // it may not.
  [[nodiscard]] int64_t remaining(int64_t unix_seconds) const;
};

// Nothing where it was not sealed with the key for this server, or is not of this form.
[[nodiscard]] std::optional<AccessToken> open_access_token(const crypto::AesGcm& key,
                                                           std::string_view server_name,
                                                           Bytes token);

// A key that the server shares with an authorization server (section 4.1).
struct TokenKey {
  std::string kid{};           // clients tell it as USERNAME
  std::vector<uint8_t> key{};  // 32 bytes: A256GCM; 16 bytes: A128GCM
  // Unix seconds: when it is not good any more (`exp` of section 4.1.1).
  std::optional<int64_t> expires_at{};
};

class TokenKeys {
 public:
  explicit TokenKeys(std::string server_name) : server_name_(std::move(server_name)) {}

  // Instead of those that were there. Errc::BadCredentials where there are too many, or a kid or a
  // key has a length that it cannot have, or a kid comes twice; nothing is changed then.
  [[nodiscard]] Errc set(const std::vector<TokenKey>& keys);

  [[nodiscard]] bool empty() const { return keys_.empty(); }
  // What THIRD-PARTY-AUTHORIZATION tells (section 6.1).
  [[nodiscard]] const std::string& server_name() const { return server_name_; }
  // nullptr where there is none.
  [[nodiscard]] const crypto::AesGcm* find(std::string_view kid, int64_t unix_seconds) const;

 private:
  struct Entry {
    crypto::AesGcm key;
    std::optional<int64_t> expires_at;
  };

  std::string server_name_;
  std::map<std::string, Entry, std::less<>> keys_;
};

}  // namespace postern::server
