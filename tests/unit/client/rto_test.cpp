#include "client/rto.h"

#include <gtest/gtest.h>

namespace postern::client {
namespace {

constexpr Duration ms(int64_t count) { return Duration::milliseconds(count); }

TEST(RetransmissionSchedule, SumsUpToTheExampleOfTheRfc) {
  const auto schedule = RetransmissionSchedule::unreliable(kDefaultRto, {});
  const std::array<int64_t, 7> waits_ms = {500, 1000, 2000, 4000, 8000, 16000, 8000};
  Duration total;
  ASSERT_EQ(schedule.requests(), waits_ms.size());
  for (unsigned sent = 1; sent <= waits_ms.size(); ++sent) {
    EXPECT_EQ(schedule.wait_after(sent), ms(waits_ms[sent - 1]));
    total = total + schedule.wait_after(sent);
  }
  // RFC 8489 section 6.2.2: Ti equals the time over UDP.
  EXPECT_EQ(total, kDefaultTi);
}

TEST(RetransmissionSchedule, SendsOnceOnAReliableTransport) {
  const auto schedule = RetransmissionSchedule::reliable({});
  EXPECT_EQ(schedule.requests(), 1U);
  EXPECT_EQ(schedule.wait_after(1), ms(39'500));
}

TEST(RetransmissionSchedule, BoundsItsOptions) {
  const auto least = RetransmissionSchedule::unreliable(ms(0), {.rc = 0, .rm = 0});
  EXPECT_EQ(least.requests(), 1U);
  EXPECT_EQ(least.wait_after(1), kLeastRto);
  const auto most = RetransmissionSchedule::unreliable(Duration::seconds(1'000'000), {.rc = 1000});
  EXPECT_EQ(most.requests(), kMaxRc);
  EXPECT_EQ(most.wait_after(kMaxRc), kMaxRto * kDefaultRm);
  EXPECT_GT(most.wait_after(kMaxRc - 1), most.wait_after(kMaxRc - 2)) << "no overflow";
  EXPECT_EQ(RetransmissionSchedule::reliable({.ti = ms(-5)}).wait_after(1), kLeastRto);
}

}  // namespace
}  // namespace postern::client
