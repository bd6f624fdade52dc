// Authenticator: the server's side of the long-term credential mechanism (RFC 8489 section 9.2.4):
// who has made a request, or how it is refused. No state but users and secrets: nonces carry their
// own proof.
//
// Access tokens (RFC 7635) bring keys of their own, and their user name is that of the key that
// seals them. RFC 8489's additions (password algorithms, hidden user names) are offered by a nonce
// with the cookie; clients of RFC 5389 overlook them and sign with MD5 keys and SHA-1.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/instant.h"
#include "server/access_token.h"
#include "server/allocation.h"
#include "server/five_tuple.h"
#include "server/nonces.h"
#include "server/users.h"
#include "stun/message_view.h"
#include "stun/message_writer.h"

namespace postern::server {

// What the server offers in PASSWORD-ALGORITHMS, the best first (section 14.11).
inline constexpr std::array<uint8_t, 8> kOfferedAlgorithms = {0, 2, 0, 0, 0, 1, 0, 0};

struct AuthenticatorStats {
  uint64_t accepted = 0;
  uint64_t challenged = 0;    // asked for credentials
  uint64_t bad_form = 0;      // 400, or a token where none is welcome
  uint64_t unknown_user = 0;  // 401, as the next two
  uint64_t expired_user = 0;  // a time-limited name, or a token, whose time was over
  uint64_t wrong_password = 0;
  uint64_t stale_nonce = 0;  // 438
};

// A request, and what is known of it.
struct Attempt {
  Instant now;
  int64_t unix_seconds = 0;  // the time of day
  const stun::MessageView& request;
  const FiveTuple& tuple;
  // An allocation of the client's. A key that is not of Users is neither derived nor asked for
  // again while it is right, and stays right when the time of its name is over: nobody can make new
  // allocations then, but those that are there may live on.
  const Allocation* known = nullptr;
  // What the caller has said when asked; empty where there is no such user.
  std::optional<Bytes> password{};
};

class Authenticator {
 public:
  Authenticator(const Users& users, const TokenKeys& token_keys, const Nonces& nonces,
                bool asks_for_keys)
      : users_(users), token_keys_(token_keys), nonces_(nonces), asks_for_keys_(asks_for_keys) {}

  struct Verdict {
    // 0: authentic. Else the error code: 400, 401, 438, or 420 for a token that nobody has asked
    // for.
    uint16_t error_code = 0;
    // With 401: the caller may know the password of `username`. Never without a fresh nonce, so
    // that who asks has spent a round trip.
    bool wants_key = false;
    // With 0: the key is not that of the known allocation, but asked for or a token's.
    bool is_new_key = false;
    // Valid with 0 and 438: the key was right. The name is a view on the request or on Users.
    Signature signature{};
    std::string_view username{};
  };
  [[nodiscard]] Verdict judge(const Attempt& attempt);

  // What a 401 or a 438 has besides its code: realm, nonce, algorithms, and the server's name where
  // tokens are welcome.
  void add_challenge(stun::MessageWriter& writer, Instant now, const FiveTuple& tuple) const;

  [[nodiscard]] const AuthenticatorStats& stats() const { return stats_; }

 private:
  [[nodiscard]] static std::optional<stun::PasswordAlgorithm> algorithm_of(
      const stun::MessageView& request);
  // Of the user whom the verdict names; leaves the key in it.
  [[nodiscard]] Users::Match find_key(const Attempt& attempt, Verdict& verdict) const;
  [[nodiscard]] Users::Match find_token_key(const Attempt& attempt, Bytes token,
                                            Verdict& verdict) const;
  [[nodiscard]] bool recalls(const Attempt& attempt, Verdict& verdict) const;

  const Users& users_;
  const TokenKeys& token_keys_;
  const Nonces& nonces_;
  bool asks_for_keys_;
  AuthenticatorStats stats_;
};

}  // namespace postern::server
