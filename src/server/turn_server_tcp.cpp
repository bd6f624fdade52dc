// TCP relays: Connect, ConnectionAttempt and ConnectionBind (RFC 6062). Their bytes never come
// here: once a connection is joined, the caller carries them.
#include <algorithm>

#include "crypto/constant_time.h"
#include "server/error_code.h"
#include "server/turn_server.h"

namespace postern::server {

using stun::AttributeType;
using stun::Class;
using stun::ErrorCode;
using stun::MessageWriter;
using stun::Method;

// Section 5.2.
size_t TurnServer::connect(Caller& caller) {
  size_t refusal = 0;
  const auto number = own(caller, refusal);
  if (!number) return refusal;
  Allocation& allocation = *allocations_[*number];
  const auto peer = caller.request.get<AttributeType::XorPeerAddress>();
  if (!peer || allocation.protocol != turn::kTransportTcp) {
    return refuse(caller, ErrorCode::BadRequest);
  }
  if (const uint16_t wrong = check_peer(allocation, *peer, PeerIs::Port)) {
    return refuse(caller, wrong);
  }
  const auto& connections = allocation.connections;
  const bool exists = std::any_of(connections.begin(), connections.end(),
                                  [&](uint32_t id) { return connections_.at(id).peer == *peer; });
  if (exists) return refuse(caller, ErrorCode::ConnectionAlreadyExists);
  if (connections.size() >= options_.limits.connections) {
    return refuse(caller, ErrorCode::InsufficientCapacity);
  }
  const uint32_t id = add_connection(*number, *peer);
  Connection& connection = connections_.at(id);
  const auto request_id = caller.request.transaction_id();
  std::copy(request_id.begin(), request_id.end(), connection.request_id.begin());
  connection.signature = caller.signature;
  connection.has_fingerprint = caller.request.fingerprint() == stun::FingerprintState::Valid;
  set_connection_expiry(id, now_ + kConnectTimeout);
  ServerEvent event;
  event.kind = ServerEventKind::ConnectPeer;
  event.relay = allocation.relayed_of(peer->family)->relay;
  event.connection = id;
  event.peer = *peer;
  events_.push_back(event);
  return 0;
}

uint32_t TurnServer::add_connection(uint32_t allocation, const TransportAddress& peer) {
  uint32_t id = 0;
  while (id == 0 || connections_.contains(id)) {
    std::array<uint8_t, sizeof id> bytes{};
    derive(Purpose::Connection, bytes);
    id = load_be32(bytes.data());
  }
  connections_.emplace(id, Connection{.allocation = allocation, .peer = peer});
  allocations_[allocation]->connections.push_back(id);
  return id;
}

void TurnServer::set_connection_expiry(uint32_t id, Instant at) {
  Connection& connection = connections_.at(id);
  Deadline deadline{.at = connection.expires_at, .owner = Owner::Connection, .number = id};
  deadlines_.erase(deadline);
  connection.expires_at = deadline.at = at;
  if (!at.is_never()) deadlines_.insert(deadline);
}

void TurnServer::answer_connect(uint32_t id, bool is_connected) {
  const Connection& connection = connections_.at(id);
  std::array<uint8_t, kMaxAnswerBytes> out;
  MessageWriter writer(out, is_connected ? Class::Success : Class::Error, Method::Connect,
                       connection.request_id);
  if (is_connected) {
    writer.add<AttributeType::ConnectionId>(id);
  } else {
    ++stats_.refused;
    writer.add<AttributeType::ErrorCode>(
        error_value(code_of(ErrorCode::ConnectionTimeoutOrFailure)));
  }
  const size_t size = finish(writer, &connection.signature, connection.has_fingerprint);
  put(allocations_[connection.allocation]->tuple, std::span(out).first(size));
}

void TurnServer::peer_connected(Instant now, uint32_t id) {
  advance(now);
  const auto found = connections_.find(id);
  if (found == connections_.end() || found->second.state != Connection::State::Connecting) return;
  found->second.state = Connection::State::Waiting;
  set_connection_expiry(id, now_ + turn::kConnectionBindTimeout);
  answer_connect(id, true);
}

void TurnServer::peer_refused(Instant now, uint32_t id) {
  advance(now);
  const auto found = connections_.find(id);
  if (found == connections_.end() || found->second.state != Connection::State::Connecting) return;
  answer_connect(id, false);
  forget_connection(id);
}

// Section 5.3.
std::optional<uint32_t> TurnServer::peer_accepted(Instant now, RelayId relay,
                                                  const TransportAddress& peer) {
  advance(now);
  Allocation* const allocation = open_allocation_of(relay);
  if (allocation == nullptr || allocation->protocol != turn::kTransportTcp ||
      !allocation->peers.permits(peer, now_) ||
      allocation->connections.size() >= options_.limits.connections) {
    ++stats_.stray_peer_data;
    return std::nullopt;
  }
  const uint32_t id = add_connection(find_relay(relay)->allocation, peer);
  connections_.at(id).state = Connection::State::Waiting;
  set_connection_expiry(id, now_ + turn::kConnectionBindTimeout);
  std::array<uint8_t, kMaxAnswerBytes> out;
  MessageWriter writer(out, Class::Indication, Method::ConnectionAttempt, next_indication_id());
  writer.add<AttributeType::XorPeerAddress>(peer);
  writer.add<AttributeType::ConnectionId>(id);
  if (const auto message = writer.finish()) {
    waiting_.push_back({.to = allocation->tuple, .bytes = {message->begin(), message->end()}});
  }
  return id;
}

// Section 5.4.
size_t TurnServer::bind_connection(Caller& caller) {
  const auto id = caller.request.get<AttributeType::ConnectionId>();
  const auto found = id ? connections_.find(*id) : connections_.end();
  const bool is_possible = caller.link.is_reliable && found != connections_.end() &&
                           found->second.state == Connection::State::Waiting &&
                           !number_of(caller.tuple);
  if (!is_possible) return refuse(caller, ErrorCode::BadRequest);
  Connection& connection = found->second;
  const Allocation& allocation = *allocations_[connection.allocation];
  // This is no 5-tuple of the allocation's, so of a token it has to be the same.
  const bool is_other_token =
      caller.signature.source == KeySource::Token &&
      !crypto::equal_constant_time(caller.signature.key.sha1.to_bytes(),
                                   allocation.signature.key.sha1.to_bytes());
  if (!is_users(allocation, caller) || is_other_token) {
    return refuse(caller, ErrorCode::WrongCredentials);
  }
  connection.state = Connection::State::Joined;
  connection.link = caller.tuple.link;
  set_connection_expiry(*id, Instant::never());
  joined_.insert_or_assign(connection.link, *id);
  MessageWriter writer = begin(caller, Class::Success);
  const size_t bytes = finish(caller, writer);
  ServerEvent event;
  event.kind = ServerEventKind::JoinPeer;
  event.link = connection.link;
  event.connection = *id;
  event.peer = connection.peer;
  events_.push_back(event);
  return bytes;
}

void TurnServer::peer_closed(uint32_t id) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  if (found->second.state == Connection::State::Connecting) answer_connect(id, false);
  forget_connection(id);
}

void TurnServer::lapse_connection(uint32_t id) {
  const Connection& connection = connections_.at(id);
  if (connection.state == Connection::State::Connecting) answer_connect(id, false);
  drop_connection(id);
}

void TurnServer::drop_connection(uint32_t id) {
  const Connection& connection = connections_.at(id);
  ServerEvent event;
  event.kind = ServerEventKind::ClosePeer;
  event.connection = id;
  event.link = connection.link;
  event.peer = connection.peer;
  events_.push_back(event);
  forget_connection(id);
}

void TurnServer::drop_connections(uint32_t allocation) {
  auto& connections = allocations_[allocation]->connections;
  while (!connections.empty()) drop_connection(connections.back());
}

void TurnServer::forget_connection(uint32_t id) {
  set_connection_expiry(id, Instant::never());
  const auto found = connections_.find(id);
  if (found->second.state == Connection::State::Joined) joined_.erase(found->second.link);
  std::erase(allocations_[found->second.allocation]->connections, id);
  connections_.erase(found);
}

// The client's side of a joined connection is gone.
void TurnServer::leave_connection(Link link) {
  if (const auto found = joined_.find(link); found != joined_.end()) drop_connection(found->second);
}

}  // namespace postern::server
