// TCP relays (RFC 6062): Connect, ConnectionAttempt, and ConnectionBind on a connection of its own.
#include "client/turn/connection_binder.h"
#include "sim/turn_run.h"

namespace postern::sim {
namespace {

using stun::Method;

constexpr client::AllocateRequest kTcp{.transport = kProtocolTcp};

class TcpRelay : public ::testing::TestWithParam<Path> {};

TEST_P(TcpRelay, ConnectsToAPeer) {
  TurnRun run(GetParam());
  ASSERT_EQ(run.allocate(kTcp).kind, TurnEventKind::Allocated);
  EXPECT_TRUE(run.client.allocation().is_tcp);
  const auto token = run.client.connect(run.net.now, kPeer);
  ASSERT_TRUE(token.has_value());
  run.net.run_for(Duration::seconds(10));
  ASSERT_EQ(run.server.connections.size(), 1U);
  run.net.carry(run.server.complete_connect(run.net.now, run.server.connections[0].id));
  const TurnRecord connected = run.await(TurnEventKind::Connected);
  EXPECT_EQ(connected.token, *token);
  EXPECT_EQ(connected.number, run.server.connections[0].id);
  EXPECT_EQ(connected.peer, kPeer);
  // RFC 6062 section 4.3: not twice.
  const auto again = run.client.connect(run.net.now, kPeer);
  ASSERT_TRUE(again.has_value());
  EXPECT_NE(*again, *token);
  const TurnRecord failed = run.await(TurnEventKind::ConnectFailed);
  EXPECT_EQ(failed.token, *again);
  EXPECT_EQ(failed.error_code, 446);
  EXPECT_TRUE(run.is_clean());
}

TEST_P(TcpRelay, TellsThatThePeerCannotBeReached) {
  TurnRun run(GetParam());
  ASSERT_EQ(run.allocate(kTcp).kind, TurnEventKind::Allocated);
  const auto token = run.client.connect(run.net.now, kPeer);
  run.net.run_for(Duration::seconds(1));
  run.net.carry(run.server.complete_connect(run.net.now, run.server.connections[0].id, 447));
  const TurnRecord failed = run.await(TurnEventKind::ConnectFailed);
  EXPECT_EQ(failed.token, *token);
  EXPECT_EQ(failed.peer, kPeer);
  EXPECT_EQ(failed.error_code, 447);
  run.server.options.forbidden_peers = {kOther};
  ASSERT_TRUE(run.client.connect(run.net.now, kOther).has_value());
  EXPECT_EQ(run.await(TurnEventKind::ConnectFailed).error_code, 403);
}

// Peers that let the server wait keep nobody else waiting, and do not end the allocation.
TEST_P(TcpRelay, SilentPeersHoldNothingUp) {
  TurnRun run(GetParam());
  ASSERT_EQ(run.allocate(kTcp).kind, TurnEventKind::Allocated);
  for (unsigned i = 0; i < client::kMaxConnects; ++i) {
    ASSERT_TRUE(run.client.connect(run.net.now, peer_number(i)).has_value());
  }
  EXPECT_EQ(run.client.connect(run.net.now, kPeer).error(), Errc::TooManyConnections);
  const Instant start = run.net.now;
  run.permit(kPeer);
  ASSERT_EQ(run.client.refresh(run.net.now), Errc::Ok);
  run.await(TurnEventKind::Refreshed);
  EXPECT_LE(run.net.now - start, Duration::seconds(1));
  const TurnRecord failed = run.await(TurnEventKind::ConnectFailed);
  EXPECT_EQ(failed.errc, Errc::Timeout);
  run.net.run_for(Duration::seconds(3600));
  EXPECT_EQ(run.count(TurnEventKind::ConnectFailed), client::kMaxConnects);
  EXPECT_TRUE(run.client.is_allocated());
  EXPECT_TRUE(run.at_server()->permits(run.net.now, kPeer));
}

TEST_P(TcpRelay, TellsThatAPeerHasConnected) {
  TurnRun run(GetParam());
  ASSERT_EQ(run.allocate(kTcp).kind, TurnEventKind::Allocated);
  run.net.carry(run.server.peer_connect(run.net.now, kPeer, run.relayed()));
  run.net.run_for(ms(100));
  EXPECT_EQ(run.count(TurnEventKind::ConnectionAttempt), 0U) << "without permission";
  run.permit(kPeer);
  run.net.carry(run.server.peer_connect(run.net.now, kPeer, run.relayed()));
  const TurnRecord attempt = run.await(TurnEventKind::ConnectionAttempt);
  EXPECT_EQ(attempt.peer, kPeer);
  EXPECT_EQ(attempt.number, run.server.connections[0].id);
}

// --- ConnectionBind

class Binding : public ::testing::TestWithParam<Path> {
 protected:
  Binding() : run(GetParam(), {.server = {.connects_at_once = true}}) {
    EXPECT_EQ(run.allocate(kTcp).kind, TurnEventKind::Allocated);
    EXPECT_TRUE(run.client.connect(run.net.now, kPeer).has_value());
    id = run.await(TurnEventKind::Connected).number;
    binder.emplace(run.client.authenticator(), client::RetransmissionOptions{}, stun::Bytes{});
    std::array<uint8_t, 128> entropy{};
    binder->provide_entropy(entropy);
    tuple = {.client = TransportAddress::ipv4(203, 0, 113, 7, 40001), .carrier = Carrier::Stream};
  }

