// When a request is sent again, and when it has failed (RFC 8489 section 6.2). Pure arithmetic: no
// clock, no state. The RFC's letters RTO, Rc, Rm and Ti have their home here.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/instant.h"

namespace postern::client {

// RFC 8489 section 6.2.1.
inline constexpr Duration kDefaultRto = Duration::milliseconds(500);
inline constexpr unsigned kDefaultRc = 7;
inline constexpr unsigned kDefaultRm = 16;
// RFC 8489 section 6.2.2.
inline constexpr Duration kDefaultTi = Duration::milliseconds(39'500);
// RFC 8489 section 6.2.1 asks for an accuracy of 1 ms: nothing shorter is told apart.
inline constexpr Duration kLeastRto = Duration::milliseconds(1);
// RFC 6298 section 2.5.
inline constexpr Duration kMaxRto = Duration::seconds(60);
// Ours: twice the default, and few enough that the doubling cannot overflow.
inline constexpr unsigned kMaxRc = 14;

struct RetransmissionOptions {
  Duration rto = kDefaultRto;  // for the first transaction, and the least for those after it
  unsigned rc = kDefaultRc;    // requests sent in all
  unsigned rm = kDefaultRm;    // how many RTO to wait after the last request
  Duration ti = kDefaultTi;    // how long to wait on a reliable transport
};

// What one transaction does while no answer comes: it waits after each request that it has sent.
class RetransmissionSchedule {
 public:
  // UDP, DTLS over UDP.
  [[nodiscard]] static constexpr RetransmissionSchedule unreliable(
      Duration rto, const RetransmissionOptions& options) {
    const Duration first = std::clamp(rto, kLeastRto, kMaxRto);
    return {first, std::clamp(options.rc, 1U, kMaxRc), first * std::max(options.rm, 1U)};
  }
  // TCP, TLS over TCP, and whatever else delivers all or fails.
  [[nodiscard]] static constexpr RetransmissionSchedule reliable(
      const RetransmissionOptions& options) {
    const Duration wait = std::max(options.ti, kLeastRto);
    return {wait, 1, wait};
  }

  constexpr RetransmissionSchedule() = default;

  [[nodiscard]] constexpr unsigned requests() const { return requests_; }

  // The RTO once `sent` requests, counted from 1, have gone out: it doubles with each.
  [[nodiscard]] constexpr Duration rto_after(unsigned sent) const {
    return first_wait_ * (int64_t{1} << (sent - 1));
  }
  // The time from the `sent`th request to the next one; after the last, to failure.
  [[nodiscard]] constexpr Duration wait_after(unsigned sent) const {
    return sent < requests_ ? rto_after(sent) : last_wait_;
  }

 private:
  constexpr RetransmissionSchedule(Duration first_wait, unsigned requests, Duration last_wait)
      : first_wait_(first_wait), requests_(requests), last_wait_(last_wait) {}

  Duration first_wait_ = kDefaultTi;
  unsigned requests_ = 1;
  Duration last_wait_ = kDefaultTi;
};

}  // namespace postern::client
