#include "sim/server_host.h"

#include <algorithm>
#include <utility>

namespace postern::sim {

using server::Outcome;
using server::ServerEvent;
using server::ServerEventKind;

namespace {

constexpr server::Link kSocket = 1;
constexpr server::Link kFirstConnection = 1000;

}  // namespace

stun::Bytes test_secret() {
  static const Message secret(32, 0x5A);
  return secret;
}

ServerHost::ServerHost(const server::ServerOptions& options)
    : core(options, test_secret()), out_(0x10000 + 1024) {
  core.add_link(kSocket, {.local = kServer});
  // Those of the tests are documentation's.
  server::PeerRules rules;
  for (const auto* const prefix : {"198.51.100.0/24", "192.0.2.0/24", "2001:db8::/32"}) {
    rules.allowed.push_back(*server::parse_prefix(prefix));
  }
  core.policy() = server::PeerPolicy(std::move(rules));
}

// One link stands for the socket, and one for each connection.
server::FiveTuple ServerHost::tuple_of(const FiveTuple& tuple) {
  const bool is_stream = tuple.carrier == Carrier::Stream;
  return {.link = is_stream ? kFirstConnection + tuple.client.port : kSocket,
          .client = tuple.client};
}

FiveTuple ServerHost::tuple_of(const server::FiveTuple& tuple) const {
  return {.client = tuple.client,
          .carrier = tuple.link == kSocket ? Carrier::Datagram : Carrier::Stream};
}

server::FiveTuple ServerHost::know(const FiveTuple& tuple) {
  const server::FiveTuple known = tuple_of(tuple);
  if (known.link != kSocket && links_.emplace(known.link, tuple).second) {
    core.add_link(
        known.link,
        {.local = kServer, .remote = tuple.client, .is_stream = true, .is_reliable = true});
  }
  return known;
}

std::vector<Outgoing> ServerHost::handle(Instant now, stun::Bytes bytes, const FiveTuple& tuple) {
  const server::FiveTuple from = know(tuple);
  core.handle_timeout(now);
  work(now);
  if (joined_.count(from.link) > 0) return {};
  std::vector<Outgoing> replies;
  const Outcome outcome = core.handle_message(now, from, bytes, out_);
  if (outcome.kind == Outcome::Kind::Reply) {
    const auto begin = out_.begin();
    replies.push_back(
        {tuple_of(outcome.to), Message(begin, begin + static_cast<ptrdiff_t>(outcome.bytes))});
  } else if (outcome.kind == Outcome::Kind::ToPeer) {
    const TransportAddress relayed = relays.at(outcome.relay);
    if (const auto there = relay_at(outcome.peer)) {
      const Message data(outcome.data.begin(), outcome.data.end());
      if (auto sent = to_client(now, *there, relayed, data)) replies.push_back(std::move(*sent));
    } else {
      to_peers.push_back({.at = now,
                          .relayed = relayed,
                          .peer = outcome.peer,
                          .data = Message(outcome.data.begin(), outcome.data.end()),
                          .dont_fragment = outcome.dont_fragment});
    }
  }
  work(now);
  for (Outgoing& waited : take_waiting()) replies.push_back(std::move(waited));
  return replies;
}

std::optional<Outgoing> ServerHost::to_client(Instant now, server::RelayId relay,
                                              const TransportAddress& peer, stun::Bytes data) {
  const auto sent = core.handle_peer_data(now, relay, peer, data, out_);
  if (!sent) return std::nullopt;
  return Outgoing{tuple_of(sent->to),
                  Message(out_.begin(), out_.begin() + static_cast<ptrdiff_t>(sent->bytes))};
}

bool ServerHost::is_data_connection(const FiveTuple& tuple) const {
  return joined_.count(tuple_of(tuple).link) > 0;
}

std::optional<Outgoing> ServerHost::peer_send(Instant now, const TransportAddress& peer,
                                              const TransportAddress& relayed, stun::Bytes data) {
  core.handle_timeout(now);
  work(now);
  const auto relay = relay_at(relayed);
  return relay ? to_client(now, *relay, peer, data) : std::nullopt;
}

void ServerHost::close(Instant now, const FiveTuple& tuple) {
  const server::Link link = tuple_of(tuple).link;
  core.remove_link(now, link);
  links_.erase(link);
  joined_.erase(link);
  work(now);
}

std::vector<Outgoing> ServerHost::pass(Instant now) {
  core.handle_timeout(now);
  work(now);
  return take_waiting();
}

std::vector<Outgoing> ServerHost::open_relays(Instant now) {
  for (const ServerEvent& event : std::exchange(unopened_, {})) open(now, event);
  work(now);
  return take_waiting();
}

std::vector<Outgoing> ServerHost::answer_question(Instant now, stun::Bytes password) {
  if (questions.empty()) return {};
  const uint32_t question = questions.front();
  questions.erase(questions.begin());
  core.key_answer(now, question, password);
  work(now);
  return take_waiting();
}

std::optional<server::RelayId> ServerHost::relay_at(const TransportAddress& address) const {
  const auto found = std::find_if(relays.begin(), relays.end(),
                                  [&](const auto& entry) { return entry.second == address; });
  if (found == relays.end()) return std::nullopt;
  return found->first;
}

void ServerHost::open(Instant now, const ServerEvent& event) {
  if (without_ports.count(event.family) > 0) {
    core.relay_failed(now, event.relay);
    return;
  }
  if (event.port != server::PortWish::Any && next_port_ % 2 != 0) ++next_port_;
  TransportAddress address = kServer;
  if (event.family == Family::IPv6) {
    std::array<uint8_t, 16> bytes = {0x20, 1, 0x0D, 0xB8};
    bytes[15] = 1;
    address = TransportAddress::ipv6(bytes, 0);
  }
  address.port = next_port_++;
  relays.emplace(event.relay, address);
  if (event.port == server::PortWish::EvenAndNext) {
    TransportAddress next = address;
    next.port = next_port_++;
    relays.emplace(event.reserved, next);
  }
  core.relay_opened(now, event.relay, address);
}

void ServerHost::work(Instant now) {
  while (const auto event = core.poll_event()) {
    switch (event->kind) {
      case ServerEventKind::OpenRelay:
        if (opens_at_once) {
          open(now, *event);
        } else {
          unopened_.push_back(*event);
        }
        break;
      case ServerEventKind::CloseRelay:
        relays.erase(event->relay);
        break;
      case ServerEventKind::ConnectPeer:
        connections.emplace(event->connection, event->peer);
        break;
      case ServerEventKind::ClosePeer:
        connections.erase(event->connection);
        if (event->link != 0) joined_.erase(event->link);
        break;
      case ServerEventKind::JoinPeer:
        joined_.insert(event->link);
        break;
      case ServerEventKind::AskKey: {
        const auto known = passwords.find(core.asked_name(event->question));
        if (known != passwords.end()) {
          core.key_answer(now, event->question, as_bytes(known->second));
        } else {
          questions.push_back(event->question);
        }
        break;
      }
      default:
        events.push_back(*event);
    }
  }
}

std::vector<Outgoing> ServerHost::take_waiting() {
  std::vector<Outgoing> waiting;
  server::FiveTuple to;
  while (const size_t size = core.poll_transmit(out_, to)) {
    waiting.push_back(
        {tuple_of(to), Message(out_.begin(), out_.begin() + static_cast<ptrdiff_t>(size))});
  }
  return waiting;
}

}  // namespace postern::sim
