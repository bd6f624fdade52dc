// Nonces: what a server challenges with, made so that it need not remember any (RFC 8489 sections
// 9.2.4, 14.10; RFC 7616 section 5.4).
//
//     obMatJos2AAAD   AAAAoB   x3G...   13 characters of cookie, which tells the security features;
//     cookie          time     MAC      6 of the second in which it was made; 21 of HMAC-SHA-256
//
// The MAC is over the cookie, the time, and the client's address and port, to which RFC 8489 binds
// a nonce. So nobody can change what a nonce announces, make it younger, or use another's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/instant.h"
#include "base/transport_address.h"
#include "crypto/hmac.h"
#include "stun/attribute_kinds.h"
#include "stun/nonce_cookie.h"

namespace postern::server {

// All characters are of base64, which quoted-string takes as they are (RFC 3261 section 25.1). RFC
// 8489 section 14.10 allows fewer than 128.
inline constexpr size_t kNonceTimeCharacters = 6;
inline constexpr size_t kNonceMacCharacters = 21;
inline constexpr size_t kNonceBytes =
    stun::kNonceCookieCharacters + kNonceTimeCharacters + kNonceMacCharacters;

struct NonceOptions {
  // In whole seconds, from one to 2^35.
  Duration lifetime = Duration::seconds(600);
  // Our servers offer password algorithms and hide user names.
  stun::SecurityFeatures features{
      .bits = static_cast<uint32_t>(stun::SecurityFeature::PasswordAlgorithms) |
              static_cast<uint32_t>(stun::SecurityFeature::UsernameAnonymity)};
};

class Nonces {
 public:
  enum class State : uint8_t {
    Fresh,
    Stale,   // was ours, for this client, but not lately
    Foreign  // for another client, of a secret that is gone, or never made here
  };

  // `secret`: 16 or more random bytes of this process, or of processes whose clocks have one
  // origin. A nonce holds the time of such a clock: after a restart from the same secret, with a
  // clock that begins anew, the nonces of the life before would be fresh once more. With a secret
  // for each process they are Foreign; a client that comes with one gets a 438 as for a stale one,
  // and has lost a round trip.
  explicit Nonces(stun::Bytes secret, const NonceOptions& options = {});

  // Writes kNonceBytes and returns that. One client's nonces of one second are the same.
  [[nodiscard]] size_t write(Instant now, const TransportAddress& client,
                             std::span<uint8_t, kNonceBytes> out) const;

  // Both Stale and Foreign are answered by 438 (RFC 8489 section 9.2.4). How long it takes says
  // nothing of the secret.
  [[nodiscard]] State check(Instant now, const TransportAddress& client, stun::Bytes nonce) const;

  // New nonces are made with `secret`. Those made with the one before stay good for what is left of
  // their lifetimes; of two secrets before, none does.
  void rotate_secret(Instant now, stun::Bytes secret);

 private:
  using Key = crypto::PreparedHmac<crypto::Sha256>;

  struct Previous {
    Key key;
    Instant until;
  };

  Key key_;
  std::optional<Previous> previous_{};
  uint64_t lifetime_seconds_;
  stun::SecurityFeatures features_;
};

}  // namespace postern::server
