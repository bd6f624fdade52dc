// What datagrams can do to a client: come twice, late, out of order, broken, from somebody else.
// None of it changes the result, and all of it is counted.
#include <gtest/gtest.h>

#include "sim/simulation.h"

namespace postern::sim {
namespace {

TEST(Datagram, TellsTheMappedAddress) {
  Simulation sim;
  const auto handle = sim.start();
  const Outcome& outcome = sim.only_outcome();
  EXPECT_EQ(outcome.mapped().address, kMapped);
  EXPECT_EQ(outcome.mapped().exchange.transaction, handle);
  EXPECT_EQ(outcome.mapped().exchange.round_trip, ms(40));
  EXPECT_EQ(outcome.mapped().exchange.requests_sent, 1U);
  EXPECT_EQ(outcome.mapped().exchange.source, kServer);
  EXPECT_FALSE(outcome.mapped().exchange.authenticated);
}

TEST(Datagram, TakesTheFirstOfDuplicates) {
  Simulation sim;
  sim.route = [](Direction, size_t) { return Fate{kLatency, kLatency * 3}; };
  sim.start();
  EXPECT_EQ(sim.only_outcome().mapped().address, kMapped);
  EXPECT_EQ(sim.client.stats().late, 3U) << "two requests at the server, two copies of each answer";
}

TEST(Datagram, TellsConcurrentTransactionsApart) {
  Simulation sim;
  // The second request overtakes the first; each server answer names the port of its turn.
  sim.route = [](Direction direction, size_t nth) {
    return Fate{direction == Direction::ToServer && nth == 0 ? ms(200) : kLatency};
  };
  uint16_t port = 1000;
  sim.server = always([&port](const Request& request) {
    return success(request, TransportAddress::ipv4(203, 0, 113, 7, ++port));
  });
  const auto first = sim.start();
  const auto second = sim.start();
  sim.run();
  ASSERT_EQ(sim.outcomes.size(), 2U);
  EXPECT_EQ(sim.outcomes[0].mapped().exchange.transaction, second);
  EXPECT_EQ(sim.outcomes[0].mapped().address.port, 1001);
  EXPECT_EQ(sim.outcomes[1].mapped().exchange.transaction, first);
  EXPECT_EQ(sim.outcomes[1].mapped().address.port, 1002);
}

TEST(Datagram, FromAnotherAddressChangesNothing) {
  Simulation sim;
  sim.start();
  sim.inject(ms(1), success(parse(sim.requests[0].bytes), kForged), kStranger);
  auto other_port = kServer;
  other_port.port = 3479;
  sim.inject(ms(2), success(parse(sim.requests[0].bytes), kForged), other_port);
  EXPECT_EQ(sim.only_outcome().mapped().address, kMapped);
  EXPECT_EQ(sim.client.stats().wrong_source, 2U);
}

TEST(Datagram, WithAnotherIdChangesNothing) {
  Simulation sim;
  sim.start();
  Message foreign = success(parse(sim.requests[0].bytes), kForged);
  foreign[19] ^= 1;
  sim.inject(ms(1), foreign);
  EXPECT_EQ(sim.only_outcome().mapped().address, kMapped);
  EXPECT_EQ(sim.client.stats().unknown_transaction, 1U);
}

TEST(Datagram, MalformedIsCounted) {
  Simulation sim;
  sim.start();
  const Message right = success(parse(sim.requests[0].bytes), kForged);
  sim.inject(ms(1), {});
  sim.inject(ms(1), Message(right.begin(), right.end() - 1));
  Message no_cookie = right;
  no_cookie[4] = 0;
  sim.inject(ms(1), no_cookie);
  Message overrun = right;
  overrun[23] = 0xFF;
  sim.inject(ms(1), overrun);
  sim.inject(ms(1), Message(100, 0x80));
  EXPECT_EQ(sim.only_outcome().mapped().address, kMapped);
  EXPECT_EQ(sim.client.stats().malformed, 5U);
}

TEST(Datagram, OfAnotherClassOrMethodIsCounted) {
  Simulation sim;
  sim.start();
  const stun::MessageView request = parse(sim.requests[0].bytes);
  sim.inject(ms(1), sim.requests[0].bytes);  // a reflected request
  sim.inject(ms(1), ResponseBuilder(request, stun::Class::Indication).build());
  Message allocate = success(request, kForged);
  allocate[1] = 0x03;
  sim.inject(ms(1), allocate);
  EXPECT_EQ(sim.only_outcome().mapped().address, kMapped);
  EXPECT_EQ(sim.client.stats().unexpected, 3U);
}

TEST(Datagram, WithBadFingerprintIsDropped) {
  Simulation sim;
  sim.start({.fingerprint = true});
  const stun::MessageView request = parse(sim.requests[0].bytes);
  EXPECT_EQ(request.fingerprint(), stun::FingerprintState::Valid);
  const Message forged = ResponseBuilder(request, stun::Class::Success)
                             .add<stun::AttributeType::XorMappedAddress>(kForged)
                             .fingerprint()
                             .build();
  sim.inject(ms(1), corrupted(forged));
  EXPECT_EQ(sim.only_outcome().mapped().address, kMapped);
  EXPECT_EQ(sim.client.stats().bad_fingerprint, 1U);
}

TEST(Datagram, WithBadFingerprintOnlyEndsInTimeout) {
  Simulation sim;
  sim.server = always([](const Request& request) {
    return corrupted(ResponseBuilder(request, stun::Class::Success)
                         .add<stun::AttributeType::XorMappedAddress>(kMapped)
                         .fingerprint()
                         .build());
  });
  sim.start();
  EXPECT_EQ(sim.only_outcome().failed().errc, Errc::Timeout);
  EXPECT_EQ(sim.client.stats().bad_fingerprint, 7U);
}

// RFC 5780 section 7.2.
TEST(Datagram, FromAnotherAddressAnswersAChangeRequest) {
  Simulation sim;
  sim.answers_come_from = kStranger;
  sim.start({.change_request = {.change_ip = true, .change_port = false}});
  const Outcome& outcome = sim.only_outcome();
  EXPECT_EQ(outcome.mapped().address, kMapped);
  EXPECT_EQ(outcome.mapped().exchange.source, kStranger);
}

TEST(Datagram, FromAnotherAddressAnswersNothingButTheChangeRequest) {
  Simulation sim;
  sim.route = [](Direction, size_t) { return Fate{ms(100)}; };
  sim.start();
  sim.start({.change_request = {.change_ip = true, .change_port = true}});
  sim.inject(ms(1), success(parse(sim.requests[0].bytes), kForged), kStranger);
  sim.inject(ms(2), success(parse(sim.requests[1].bytes), kMapped), kStranger);
  sim.run();
  ASSERT_EQ(sim.outcomes.size(), 2U);
  EXPECT_EQ(sim.outcomes[0].mapped().exchange.source, kStranger);
  EXPECT_EQ(sim.outcomes[1].mapped().address, kMapped);
  EXPECT_EQ(sim.outcomes[1].mapped().exchange.source, kServer);
  EXPECT_EQ(sim.client.stats().wrong_source, 1U);
}

TEST(Datagram, StatisticsAreZeroWhereNothingWentWrong) {
  Simulation sim;
  sim.start();
  sim.run();
  const client::StunClientStats& stats = sim.client.stats();
  EXPECT_EQ(stats.malformed + stats.unexpected + stats.wrong_source + stats.unknown_transaction +
                stats.late + stats.bad_fingerprint + stats.bad_integrity + stats.ignored,
            0U);
}

}  // namespace
}  // namespace postern::sim
