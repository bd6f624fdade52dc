// RttEstimator: learns the round-trip time to one server and says with which RTO the next
// transaction starts (RFC 6298, with the exceptions of RFC 8489 section 6.2.1).
#pragma once

#include <algorithm>

#include "base/instant.h"
#include "client/rto.h"

namespace postern::client {

// RFC 8489 section 6.2.1: what was learned is stale when the server has not been asked for so long.
inline constexpr Duration kRtoLifetime = Duration::seconds(600);
// RFC 6298 section 5.7 goes on with 3 s where the first exchange needed a retransmission. More
// would let one bad moment slow down everything after it.
inline constexpr Duration kMaxCarriedRto = Duration::seconds(3);

class RttEstimator {
 public:
  // `initial` is also the least: a transaction lasts a fixed number of RTOs, so the RTO of a fast
  // network would make it give up before a server that is busy for a second can answer.
  explicit constexpr RttEstimator(Duration initial = kDefaultRto)
      : initial_(initial), rto_(initial) {}

  [[nodiscard]] constexpr Duration rto(Instant now) const {
    return is_stale(now) ? initial_ : rto_;
  }

  // An exchange without retransmission took `rtt`.
  constexpr void add_sample(Instant now, Duration rtt) {
    forget_if_stale(now);
    if (!measured_) {  // RFC 6298 section 2.2
      srtt_ = rtt;
      rttvar_ = rtt / 2;
      measured_ = true;
    } else {  // section 2.3: alpha = 1/8, beta = 1/4
      const Duration error = srtt_ > rtt ? srtt_ - rtt : rtt - srtt_;
      rttvar_ = (rttvar_ * 3 + error) / 4;
      srtt_ = (srtt_ * 7 + rtt) / 8;
    }
    rto_ = std::clamp(srtt_ + std::max(kGranularity, rttvar_ * 4), initial_, upper_bound());
    used(now);
  }

  // An answer came, but after a retransmission: to which request, nobody knows, so that it says
  // nothing about the round-trip time. The longer RTO stays until a sample replaces it; otherwise
  // a path slower than the RTO would never give a sample (Karn's algorithm, both halves).
  constexpr void add_ambiguous(Instant now, Duration backed_off) {
    forget_if_stale(now);
    rto_ = std::max(rto_, std::min(backed_off, kMaxCarriedRto));
    used(now);
  }

 private:
  static constexpr Duration kGranularity = Duration::milliseconds(1);

  [[nodiscard]] constexpr Duration upper_bound() const { return std::max(kMaxRto, initial_); }
  [[nodiscard]] constexpr bool is_stale(Instant now) const {
    return used_ && now - last_used_ > kRtoLifetime;
  }
  constexpr void forget_if_stale(Instant now) {
    if (is_stale(now)) *this = RttEstimator(initial_);
  }
  constexpr void used(Instant now) {
    used_ = true;
    last_used_ = now;
  }

  Duration initial_;
  Duration rto_;
  Duration srtt_;
  Duration rttvar_;
  Instant last_used_;
  bool measured_ = false;
  bool used_ = false;
};

}  // namespace postern::client
