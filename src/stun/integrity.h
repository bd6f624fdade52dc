// MESSAGE-INTEGRITY and MESSAGE-INTEGRITY-SHA256 of a received message (RFC 8489
// sections 14.5, 14.6).
#pragma once

#include <cstddef>

#include "base/errc.h"
#include "stun/message_view.h"
#include "stun/prepared_key.h"

namespace postern::stun {

inline constexpr size_t kSha256IntegrityBytes = 32;

// RFC 8489 section 14.6: 16 to 32 bytes, a multiple of 4.
[[nodiscard]] constexpr bool is_valid_sha256_length(size_t bytes) {
  return bytes >= 16 && bytes <= 32 && bytes % 4 == 0;
}

// Errc::Ok, IntegrityMissing, IntegrityLength or IntegrityMismatch.
[[nodiscard]] Errc check_integrity(const MessageView& message, const PreparedKey& key);

// `least_bytes` is the shortest truncation that the usage permits; ICE and TURN permit none.
[[nodiscard]] Errc check_integrity_sha256(const MessageView& message, const PreparedKey& key,
                                          size_t least_bytes = kSha256IntegrityBytes);

// The stronger of those that are there, as RFC 8489 sections 9.1.3 and 9.2.4 ask for.
[[nodiscard]] Errc check_best_integrity(const MessageView& message, const PreparedKey& key,
                                        size_t least_bytes = kSha256IntegrityBytes);

}  // namespace postern::stun