  // Carries bytes to and fro until nobody has more to say; what the binder leaves is the peer's.
  void exchange() {
    std::vector<uint8_t> out(client::kMaxTurnRequestBytes);
    while (const size_t size = binder->poll_transmit(out)) {
      for (const Outgoing& reply :
           run.server.handle(run.net.now, stun::Bytes(out).first(size), tuple)) {
        take(reply.bytes);
      }
    }
  }
  void take(stun::Bytes bytes) {
    while (!bytes.empty()) {
      const stun::Bytes piece = bytes.first(std::min(bytes.size(), GetParam().piece_bytes));
      size_t used = 0;
      while (used < piece.size() && !binder->is_bound()) {
        const size_t more = binder->handle_stream(run.net.now, piece.subspan(used));
        used += more;
        if (more == 0) break;
      }
      for (size_t i = used; i < piece.size(); ++i) from_peer.push_back(piece[i]);
      bytes = bytes.subspan(piece.size());
    }
  }
  client::TurnEvent event() {
    const auto told = binder->poll_event();
    EXPECT_TRUE(told.has_value());
    EXPECT_FALSE(binder->poll_event().has_value()) << "once";
    EXPECT_TRUE(binder->poll_timeout().is_never());
    return told.value_or(client::TurnEvent{});
  }

