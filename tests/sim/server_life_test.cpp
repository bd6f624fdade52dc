// The server that we ship and the client that we ship, over bad networks, for a long time.
#include <gtest/gtest.h>

#include <memory>
#include <random>

#include "client/turn/turn_client.h"
#include "sim/network.h"
#include "sim/server_host.h"
#include "sim/turn_run.h"

namespace postern::sim {
namespace {

using client::TurnEventKind;

// One client of many: its relay, and whom it exchanges data with.
struct Member {
  Member(ServerHost& host, unsigned number)
      : client(options()),
        net(host, endpoint_of(client, [this](const client::PeerData&) { ++received; }),
            Carrier::Datagram, number) {
    net.tuple.client = TransportAddress::ipv4(203, 0, 113, static_cast<uint8_t>(number % 250 + 1),
                                              static_cast<uint16_t>(20000 + number));
    net.route =
        random_route({.loss = 10, .duplication = 2, .reordering = 5, .jitter = ms(30)}, number);
    net.after_input = [this] {
      while (const auto event = client.poll_event()) {
        if (event->kind == TurnEventKind::Allocated) is_allocated = true;
        if (event->kind == TurnEventKind::ChannelBound) channel = event->number;
        if (event->kind == TurnEventKind::Lost || event->kind == TurnEventKind::PermissionLost ||
            event->kind == TurnEventKind::ChannelLost ||
            event->kind == TurnEventKind::AllocateFailed) {
          lost = true;
        }
        if (event->kind == TurnEventKind::Closed) closed = true;
      }
    };
    EXPECT_EQ(client.set_credentials(net.now, user_pass()), Errc::Ok);
    net.refill();
    EXPECT_EQ(client.allocate(net.now), Errc::Ok);
    net.drain();
  }

  static client::TurnClientOptions options() {
    client::TurnClientOptions options;
    options.server = kServer;
    return options;
  }

  client::TurnClient client;
  Network net;
  bool is_allocated = false;
  bool lost = false;
  bool closed = false;
  uint32_t channel = 0;
  unsigned received = 0;
};

TEST(ServerLife, TwoHundredClientsForTenHours) {
  server::ServerOptions options;
  options.realm = "example.org";
  ServerHost host(options);
  ASSERT_EQ(host.core.users().set_user(as_bytes("user"), as_bytes("pass")), Errc::Ok);
  constexpr unsigned kMembers = 200;
  std::vector<std::unique_ptr<Member>> members;
  for (unsigned i = 0; i < kMembers; ++i) members.push_back(std::make_unique<Member>(host, i));
  // All clocks go on in steps, so that nobody's is ahead of the server's by more than one.
  Instant now;
  const auto run_for = [&](Duration time, Duration step) {
    for (const Instant end = now + time; now < end;) {
      now = now + step;
      for (auto& member : members) member->net.run_until(now);
      static_cast<void>(host.pass(now));
    }
  };
  run_for(Duration::seconds(60), ms(100));
  for (auto& member : members) {
    ASSERT_TRUE(member->is_allocated);
    ASSERT_TRUE(member->client.bind_channel(now, kPeer));
    member->net.drain();
  }
  run_for(Duration::seconds(60), ms(100));
  EXPECT_EQ(host.core.allocation_count(), kMembers);
  EXPECT_EQ(host.relays.size(), kMembers);

  const auto heard_by = [&] {
    unsigned count = 0;
    for (auto& member : members) {
      const auto& relayed = member->client.allocation().relayed[0];
      count += host.peer_send(now, kPeer, relayed, as_bytes("ping")).has_value() ? 1 : 0;
    }
    return count;
  };
  for (unsigned hour = 1; hour <= 10; ++hour) {
    run_for(Duration::seconds(3600), Duration::seconds(20));
    EXPECT_EQ(host.core.allocation_count(), kMembers) << hour;
    EXPECT_EQ(heard_by(), kMembers) << hour;
  }
  for (auto& member : members) {
    EXPECT_FALSE(member->lost);
    EXPECT_NE(member->channel, 0U);
    member->client.close(now);
    member->net.drain();
  }
  run_for(Duration::seconds(60), ms(100));
  for (auto& member : members) EXPECT_TRUE(member->closed);
  // Who could not reach the server to say so leaves an allocation that runs out.
  run_for(Duration::seconds(700), Duration::seconds(5));
  EXPECT_EQ(host.core.allocation_count(), 0U);
  EXPECT_TRUE(host.relays.empty());
  EXPECT_TRUE(host.core.poll_timeout().is_never());
}

}  // namespace
}  // namespace postern::sim
