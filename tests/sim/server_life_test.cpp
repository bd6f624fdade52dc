// The server that we ship and the client that we ship, over bad networks, for a long time.
#include <gtest/gtest.h>

#include <memory>
#include <random>

#include "sim/server_member.h"

namespace postern::sim {
namespace {

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
