// TCP relays (RFC 6062): Connect, ConnectionAttempt, ConnectionBind.
#include <algorithm>
#include <utility>

#include "sim/turn_server.h"

namespace postern::sim {

using stun::AttributeType;
using stun::Class;
using stun::Method;

namespace {

constexpr Duration kConnectionBindWait = Duration::seconds(30);  // RFC 6062 sections 5.2, 5.3

}  // namespace

PeerConnection* TurnServer::connection(uint32_t id) {
  for (PeerConnection& peer : connections) {
    if (peer.id == id) return &peer;
  }
  return nullptr;
}

bool TurnServer::is_data_connection(const FiveTuple& tuple) const {
  return std::any_of(connections.begin(), connections.end(),
                     [&](const PeerConnection& peer) { return peer.data == tuple; });
}

void TurnServer::drop_connections(const TurnAllocation& allocation) {
  std::erase_if(connections,
                [&](const PeerConnection& peer) { return allocation.has_relayed(peer.relayed); });
}

Messages TurnServer::connect(const Caller& caller) {
  Messages refusal;
  TurnAllocation* const allocation = own_allocation(caller, refusal);
  if (allocation == nullptr) return refusal;
  const auto peer = caller.request.get<AttributeType::XorPeerAddress>();
  if (!peer || allocation->protocol != kProtocolTcp) {
    ++violations.bad_request;
    return {refusal_of(caller, 400)};
  }
  if (const uint16_t code = check_peer(*allocation, *peer)) return {refusal_of(caller, code)};
  const TransportAddress relayed = *allocation->relayed_of(peer->family);
  const bool is_known = std::any_of(
      connections.begin(), connections.end(),
      [&](const PeerConnection& other) { return other.relayed == relayed && other.peer == *peer; });
  if (is_known) return {refusal_of(caller, 446)};
  const stun::Bytes request = caller.request.bytes();
  const uint32_t id = next_connection_++;
  connections.push_back({.id = id,
                         .relayed = relayed,
                         .peer = *peer,
                         .control = caller.tuple,
                         .request = Message(request.begin(), request.end())});
  if (!options.connects_at_once) return {};
  return {complete_connect(now_, id)->bytes};
}

std::optional<Outgoing> TurnServer::complete_connect(Instant now, uint32_t id, uint16_t code) {
  advance(now);
  PeerConnection* const peer = connection(id);
  if (is_silent || peer == nullptr || peer->state != PeerConnection::State::Connecting) {
    return std::nullopt;
  }
  const Message bytes = std::move(peer->request);
  const FiveTuple control = peer->control;
  Request request;
  static_cast<void>(Request::parse(bytes, {}, request));
  Caller caller{.tuple = control, .request = request};
  if (options.needs_authentication) caller.key = credentials.key_for(request);
  if (code != 0) {
    std::erase_if(connections, [&](const PeerConnection& other) { return other.id == id; });
    return Outgoing{control, refusal_of(caller, code)};
  }
  peer->state = PeerConnection::State::Pending;
  peer->expires = now_ + kConnectionBindWait;
  ResponseBuilder builder(request, Class::Success);
  builder.add<AttributeType::ConnectionId>(id);
  ++tally.successes[Method::Connect];
  return Outgoing{control, finish(caller, builder)};
}

std::optional<Outgoing> TurnServer::peer_connect(Instant now, const TransportAddress& peer,
                                                 const TransportAddress& relayed) {
  advance(now);
  if (is_silent) return std::nullopt;
  const TurnAllocation* const allocation = find_relayed(relayed);
  if (allocation == nullptr || allocation->protocol != kProtocolTcp ||
      !allocation->permits(now_, peer)) {
    ++tally.peer_data_dropped;
    return std::nullopt;
  }
  const uint32_t id = next_connection_++;
  connections.push_back({.id = id,
                         .state = PeerConnection::State::Pending,
                         .relayed = relayed,
                         .peer = peer,
                         .control = allocation->tuple,
                         .expires = now_ + kConnectionBindWait});
  std::array<uint8_t, 128> buffer{};
  stun::MessageWriter writer(buffer, Class::Indication, Method::ConnectionAttempt,
                             next_transaction_id());
  writer.add<AttributeType::ConnectionId>(id);
  writer.add<AttributeType::XorPeerAddress>(peer);
  return Outgoing{allocation->tuple, take_message(writer)};
}

Messages TurnServer::bind_connection(const Caller& caller) {
  const auto id = caller.request.get<AttributeType::ConnectionId>();
  PeerConnection* const peer = id ? connection(*id) : nullptr;
  if (caller.tuple.carrier != Carrier::Stream || find(caller.tuple) != nullptr || peer == nullptr ||
      peer->state != PeerConnection::State::Pending) {
    ++violations.bad_request;
    return {refusal_of(caller, 400)};
  }
  const TurnAllocation* const allocation = find_relayed(peer->relayed);
  if (allocation == nullptr || allocation->username != caller.username) {
    ++violations.wrong_credentials;
    return {refusal_of(caller, 441)};
  }
  peer->state = PeerConnection::State::Bound;
  peer->expires = Instant::never();
  peer->data = caller.tuple;
  Messages replies = {success(caller)};
  if (!peer->from_peer.empty()) replies.push_back(std::exchange(peer->from_peer, {}));
  return replies;
}

std::optional<Outgoing> TurnServer::peer_stream(uint32_t id, stun::Bytes bytes) {
  PeerConnection* const peer = connection(id);
  if (is_silent || peer == nullptr) return std::nullopt;
  if (peer->data) return Outgoing{*peer->data, Message(bytes.begin(), bytes.end())};
  peer->from_peer.insert(peer->from_peer.end(), bytes.begin(), bytes.end());
  return std::nullopt;
}

}  // namespace postern::sim
