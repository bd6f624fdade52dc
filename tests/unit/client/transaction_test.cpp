#include "client/transaction.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>

namespace postern::client {
namespace {

constexpr Duration ms(int64_t count) { return Duration::milliseconds(count); }
constexpr Instant at(int64_t count) { return Instant() + ms(count); }

class TransactionTest : public testing::Test {
 protected:
  void start(const RetransmissionSchedule& schedule) {
    std::fill_n(transaction.buffer().begin(), 20, uint8_t{0x5A});
    transaction.start(at(1000), {1, 2, 3}, 20, {}, schedule);
  }

  std::array<uint8_t, 256> buffer{};
  Transaction transaction{buffer};
  std::array<uint8_t, 100> out{};
};

TEST_F(TransactionTest, IsIdleBeforeItsStart) {
  EXPECT_FALSE(transaction.is_in_flight());
  EXPECT_TRUE(transaction.deadline().is_never());
  EXPECT_EQ(transaction.poll_transmit(out), 0U);
  EXPECT_EQ(transaction.handle_timeout(at(1'000'000)), Transaction::Tick::Waits);
}

TEST_F(TransactionTest, SendsWaitsRepeatsAndTimesOut) {
  start(RetransmissionSchedule::unreliable(ms(100), {.rc = 2, .rm = 3}));
  EXPECT_EQ(transaction.poll_transmit(out), 20U);
  EXPECT_EQ(out[19], 0x5A);
  EXPECT_EQ(transaction.poll_transmit(out), 0U) << "once per turn";
  EXPECT_EQ(transaction.round_trip(at(1040)), ms(40));

  EXPECT_EQ(transaction.handle_timeout(at(1099)), Transaction::Tick::Waits);
  EXPECT_EQ(transaction.handle_timeout(at(1100)), Transaction::Tick::SendsAgain);
  EXPECT_EQ(transaction.poll_transmit(out), 20U);
  EXPECT_EQ(transaction.requests_sent(), 2U);
  EXPECT_EQ(transaction.round_trip(at(1140)), std::nullopt);
  EXPECT_EQ(transaction.backed_off_rto(), ms(200));

  EXPECT_EQ(transaction.deadline(), at(1400));
  EXPECT_EQ(transaction.handle_timeout(at(1400)), Transaction::Tick::TimesOut);
}

TEST_F(TransactionTest, CountsFromTheRealTimeOfSending) {
  start(RetransmissionSchedule::unreliable(ms(100), {}));
  EXPECT_EQ(transaction.handle_timeout(at(5000)), Transaction::Tick::SendsAgain);
  EXPECT_EQ(transaction.deadline(), at(5200));
}

TEST_F(TransactionTest, SendsNothingAfterItsEnd) {
  start(RetransmissionSchedule::unreliable(ms(100), {}));
  transaction.end();
  EXPECT_FALSE(transaction.is_in_flight());
  EXPECT_EQ(transaction.poll_transmit(out), 0U);
  EXPECT_EQ(transaction.handle_timeout(at(9000)), Transaction::Tick::Waits);
}

TEST_F(TransactionTest, StartsAgainFromTheBeginning) {
  start(RetransmissionSchedule::unreliable(ms(100), {}));
  EXPECT_EQ(transaction.handle_timeout(at(1100)), Transaction::Tick::SendsAgain);
  start(RetransmissionSchedule::reliable({}));
  EXPECT_EQ(transaction.requests_sent(), 1U);
  EXPECT_EQ(transaction.deadline(), at(1000 + 39'500));
}

}  // namespace
}  // namespace postern::client
