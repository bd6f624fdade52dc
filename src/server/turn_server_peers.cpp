// CreatePermission and ChannelBind (RFC 8656 sections 9 and 12), and the data that they are for
// (sections 11 and 12).
#include <algorithm>

#include "server/error_code.h"
#include "server/turn_server.h"

namespace postern::server {

using stun::AttributeType;
using stun::Class;
using stun::ErrorCode;
using stun::MessageView;
using stun::MessageWriter;
using stun::Method;

uint16_t TurnServer::check_peer(Allocation& allocation, const TransportAddress& peer,
                                PeerIs which) {
  if (allocation.relayed_of(peer.family) == nullptr) {
    return code_of(ErrorCode::PeerAddressFamilyMismatch);
  }
  const Verdict verdict = which == PeerIs::Host ? policy_.judge_host(peer) : policy_.judge(peer);
  if (!verdict.is_allowed()) {
    ++stats_.forbidden_peers;
    return code_of(ErrorCode::Forbidden);
  }
  return 0;
}

// Section 9.2: all of the peers, or none.
size_t TurnServer::create_permission(Caller& caller) {
  size_t refusal = 0;
  const auto number = own(caller, refusal);
  if (!number) return refusal;
  Allocation& allocation = *allocations_[*number];
  const MessageView& request = caller.request;
  size_t count = 0;
  size_t fresh = 0;
  for (;; ++count) {
    const auto peer = request.get<AttributeType::XorPeerAddress>(count);
    if (peer.error() == Errc::AttributeMissing) break;
    if (!peer) return refuse(caller, ErrorCode::BadRequest);
    if (const uint16_t wrong = check_peer(allocation, *peer, PeerIs::Host)) {
      return refuse(caller, wrong);
    }
    if (!allocation.peers.permits(*peer, now_)) ++fresh;
  }
  if (count == 0) return refuse(caller, ErrorCode::BadRequest);
  if (!allocation.peers.has_room(now_, fresh, options_.limits.peers)) {
    return refuse(caller, ErrorCode::InsufficientCapacity);
  }
  for (size_t i = 0; i < count; ++i) {
    const auto peer = request.get<AttributeType::XorPeerAddress>(i);
    allocation.peers.permit(*peer, now_ + turn::kPermissionLifetime);
  }
  MessageWriter writer = begin(caller, Class::Success);
  return finish(caller, writer);
}

size_t TurnServer::bind_channel(Caller& caller) {
  size_t refusal = 0;
  const auto number = own(caller, refusal);
  if (!number) return refusal;
  Allocation& allocation = *allocations_[*number];
  const auto channel = caller.request.get<AttributeType::ChannelNumber>();
  const auto peer = caller.request.get<AttributeType::XorPeerAddress>();
  // RFC 6062 section 4.4: no channels on TCP.
  const bool is_well_formed =
      channel && peer && turn::is_channel(*channel) && allocation.protocol == turn::kTransportUdp;
  if (!is_well_formed) return refuse(caller, ErrorCode::BadRequest);
  if (const uint16_t wrong = check_peer(allocation, *peer, PeerIs::Port)) {
    return refuse(caller, wrong);
  }
  Peers& peers = allocation.peers;
  const size_t fresh = peers.permits(*peer, now_) ? 0 : 1;
  if (!peers.has_room(now_, fresh, options_.limits.peers)) {
    return refuse(caller, ErrorCode::InsufficientCapacity);
  }
  switch (peers.bind(*channel, *peer, now_, options_.limits.peers)) {
    case Peers::BindError::Conflict:
      return refuse(caller, ErrorCode::BadRequest);
    case Peers::BindError::TooMany:
      return refuse(caller, ErrorCode::InsufficientCapacity);
    case Peers::BindError::None:
      break;
  }
  peers.permit(*peer, now_ + turn::kPermissionLifetime);
  MessageWriter writer = begin(caller, Class::Success);
  return finish(caller, writer);
}

// --- From clients to peers

Outcome TurnServer::handle_channel_data(const FiveTuple& tuple, Bytes bytes) {
  if (bytes.size() < turn::kChannelHeaderBytes) {
    ++stats_.malformed;
    return {};
  }
  const auto header = turn::read_channel_header(bytes.data());
  const Bytes rest = bytes.subspan(turn::kChannelHeaderBytes);
  if (!turn::is_channel(header.channel) || header.length > rest.size()) {
    ++stats_.malformed;
    return {};
  }
  Allocation* const allocation = find(tuple);
  if (allocation == nullptr) {
    ++stats_.without_allocation;
    return {};
  }
  const Peers::Channel* const channel = allocation->peers.channel(header.channel, now_);
  if (channel == nullptr) {
    ++stats_.unknown_channel;
    return {};
  }
  // What lies behind the data is padding (section 12.4).
  return relay_to_peer(*allocation, tuple, channel->peer, rest.first(header.length));
}

// Section 11.2. What is wrong with it is not told.
Outcome TurnServer::handle_indication(const FiveTuple& tuple, const MessageView& message) {
  if (message.method() == static_cast<uint16_t>(Method::Binding)) return {};  // keeps a NAT open
  if (message.method() != static_cast<uint16_t>(Method::Send)) {
    ++stats_.unexpected;
    return {};
  }
  Allocation* const allocation = find(tuple);
  if (allocation == nullptr) {
    ++stats_.without_allocation;
    return {};
  }
  const auto peer = message.get<AttributeType::XorPeerAddress>();
  const auto data = message.get<AttributeType::Data>();
  const bool dont_fragment = message.has(AttributeType::DontFragment);
  std::array<uint16_t, 1> unknown{};
  const bool is_right =
      peer && peer->port != 0 && data && allocation->protocol == turn::kTransportUdp &&
      message.unknown_required(unknown) == 0 && (!dont_fragment || options_.can_forbid_fragments);
  if (!is_right) {
    ++stats_.bad_indication;
    return {};
  }
  Outcome outcome = relay_to_peer(*allocation, tuple, *peer, *data);
  outcome.dont_fragment = dont_fragment;
  return outcome;
}

Outcome TurnServer::relay_to_peer(Allocation& allocation, const FiveTuple& tuple,
                                  const TransportAddress& peer, Bytes data) {
  // RFC 8016 section 3.2.2: the client has arrived where it said.
  if (allocation.moved_from && tuple == allocation.tuple) confirm_move(allocation);
  const RelayedAddress* const relayed = allocation.relayed_of(peer.family);
  if (!allocation.is_open || relayed == nullptr || !allocation.peers.permits(peer, now_)) {
    ++stats_.without_permission;
    return {};
  }
  ++stats_.relayed_to_peers;
  stats_.relayed_to_peers_bytes += data.size();
  return {.kind = Outcome::Kind::ToPeer, .relay = relayed->relay, .peer = peer, .data = data};
}

// --- From peers to clients

std::optional<TurnServer::ToClient> TurnServer::handle_peer_data(Instant now, RelayId id,
                                                                 const TransportAddress& peer,
                                                                 Bytes data,
                                                                 std::span<uint8_t> out) {
  advance(now);
  Allocation* const allocation = open_allocation_of(id);
  // Section 11.3: only of hosts with permission. 0xFFFF is all that LENGTH can say.
  if (allocation == nullptr || !allocation->peers.permits(peer, now_) || data.size() > 0xFFFF) {
    ++stats_.stray_peer_data;
    return std::nullopt;
  }
  const FiveTuple& to = allocation->destination();
  size_t size = 0;
  if (const auto* const channel = allocation->peers.channel_to(peer, now_)) {
    size = turn::kChannelHeaderBytes + data.size();
    store_be16(out.data(), channel->number);
    store_be16(&out[2], static_cast<uint16_t>(data.size()));
    std::copy(data.begin(), data.end(), out.begin() + turn::kChannelHeaderBytes);
    const LinkInfo* const link = find_link(to.link);
    if (link != nullptr && link->is_stream) {
      const size_t padded = turn::channel_frame_bytes_on_stream(static_cast<uint16_t>(data.size()));
      std::fill(out.begin() + static_cast<ptrdiff_t>(size),
                out.begin() + static_cast<ptrdiff_t>(padded), uint8_t{0});
      size = padded;
    }
  } else {
    MessageWriter writer(out, Class::Indication, Method::Data, next_indication_id());
    writer.add<AttributeType::XorPeerAddress>(peer);
    writer.add<AttributeType::Data>(data);
    const auto message = writer.finish();
    if (!message) {
      ++stats_.stray_peer_data;
      return std::nullopt;
    }
    size = message->size();
  }
  ++stats_.relayed_to_clients;
  stats_.relayed_to_clients_bytes += data.size();
  return ToClient{.to = to, .bytes = size};
}

// Section 11.5.
std::optional<TurnServer::ToClient> TurnServer::handle_icmp(Instant now, RelayId id,
                                                            const TransportAddress& peer,
                                                            const stun::kind::IcmpErrorValue& icmp,
                                                            std::span<uint8_t> out) {
  advance(now);
  Allocation* const allocation = open_allocation_of(id);
  if (allocation == nullptr || !allocation->peers.permits(peer, now_)) return std::nullopt;
  MessageWriter writer(out, Class::Indication, Method::Data, next_indication_id());
  writer.add<AttributeType::XorPeerAddress>(peer);
  writer.add<AttributeType::Icmp>(icmp);
  const auto message = writer.finish();
  if (!message) return std::nullopt;
  return ToClient{.to = allocation->destination(), .bytes = message->size()};
}

const Allocation* TurnServer::allocation_of(RelayId id) const {
  const Relay* const relay = find_relay(id);
  if (relay == nullptr || relay->state != Relay::State::Open) return nullptr;
  const Allocation* const allocation = allocations_[relay->allocation].get();
  return allocation->is_open ? allocation : nullptr;
}

// They are answered by nobody: they have to differ, not to be unpredictable.
const stun::TransactionId& TurnServer::next_indication_id() {
  store_be32(&indication_id_[8], load_be32(&indication_id_[8]) + 1);
  return indication_id_;
}

}  // namespace postern::server
