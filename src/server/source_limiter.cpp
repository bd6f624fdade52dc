#include "server/source_limiter.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "server/five_tuple.h"

namespace postern::server {

namespace {

constexpr int64_t kMicrosecondsPerSecond = 1'000'000;
// RFC 6177 section 2: what a site gets at least.
constexpr size_t kIpv6SourceBytes = 8;

}  // namespace

TransportAddress source_of(const TransportAddress& client) {
  TransportAddress source = client;
  source.port = 0;
  if (source.family == Family::IPv6) {
    std::fill(source.bytes.begin() + kIpv6SourceBytes, source.bytes.end(), uint8_t{0});
  }
  return source;
}

SourceLimiter::SourceLimiter(const SourceLimits& limits, uint64_t seed)
    : seed_(seed),
      // Every clock begins later than this.
      full_at_(std::bit_ceil(std::max<size_t>(1, limits.buckets)),
               Instant::from_microseconds(std::numeric_limits<int64_t>::min())) {
  // Rounded up, so that the rate is never exceeded.
  const int64_t rate = std::max<int64_t>(1, limits.per_second);
  interval_ = Duration::microseconds((kMicrosecondsPerSecond + rate - 1) / rate);
  tolerance_ = interval_ * (std::max<int64_t>(1, limits.burst) - 1);
}

bool SourceLimiter::may_answer(Instant now, const TransportAddress& source) {
  Instant& full_at = full_at_[hash_host(seed_, source_of(source)) & (full_at_.size() - 1)];
  const Instant from = std::max(full_at, now);
  if (from - now > tolerance_) return false;
  full_at = from + interval_;
  return true;
}

}  // namespace postern::server
