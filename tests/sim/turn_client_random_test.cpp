// Random runs of a TURN client with fixed seeds: a network that loses, doubles and reorders, a
// server that refuses, forgets nonces, falls silent or starts anew, a caller who commands whatever
// comes to mind, and somebody who forges. Every command ends exactly once, or with Lost or Closed;
// and the server never sees what a right client does not send.
#include <array>
#include <map>
#include <random>
#include <set>

#include "sim/forgery.h"
#include "sim/turn_run.h"

namespace postern::sim {
namespace {

using stun::Method;

constexpr unsigned kHosts = 24;

class RandomTurn : public ::testing::TestWithParam<uint32_t> {
 protected:
  RandomTurn() : random(GetParam()), path(choose_path()), run(path, choose_setup()) {
    if (!path.is_reliable) {
      run.net.route = random_route({.loss = below(20),
                                    .duplication = below(20),
                                    .reordering = below(20),
                                    .jitter = ms(below(200))},
                                   GetParam());
    } else {
      run.net.piece_bytes = once_in(2) ? Network::kRandomPieces : SIZE_MAX;
    }
  }

  bool once_in(uint32_t n) { return random() % n == 0; }
  uint32_t below(uint32_t n) { return static_cast<uint32_t>(random() % n); }
  Path choose_path() { return once_in(3) ? kDatagrams : once_in(2) ? kStream : kFramed; }
  TurnSetup choose_setup() {
    is_tcp = path.is_stream() && once_in(2);
    return {.client = {.fingerprint = once_in(2),
                       .refresh_every = Duration::seconds(once_in(2) ? 0 : 100),
                       .keep_alive = Duration::seconds(once_in(2) ? 0 : 20)},
            .server = {.nonce_lifetime = Duration::seconds(once_in(2) ? 0 : 30 + below(300)),
                       .signs_stale_nonce = once_in(2),
                       .connects_at_once = once_in(2),
                       .has_fingerprint = once_in(2)},
            .credentials = {.algorithms = once_in(2) ? stun::Bytes(kSha256ThenMd5) : stun::Bytes{}},
            .seed = GetParam()};
  }

  void command() {
    const Instant now = run.net.now;
    client::TurnClient& client = run.client;
    const unsigned host = below(kHosts);
    const TransportAddress peer = peer_number(host);
    switch (below(12)) {
      case 0:
      case 1:
      case 2:
        if (permits.count(host) > 0) break;
        if (client.permit(now, peer) == Errc::Ok) permits.insert(host);
        break;
      case 3:
        if (client.release_permission(now, peer) == Errc::Ok && channels_to(host) == 0) {
          permits.erase(host);
        }
        break;
      case 4:
      case 5: {
        if (is_tcp || binds.count(peer.port) > 0) break;
        if (const auto channel = client.bind_channel(now, peer)) {
          binds.insert(peer.port);
          numbers[peer.port] = *channel;
        }
        break;
      }
      case 6:
        if (numbers.count(peer.port) == 0) break;
        if (client.release_channel(now, numbers[peer.port]) == Errc::Ok) {
          binds.erase(peer.port);
          numbers.erase(peer.port);
        }
        break;
      case 7:
        if (is_tcp) {
          if (const auto token = client.connect(now, peer)) connects.insert(*token);
        }
        break;
      case 8:
        // One may stand for both; so that they can be counted, one at a time.
        if (refreshes + checks == 0 && client.refresh(now) == Errc::Ok) refreshes = 1;
        break;
      case 9:
        // The same, taken for others.
        if (refreshes + checks == 0 && client.is_allocated()) {
          EXPECT_EQ(client.set_credentials(now, user_pass()), Errc::Ok);
          checks = 1;
        }
        break;
      case 10: {
        std::array<uint8_t, 200> out{};
        const auto sent = client.write_data(now, peer, text("data"), false, out);
        if (sent) run.net.send(stun::Bytes(out).first(*sent));
        break;
      }
      default: {
        std::array<uint8_t, 200> out{};
        if (numbers.count(peer.port) == 0) break;
        const auto sent = client.write_channel_data(now, numbers[peer.port], text("data"), out);
        if (sent) run.net.send(stun::Bytes(out).first(*sent));
        break;
      }
    }
  }

  size_t channels_to(unsigned host) { return numbers.count(peer_number(host).port); }

  void mishap() {
    constexpr std::array<Method, 4> kMethods = {Method::CreatePermission, Method::ChannelBind,
                                                Method::Connect, Method::CreatePermission};
    constexpr std::array<uint16_t, 5> kCodes = {403, 486, 500, 508, 438};
    switch (below(8)) {
      case 0:
        run.server.refuse_next(kMethods[below(4)], {.code = kCodes[below(5)]});
        break;
      case 1:
        run.server.refuse_next(Method::Refresh,
                               {.code = once_in(2) ? uint16_t{500} : uint16_t{441}, .times = 1});
        break;
      case 2:
        run.server.credentials.rotate_nonce();
        break;
      case 3:
        run.net.supplies_entropy = !run.net.supplies_entropy;
        break;
      case 4:
        if (path.is_reliable || run.requests.empty()) break;
        run.net.inject(ms(below(100)), forged_success(run.requests.back(), Forgery::Sha1));
        run.net.inject(ms(below(100)), forged_error(run.requests.back(), 437, Forgery::Unsigned));
        break;
      case 5:
        for (const PeerConnection& connection : run.server.connections) {
          if (connection.state != PeerConnection::State::Connecting) continue;
          run.net.carry(run.server.complete_connect(run.net.now, connection.id,
                                                    once_in(2) ? uint16_t{447} : uint16_t{0}));
          break;
        }
        break;
      case 6:
        run.peer_sends(peer_number(below(kHosts)), text("from a peer"));
        break;
      default:
        run.client.handle_timeout(run.net.now);
    }
  }

