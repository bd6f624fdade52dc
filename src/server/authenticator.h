// Authenticator: the server's side of the long-term credential mechanism (RFC 8489 section 9.2.4):
// who has made a request, or how it is refused. No state but users and secrets: nonces carry their
// own proof.
//
// RFC 8489's additions (password algorithms, hidden user names) are offered by a nonce with the
// cookie; clients of RFC 5389 overlook them and sign with MD5 keys and SHA-1.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/instant.h"
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
  uint64_t bad_form = 0;      // 400
  uint64_t unknown_user = 0;  // 401, as the next two
  uint64_t expired_user = 0;  // a time-limited name whose time was over
  uint64_t wrong_password = 0;
  uint64_t stale_nonce = 0;  // 438
};

class Authenticator {
 public:
  Authenticator(Users& users, Nonces& nonces) : users_(users), nonces_(nonces) {}

  struct Verdict {
    // 0: authentic. Else the error code: 400, 401 or 438.
    uint16_t error_code = 0;
    // Valid with 0 and 438: the key was right. The name is a view on the request or on Users.
    Signature signature{};
    std::string_view username{};
  };
  // `known`: an allocation of the client's. The key of a time-limited name is not derived again,
  // and stays right when its time is over: nobody can make new allocations then, but those that are
  // there may live on.
  [[nodiscard]] Verdict judge(Instant now, int64_t unix_seconds, const stun::MessageView& request,
                              const FiveTuple& tuple, const Allocation* known);

  // What a 401 or a 438 has besides its code: realm, nonce, algorithms.
  void add_challenge(stun::MessageWriter& writer, Instant now, const FiveTuple& tuple) const;

  [[nodiscard]] const AuthenticatorStats& stats() const { return stats_; }

 private:
  [[nodiscard]] static std::optional<stun::PasswordAlgorithm> algorithm_of(
      const stun::MessageView& request);

  Users& users_;
  Nonces& nonces_;
  AuthenticatorStats stats_;
};

}  // namespace postern::server
