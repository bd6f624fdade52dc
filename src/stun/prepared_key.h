// PreparedKey: an integrity key with the HMAC work that does not depend on the message done once,
// which saves two of the five hash blocks of a typical message. Plain words: it may be copied as
// bytes.
#pragma once

#include <span>
#include <type_traits>

#include "crypto/hmac.h"
#include "crypto/sha1.h"
#include "crypto/sha256.h"

namespace postern::stun {

struct PreparedKey {
  crypto::PreparedHmac<crypto::Sha1> sha1;      // MESSAGE-INTEGRITY
  crypto::PreparedHmac<crypto::Sha256> sha256;  // MESSAGE-INTEGRITY-SHA256

  // The key of an empty password.
  PreparedKey() : PreparedKey(std::span<const uint8_t>{}) {}
  // The key of RFC 8489 section 9: a short-term password, or what long_term_key() returns.
  explicit PreparedKey(std::span<const uint8_t> key) : sha1(key), sha256(key) {}
};

static_assert(std::is_trivially_copyable_v<PreparedKey>);

}  // namespace postern::stun
