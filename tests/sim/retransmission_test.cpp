// RFC 8489 section 6.2: when a request is sent again, when it has failed, and what is learned for
// the next one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/simulation.h"

namespace postern::sim {
namespace {

using testing::ElementsAre;

const Route kBlackHole = [](Direction, size_t) { return Fate{}; };

// When the requests of section 6.2.1's example go out.
constexpr std::array<int64_t, 7> kSendTimesMs = {0, 500, 1500, 3500, 7500, 15500, 31500};

TEST(Retransmission, KeepsTheScheduleOfTheRfcAndGivesUp) {
  Simulation sim;
  sim.route = kBlackHole;
  sim.start();
  const Outcome& outcome = sim.only_outcome();
  EXPECT_THAT(sim.send_times_ms(), ElementsAre(0, 500, 1500, 3500, 7500, 15500, 31500));
  EXPECT_EQ(code_of(outcome.failed().errc), "ERR_STUN_TIMEOUT");
  EXPECT_EQ(outcome.at, at_ms(39500));
  EXPECT_EQ(outcome.failed().exchange.requests_sent, 7U);
  EXPECT_TRUE(sim.client.poll_timeout().is_never());
}

TEST(Retransmission, RepeatsTheSameBytes) {
  Simulation sim;
  sim.route = kBlackHole;
  sim.start();
  sim.run();
  ASSERT_EQ(sim.requests.size(), 7U);
  for (const SentRequest& request : sim.requests) {
    EXPECT_EQ(request.bytes, sim.requests.front().bytes);
  }
}

class LossOfEach : public testing::TestWithParam<size_t> {};

// All packets in one direction are lost until the nth goes through.
TEST_P(LossOfEach, RequestInTurn) {
  const size_t lost = GetParam();
  Simulation sim;
  sim.route = [lost](Direction direction, size_t nth) {
    return direction == Direction::ToServer && nth < lost ? Fate{} : Fate{kLatency};
  };
  sim.start();
  const Outcome& outcome = sim.only_outcome();
  EXPECT_EQ(outcome.mapped().address, kMapped);
  EXPECT_EQ(outcome.at, at_ms(kSendTimesMs[lost] + 40));
  EXPECT_EQ(outcome.mapped().exchange.requests_sent, lost + 1);
  // Karn: only what was sent once tells the round-trip time.
  EXPECT_EQ(outcome.mapped().exchange.round_trip.has_value(), lost == 0);
}

TEST_P(LossOfEach, ResponseInTurn) {
  const size_t lost = GetParam();
  Simulation sim;
  sim.route = [lost](Direction direction, size_t nth) {
    return direction == Direction::ToClient && nth < lost ? Fate{} : Fate{kLatency};
  };
  sim.start();
  const Outcome& outcome = sim.only_outcome();
  EXPECT_EQ(outcome.mapped().address, kMapped);
  EXPECT_EQ(outcome.at, at_ms(kSendTimesMs[lost] + 40));
  EXPECT_EQ(outcome.mapped().exchange.requests_sent, lost + 1);
}

// The packet that is lost is the nth alone; those around it arrive, but late enough for all to be
// sent.
TEST_P(LossOfEach, SingleRequestOfASlowPath) {
  const size_t lost = GetParam();
  Simulation sim;
  sim.route = [lost](Direction direction, size_t nth) {
    if (direction == Direction::ToClient) return Fate{kLatency};
    return nth == lost ? Fate{} : Fate{ms(32000)};
  };
  sim.start();
  const Outcome& outcome = sim.only_outcome();
  EXPECT_EQ(outcome.mapped().address, kMapped);
  EXPECT_EQ(outcome.at, at_ms((lost == 0 ? 500 : 0) + 32020));
  EXPECT_EQ(sim.client.stats().late, 5U) << "answers to the other requests that arrived";
}

INSTANTIATE_TEST_SUITE_P(Packets, LossOfEach, testing::Range<size_t>(0, 7));

TEST(Retransmission, TakesAnAnswerUntilTheLastMoment) {
  Simulation sim;
  sim.route = [](Direction direction, size_t nth) {
    if (direction == Direction::ToClient) return Fate{ms(0)};
    return nth == 6 ? Fate{ms(7999)} : Fate{};
  };
  sim.start();
  EXPECT_EQ(sim.only_outcome().mapped().address, kMapped);
  EXPECT_EQ(sim.outcomes.front().at, at_ms(39499));
}

TEST(Retransmission, CountsAnAnswerAfterTheEndAsLate) {
  Simulation sim;
  sim.route = [](Direction direction, size_t nth) {
    if (direction == Direction::ToClient) return Fate{ms(0)};
    return nth == 6 ? Fate{ms(8001)} : Fate{};
  };
  sim.start();
  EXPECT_EQ(sim.only_outcome().failed().errc, Errc::Timeout);
  EXPECT_EQ(sim.client.stats().late, 1U);
}

TEST(Retransmission, FollowsItsOptions) {
  auto options = datagram_options();
  options.retransmission = {.rto = ms(100), .rc = 3, .rm = 2};
  Simulation sim(options);
  sim.route = kBlackHole;
  sim.start();
  EXPECT_EQ(sim.only_outcome().at, at_ms(500));
  EXPECT_THAT(sim.send_times_ms(), ElementsAre(0, 100, 300));
}

TEST(Retransmission, WaitsButDoesNotRepeatOnAReliableTransport) {
  Simulation sim(reliable_options());
  sim.route = kBlackHole;
  sim.start();
  const Outcome& outcome = sim.only_outcome();
  EXPECT_THAT(sim.send_times_ms(), ElementsAre(0));
  EXPECT_EQ(outcome.failed().errc, Errc::Timeout);
  EXPECT_EQ(outcome.at, at_ms(39500));
}

TEST(Retransmission, DoesNotBurstAfterAPause) {
  Simulation sim;
  sim.route = kBlackHole;
  sim.start();
  sim.client.handle_timeout(at_ms(20000));  // asleep since 0
  sim.now = at_ms(20000);
  sim.drain();
  EXPECT_THAT(sim.send_times_ms(), ElementsAre(0, 20000));
  EXPECT_EQ(sim.client.poll_timeout(), at_ms(21000));
}

TEST(Rto, IsLearnedFromASlowServer) {
  Simulation sim;
  sim.route = [](Direction, size_t) { return Fate{ms(200)}; };
  sim.start();
  sim.run();
  EXPECT_EQ(sim.outcomes.at(0).mapped().exchange.round_trip, ms(400));
  // SRTT 400, RTTVAR 200: RTO 1200.
  sim.route = kBlackHole;
  sim.requests.clear();
  sim.now = at_ms(1000);
  sim.start();
  sim.run();
  EXPECT_THAT(sim.send_times_ms(), ElementsAre(1000, 2200, 4600, 9400, 19000, 38200, 76600));
  EXPECT_EQ(sim.outcomes.at(1).at, at_ms(76600 + 16 * 1200));
}

TEST(Rto, StaysLongAfterARetransmissionUntilASample) {
  Simulation sim;
  sim.route = [](Direction, size_t) { return Fate{ms(350)}; };
  sim.start();
  sim.run();
  EXPECT_EQ(sim.outcomes.at(0).mapped().exchange.round_trip, std::nullopt);
  EXPECT_EQ(sim.requests.size(), 2U) << "a round trip of 700 ms, an RTO of 500";
  sim.start();
  sim.run();
  EXPECT_EQ(sim.requests.size(), 3U) << "the RTO of 1000 ms was kept";
  EXPECT_EQ(sim.outcomes.at(1).mapped().exchange.round_trip, ms(700));
}

TEST(Rto, IsForgottenAfterTenMinutes) {
  Simulation sim;
  sim.route = [](Direction, size_t) { return Fate{ms(200)}; };
  sim.start();
  sim.run();
  sim.route = kBlackHole;
  sim.requests.clear();
  sim.now = at_ms(400 + 600'001);
  sim.start();
  EXPECT_EQ(sim.client.poll_timeout(), sim.now + ms(500));
}

TEST(Rto, NeverFallsBelowItsStart) {
  Simulation sim;
  sim.start();
  sim.run();
  EXPECT_EQ(sim.outcomes.at(0).mapped().exchange.round_trip, ms(40));
  sim.start();
  EXPECT_EQ(sim.client.poll_timeout(), sim.now + ms(500));
}

}  // namespace
}  // namespace postern::sim
