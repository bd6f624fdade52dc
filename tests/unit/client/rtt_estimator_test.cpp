#include "client/rtt_estimator.h"

#include <gtest/gtest.h>

namespace postern::client {
namespace {

constexpr Duration ms(int64_t count) { return Duration::milliseconds(count); }
constexpr Instant kStart;

TEST(RttEstimator, BeginsWithTheDefault) {
  EXPECT_EQ(RttEstimator().rto(kStart), ms(500));
  EXPECT_EQ(RttEstimator(ms(800)).rto(kStart), ms(800));
}

// RFC 6298 sections 2.2 and 2.3, computed by hand.
TEST(RttEstimator, FollowsTheFormulas) {
  RttEstimator estimator;
  estimator.add_sample(kStart, ms(800));  // SRTT 800, RTTVAR 400
  EXPECT_EQ(estimator.rto(kStart), ms(800 + 4 * 400));
  estimator.add_sample(kStart,
                       ms(1600));  // RTTVAR 3/4 400 + 1/4 800 = 500, SRTT 7/8 800 + 200 = 900
  EXPECT_EQ(estimator.rto(kStart), ms(900 + 4 * 500));
  estimator.add_sample(kStart,
                       ms(100));  // RTTVAR 3/4 500 + 1/4 800 = 575, SRTT 7/8 900 + 12.5 = 800
  EXPECT_EQ(estimator.rto(kStart), ms(800 + 4 * 575));
}

TEST(RttEstimator, AddsTheGranularityToASteadyRoundTrip) {
  RttEstimator estimator;
  for (int i = 0; i < 200; ++i) estimator.add_sample(kStart, ms(1000));
  EXPECT_EQ(estimator.rto(kStart), ms(1001));
}

TEST(RttEstimator, StaysWithinItsBounds) {
  RttEstimator estimator;
  estimator.add_sample(kStart, ms(1));
  EXPECT_EQ(estimator.rto(kStart), ms(500));
  estimator.add_sample(kStart, Duration::seconds(1000));
  EXPECT_EQ(estimator.rto(kStart), kMaxRto);
}

TEST(RttEstimator, CarriesABackOffUntilTheNextSample) {
  RttEstimator estimator;
  estimator.add_ambiguous(kStart, ms(2000));
  EXPECT_EQ(estimator.rto(kStart), ms(2000));
  estimator.add_ambiguous(kStart, ms(32'000));
  EXPECT_EQ(estimator.rto(kStart), kMaxCarriedRto);
  estimator.add_sample(kStart, ms(200));
  EXPECT_EQ(estimator.rto(kStart), ms(600));
}

TEST(RttEstimator, ForgetsAfterTenMinutesWithoutUse) {
  RttEstimator estimator;
  estimator.add_sample(kStart, ms(800));
  EXPECT_EQ(estimator.rto(kStart + kRtoLifetime), ms(2400));
  const Instant later = kStart + kRtoLifetime + ms(1);
  EXPECT_EQ(estimator.rto(later), ms(500));
  estimator.add_sample(later, ms(400));  // as if it were the first
  EXPECT_EQ(estimator.rto(later), ms(1200));
}

}  // namespace
}  // namespace postern::client
