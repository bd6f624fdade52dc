// TurnClient: data to and from peers (RFC 8656 sections 11 and 12).
#include <array>
#include <cstring>

#include "client/binding.h"
#include "client/turn/turn_client.h"
#include "turn/channel_data.h"

namespace postern::client {

using stun::AttributeType;
using stun::Bytes;
using stun::MessageView;

namespace {

// The length field of ChannelData, and of DATA.
constexpr size_t kMaxPayload = 0xFFFF;

constexpr size_t padding_of(size_t bytes) { return (size_t{0} - bytes) & 3; }

// The discard port, and a host of the ranges for documentation (RFC 5737, TEST-NET-1) and for what
// is to be dropped (RFC 6666).
TransportAddress nobody_of(Family family) {
  constexpr uint16_t kDiscardPort = 9;
  if (family == Family::IPv4) return TransportAddress::ipv4(192, 0, 2, 1, kDiscardPort);
  constexpr std::array<uint8_t, 16> kDiscardOnly{0x01};
  return TransportAddress::ipv6(kDiscardOnly, kDiscardPort);
}

}  // namespace

Result<size_t> TurnClient::write_channel_data(Instant now, uint16_t channel, Bytes data,
                                              std::span<uint8_t> out) {
  advance(now);
  if (state_ != State::Allocated) return Errc::NoAllocation;
  if (channels_.sendable(channel, now_) == nullptr) return Errc::NoSuchChannel;
  const size_t padding = options_.pads_channel_data ? padding_of(data.size()) : 0;
  const size_t size = turn::kChannelHeaderBytes + data.size() + padding;
  if (data.size() > kMaxPayload || size > out.size()) return Errc::PayloadTooLong;
  store_be16(out.data(), channel);
  store_be16(&out[2], static_cast<uint16_t>(data.size()));
  if (!data.empty()) std::memcpy(&out[turn::kChannelHeaderBytes], data.data(), data.size());
  if (padding > 0) std::memset(&out[size - padding], 0, padding);
  sent_at_ = now_;
  return size;
}

Result<size_t> TurnClient::write_data(Instant now, const TransportAddress& peer, Bytes data,
                                      bool dont_fragment, std::span<uint8_t> out) {
  advance(now);
  if (state_ != State::Allocated) return Errc::NoAllocation;
  if (!permissions_.allows(peer, now_)) return Errc::PermissionNeeded;
  stun::MessageWriter writer(out, stun::Class::Indication, stun::Method::Send,
                             next_indication_id());
  writer.add<AttributeType::XorPeerAddress>(peer);
  if (dont_fragment) writer.add<AttributeType::DontFragment>(true);
  writer.add<AttributeType::Data>(data);
  const auto message = writer.finish();
  if (!message) return Errc::PayloadTooLong;
  sent_at_ = now_;
  return message->size();
}

const stun::TransactionId& TurnClient::next_indication_id() {
  for (size_t i = indication_id_.size(); i-- > 0;) {
    if (++indication_id_[i] != 0) break;
  }
  return indication_id_;
}

size_t TurnClient::write_keep_alive(std::span<uint8_t> out) {
  if (!keep_alive_is_due_ || out.size() < kBindingIndicationBytes) return 0;
  keep_alive_is_due_ = false;
  sent_at_ = now_;
  encode_binding_indication(out.first<kBindingIndicationBytes>(), next_indication_id());
  return kBindingIndicationBytes;
}

// RFC 8016 section 3.2.2: data of peers goes the old way until a Send indication has come by the
// new one. To a host that nobody has, so that this one gets no further.
size_t TurnClient::write_arrival(std::span<uint8_t> out) {
  --arrivals_due_;
  stun::MessageWriter writer(out, stun::Class::Indication, stun::Method::Send,
                             next_indication_id());
  writer.add<AttributeType::XorPeerAddress>(nobody_of(allocation_.relayed[0].family));
  writer.add<AttributeType::Data>({});
  const auto message = writer.finish();
  if (!message) return 0;
  sent_at_ = now_;
  return message->size();
}

std::optional<PeerData> TurnClient::handle_channel_data(Bytes bytes) {
  if (bytes.size() < turn::kChannelHeaderBytes) {
    ++stats_.malformed;
    return std::nullopt;
  }
  const turn::ChannelHeader header = turn::read_channel_header(bytes.data());
  // RFC 8656 section 12.5: what follows the data is padding, be it asked for or not.
  if (header.length > bytes.size() - turn::kChannelHeaderBytes) {
    ++stats_.malformed;
    return std::nullopt;
  }
  const TransportAddress* const peer = channels_.receivable(header.channel, now_);
  if (peer == nullptr) {
    ++stats_.unknown_channel;
    return std::nullopt;
  }
  return PeerData{.peer = *peer,
                  .channel = header.channel,
                  .data = bytes.subspan(turn::kChannelHeaderBytes, header.length)};
}

std::optional<PeerData> TurnClient::handle_indication(const MessageView& message) {
  const auto peer = message.get<AttributeType::XorPeerAddress>();
  const bool is_known = message.method() == static_cast<uint16_t>(stun::Method::Data) ||
                        message.method() == static_cast<uint16_t>(stun::Method::ConnectionAttempt);
  if (state_ != State::Allocated || !is_known) {
    ++stats_.unexpected;
    return std::nullopt;
  }
  // RFC 8489 section 6.3.2: an indication that demands the unknown is overlooked.
  if (!peer || message.unknown_required({}) > 0 ||
      message.fingerprint() == stun::FingerprintState::Invalid) {
    ++stats_.malformed;
    return std::nullopt;
  }
  if (!permissions_.knows(*peer)) {
    ++stats_.unpermitted;
    return std::nullopt;
  }
  if (message.method() == static_cast<uint16_t>(stun::Method::Data)) {
    if (const auto data = message.get<AttributeType::Data>()) {
      return PeerData{.peer = *peer, .channel = 0, .data = *data};
    }
  }
  TurnEvent event{.peer = *peer};
  const auto icmp = message.get<AttributeType::Icmp>();
  const auto connection = message.get<AttributeType::ConnectionId>();
  if (icmp && message.method() == static_cast<uint16_t>(stun::Method::Data)) {
    event.kind = TurnEventKind::Icmp;
    event.number = static_cast<uint32_t>(icmp->type) << 8 | icmp->code;
    event.detail = icmp->data;
  } else if (connection && allocation_.is_tcp) {
    event.kind = TurnEventKind::ConnectionAttempt;
    event.number = *connection;
  } else {
    ++stats_.malformed;
    return std::nullopt;
  }
  if (queued_.size() >= kMaxQueuedEvents) {
    ++stats_.dropped_events;
  } else {
    queue(event);
  }
  return std::nullopt;
}

}  // namespace postern::client
