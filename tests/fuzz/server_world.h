// The world around the TurnServer of fuzz_server.cpp: sockets, peers' connections, nonces that
// clients were told, and what must be true of all that comes out.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "arbitrary.h"
#include "require.h"
#include "server/turn_server.h"
#include "support/access_token.h"

namespace postern::fuzz {

using namespace server;  // NOLINT(google-build-using-namespace)
using stun::AttributeType;
using stun::Method;

constexpr std::array<uint8_t, 32> kSecret = {7};
constexpr std::array<uint8_t, 4> kUser = {'u', 's', 'e', 'r'};
constexpr std::array<uint8_t, 5> kOther = {'o', 't', 'h', 'e', 'r'};
// Whose password the server has to ask for.
constexpr std::array<uint8_t, 5> kAsked = {'a', 's', 'k', 'e', 'd'};
constexpr std::array<uint8_t, 4> kPassword = {'p', 'a', 's', 's'};
// Whose tokens are welcome: see the keys of the world.
constexpr std::array<std::string_view, 2> kKids = {"key-1", "key-2"};
constexpr int64_t kTimeOfDay = 1'800'000'000;
constexpr std::array<uint8_t, 7> kRealm = {'p', 'o', 's', 't', 'e', 'r', 'n'};

// Links 0 to 3 are the four sockets of RFC 5780, the others connections: streams where they are
// even.
constexpr Link kLinks = 10;
constexpr Link kSockets = 4;
constexpr size_t kMaxAllocations = 6;
constexpr size_t kMaxQuestions = 8;

ServerOptions options() {
  ServerOptions made;
  made.relays_ipv6 = true;
  made.can_forbid_fragments = true;
  made.asks_for_keys = true;
  made.alternates = {TransportAddress::ipv4(192, 0, 2, 9, 3478)};
  made.limits = {.allocations = kMaxAllocations,
                 .allocations_per_user = 4,
                 .allocations_per_source = 5,
                 .peers = {.permissions = 4, .channels = 3},
                 .connections = 3,
                 .questions = kMaxQuestions};
  made.unauthenticated = {.per_second = 1000, .burst = 1000, .buckets = 16};
  return made;
}

TransportAddress client_of(Link link, uint8_t host) {
  return TransportAddress::ipv4(203, 0, 113, host, static_cast<uint16_t>(1000 + link));
}

struct ServerWorld {
  explicit ServerWorld(FuzzedDataProvider& from) : input(from), core(options(), kSecret) {
    require(core.users().set_user(kUser, kPassword) == Errc::Ok);
    require(core.users().set_user(kOther, kPassword) == Errc::Ok);
    PeerRules rules;
    rules.allowed = {*parse_prefix("198.51.100.0/24"), *parse_prefix("2001:db8::/32")};
    core.policy() = PeerPolicy(std::move(rules));
    for (Link link = 0; link < kLinks; ++link) open_link(link);
    core.set_time_of_day(now, kTimeOfDay);
    use_token_keys(kKids.size());
  }

  // The first so many of them.
  void use_token_keys(size_t count) {
    std::vector<TokenKey> keys;
    for (size_t i = 0; i < count; ++i) {
      keys.push_back({.kid = std::string(kKids[i]), .key = token_key(i), .expires_at = {}});
    }
    require(core.token_keys().set(keys) == Errc::Ok);
  }
  static std::vector<uint8_t> token_key(size_t which) {
    return std::vector<uint8_t>(which == 0 ? 32 : 16, static_cast<uint8_t>(which));
  }

  void open_link(Link link) {
    LinkInfo info;
    info.local = TransportAddress::ipv4(192, 0, 2, link & 2 ? 2 : 1, link & 1 ? 3479 : 3478);
    info.remote = client_of(link, 1);
    info.is_reliable = link >= kSockets;
    info.is_stream = info.is_reliable && link % 2 == 0;
    if (!info.is_reliable) info.others = std::array<Link, 3>{link ^ 2, link ^ 1, link ^ 3};
    core.add_link(link, info);
  }

