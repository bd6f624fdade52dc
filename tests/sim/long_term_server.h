// LongTermServer: the server's side of the long-term credential mechanism, check by check as in
// RFC 8489 section 9.2.4, so that a request which it accepts was formed right.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "sim/messages.h"
#include "stun/nonce_cookie.h"
#include "stun/registry.h"

namespace postern::sim {

// PASSWORD-ALGORITHMS with SHA-256, then MD5; and the other way round.
inline constexpr uint8_t kSha256ThenMd5[] = {0, 2, 0, 0, 0, 1, 0, 0};
inline constexpr uint8_t kMd5ThenSha256[] = {0, 1, 0, 0, 0, 2, 0, 0};

struct LongTermServerOptions {
  std::string username = "user";
  std::string password = "pass";
  std::string realm = "example.org";
  // Empty: a server of RFC 5389, which knows MD5 and MESSAGE-INTEGRITY only.
  stun::Bytes algorithms{};
  bool hides_username = false;
  stun::FeatureBitOrder feature_bits = stun::FeatureBitOrder::FromRight;
  bool has_cookie = true;  // in the nonce; only with algorithms or hidden user names
};

class LongTermServer {
 public:
  explicit LongTermServer(LongTermServerOptions options = {});

  [[nodiscard]] Message answer(const Request& request);
  // 401 or 438 as this server sends it.
  [[nodiscard]] Message challenge(const Request& request, uint16_t code) const;
  // The key of the user for the algorithm that the request names, or MD5.
  [[nodiscard]] stun::PreparedKey key_for(const Request& request) const;

  // Nonces given out so far are stale from now on.
  void rotate_nonce() { ++nonce_number_; }
  [[nodiscard]] std::string nonce() const;

  LongTermServerOptions options;
  unsigned accepted = 0;
  unsigned refused_form = 0;  // 400: a request that breaks the rules

 private:
  [[nodiscard]] bool names_user(const Request& request) const;

  unsigned nonce_number_ = 1;
};

}  // namespace postern::sim
