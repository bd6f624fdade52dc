#include "base/instant.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace postern {
namespace {

TEST(DurationTest, UnitsAreThoseOfTheNames) {
  EXPECT_EQ(Duration::seconds(3), Duration::milliseconds(3000));
  EXPECT_EQ(Duration::milliseconds(3), Duration::microseconds(3000));
  EXPECT_EQ(Duration::milliseconds(500).in_microseconds(), 500'000);
  EXPECT_DOUBLE_EQ(Duration::microseconds(1500).in_milliseconds(), 1.5);
}

TEST(DurationTest, Arithmetic) {
  const Duration rto = Duration::milliseconds(500);
  EXPECT_EQ(rto + rto, Duration::seconds(1));
  EXPECT_EQ(rto - Duration::milliseconds(600), Duration::milliseconds(-100));
  EXPECT_EQ(rto * 16, Duration::seconds(8));
  EXPECT_EQ(rto / 8, Duration::microseconds(62'500));
  EXPECT_LT(Duration(), rto);
}

TEST(InstantTest, ArithmeticWithDurations) {
  const Instant start = Instant::from_milliseconds(10.5);
  EXPECT_EQ(start, Instant::from_microseconds(10'500));
  EXPECT_EQ(start + Duration::milliseconds(2), Instant::from_milliseconds(12.5));
  EXPECT_EQ(Instant::from_milliseconds(12.5) - start, Duration::milliseconds(2));
  EXPECT_DOUBLE_EQ(start.in_milliseconds(), 10.5);
  EXPECT_LT(start, start + Duration::microseconds(1));
}

TEST(InstantTest, NeverIsLaterThanAnyInstant) {
  EXPECT_TRUE(Instant::never().is_never());
  EXPECT_FALSE(Instant().is_never());
  EXPECT_LT(Instant::from_microseconds(std::numeric_limits<int64_t>::max() - 1), Instant::never());
}

}  // namespace
}  // namespace postern