  FiveTuple arbitrary_tuple() {
    const auto link = input.ConsumeIntegralInRange<Link>(0, kLinks - 1);
    const uint8_t host = link < kSockets ? input.ConsumeIntegralInRange<uint8_t>(1, 2) : 1;
    return {.link = link, .client = client_of(link, host)};
  }
  TransportAddress arbitrary_peer() {
    TransportAddress peer = TransportAddress::ipv4(
        198, 51, 100, input.ConsumeIntegralInRange<uint8_t>(0, 5), input.ConsumeBool() ? 9 : 10);
    if (input.ConsumeIntegralInRange(0, 7) == 0) {
      Storage unused;
      make(input, unused, peer);
    }
    return peer;
  }
  RelayId arbitrary_relay() {
    if (sockets.empty() || input.ConsumeIntegralInRange(0, 15) == 0) {
      return input.ConsumeIntegral<RelayId>();
    }
    auto at = sockets.begin();
    std::advance(at, input.ConsumeIntegralInRange<size_t>(0, sockets.size() - 1));
    return at->first;
  }
  uint32_t arbitrary_connection() {
    if (connections.empty() || input.ConsumeIntegralInRange(0, 15) == 0) {
      return input.ConsumeIntegral<uint32_t>();
    }
    auto at = connections.begin();
    std::advance(at, input.ConsumeIntegralInRange<size_t>(0, connections.size() - 1));
    return *at;
  }

  void hear(const FiveTuple& tuple, stun::Bytes bytes) {
    // In memory of their own, so that what reaches beyond is noticed.
    const std::vector<uint8_t> copy(bytes.begin(), bytes.end());
    std::vector<uint8_t> out(std::max(kMaxAnswerBytes, copy.size()));
    const Outcome outcome = core.handle_message(now, tuple, copy, out);
    if (outcome.kind == Outcome::Kind::Reply) {
      require(outcome.bytes >= stun::kHeaderBytes && outcome.bytes <= out.size());
      learn(std::span(out).first(outcome.bytes), tuple);
    } else if (outcome.kind == Outcome::Kind::ToPeer) {
      const auto socket = sockets.find(outcome.relay);
      require(socket != sockets.end() && socket->second);
      require(core.policy().judge(outcome.peer).is_allowed());
      touch(outcome.data);
    }
  }
  // The nonce is the client's 5-tuple's.
  void learn(stun::Bytes reply, const FiveTuple& tuple) {
    stun::MessageView view;
    require(stun::MessageView::parse(reply, {.allow_classic = true}, view).errc == Errc::Ok);
    if (const auto nonce = view.get<AttributeType::Nonce>()) {
      nonces[{tuple.link, tuple.client.bytes[3]}].assign(nonce->begin(), nonce->end());
    }
    if (const auto token = view.get<AttributeType::ReservationToken>()) {
      std::copy(token->begin(), token->end(), last_token.begin());
    }
    if (const auto ticket = view.get<AttributeType::MobilityTicket>()) {
      last_ticket.assign(ticket->begin(), ticket->end());
    }
  }

  void drain() {
    while (const auto event = core.poll_event()) {
      switch (event->kind) {
        case ServerEventKind::OpenRelay:
          require(sockets.emplace(event->relay, false).second);
          if (event->port == PortWish::EvenAndNext) {
            require(sockets.emplace(event->reserved, false).second);
            pairs[event->relay] = event->reserved;
          }
          break;
        case ServerEventKind::CloseRelay:
          require(sockets.erase(event->relay) == 1);
          pairs.erase(event->relay);
          break;
        case ServerEventKind::ConnectPeer:
          require(connections.insert(event->connection).second);
          break;
        case ServerEventKind::ClosePeer:
          connections.erase(event->connection);
          break;
        case ServerEventKind::AskKey:
          require(!core.asked_name(event->question).empty());
          questions.push_back(event->question);
          break;
        default:
          break;
      }
    }
    std::array<uint8_t, kMaxAnswerBytes> out;
    FiveTuple to;
    while (const size_t size = core.poll_transmit(out, to)) {
      require(size <= out.size());
      learn(std::span(out).first(size), to);
    }
    require(core.allocation_count() <= kMaxAllocations);
    const auto waiting = std::count_if(questions.begin(), questions.end(), [this](uint32_t id) {
      return !core.asked_name(id).empty();
    });
    require(static_cast<size_t>(waiting) <= kMaxQuestions);
    // Two for each, and one that is reserved, of this and the last half minute.
    require(connections.size() <= 3 * kMaxAllocations + 16);
  }

  FuzzedDataProvider& input;
  TurnServer core;
  Instant now{};
  std::map<RelayId, bool> sockets;  // whether they are open
  std::map<RelayId, RelayId> pairs;
  std::set<uint32_t> connections;
  std::vector<uint32_t> questions;
  std::map<std::pair<Link, uint8_t>, std::vector<uint8_t>> nonces;
  std::array<uint8_t, kReservationTokenBytes> last_token{};
  std::vector<uint8_t> last_ticket{};
  uint32_t next_id = 1;
  uint16_t next_port = 50000;
};

}  // namespace postern::fuzz
