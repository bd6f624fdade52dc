// Instant and Duration: time as the core knows it. The core reads no clock: the caller passes `now`
// in, from a monotonic clock of any origin.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>

namespace postern {

class Duration {
 public:
  constexpr Duration() = default;
  [[nodiscard]] static constexpr Duration microseconds(int64_t count) { return Duration(count); }
  [[nodiscard]] static constexpr Duration milliseconds(int64_t count) {
    return Duration(count * 1000);
  }
  [[nodiscard]] static constexpr Duration seconds(int64_t count) {
    return Duration(count * 1'000'000);
  }

  [[nodiscard]] constexpr int64_t in_microseconds() const { return microseconds_; }
  [[nodiscard]] constexpr double in_milliseconds() const {
    return static_cast<double>(microseconds_) / 1000.0;
  }

  constexpr auto operator<=>(const Duration&) const = default;
  friend constexpr Duration operator+(Duration a, Duration b) {
    return Duration(a.microseconds_ + b.microseconds_);
  }
  friend constexpr Duration operator-(Duration a, Duration b) {
    return Duration(a.microseconds_ - b.microseconds_);
  }
  friend constexpr Duration operator*(Duration a, int64_t factor) {
    return Duration(a.microseconds_ * factor);
  }
  friend constexpr Duration operator/(Duration a, int64_t divisor) {
    return Duration(a.microseconds_ / divisor);
  }

 private:
  constexpr explicit Duration(int64_t microseconds) : microseconds_(microseconds) {}
  int64_t microseconds_ = 0;
};

class Instant {
 public:
  constexpr Instant() = default;
  [[nodiscard]] static constexpr Instant from_microseconds(int64_t count) { return Instant(count); }
  // JavaScript's clocks count milliseconds in a double. To the nearest microsecond, so that a
  // deadline that was handed out as milliseconds is reached when it comes back.
  [[nodiscard]] static constexpr Instant from_milliseconds(double count) {
    const double microseconds = count * 1000.0;
    // Beyond 2^53 a double no longer counts ones; NaN fails both comparisons.
    if (!(microseconds > -kMaxExact)) return Instant(-static_cast<int64_t>(kMaxExact));
    if (!(microseconds < kMaxExact)) return Instant(static_cast<int64_t>(kMaxExact));
    return Instant(static_cast<int64_t>(microseconds + (microseconds < 0 ? -0.5 : 0.5)));
  }
  // Later than every real instant: "no deadline".
  [[nodiscard]] static constexpr Instant never() {
    return Instant(std::numeric_limits<int64_t>::max());
  }

  [[nodiscard]] constexpr bool is_never() const { return *this == never(); }
  [[nodiscard]] constexpr double in_milliseconds() const {
    return static_cast<double>(microseconds_) / 1000.0;
  }

  constexpr auto operator<=>(const Instant&) const = default;
  friend constexpr Instant operator+(Instant a, Duration b) {
    return Instant(a.microseconds_ + b.in_microseconds());
  }
  friend constexpr Duration operator-(Instant a, Instant b) {
    return Duration::microseconds(a.microseconds_ - b.microseconds_);
  }

 private:
  static constexpr double kMaxExact = 9007199254740992.0;

  constexpr explicit Instant(int64_t microseconds) : microseconds_(microseconds) {}
  int64_t microseconds_ = 0;
};

}  // namespace postern
