// Permissions, channels and data in both directions (RFC 8656 sections 9 to 12).
#include <algorithm>

#include "sim/turn_server.h"
#include "turn/channel_data.h"

namespace postern::sim {

using stun::AttributeType;
using stun::Class;
using stun::Method;

namespace {

constexpr size_t kMaxUdpPayload = 65'507;  // over IPv4
// Of a Data indication, for all that is not data or SOFTWARE.
constexpr size_t kIndicationRoom = 128;
constexpr uint16_t kDiscardPort = 9;

// The bytes of a ChannelData message, padded where the carrier or the server wants it.
Message channel_data(uint16_t number, stun::Bytes data, bool padded) {
  const auto length = static_cast<uint16_t>(data.size());
  const size_t size = turn::channel_frame_bytes_on_stream(length);
  Message message(padded ? size : turn::kChannelHeaderBytes + data.size());
  store_be16(message.data(), number);
  store_be16(&message[2], length);
  std::copy(data.begin(), data.end(), message.begin() + turn::kChannelHeaderBytes);
  return message;
}

}  // namespace

uint16_t TurnServer::check_peer(const TurnAllocation& allocation, const TransportAddress& peer) {
  if (allocation.relayed_of(peer.family) == nullptr) {
    ++violations.family_mismatch;
    return 443;
  }
  for (const TransportAddress& forbidden : options.forbidden_peers) {
    if (same_ip(forbidden, peer)) return 403;
  }
  return 0;
}

Messages TurnServer::create_permission(const Caller& caller) {
  Messages refusal;
  TurnAllocation* const allocation = own_allocation(caller, refusal);
  if (allocation == nullptr) return refusal;
  std::vector<TransportAddress> peers;
  while (true) {
    const auto peer = caller.request.get<AttributeType::XorPeerAddress>(peers.size());
    if (!peer && peer.error() == Errc::AttributeMissing && !peers.empty()) break;
    if (!peer) {
      ++violations.bad_request;
      return {refusal_of(caller, 400)};
    }
    peers.push_back(*peer);
  }
  for (const TransportAddress& peer : peers) {
    if (const uint16_t code = check_peer(*allocation, peer)) return {refusal_of(caller, code)};
  }
  for (const TransportAddress& peer : peers) {
    allocation->permit(peer, now_ + options.permission_lifetime);
  }
  return {success(caller)};
}

Messages TurnServer::bind_channel(const Caller& caller) {
  Messages refusal;
  TurnAllocation* const allocation = own_allocation(caller, refusal);
  if (allocation == nullptr) return refusal;
  const auto number = caller.request.get<AttributeType::ChannelNumber>();
  const auto peer = caller.request.get<AttributeType::XorPeerAddress>();
  // A TCP allocation has no channels (RFC 6062 section 4.1).
  if (!number || !peer || allocation->protocol == kProtocolTcp) {
    ++violations.bad_request;
    return {refusal_of(caller, 400)};
  }
  if (!turn::is_channel(*number)) {
    ++violations.bad_channel_number;
    return {refusal_of(caller, 400)};
  }
  if (const uint16_t code = check_peer(*allocation, *peer)) return {refusal_of(caller, code)};
  switch (allocation->bind(now_, *number, *peer, options)) {
    case BindError::Conflict:
      ++violations.channel_conflict;
      return {refusal_of(caller, 400)};
    case BindError::ReusedEarly:
      ++violations.channel_reused_early;
      return {refusal_of(caller, 400)};
    case BindError::None:
      break;
  }
  allocation->permit(*peer, now_ + options.permission_lifetime);
  return {success(caller)};
}

std::vector<Outgoing> TurnServer::handle_channel_data(stun::Bytes bytes, const FiveTuple& tuple) {
  if (bytes.size() < turn::kChannelHeaderBytes) {
    ++violations.malformed;
    return {};
  }
  const auto header = turn::read_channel_header(bytes.data());
  const stun::Bytes data = bytes.subspan(turn::kChannelHeaderBytes);
  if (header.length > data.size()) {
    ++violations.malformed;
    return {};
  }
  TurnAllocation* const allocation = find(tuple);
  if (allocation == nullptr) {
    ++violations.data_without_allocation;
    return {};
  }
  const TurnChannel* const channel = allocation->channel(now_, header.channel);
  if (channel == nullptr) {
    ++violations.data_on_unbound_channel;
    return {};
  }
  const stun::Bytes content = data.first(header.length);
  return relay(*allocation,
               {.peer = channel->peer,
                .data = Message(content.begin(), content.end()),
                .channel = header.channel},
               tuple);
}

std::vector<Outgoing> TurnServer::handle_indication(const Request& message,
                                                    const FiveTuple& tuple) {
  if (message.is(Class::Indication, Method::Binding)) {
    ++tally.binding_indications;
    return {};
  }
  if (!message.is(Class::Indication, Method::Send)) {
    ++violations.unexpected;
    return {};
  }
  const auto peer = message.get<AttributeType::XorPeerAddress>();
  const auto data = message.get<AttributeType::Data>();
  const bool dont_fragment = message.has(AttributeType::DontFragment);
  std::array<uint16_t, 1> unknown{};
  bool is_understood = message.unknown_required(unknown) == 0;
  for (const AttributeType type : options.not_understood) {
    if (message.has(type)) is_understood = false;
  }
  if (!is_understood) {
    ++violations.unknown_required;
    return {};
  }
  if (!peer || !data) {
    ++violations.malformed_send;
    return {};
  }
  TurnAllocation* const allocation = find(tuple);
  if (allocation == nullptr || allocation->protocol == kProtocolTcp) {
    ++violations.data_without_allocation;
    return {};
  }
  if (data->empty() && peer->port == kDiscardPort) {
    // It says no more than where the client is now.
    if (tuple == allocation->tuple) allocation->moved_from.reset();
    ++tally.arrivals;
    return {};
  }
  return relay(
      *allocation,
      {.peer = *peer, .data = Message(data->begin(), data->end()), .dont_fragment = dont_fragment},
      tuple);
}

// What the client has sent goes to the peer, if it may.
std::vector<Outgoing> TurnServer::relay(TurnAllocation& allocation, RelayedData data,
                                        const FiveTuple& from) {
  // RFC 8016 section 3.2.2: the client has arrived.
  if (from == allocation.tuple) allocation.moved_from.reset();
  const TransportAddress* const relayed = allocation.relayed_of(data.peer.family);
  if (relayed == nullptr) {
    ++violations.family_mismatch;
    return {};
  }
  if (!allocation.permits(now_, data.peer)) {
    ++violations.data_without_permission;
    return {};
  }
  if (data.data.size() > kMaxUdpPayload) {
    ++violations.data_too_long;
    return {};
  }
  data.at = now_;
  data.relayed = *relayed;
  to_peers.push_back(data);
  if (find_relayed(data.peer) == nullptr) return {};
  const auto arriving = peer_send(now_, data.relayed, data.peer, data.data);
  return arriving ? std::vector{*arriving} : std::vector<Outgoing>{};
}

Message TurnServer::data_indication(const TransportAddress& peer, const stun::Bytes* data,
                                    const stun::kind::IcmpErrorValue* icmp) {
  Message buffer((data == nullptr ? 0 : data->size()) + kIndicationRoom + options.software.size());
  stun::MessageWriter writer(buffer, Class::Indication, Method::Data, next_transaction_id());
  writer.add<AttributeType::XorPeerAddress>(peer);
  if (data != nullptr) writer.add<AttributeType::Data>(*data);
  if (icmp != nullptr) writer.add<AttributeType::Icmp>(*icmp);
  if (!options.software.empty()) writer.add<AttributeType::Software>(as_bytes(options.software));
  if (options.has_fingerprint) writer.add_fingerprint();
  return take_message(writer);
}

std::optional<Outgoing> TurnServer::peer_send(Instant now, const TransportAddress& peer,
                                              const TransportAddress& relayed, stun::Bytes data) {
  advance(now);
  if (is_silent) return std::nullopt;
  const TurnAllocation* const allocation = find_relayed(relayed);
  if (allocation == nullptr || allocation->protocol == kProtocolTcp ||
      !allocation->permits(now_, peer)) {
    ++tally.peer_data_dropped;
    return std::nullopt;
  }
  const FiveTuple& to = allocation->destination();
  if (const TurnChannel* const channel = allocation->channel_to(now_, peer)) {
    const bool padded = to.carrier == Carrier::Stream || options.pads_datagrams;
    return Outgoing{to, channel_data(channel->number, data, padded)};
  }
  const size_t longest = data.size() + kIndicationRoom + options.software.size();
  if (longest > stun::kMaxMessageBytes) {
    ++tally.peer_data_dropped;
    return std::nullopt;
  }
  return Outgoing{to, data_indication(peer, &data, nullptr)};
}

std::optional<Outgoing> TurnServer::peer_icmp(Instant now, const TransportAddress& peer,
                                              const TransportAddress& relayed,
                                              const stun::kind::IcmpErrorValue& icmp) {
  advance(now);
  if (is_silent) return std::nullopt;
  const TurnAllocation* const allocation = find_relayed(relayed);
  if (allocation == nullptr || !allocation->permits(now_, peer)) {
    ++tally.peer_data_dropped;
    return std::nullopt;
  }
  return Outgoing{allocation->destination(), data_indication(peer, nullptr, &icmp)};
}

}  // namespace postern::sim
