// Jitter: spreads refreshes, so that a process with a thousand relays, which were all made at its
// start, does not renew them all in the same second. Not for secrets.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/instant.h"

namespace postern::client {

// RFC 8656 section 8.1 advises to refresh about a minute before the end: enough for a request that
// is lost again and again.
inline constexpr Duration kRefreshLead = Duration::seconds(60);

class Jitter {
 public:
  void seed(uint32_t seed) { state_ = seed | 1; }

  // How long to wait before something that lives for `lifetime` is renewed: a lead before its end,
  // and up to half as much earlier. Short lives get half of themselves as lead.
  [[nodiscard]] Duration refresh_after(Duration lifetime) {
    const Duration lead = std::min(kRefreshLead, lifetime / 2);
    return lifetime - lead - up_to(lead / 2);
  }

 private:
  // xorshift32.
  [[nodiscard]] Duration up_to(Duration most) {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 17;
    state_ ^= state_ << 5;
    return Duration::microseconds(most.in_microseconds() / 1024 *
                                  static_cast<int64_t>(state_ % 1024));
  }

  uint32_t state_ = 1;
};

}  // namespace postern::client
