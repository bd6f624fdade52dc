#include "bindings/turn_port.h"

#include <cstring>
#include <functional>

#include "bindings/turn_event_record.h"
#include "wire/frame.h"

namespace postern::bindings {

namespace {

client::TurnClientOptions options_of(const OpenSettings& settings) {
  const OpenRequest& request = settings.request;
  client::TurnClientOptions options;
  options.is_reliable = request.is_reliable != 0;
  options.pads_channel_data = request.pads_channel_data != 0;
  options.fingerprint = request.fingerprint != 0;
  options.server = settings.server;
  options.retransmission = settings.retransmission();
  options.authentication = settings.authentication();
  if (request.permission_milliseconds != 0) {
    options.permission_lifetime = Duration::milliseconds(request.permission_milliseconds);
  }
  if (request.channel_milliseconds != 0) {
    options.channel_lifetime = Duration::milliseconds(request.channel_milliseconds);
  }
  options.refresh_every = Duration::milliseconds(request.refresh_milliseconds);
  options.keep_alive = Duration::milliseconds(request.keep_alive_milliseconds);
  return options;
}

}  // namespace

TurnPort::TurnPort(uint32_t handle, const OpenSettings& settings)
    : ClientPort(handle),
      server_(settings.server),
      retransmission_(settings.retransmission()),
      client_(options_of(settings)) {}

Errc TurnPort::set_up(const OpenSettings& settings) {
  if (!software_.assign(settings.software)) return Errc::AttributeLength;
  const Errc errc = client_.set_software(settings.software);
  return errc == Errc::Ok ? client_.set_credentials(Instant(), settings.credentials) : errc;
}

int32_t TurnPort::command(Command command, Instant now, Bytes request) {
  switch (command) {
    case Command::Allocate:
      return allocate(now, request);
    case Command::Permit:
    case Command::ReleasePermission:
    case Command::BindChannel:
    case Command::Connect:
      return command_peer(command, now, request);
    case Command::ReleaseChannel:
    case Command::Refresh:
      return command_number(command, now, request);
    case Command::Move:
      return failure(client_.move(now));
    case Command::SetCredentials:
      return set_credentials(now, request);
    case Command::CloseAllocation:
      client_.close(now);
      return 0;
    default:
      return failure(Errc::NoSuchHandle);
  }
}

int32_t TurnPort::allocate(Instant now, Bytes request) {
  AllocateCommand command;
  Bytes token;
  const bool is_read = take(request, command) && take_bytes(request, command.token_bytes, token);
  const bool is_sound =
      is_read && (command.family == 0 || command.family == 4 || command.family == 6) &&
      command.even_port <= static_cast<uint32_t>(client::EvenPort::Reserve) &&
      (command.transport == turn::kTransportUdp || command.transport == turn::kTransportTcp) &&
      (token.empty() || token.size() == sizeof(client::ReservationToken));
  if (!is_sound) return failure(Errc::BadRecord);
  client::AllocateRequest wanted;
  wanted.transport = static_cast<uint8_t>(command.transport);
  wanted.family = static_cast<Family>(command.family);
  wanted.both_families = command.both_families != 0;
  wanted.even_port = static_cast<client::EvenPort>(command.even_port);
  if (!token.empty()) std::copy(token.begin(), token.end(), wanted.token.emplace().begin());
  wanted.dont_fragment = command.dont_fragment != 0;
  wanted.lifetime_seconds = command.lifetime_seconds;
  wanted.mobility = command.mobility != 0;
  return failure(client_.allocate(now, wanted));
}

int32_t TurnPort::command_peer(Command command, Instant now, Bytes request) {
  PeerCommand head;
  TransportAddress peer;
  if (!take(request, head) || !take_address(request, head.address_bytes, head.port, peer) ||
      peer.family == Family::None) {
    return failure(Errc::BadRecord);
  }
  if (command == Command::Permit) return failure(client_.permit(now, peer));
  if (command == Command::ReleasePermission) return failure(client_.release_permission(now, peer));
  if (command == Command::BindChannel) {
    const auto channel = client_.bind_channel(now, peer);
    return channel ? static_cast<int32_t>(*channel) : failure(channel.error());
  }
  const auto token = client_.connect(now, peer);
  return token ? static_cast<int32_t>(*token & 0x7FFFFFFF) : failure(token.error());
}

int32_t TurnPort::command_number(Command command, Instant now, Bytes request) {
  NumberCommand head;
  if (!take(request, head)) return failure(Errc::BadRecord);
  if (command == Command::Refresh) return failure(client_.refresh(now, head.number));
  return failure(client_.release_channel(now, static_cast<uint16_t>(head.number)));
}

int32_t TurnPort::set_credentials(Instant now, Bytes request) {
  client::Credentials credentials;
  if (!read_credentials(request, credentials)) return failure(Errc::BadRecord);
  return failure(client_.set_credentials(now, credentials));
}

bool TurnPort::handle_input(const Incoming& incoming, Instant now, Outbox& outbox) {
  switch (incoming.input) {
    case Input::Datagram:
      return handle_datagram(incoming, server_, now, outbox);
    case Input::DatagramFrom:
      return handle_datagram(incoming, incoming.address, now, outbox);
    case Input::Stream:
      return handle_stream(incoming, now, outbox);
    case Input::Send:
    case Input::SendUnfragmented:
    case Input::SendChannel:
      return send(incoming, now, outbox);
    case Input::SoftError:
      client_.handle_transport_error(now, client::TransportError::Soft);
      break;
    case Input::HardError:
      client_.handle_transport_error(now, client::TransportError::Hard);
      break;
    case Input::Closed:
      client_.handle_transport_closed(now);
      break;
  }
  return true;
}

bool TurnPort::handle_datagram(const Incoming& incoming, const TransportAddress& source,
                               Instant now, Outbox& outbox) {
  if (!outbox.has_room(sizeof(DataRecord))) return false;
  const auto data = client_.handle_datagram(now, incoming.bytes, source);
  if (data) write_data(*data, incoming, outbox);
  return true;
}

bool TurnPort::handle_stream(const Incoming& incoming, Instant now, Outbox& outbox) {
  if (!is_in_stream_) client_.feed_stream(now, incoming.bytes);
  for (;;) {
    // What spans two reads is a copy of the client's, as long as a frame can be.
    is_in_stream_ = !outbox.has_room(sizeof(DataRecord) + wire::kMaxFrameBytes);
    if (is_in_stream_) return false;
    const auto data = client_.next_from_stream(now);
    if (!data) return true;
    write_data(*data, incoming, outbox);
  }
}

void TurnPort::write_data(const client::PeerData& data, const Incoming& incoming,
                          Outbox& outbox) const {
  DataRecord record{};
  const Bytes peer = data.peer.address_bytes();
  record.length = static_cast<uint32_t>(data.data.size());
  record.channel = data.channel;
  record.port = data.peer.port;
  record.address_bytes = static_cast<uint32_t>(peer.size());
  if (!peer.empty()) std::memcpy(record.address.data(), peer.data(), peer.size());
  size_t payload_bytes = 0;
  if (lies_within(data.data, incoming.bytes)) {
    record.input = incoming.index;
    record.offset = static_cast<uint32_t>(data.data.data() - incoming.bytes.data());
  } else {
    record.input = kNoInput;
    payload_bytes = data.data.size();
    std::copy(data.data.begin(), data.data.end(), outbox.payload_room(sizeof record).begin());
  }
  record.head = {static_cast<uint32_t>(Output::Data), handle(),
                 static_cast<uint32_t>(payload_bytes)};
  outbox.add(record, payload_bytes);
}

bool TurnPort::send(const Incoming& incoming, Instant now, Outbox& outbox) {
  // No message holds it, nor might the outbox, ever.
  if (incoming.bytes.size() > wire::kMaxFrameBytes) {
    ++send_failed_;
    return true;
  }
  if (!outbox.has_room(sizeof(OutputHead) + incoming.bytes.size() + client::kMaxDataOverhead)) {
    return false;
  }
  const std::span<uint8_t> room = outbox.payload_room(sizeof(OutputHead));
  const auto written = incoming.input == Input::SendChannel
                           ? client_.write_channel_data(now, static_cast<uint16_t>(incoming.port),
                                                        incoming.bytes, room)
                           : client_.write_data(now, incoming.address, incoming.bytes,
                                                incoming.input == Input::SendUnfragmented, room);
  if (written) {
    outbox.add_transmit(handle(), *written);
  } else {
    ++send_failed_;
  }
  return true;
}

bool TurnPort::drain(Outbox& outbox) {
  for (;;) {
    if (!outbox.has_room(sizeof(OutputHead) + client::kMaxTurnRequestBytes)) return false;
    const size_t sent = client_.poll_transmit(outbox.payload_room(sizeof(OutputHead)));
    if (sent == 0) break;
    outbox.add_transmit(handle(), sent);
  }
  for (;;) {
    if (!outbox.has_room(kMaxEventBytes<TurnEventRecord>)) return false;
    const auto event = client_.poll_event();
    if (!event) return true;
    write_turn_event(handle(), *event, &client_.allocation(), outbox);
  }
}

size_t TurnPort::stats(std::span<double> out) const {
  const client::TurnClientStats& stats = client_.stats();
  return write_counters(out, stats.malformed, stats.unexpected, stats.wrong_source,
                        stats.unknown_transaction, stats.late, stats.bad_fingerprint,
                        stats.bad_integrity, stats.ignored, stats.unknown_channel,
                        stats.unpermitted, stats.dropped_events, send_failed_);
}

}  // namespace postern::bindings
