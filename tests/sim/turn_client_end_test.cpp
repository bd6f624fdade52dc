// How an allocation ends: by close(), by a server that is dead or has forgotten it, by the
// transport; and what a shortage of randomness does not end.
#include "sim/turn_run.h"

namespace postern::sim {
namespace {

using stun::Method;

class Ending : public ::testing::TestWithParam<Path> {
 protected:
  // Commands under way of every kind.
  static void start_everything(TurnRun& run) {
    ASSERT_EQ(run.client.permit(run.net.now, kPeer), Errc::Ok);
    ASSERT_TRUE(run.client.bind_channel(run.net.now, kOther).has_value());
    ASSERT_EQ(run.client.refresh(run.net.now), Errc::Ok);
  }
  static void expect_end(TurnRun& run, Errc why) {
    ASSERT_FALSE(run.events.empty());
    EXPECT_EQ(run.events.back().kind, TurnEventKind::Lost);
    EXPECT_EQ(run.events.back().errc, why);
    EXPECT_EQ(run.count(TurnEventKind::Lost), 1U);
    EXPECT_FALSE(run.client.is_allocated());
    EXPECT_TRUE(run.client.poll_timeout().is_never());
    expect_nothing_more(run);
  }
  static void expect_nothing_more(TurnRun& run) {
    const size_t before = run.events.size();
    const size_t requests = run.requests.size();
    EXPECT_NE(run.client.permit(run.net.now, kPeer), Errc::Ok);
    EXPECT_FALSE(run.client.bind_channel(run.net.now, kPeer).has_value());
    EXPECT_FALSE(run.client.connect(run.net.now, kPeer).has_value());
    EXPECT_NE(run.client.refresh(run.net.now), Errc::Ok);
    EXPECT_NE(run.client.move(run.net.now), Errc::Ok);
    EXPECT_NE(run.client.allocate(run.net.now), Errc::Ok);
    std::array<uint8_t, 100> out{};
    EXPECT_FALSE(run.client.write_data(run.net.now, kPeer, {}, false, out).has_value());
    EXPECT_FALSE(run.client.write_channel_data(run.net.now, 0x4000, {}, out).has_value());
    run.client.handle_transport_error(run.net.now, client::TransportError::Hard);
    run.client.handle_transport_closed(run.net.now);
    run.net.run_for(Duration::seconds(1000));
    EXPECT_EQ(run.events.size(), before) << "nothing after the end";
    EXPECT_EQ(run.requests.size(), requests);
  }
  // RFC 8489 section 6.2: how long a request is waited for.
  static Duration longest_wait() {
    return GetParam().is_reliable ? client::kDefaultTi : client::kDefaultRto * 79;
  }
};

TEST_P(Ending, CloseGivesTheAllocationBack) {
  TurnRun run(GetParam());
  ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
  start_everything(run);
  run.client.close(run.net.now);
  run.client.close(run.net.now);
  const TurnRecord closed = run.await(TurnEventKind::Closed);
  EXPECT_EQ(closed.errc, Errc::Ok);
  EXPECT_EQ(run.at_server(), nullptr);
  EXPECT_EQ(run.events.size(), 2U);
  EXPECT_TRUE(run.is_clean());
  expect_nothing_more(run);
  run.client.close(run.net.now);
  EXPECT_FALSE(run.client.poll_event().has_value());
}

TEST_P(Ending, CloseOfAnAllocationThatIsGoneAlready) {
  for (const uint16_t code : std::initializer_list<uint16_t>{437, 500, 400, 441}) {
    TurnRun run(GetParam());
    ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
    run.server.refuse_next(Method::Refresh, {.code = code});
    run.client.close(run.net.now);
    EXPECT_EQ(run.await(TurnEventKind::Closed).errc, Errc::Ok);
    expect_nothing_more(run);
  }
}

TEST_P(Ending, CloseOfAServerThatIsSilentEndsInTime) {
  TurnRun run(GetParam());
  ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
  run.server.is_silent = true;
  const Instant start = run.net.now;
  run.client.close(run.net.now);
  EXPECT_EQ(run.await(TurnEventKind::Closed).errc, Errc::Ok);
  EXPECT_LE(run.net.now - start, longest_wait());
  expect_nothing_more(run);
}

TEST_P(Ending, CloseBeforeAnythingElse) {
  TurnRun run(GetParam());
  run.client.close(run.net.now);
  EXPECT_EQ(run.await(TurnEventKind::Closed).errc, Errc::Ok);
  EXPECT_TRUE(run.requests.empty());
  expect_nothing_more(run);
}

TEST_P(Ending, CloseWhileAllocating) {
  TurnRun run(GetParam());
  run.net.refill();
  ASSERT_EQ(run.client.allocate(run.net.now), Errc::Ok);
  run.net.run_for(ms(50));
  run.client.close(run.net.now);
  EXPECT_EQ(run.await(TurnEventKind::Closed).errc, Errc::Ok);
  EXPECT_EQ(run.events.size(), 1U);
  run.net.run_for(ms(100));
  EXPECT_EQ(run.client.stats().late, 1U) << "the answer";
  expect_nothing_more(run);
}

TEST_P(Ending, CloseWhenTheTransportBreaks) {
  TurnRun run(GetParam());
  ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
  run.client.close(run.net.now);
  run.net.drain();
  run.client.handle_transport_closed(run.net.now);
  run.net.drain();
  EXPECT_EQ(run.last(TurnEventKind::Closed).errc, Errc::Ok);
  expect_nothing_more(run);
}

TEST_P(Ending, ASilentServerIsNoticedByTheNextRefresh) {
  client::TurnClientOptions options{.refresh_every = Duration::seconds(30)};
  TurnRun run(GetParam(), {.client = options});
  ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
  run.permit(kPeer);
  run.server.is_silent = true;
  const Instant start = run.net.now;
  run.await(TurnEventKind::Lost);
  EXPECT_LE(run.net.now - start, Duration::seconds(30) + longest_wait());
  EXPECT_GE(run.net.now - start, longest_wait());
  expect_end(run, Errc::Timeout);
}

TEST_P(Ending, ASilentServerIsNoticedInTimeForTheLifetime) {
  TurnRun run(GetParam());
  ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
  run.server.is_silent = true;
  run.await(TurnEventKind::Lost, Duration::seconds(601));
  expect_end(run, Errc::Timeout);
}

TEST_P(Ending, ASilentServerEndsWhatIsUnderWay) {
  TurnRun run(GetParam());
  ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
  run.server.is_silent = true;
  const Instant start = run.net.now;
  start_everything(run);
  run.await(TurnEventKind::Lost);
  EXPECT_LE(run.net.now - start, longest_wait());
  EXPECT_EQ(run.events.size(), 2U) << "Lost stands for all";
  expect_end(run, Errc::Timeout);
}

TEST_P(Ending, ARestartedServerHasForgottenTheAllocation) {
  TurnRun run(GetParam());
  ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
  run.server.restart();
  start_everything(run);
  run.await(TurnEventKind::Lost);
  EXPECT_EQ(run.events.back().error_code, 437);
  EXPECT_TRUE(run.events.back().authenticated);
  EXPECT_EQ(run.events.back().reason_text, "Allocation Mismatch");
  expect_end(run, Errc::ErrorResponse);
}

TEST_P(Ending, RefusalsThatMayPassAreTriedAgain) {
  TurnRun run(GetParam(), {.client = {.refresh_every = Duration::seconds(60)}});
  ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
  for (const uint16_t code : std::initializer_list<uint16_t>{500, 508}) {
    run.server.refuse_next(Method::Refresh, {.code = code, .times = 2});
    ASSERT_EQ(run.client.refresh(run.net.now), Errc::Ok);
    EXPECT_EQ(run.await(TurnEventKind::RefreshFailed).error_code, code);
    run.net.run_for(Duration::seconds(30));
  }
  // Nobody is told of those that nobody asked for, and the first that succeeds mends it.
  EXPECT_EQ(run.events.size(), 3U);
  EXPECT_TRUE(run.client.is_allocated());
}

TEST_P(Ending, AServerThatRefusesToTheEndOfTheLifetime) {
  TurnRun run(GetParam());
  ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
  run.server.refuse_next(Method::Refresh, {.code = 500, .times = 1000});
  run.await(TurnEventKind::Lost, Duration::seconds(601));
  expect_end(run, Errc::AllocationExpired);
  EXPECT_LE(run.requested(Method::Refresh), 20U);
}

TEST_P(Ending, OtherRefusalsEndIt) {
  for (const uint16_t code : std::initializer_list<uint16_t>{400, 403, 437, 441, 486}) {
    TurnRun run(GetParam());
    ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
    run.server.refuse_next(Method::Refresh, {.code = code});
    ASSERT_EQ(run.client.refresh(run.net.now), Errc::Ok);
    run.await(TurnEventKind::Lost);
    EXPECT_EQ(run.events.back().error_code, code);
    expect_end(run, Errc::ErrorResponse);
  }
}

TEST_P(Ending, ATransportThatIsClosed) {
  TurnRun run(GetParam());
  ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
  start_everything(run);
  run.net.drain();
  run.client.handle_transport_closed(run.net.now);
  run.net.drain();
  expect_end(run, Errc::TransportClosed);
}

TEST_P(Ending, ATransportThatIsClosedWhileAllocating) {
  TurnRun run(GetParam());
  run.net.refill();
  ASSERT_EQ(run.client.allocate(run.net.now), Errc::Ok);
  run.client.handle_transport_closed(run.net.now);
  run.net.drain();
  EXPECT_EQ(run.last(TurnEventKind::AllocateFailed).errc, Errc::TransportClosed);
  expect_nothing_more(run);
}

TEST_P(Ending, AHardErrorEndsWhatWaits) {
  TurnRun run(GetParam());
  ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
  ASSERT_EQ(run.client.permit(run.net.now, kPeer), Errc::Ok);
  run.net.drain();
  run.client.handle_transport_error(run.net.now, client::TransportError::Hard);
  run.net.drain();
  expect_end(run, Errc::TransportClosed);
}

TEST_P(Ending, AHardErrorWithNothingUnderWayAsksTheServer) {
  TurnRun run(GetParam());
  ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
  run.client.handle_transport_error(run.net.now, client::TransportError::Hard);
  run.net.run_for(Duration::seconds(1));
  EXPECT_EQ(run.requested(Method::Refresh), 1U);
  EXPECT_TRUE(run.client.is_allocated());
  run.client.handle_transport_error(run.net.now, client::TransportError::Soft);
  run.net.run_for(Duration::seconds(1));
  EXPECT_EQ(run.requested(Method::Refresh), 1U);
  run.client.close(run.net.now);
  run.await(TurnEventKind::Closed);
}

// What was told before the end comes before it, however late it is polled.
TEST_P(Ending, ComesAfterWhatWasQueued) {
  TurnRun run(GetParam());
  ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
  run.permit(kPeer);
  run.takes_events = false;
  ASSERT_EQ(run.client.permit(run.net.now, kPeer), Errc::Ok);
  run.server.restart();
  ASSERT_EQ(run.client.refresh(run.net.now), Errc::Ok);
  run.net.run_for(Duration::seconds(2));
  run.takes_events = true;
  run.net.drain();
  ASSERT_EQ(run.events.size(), 4U);
  EXPECT_EQ(run.events[2].kind, TurnEventKind::Permitted);
  expect_end(run, Errc::ErrorResponse);
}

// A shortage of randomness delays what is asked of the server, and spoils nothing.
TEST_P(Ending, IsNotForWantOfEntropy) {
  TurnRun run(GetParam());
  ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
  // Uses up what there is.
  run.net.supplies_entropy = false;
  while (run.client.entropy_available() >= stun::kTransactionIdBytes) {
    ASSERT_EQ(run.client.refresh(run.net.now), Errc::Ok);
    run.await(TurnEventKind::Refreshed);
  }
  const size_t before = run.events.size();
  start_everything(run);
  const auto requests = run.requests.size();
  run.net.run_for(Duration::seconds(200));
  EXPECT_EQ(run.events.size(), before);
  EXPECT_EQ(run.requests.size(), requests);
  run.net.supplies_entropy = true;
  run.net.run_for(Duration::seconds(2));
  EXPECT_EQ(run.events.size(), before + 3);
  EXPECT_TRUE(run.client.is_allocated());
}

TEST_P(Ending, IsNotForWantOfEntropyToAnswerAStaleNonce) {
  TurnRun run(GetParam());
  ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
  run.net.supplies_entropy = false;
  while (run.client.entropy_available() >= 2 * stun::kTransactionIdBytes) {
    ASSERT_EQ(run.client.refresh(run.net.now), Errc::Ok);
    run.await(TurnEventKind::Refreshed);
  }
  const size_t before = run.events.size();
  run.server.credentials.rotate_nonce();
  ASSERT_EQ(run.client.refresh(run.net.now), Errc::Ok);
  run.net.run_for(Duration::seconds(60));
  EXPECT_EQ(run.server.violations.stale_nonce, 1U);
  EXPECT_EQ(run.events.size(), before);
  run.net.supplies_entropy = true;
  run.net.run_for(Duration::seconds(2));
  ASSERT_EQ(run.events.size(), before + 1);
  EXPECT_EQ(run.events.back().kind, TurnEventKind::Refreshed);
}

INSTANTIATE_TEST_SUITE_P(Paths, Ending, ::testing::Values(kDatagrams, kStream, kFramed), path_name);

TEST(EndOfAStream, ThatIsNoTurnAnyMore) {
  TurnRun run(kStream);
  ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
  run.net.inject({}, Message(8, 0xFF));
  run.net.run_for(ms(10));
  ASSERT_EQ(run.count(TurnEventKind::Lost), 1U);
  EXPECT_EQ(run.events.back().errc, Errc::StreamDesynchronised);
  EXPECT_EQ(run.client.stats().malformed, 1U);
  run.net.inject({}, Message(8, 0xFF));
  run.net.run_for(Duration::seconds(60));
  EXPECT_EQ(run.count(TurnEventKind::Lost), 1U);
}

TEST(KeepAlive, IsSentWhenNothingElseIs) {
  TurnRun run(kDatagrams, {.client = {.keep_alive = Duration::seconds(20)}});
  ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
  run.permit(kPeer);
  run.net.run_for(Duration::seconds(101));
  EXPECT_EQ(run.server.tally.binding_indications, 5U);
  // Data does the same for the NAT.
  for (int i = 0; i < 10; ++i) {
    run.send(kPeer, text("data"));
    run.net.run_for(Duration::seconds(10));
  }
  EXPECT_EQ(run.server.tally.binding_indications, 5U);
  EXPECT_TRUE(run.is_clean());
}

TEST(KeepAlive, IsOfNoUseOnReliableTransports) {
  TurnRun run(kStream, {.client = {.keep_alive = Duration::seconds(20)}});
  ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
  run.net.run_for(Duration::seconds(200));
  EXPECT_EQ(run.server.tally.binding_indications, 0U);
}

}  // namespace
}  // namespace postern::sim
