// The virtual network itself, with a StunClient or a TurnClient at its end.
#include "sim/network.h"

#include <gtest/gtest.h>

#include "client/stun_client.h"
#include "client/turn/turn_client.h"
#include "sim/simulation.h"
#include "sim/turn_server.h"

namespace postern::sim {
namespace {

class NetworkTest : public testing::Test {
 protected:
  // Starts transactions and runs to the end of the last. How many found the mapped address.
  static unsigned run(const client::StunClientOptions& options, const Weather& weather,
                      size_t piece_bytes, unsigned transactions, TurnServer& server) {
    client::StunClient client(options);
    Network network(server, endpoint_of(client),
                    options.is_reliable ? Carrier::Stream : Carrier::Datagram);
    network.route = random_route(weather, 7);
    network.piece_bytes = piece_bytes;
    unsigned ended = 0;
    unsigned found = 0;
    network.after_input = [&] {
      while (const auto event = client.poll_event()) {
        ++ended;
        const auto* const mapped = std::get_if<client::MappedAddress>(&*event);
        if (mapped != nullptr && mapped->address == kMapped) ++found;
      }
    };
    for (unsigned i = 0; i < transactions; ++i) {
      network.refill();
      EXPECT_TRUE(client.start_binding(network.now).has_value());
      const unsigned before = ended;
      EXPECT_TRUE(network.run_until(network.now + ms(60'000), [&] { return ended > before; }));
      EXPECT_FALSE(network.is_stuck);
    }
    return found;
  }
};

TEST_F(NetworkTest, CarriesDatagrams) {
  TurnServer server;
  EXPECT_EQ(run(datagram_options(), {}, SIZE_MAX, 3, server), 3U);
  EXPECT_EQ(server.violations, TurnViolations{});
}

TEST_F(NetworkTest, CarriesStreamsInPieces) {
  for (const size_t piece : {size_t{1}, size_t{3}, Network::kRandomPieces}) {
    TurnServer server;
    EXPECT_EQ(run(reliable_options(), {}, piece, 3, server), 3U);
    EXPECT_EQ(server.violations, TurnViolations{});
  }
}

TEST_F(NetworkTest, LosesDoublesAndReorders) {
  const Weather bad{.loss = 20, .duplication = 20, .reordering = 20, .jitter = ms(100)};
  TurnServer first;
  const unsigned found = run(datagram_options(), bad, SIZE_MAX, 50, first);
  EXPECT_GT(found, 40U);
  EXPECT_GT(first.violations.retransmissions, 0U);
  TurnServer second;
  EXPECT_EQ(run(datagram_options(), bad, SIZE_MAX, 50, second), found);
  EXPECT_EQ(second.violations, first.violations) << "the same seed, the same weather";
}

TEST_F(NetworkTest, WhatGoesToWhereTheClientIsNotIsLost) {
  TurnServer server;
  client::StunClient client(datagram_options());
  Network network(server, endpoint_of(client));
  network.refill();
  EXPECT_TRUE(client.start_binding(network.now).has_value());
  network.run_for(ms(20));
  network.tuple.client = kForged;
  network.run_for(ms(30));
  EXPECT_EQ(network.lost_on_the_way, 1U);
  EXPECT_FALSE(client.poll_event().has_value());
}

TEST_F(NetworkTest, StopsForAClientThatIsNeverContent) {
  TurnServer server;
  Network network(server, Endpoint{.handle_datagram = [](Instant, stun::Bytes, const auto&) {},
                                   .handle_stream = [](Instant, stun::Bytes) {},
                                   .handle_timeout = [](Instant) {},
                                   .poll_transmit = [](std::span<uint8_t>) { return size_t{0}; },
                                   .poll_timeout = [] { return Instant(); },
                                   .provide_entropy = [](std::span<const uint8_t>) {}});
  network.run_for(ms(1000));
  EXPECT_TRUE(network.is_stuck);
}

// An hour of an allocation with a permission and a channel, data both ways all the time.
class TurnHour : public testing::TestWithParam<Carrier> {};

TEST_P(TurnHour, LeavesNothingToComplainAbout) {
  using client::TurnEventKind;
  const TransportAddress peer = TransportAddress::ipv4(198, 51, 100, 7, 5000);
  const bool is_stream = GetParam() == Carrier::Stream;
  TurnServer server({.nonce_lifetime = Duration::seconds(1000)}, {.algorithms = kSha256ThenMd5});
  client::TurnClient client(
      {.is_reliable = is_stream, .pads_channel_data = is_stream, .server = kServer});
  std::vector<Message> received;
  Network network(server,
                  endpoint_of(client,
                              [&](const client::PeerData& arrived) {
                                received.emplace_back(arrived.data.begin(), arrived.data.end());
                              }),
                  GetParam());
  network.piece_bytes = 7;
  std::vector<TurnEventKind> events;
  network.after_input = [&] {
    while (const auto event = client.poll_event()) events.push_back(event->kind);
  };
  EXPECT_EQ(client.set_credentials(network.now, {.mechanism = client::Mechanism::LongTerm,
                                                 .username = as_bytes("user"),
                                                 .password = as_bytes("pass")}),
            Errc::Ok);
  network.refill();
  EXPECT_EQ(client.allocate(network.now), Errc::Ok);
  network.run_for(ms(1000));
  ASSERT_EQ(events, std::vector{TurnEventKind::Allocated});
  const auto channel = client.bind_channel(network.now, peer);
  ASSERT_TRUE(channel.has_value());
  network.run_for(ms(1000));
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[1], TurnEventKind::ChannelBound);

  constexpr unsigned kMinutes = 60;
  const TransportAddress relayed = client.allocation().relayed[0];
  std::array<uint8_t, 256> out{};
  for (unsigned minute = 0; minute < kMinutes; ++minute) {
    network.run_for(Duration::seconds(60));
    const auto size = client.write_channel_data(network.now, *channel, as_bytes("ping"), out);
    ASSERT_TRUE(size.has_value());
    network.send(stun::Bytes(out).first(*size));
    network.peer_sends(peer, relayed, as_bytes("pong!"));
  }
  network.run_for(ms(1000));
  EXPECT_FALSE(network.is_stuck);
  EXPECT_EQ(server.to_peers.size(), kMinutes);
  EXPECT_EQ(received, Messages(kMinutes, Message{'p', 'o', 'n', 'g', '!'}));
  EXPECT_EQ(events.size(), 2U) << "nothing was lost";
  const unsigned stale = server.violations.stale_nonce;
  EXPECT_GT(stale, 0U);
  EXPECT_EQ(server.violations, (TurnViolations{.unsigned_requests = 1, .stale_nonce = stale}));
}

INSTANTIATE_TEST_SUITE_P(Carriers, TurnHour, testing::Values(Carrier::Datagram, Carrier::Stream));

}  // namespace
}  // namespace postern::sim