  // Each event ends a command that waits.
  void check_events() {
    for (; seen < run.events.size(); ++seen) {
      const TurnRecord& event = run.events[seen];
      ASSERT_FALSE(is_over) << "nothing after the end";
      const unsigned host = host_of_event(event);
      switch (event.kind) {
        case TurnEventKind::Permitted:
        case TurnEventKind::PermissionFailed:
          EXPECT_EQ(permits.erase(host), 1U) << "permission " << host;
          break;
        case TurnEventKind::PermissionLost:
          EXPECT_EQ(permits.count(host), 0U);
          break;
        case TurnEventKind::ChannelBound:
          EXPECT_EQ(binds.erase(event.peer.port), 1U);
          EXPECT_EQ(numbers[event.peer.port], event.number);
          break;
        case TurnEventKind::ChannelFailed:
          EXPECT_EQ(binds.erase(event.peer.port), 1U);
          numbers.erase(event.peer.port);
          break;
        case TurnEventKind::ChannelLost:
          EXPECT_EQ(numbers.erase(event.peer.port), 1U);
          binds.erase(event.peer.port);
          break;
        case TurnEventKind::Connected:
        case TurnEventKind::ConnectFailed:
          EXPECT_EQ(connects.erase(event.token), 1U);
          break;
        case TurnEventKind::Refreshed:
          EXPECT_GT(refreshes + checks, 0U);
          refreshes = checks = 0;
          break;
        case TurnEventKind::RefreshFailed:
          EXPECT_EQ(refreshes, 1U);
          refreshes = 0;
          break;
        case TurnEventKind::CredentialsRefused:
          EXPECT_EQ(checks, 1U);
          checks = 0;
          break;
        case TurnEventKind::Lost:
        case TurnEventKind::Closed:
          is_over = true;
          break;
        default:
          ADD_FAILURE() << "kind " << static_cast<unsigned>(event.kind);
      }
    }
  }
  static unsigned host_of_event(const TurnRecord& event) {
    for (unsigned i = 0; i < kHosts; ++i) {
      if (event.peer.is_same_host(peer_number(i))) return i;
    }
    return kHosts;
  }

  void run_a_while() {
    run.net.run_for(once_in(20) ? Duration::seconds(below(200)) : ms(below(300)));
    check_events();
  }

  std::mt19937 random;
  bool is_tcp = false;
  const Path path;
  TurnRun run;
  size_t seen = 0;
  bool is_over = false;
  // Commands that wait: by host, by port of the peer, by token.
  std::set<unsigned> permits;
  std::set<uint16_t> binds;
  std::map<uint16_t, uint16_t> numbers;
  std::set<uint32_t> connects;
  unsigned refreshes = 0;
  unsigned checks = 0;
};

TEST_P(RandomTurn, EndsEveryCommandOnce) {
  if (run.allocate({.transport = is_tcp ? kProtocolTcp : kProtocolUdp}).kind !=
      TurnEventKind::Allocated) {
    ASSERT_FALSE(path.is_reliable);
    return;
  }
  seen = 1;
  for (int i = 0; i < 300 && !is_over; ++i) {
    command();
    if (once_in(8)) mishap();
    run_a_while();
    if (HasFatalFailure()) return;
  }
  // All that waits comes to an end when nothing more goes wrong.
  run.net.supplies_entropy = true;
  if (!is_over && once_in(3)) run.server.restart();
  if (!is_over && once_in(3)) run.server.is_silent = true;
  run.net.run_for(Duration::seconds(1500));
  check_events();
  if (!is_over) {
    EXPECT_TRUE(permits.empty());
    EXPECT_TRUE(binds.empty());
    EXPECT_TRUE(connects.empty());
    EXPECT_EQ(refreshes + checks, 0U);
    run.client.close(run.net.now);
    run.net.run_for(Duration::seconds(100));
    check_events();
  }
  EXPECT_TRUE(is_over);
  EXPECT_TRUE(run.client.poll_timeout().is_never());

  const TurnViolations& seen_by_server = run.server.violations;
  EXPECT_EQ(seen_by_server.malformed, 0U);
  EXPECT_EQ(seen_by_server.unexpected, 0U);
  EXPECT_EQ(seen_by_server.bad_form, 0U);
  EXPECT_EQ(seen_by_server.unknown_user, 0U);
  EXPECT_EQ(seen_by_server.wrong_integrity, 0U);
  EXPECT_EQ(seen_by_server.unknown_nonce, 0U);
  EXPECT_EQ(seen_by_server.reused_transaction_ids, 0U);
  EXPECT_EQ(seen_by_server.retransmissions_on_stream, 0U);
  EXPECT_EQ(seen_by_server.bad_allocate, 0U);
  EXPECT_EQ(seen_by_server.bad_request, 0U);
  EXPECT_EQ(seen_by_server.family_mismatch, 0U);
  EXPECT_EQ(seen_by_server.bad_channel_number, 0U);
  EXPECT_EQ(seen_by_server.channel_conflict, 0U);
  EXPECT_EQ(seen_by_server.channel_reused_early, 0U);
  EXPECT_EQ(seen_by_server.malformed_send, 0U);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomTurn, ::testing::Range(1U, 61U));

}  // namespace
}  // namespace postern::sim