  TurnRun run;
  uint32_t id = 0;
  std::optional<client::ConnectionBinder> binder;
  FiveTuple tuple;
  Message from_peer;
};

TEST_P(Binding, MakesItThePeersConnection) {
  // These bytes come right behind the answer.
  static_cast<void>(run.server.peer_stream(id, text("hello from the peer")));
  ASSERT_EQ(binder->start(run.net.now, id), Errc::Ok);
  exchange();
  const client::TurnEvent connected = event();
  EXPECT_EQ(connected.kind, TurnEventKind::Connected);
  EXPECT_EQ(connected.errc, Errc::Ok);
  EXPECT_EQ(connected.number, id);
  EXPECT_TRUE(connected.authenticated);
  EXPECT_TRUE(binder->is_bound());
  EXPECT_EQ(from_peer, text("hello from the peer"));
  EXPECT_EQ(binder->handle_stream(run.net.now, text("more")), 0U) << "all is the peer's";
  EXPECT_TRUE(run.is_clean());
}

TEST_P(Binding, AnswersAStaleNonce) {
  run.server.credentials.rotate_nonce();
  ASSERT_EQ(binder->start(run.net.now, id), Errc::Ok);
  exchange();
  const client::TurnEvent connected = event();
  EXPECT_EQ(connected.kind, TurnEventKind::Connected);
  EXPECT_EQ(connected.requests_sent, 2U);
  EXPECT_EQ(run.server.violations.stale_nonce, 1U);
}

TEST_P(Binding, DoesNotFollowStaleNoncesForEver) {
  run.server.refuse_next(Method::ConnectionBind, {.code = 438, .times = 1000});
  ASSERT_EQ(binder->start(run.net.now, id), Errc::Ok);
  exchange();
  const client::TurnEvent failed = event();
  EXPECT_EQ(failed.kind, TurnEventKind::ConnectFailed);
  EXPECT_EQ(failed.errc, Errc::StaleNonceLimit);
}

TEST_P(Binding, IsRefused) {
  ASSERT_EQ(binder->start(run.net.now, id + 1), Errc::Ok);
  exchange();
  const client::TurnEvent failed = event();
  EXPECT_EQ(failed.kind, TurnEventKind::ConnectFailed);
  EXPECT_EQ(failed.errc, Errc::ErrorResponse);
  EXPECT_EQ(failed.error_code, 400);
  EXPECT_EQ(failed.number, id + 1);
  EXPECT_FALSE(binder->is_bound());
}

TEST_P(Binding, TimesOut) {
  ASSERT_EQ(binder->start(run.net.now, id), Errc::Ok);
  EXPECT_EQ(binder->poll_timeout(), run.net.now + client::kDefaultTi);
  binder->handle_timeout(run.net.now + (client::kDefaultTi - ms(1)));
  EXPECT_FALSE(binder->poll_event().has_value());
  binder->handle_timeout(run.net.now + client::kDefaultTi);
  EXPECT_EQ(event().errc, Errc::Timeout);
}

TEST_P(Binding, EndsWithTheTransport) {
  ASSERT_EQ(binder->start(run.net.now, id), Errc::Ok);
  binder->handle_transport_closed(run.net.now);
  EXPECT_EQ(event().errc, Errc::TransportClosed);
  binder->handle_transport_closed(run.net.now);
  EXPECT_FALSE(binder->poll_event().has_value());
}

TEST_P(Binding, EndsWhereTheStreamIsNoStun) {
  ASSERT_EQ(binder->start(run.net.now, id), Errc::Ok);
  take(text("SSH-2.0-OpenSSH\r\n"));
  EXPECT_EQ(event().errc, Errc::StreamDesynchronised);
  EXPECT_EQ(binder->stats().malformed, 1U);
}

TEST_P(Binding, OverlooksWhatIsNotTheAnswer) {
  ASSERT_EQ(binder->start(run.net.now, id), Errc::Ok);
  std::vector<uint8_t> out(client::kMaxTurnRequestBytes);
  const size_t size = binder->poll_transmit(out);
  Message other(out.begin(), out.begin() + static_cast<ptrdiff_t>(size));
  take(other);  // a request
  EXPECT_EQ(binder->stats().unexpected, 1U);
  other[12] ^= 1;
  take(ResponseBuilder(parse(other), stun::Class::Success).build());
  EXPECT_EQ(binder->stats().unknown_transaction, 1U);
  for (const Outgoing& reply :
       run.server.handle(run.net.now, stun::Bytes(out).first(size), tuple)) {
    take(reply.bytes);
  }
  EXPECT_EQ(event().kind, TurnEventKind::Connected);
}

TEST_P(Binding, NeedsEntropy) {
  client::ConnectionBinder poor(run.client.authenticator(), {}, {});
  EXPECT_EQ(poor.start(run.net.now, id), Errc::EntropyNeeded);
  EXPECT_FALSE(poor.poll_event().has_value());
}

INSTANTIATE_TEST_SUITE_P(Streams, TcpRelay, ::testing::ValuesIn(all_streams()), path_name);
INSTANTIATE_TEST_SUITE_P(Streams, Binding, ::testing::ValuesIn(all_streams()), path_name);

}  // namespace
}  // namespace postern::sim
