#include "server/source_limiter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "support/names.h"

namespace postern::server {
namespace {

constexpr uint64_t kSeed = 0x9E3779B97F4A7C15;

Instant at(double seconds) { return Instant::from_milliseconds(seconds * 1000); }

TransportAddress source(unsigned number) {
  return TransportAddress::ipv4(static_cast<uint8_t>(number >> 24),
                                static_cast<uint8_t>(number >> 16),
                                static_cast<uint8_t>(number >> 8), static_cast<uint8_t>(number), 1);
}

TransportAddress ipv6(std::string_view text) { return parse_address(text, 1).value_or({}); }

int answers(SourceLimiter& limiter, Instant now, const TransportAddress& source, int asked) {
  int count = 0;
  for (int i = 0; i < asked; ++i) count += limiter.may_answer(now, source) ? 1 : 0;
  return count;
}

TEST(SourceLimiterTest, GivesTheBurstAndThenTheRate) {
  SourceLimiter limiter({.per_second = 10, .burst = 5}, kSeed);
  EXPECT_EQ(answers(limiter, at(0), source(1), 100), 5);
  EXPECT_EQ(answers(limiter, at(0.0999), source(1), 100), 0);
  EXPECT_EQ(answers(limiter, at(0.1), source(1), 100), 1);
  EXPECT_EQ(answers(limiter, at(0.35), source(1), 100), 2);
  // What has not been used of the quarter second is not lost.
  EXPECT_EQ(answers(limiter, at(0.4), source(1), 100), 1);
}

TEST(SourceLimiterTest, FillsUpToTheBurst) {
  SourceLimiter limiter({.per_second = 10, .burst = 5}, kSeed);
  EXPECT_EQ(answers(limiter, at(0), source(1), 100), 5);
  EXPECT_EQ(answers(limiter, at(0.3), source(1), 100), 3);
  EXPECT_EQ(answers(limiter, at(0.8), source(1), 100), 5);
  EXPECT_EQ(answers(limiter, at(1.0e6), source(1), 100), 5);
}

TEST(SourceLimiterTest, RefusalsCostNothing) {
  SourceLimiter limiter({.per_second = 1, .burst = 1}, kSeed);
  EXPECT_EQ(answers(limiter, at(0), source(1), 1), 1);
  for (int i = 1; i < 1000; ++i) EXPECT_FALSE(limiter.may_answer(at(i / 1000.0), source(1)));
  EXPECT_TRUE(limiter.may_answer(at(1), source(1)));
}

TEST(SourceLimiterTest, NeverExceedsTheRate) {
  for (const uint32_t rate : {1U, 3U, 7U, 50U, 999U, 700'000U, 1'000'000U}) {
    SourceLimiter limiter({.per_second = rate, .burst = 1}, kSeed);
    int64_t count = 0;
    // Asked every tenth of the interval, for the time of 99.
    const double interval = 1.0 / rate;
    for (int i = 0; i <= 990; ++i) {
      count += limiter.may_answer(at(1 + i * interval / 10), source(1)) ? 1 : 0;
    }
    EXPECT_LE(count, 100) << rate;
    EXPECT_GE(count, 45) << rate;
  }
}

TEST(SourceLimiterTest, HoldsForTheHostWhateverThePort) {
  SourceLimiter limiter({.per_second = 1, .burst = 3}, kSeed);
  TransportAddress address = source(1);
  int count = 0;
  for (uint16_t port = 1; port < 100; ++port) {
    address.port = port;
    count += limiter.may_answer(at(0), address) ? 1 : 0;
  }
  EXPECT_EQ(count, 3);
}

TEST(SourceLimiterTest, TakesAnIpv6SubnetForOneSource) {
  SourceLimiter limiter({.per_second = 1, .burst = 2}, kSeed);
  EXPECT_TRUE(limiter.may_answer(at(0), ipv6("2001:db8:1:2::1")));
  EXPECT_TRUE(limiter.may_answer(at(0), ipv6("2001:db8:1:2:ffff:ffff:ffff:ffff")));
  EXPECT_FALSE(limiter.may_answer(at(0), ipv6("2001:db8:1:2:3:4:5:6")));
  EXPECT_TRUE(limiter.may_answer(at(0), ipv6("2001:db8:1:3::1")));
  EXPECT_TRUE(limiter.may_answer(at(0), ipv6("2001:db8:1:1:ffff:ffff:ffff:ffff")));
}

TEST(SourceLimiterTest, FamiliesDoNotMeet) {
  SourceLimiter limiter({.per_second = 1, .burst = 1}, kSeed);
  TransportAddress address = source(0x20010DB8);
  EXPECT_TRUE(limiter.may_answer(at(0), address));
  address.family = Family::IPv6;
  EXPECT_TRUE(limiter.may_answer(at(0), address));
}

TEST(SourceLimiterTest, AFloodHarmsFewOthers) {
  SourceLimiter limiter({.per_second = 1, .burst = 1, .buckets = 1024}, kSeed);
  EXPECT_EQ(answers(limiter, at(0), source(0xC0000201), 100'000), 1);
  int refused = 0;
  for (unsigned other = 0; other < 1024; ++other) {
    // Each at a time when the others' answers are forgotten.
    SourceLimiter fresh({.per_second = 1, .burst = 1, .buckets = 1024}, kSeed);
    EXPECT_TRUE(fresh.may_answer(at(0), source(0xC0000201)));
    refused += fresh.may_answer(at(0), source(0x0A000000 + other)) ? 0 : 1;
  }
  // One in 1,024 is expected.
  EXPECT_LE(refused, 8);
}

TEST(SourceLimiterTest, AllSourcesTogetherHaveALimit) {
  SourceLimiter limiter({.per_second = 1, .burst = 2, .buckets = 64}, kSeed);
  int count = 0;
  for (unsigned i = 0; i < 100'000; ++i) {
    count += limiter.may_answer(at(0), source(i * 2654435761U)) ? 1 : 0;
  }
  EXPECT_EQ(count, 128);
}

TEST(SourceLimiterTest, SourcesAreSpreadEvenly) {
  // Neighbours, as they are in one network: each finds a bucket of its own, or nearly so.
  SourceLimiter limiter({.per_second = 1, .burst = 1, .buckets = 4096}, kSeed);
  int count = 0;
  for (unsigned i = 0; i < 4096; ++i) {
    count += limiter.may_answer(at(0), source(0x0A000000 + i)) ? 1 : 0;
  }
  // By chance, 1 - 1/e of the buckets are hit: 2,589.
  EXPECT_GE(count, 2400);
  EXPECT_LE(count, 2800);
}

TEST(SourceLimiterTest, WhoMeetsDependsOnTheSeed) {
  // The sources that meet number 0 under one seed do not under another.
  const auto meets = [](uint64_t seed, unsigned other) {
    SourceLimiter limiter({.per_second = 1, .burst = 1, .buckets = 64}, seed);
    EXPECT_TRUE(limiter.may_answer(at(0), source(0)));
    return !limiter.may_answer(at(0), source(other));
  };
  int both = 0;
  int first = 0;
  for (unsigned other = 1; other < 2048; ++other) {
    if (!meets(kSeed, other)) continue;
    ++first;
    both += meets(kSeed + 1, other) ? 1 : 0;
  }
  EXPECT_GT(first, 10);
  EXPECT_LT(both, first / 4);
}

TEST(SourceLimiterTest, BucketsAreRoundedUp) {
  const auto total = [](size_t buckets) {
    SourceLimiter limiter({.per_second = 1, .burst = 1, .buckets = buckets}, kSeed);
    int count = 0;
    for (unsigned i = 0; i < 2000; ++i) count += limiter.may_answer(at(0), source(i)) ? 1 : 0;
    return count;
  };
  EXPECT_EQ(total(0), 1);
  EXPECT_EQ(total(1), 1);
  EXPECT_EQ(total(3), 4);
  EXPECT_EQ(total(64), 64);
}

TEST(SourceLimiterTest, LimitsOfNothingAreOfOne) {
  SourceLimiter limiter({.per_second = 0, .burst = 0}, kSeed);
  EXPECT_EQ(answers(limiter, at(0), source(1), 10), 1);
  EXPECT_EQ(answers(limiter, at(1), source(1), 10), 1);
}

TEST(SourceLimiterTest, AnyClockWillDo) {
  SourceLimiter limiter({.per_second = 1, .burst = 2}, kSeed);
  EXPECT_EQ(answers(limiter, at(-1.0e9), source(1), 10), 2);
  EXPECT_EQ(answers(limiter, at(-1.0e9 + 1), source(1), 10), 1);
  // Set back: the bucket fills when the time has come again.
  EXPECT_EQ(answers(limiter, at(-1.0e9 - 5), source(1), 10), 0);
  EXPECT_EQ(answers(limiter, at(0), source(1), 10), 2);
  SourceLimiter greatest({.per_second = 1, .burst = std::numeric_limits<uint32_t>::max()}, kSeed);
  EXPECT_EQ(answers(greatest, at(0), source(1), 1000), 1000);
}

}  // namespace
}  // namespace postern::server
