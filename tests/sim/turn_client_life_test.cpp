// A TURN client that lives long, or at a server of short lives, in any weather.
#include <algorithm>

#include "sim/turn_run.h"

namespace postern::sim {
namespace {

using stun::Method;

// Both ways, and counts what arrived.
void exchange_data(TurnRun& run, const std::vector<TransportAddress>& peers,
                   const std::vector<uint16_t>& channels) {
  for (size_t i = 0; i < peers.size(); ++i) {
    if (i < channels.size()) {
      run.send(channels[i], text("channel"));
    } else {
      run.send(peers[i], text("indication"));
    }
    run.peer_sends(peers[i], text("answer"));
  }
}

class Living : public ::testing::TestWithParam<Path> {};

TEST_P(Living, AtAServerOfShortLives) {
  TurnServerOptions server{.nonce_lifetime = Duration::seconds(7),
                           .default_lifetime = Duration::seconds(5),
                           .permission_lifetime = Duration::seconds(3),
                           .channel_lifetime = Duration::seconds(4)};
  client::TurnClientOptions options{.permission_lifetime = server.permission_lifetime,
                                    .channel_lifetime = server.channel_lifetime};
  TurnRun run(GetParam(), {.client = options, .server = server});
  ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
  const auto peers = peers_up_to(20);
  std::vector<uint16_t> channels;
  for (unsigned i = 0; i < 5; ++i) channels.push_back(run.bind(peers[i]));
  for (unsigned i = 5; i < 20; ++i) run.permit(peers[i]);
  const size_t before = run.events.size();
  for (int i = 0; i < 100; ++i) {
    exchange_data(run, peers, channels);
    run.net.run_for(ms(900));
  }
  EXPECT_EQ(run.events.size(), before);
  EXPECT_EQ(run.received.size(), 2000U);
  EXPECT_EQ(run.server.to_peers.size(), 2000U);
  EXPECT_EQ(run.server.tally.peer_data_dropped, 0U);
  // 90 s: a renewal every 1.5 to 2 s or so, and what stale nonces add.
  EXPECT_LE(run.requested(Method::CreatePermission), 300U);
  EXPECT_LE(run.requested(Method::Refresh), 60U);
  EXPECT_LE(run.requested(Method::ChannelBind), 400U);
  run.server.violations.stale_nonce = 0;  // they go stale without a word
  EXPECT_TRUE(run.is_clean());
}

// Ten hours of virtual time.
TEST_P(Living, TenHours) {
  TurnRun run(GetParam(), {.server = {.nonce_lifetime = Duration::seconds(240)}});
  if (!GetParam().is_reliable) {
    run.net.route =
        random_route({.loss = 10, .duplication = 5, .reordering = 5, .jitter = ms(30)}, 11);
  }
  ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
  const auto peers = peers_up_to(20);
  std::vector<uint16_t> channels;
  for (unsigned i = 0; i < 10; ++i) channels.push_back(run.bind(peers[i]));
  for (unsigned i = 10; i < 20; ++i) run.permit(peers[i]);
  const size_t before = run.events.size();
  int64_t after_an_hour = 0;
  for (int minute = 0; minute < 600; ++minute) {
    exchange_data(run, peers, channels);
    run.net.run_for(Duration::seconds(60));
    ASSERT_EQ(run.events.size(), before) << "minute " << minute;
    if (minute == 59) after_an_hour = run.client_bytes;
  }
  EXPECT_EQ(run.client_bytes, after_an_hour) << "memory grows";
  EXPECT_EQ(run.server.tally.allocations_expired, 0U);
  EXPECT_EQ(run.server.tally.peer_data_dropped, 0U);
  EXPECT_EQ(run.server.violations.data_without_permission, 0U);
  EXPECT_EQ(run.server.violations.data_on_unbound_channel, 0U);
  EXPECT_EQ(run.server.violations.allocation_mismatch, 0U);
  EXPECT_EQ(run.server.violations.channel_conflict, 0U);
  EXPECT_EQ(run.server.violations.channel_reused_early, 0U);
  EXPECT_EQ(run.server.violations.wrong_integrity, 0U);
  EXPECT_EQ(run.server.violations.reused_transaction_ids, 0U);
  EXPECT_EQ(run.server.violations.retransmissions_on_stream, 0U);
  EXPECT_EQ(run.server.violations.malformed, 0U);
  // 36,000 s: an allocation is renewed every 510 to 540 s, a channel likewise, and permissions
  // every 210 to 240 s; twice that with all that stale nonces add.
  EXPECT_LE(run.requested(Method::Refresh), 2U * 36'000 / 510 + 10);
  EXPECT_LE(run.requested(Method::ChannelBind), 10U * (2U * 36'000 / 510 + 10));
  EXPECT_LE(run.requested(Method::CreatePermission), 10U * (36'000 / 210));
}

INSTANTIATE_TEST_SUITE_P(Paths, Living, ::testing::Values(kDatagrams, kStream), path_name);

// Weather that differs with the seed: nothing lapses, and data goes on.
class Weathering : public ::testing::TestWithParam<unsigned> {};

TEST_P(Weathering, ForTwoHours) {
  const unsigned seed = GetParam();
  TurnRun run(kDatagrams,
              {.server = {.nonce_lifetime = Duration::seconds(120 + seed * 10)}, .seed = seed});
  run.net.route = random_route({.loss = 5 + seed * 3 % 13,
                                .duplication = seed % 10,
                                .reordering = seed * 7 % 20,
                                .jitter = ms(seed * 13 % 200)},
                               seed);
  ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
  const auto peers = peers_up_to(20);
  std::vector<uint16_t> channels;
  for (unsigned i = 0; i < 3; ++i) channels.push_back(run.bind(peers[i]));
  for (unsigned i = 3; i < 20; ++i) run.permit(peers[i]);
  const size_t before = run.events.size();
  for (int minute = 0; minute < 120; ++minute) {
    exchange_data(run, peers, channels);
    run.net.run_for(Duration::seconds(60));
    ASSERT_EQ(run.events.size(), before) << "minute " << minute;
  }
  EXPECT_GT(run.server.violations.retransmissions, 0U);
  EXPECT_EQ(run.server.tally.peer_data_dropped, 0U);
  EXPECT_EQ(run.server.violations.data_without_permission, 0U);
  EXPECT_EQ(run.server.violations.data_on_unbound_channel, 0U);
  EXPECT_EQ(run.server.tally.allocations_expired, 0U);
}

INSTANTIATE_TEST_SUITE_P(Seeds, Weathering, ::testing::Range(1U, 7U));

TEST(Refreshing, IsSpread) {
  // A hundred relays that were made at once do not refresh at once.
  std::vector<Instant> refreshed;
  for (uint32_t seed = 1; seed <= 100; ++seed) {
    TurnRun run(kDatagrams, {.seed = seed});
    ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
    refreshed.push_back(run.client.poll_timeout());
    EXPECT_GE(refreshed.back(), run.net.now + Duration::seconds(509));
    EXPECT_LE(refreshed.back(), run.net.now + Duration::seconds(540));
  }
  std::sort(refreshed.begin(), refreshed.end());
  for (size_t i = 20; i < refreshed.size(); ++i) {
    EXPECT_GT(refreshed[i] - refreshed[i - 20], Duration::seconds(1)) << "20 of 100 in a second";
  }
}

}  // namespace
}  // namespace postern::sim
