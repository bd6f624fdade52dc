// LongTermServer: the server's side of the long-term credential mechanism, check by check as in
// RFC 8489 section 9.2.4, so that a request which it accepts was formed right; and of third-party
// authorization (RFC 7635), which shares most of it.
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

// RFC 7635: who has this token, and says so under the name `kid`, signs with `mac_key` as it is.
struct ThirdParty {
  std::string server_name = "turn.example.org";
  std::string kid = "kid-1";
  Message access_token = Message(60, 0xA7);
  Message mac_key = Message(20, 0x5A);
};

struct LongTermServerOptions {
  std::string username = "user";
  std::string password = "pass";
  std::string realm = "example.org";
  // Empty: a server of RFC 5389, which knows MD5 and MESSAGE-INTEGRITY only.
  stun::Bytes algorithms{};
  // False: somebody on the way takes PASSWORD-ALGORITHMS out of the challenges.
  bool announces_algorithms = true;
  bool hides_username = false;
  stun::FeatureBitOrder feature_bits = stun::FeatureBitOrder::FromRight;
  bool has_cookie = true;  // in the nonce; only with algorithms or hidden user names
  std::optional<ThirdParty> third_party{};
};

enum class Verdict : uint8_t {
  Authentic,
  Unsigned,
  BadForm,         // a request that breaks the rules
  UnknownUser,     // or another realm, or another token
  WrongIntegrity,  // the user is known
  StaleNonce,      // everything else is right
};

class LongTermServer {
 public:
  explicit LongTermServer(LongTermServerOptions options = {});

  [[nodiscard]] Message answer(const Request& request);
  [[nodiscard]] Verdict judge(const Request& request) const;
  // 401 or 438 as this server sends it.
  [[nodiscard]] Message challenge(const Request& request, uint16_t code) const;
  // What a challenge has besides ERROR-CODE.
  void add_challenge(ResponseBuilder& builder) const;
  // The key of the user for the algorithm that the request names, or MD5; with an access token the
  // key that it stands for.
  [[nodiscard]] stun::PreparedKey key_for(const Request& request) const;
  // Whose request it is, if it is authentic.
  [[nodiscard]] std::string user_of(const Request& request) const;

  // Nonces given out so far are stale from now on.
  void rotate_nonce() { ++nonce_number_; }
  [[nodiscard]] std::string nonce() const;
  // Whether the nonce, stale or not, is one of this server's.
  [[nodiscard]] bool has_issued(stun::Bytes nonce) const;

  LongTermServerOptions options;
  unsigned accepted = 0;
  unsigned refused_form = 0;  // 400

 private:
  [[nodiscard]] bool names_user(const Request& request) const;
  [[nodiscard]] bool has_token(const Request& request) const;

  unsigned nonce_number_ = 1;
};

}  // namespace postern::sim
