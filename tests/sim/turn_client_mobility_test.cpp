// An allocation that follows its client to another 5-tuple (RFC 8016).
#include <array>
#include <vector>

#include "base/byte_order.h"
#include "sim/turn_run.h"
#include "turn/channel_data.h"

namespace postern::sim {
namespace {

using stun::Method;

constexpr client::AllocateRequest kMobile{.mobility = true};

void change_address(TurnRun& run, uint16_t port) { run.net.tuple.client.port = port; }

class Moving : public ::testing::TestWithParam<Path> {};

TEST_P(Moving, TakesTheAllocationAlong) {
  TurnRun run(GetParam());
  ASSERT_EQ(run.allocate(kMobile).kind, TurnEventKind::Allocated);
  ASSERT_TRUE(run.client.allocation().has_ticket());
  const uint16_t channel = run.bind(kPeer);
  run.permit(kOther);
  const TransportAddress relayed = run.relayed();
  for (uint16_t port = 1; port <= 3; ++port) {
    change_address(run, port);
    ASSERT_EQ(run.client.move(run.net.now), Errc::Ok);
    const TurnRecord moved = run.await(TurnEventKind::Moved);
    EXPECT_EQ(moved.errc, Errc::Ok);
    EXPECT_EQ(moved.number, 600U);
    run.send(channel, text("by channel"));
    run.send(kOther, text("by indication"));
    run.net.run_for(ms(100));
    run.peer_sends(kPeer, text("back"));
    run.peer_sends(kOther, text("back"));
    run.net.run_for(ms(100));
    EXPECT_EQ(run.server.to_peers.size(), 2U * port);
    EXPECT_EQ(run.received.size(), 2U * port);
    EXPECT_EQ(run.relayed(), relayed);
  }
  run.net.run_for(Duration::seconds(1200));
  EXPECT_TRUE(run.client.is_allocated());
  EXPECT_TRUE(run.is_clean());
}

TEST_P(Moving, DataComesByTheOldPathMeanwhile) {
  TurnRun run(GetParam());
  ASSERT_EQ(run.allocate(kMobile).kind, TurnEventKind::Allocated);
  run.bind(kPeer);
  run.net.also_at = {run.net.tuple.client};
  change_address(run, 1);
  ASSERT_EQ(run.client.move(run.net.now), Errc::Ok);
  run.peer_sends(kPeer, text("before"));
  run.await(TurnEventKind::Moved);
  run.peer_sends(kPeer, text("after"));
  run.net.run_for(ms(100));
  EXPECT_EQ(run.received.size(), 2U);
}

// Over a stream the server hears of the end of the old one.
TEST(MovingOverUdp, DataComesToAClientThatSendsNone) {
  TurnRun run(kDatagrams);
  ASSERT_EQ(run.allocate(kMobile).kind, TurnEventKind::Allocated);
  run.bind(kPeer);
  change_address(run, 1);
  ASSERT_EQ(run.client.move(run.net.now), Errc::Ok);
  run.await(TurnEventKind::Moved);
  run.net.run_for(ms(100));
  EXPECT_EQ(run.server.tally.arrivals, 3U);
  run.peer_sends(kPeer, text("after"));
  run.net.run_for(ms(100));
  EXPECT_EQ(run.received.size(), 1U);
  EXPECT_TRUE(run.server.to_peers.empty());
  EXPECT_TRUE(run.is_clean());
}

TEST_P(Moving, TakesAlongWhatIsUnderWay) {
  TurnRun run(GetParam());
  ASSERT_EQ(run.allocate(kMobile).kind, TurnEventKind::Allocated);
  ASSERT_EQ(run.client.permit(run.net.now, kPeer), Errc::Ok);
  ASSERT_EQ(run.client.refresh(run.net.now), Errc::Ok);
  ASSERT_TRUE(run.client.bind_channel(run.net.now, kOther).has_value());
  run.net.drain();
  change_address(run, 1);
  ASSERT_EQ(run.client.move(run.net.now), Errc::Ok);
  run.net.run_for(Duration::seconds(2));
  EXPECT_EQ(run.count(TurnEventKind::Moved), 1U);
  EXPECT_EQ(run.count(TurnEventKind::Permitted), 1U);
  EXPECT_EQ(run.count(TurnEventKind::Refreshed), 1U);
  EXPECT_EQ(run.count(TurnEventKind::ChannelBound), 1U);
  EXPECT_EQ(run.events.size(), 5U);
  EXPECT_EQ(run.server.violations.allocation_mismatch, 0U);
}

TEST_P(Moving, AnswersAStaleNonce) {
  TurnRun run(GetParam());
  ASSERT_EQ(run.allocate(kMobile).kind, TurnEventKind::Allocated);
  run.server.credentials.rotate_nonce();
  change_address(run, 1);
  ASSERT_EQ(run.client.move(run.net.now), Errc::Ok);
  EXPECT_EQ(run.await(TurnEventKind::Moved).requests_sent, 2U);
}

TEST_P(Moving, IsRefusedWithoutATicket) {
  for (const Mobility mobility : {Mobility::Unknown, Mobility::Allowed}) {
    TurnRun run(GetParam(), {.server = {.mobility = mobility}});
    ASSERT_EQ(run.allocate({.mobility = mobility == Mobility::Unknown}).kind,
              TurnEventKind::Allocated);
    EXPECT_FALSE(run.client.allocation().has_ticket());
    EXPECT_EQ(run.client.move(run.net.now), Errc::NoMobilityTicket);
  }
  TurnRun run(GetParam(), {.server = {.mobility = Mobility::Forbidden}});
  EXPECT_EQ(run.allocate(kMobile).error_code, 405);
}

TEST_P(Moving, MayFailAndBeTriedAgain) {
  TurnRun run(GetParam());
  ASSERT_EQ(run.allocate(kMobile).kind, TurnEventKind::Allocated);
  run.server.refuse_next(Method::Refresh, {.code = 405});
  change_address(run, 1);
  ASSERT_EQ(run.client.move(run.net.now), Errc::Ok);
  const TurnRecord failed = run.await(TurnEventKind::MoveFailed);
  EXPECT_EQ(failed.error_code, 405);
  EXPECT_TRUE(run.client.is_allocated());
  ASSERT_EQ(run.client.move(run.net.now), Errc::Ok);
  run.await(TurnEventKind::Moved);
}

TEST_P(Moving, ToASilentServerFailsInTime) {
  TurnRun run(GetParam());
  ASSERT_EQ(run.allocate(kMobile).kind, TurnEventKind::Allocated);
  run.server.is_silent = true;
  change_address(run, 1);
  const Instant start = run.net.now;
  ASSERT_EQ(run.client.move(run.net.now), Errc::Ok);
  EXPECT_EQ(run.await(TurnEventKind::MoveFailed).errc, Errc::Timeout);
  EXPECT_LE(run.net.now - start, Duration::milliseconds(39'500));
}

INSTANTIATE_TEST_SUITE_P(Paths, Moving, ::testing::Values(kDatagrams, kStream, kFramed), path_name);

TEST(MoveOnDatagrams, SurvivesLosses) {
  for (const Direction lossy : {Direction::ToServer, Direction::ToClient}) {
    TurnRun run;
    ASSERT_EQ(run.allocate({.mobility = true}).kind, TurnEventKind::Allocated);
    run.permit(kPeer);
    run.net.tuple.client.port = 1;
    unsigned left = 2;
    run.net.route = [&](Direction direction, size_t) {
      if (direction != lossy || left == 0) return Fate{kLatency};
      --left;
      return Fate{};
    };
    ASSERT_EQ(run.client.move(run.net.now), Errc::Ok);
    run.await(TurnEventKind::Moved);
    ASSERT_EQ(run.client.refresh(run.net.now), Errc::Ok);
    run.await(TurnEventKind::Refreshed);
  }
}

TEST(MoveOnAStream, ThatBreaksGoesBackToTheOldOneInMidFrame) {
  TurnRun run(kStream);
  ASSERT_EQ(run.allocate({.mobility = true}).kind, TurnEventKind::Allocated);
  const uint16_t channel = run.bind(kPeer);
  // A frame of the old stream is cut in two by the move.
  std::vector<uint8_t> frame(turn::kChannelHeaderBytes + 8, uint8_t{7});
  store_be16(frame.data(), channel);
  store_be16(&frame[2], 8);
  const std::span<const uint8_t> bytes(frame);
  run.client.feed_stream(run.net.now, bytes.first(6));
  EXPECT_FALSE(run.client.next_from_stream(run.net.now).has_value());

  for (const bool is_asked : {false, true}) {
    ASSERT_EQ(run.client.move(run.net.now), Errc::Ok);
    std::array<uint8_t, client::kMaxTurnRequestBytes> out;
    if (is_asked) {
      EXPECT_GT(run.client.poll_transmit(out), 0U);
    }
    const std::array<uint8_t, 4> garbage = {0xFF, 0xFF, 0xFF, 0xFF};
    run.client.feed_stream(run.net.now, garbage);
    EXPECT_FALSE(run.client.next_from_stream(run.net.now).has_value());
    const auto event = run.client.poll_event();
    ASSERT_TRUE(event.has_value());
    EXPECT_EQ(event->kind, TurnEventKind::MoveFailed);
    EXPECT_EQ(event->errc, Errc::StreamDesynchronised);
    EXPECT_FALSE(run.client.poll_event().has_value());
    EXPECT_TRUE(run.client.is_allocated());
  }

  run.client.feed_stream(run.net.now, bytes.subspan(6));
  const auto data = run.client.next_from_stream(run.net.now);
  ASSERT_TRUE(data.has_value());
  EXPECT_EQ(data->channel, channel);
  EXPECT_EQ(data->data.size(), 8U);
}

}  // namespace
}  // namespace postern::sim
