#include "bindings/stun_port.h"

#include <variant>

#include "bindings/event_payload.h"

namespace postern::bindings {

StunPort::StunPort(uint32_t handle, const OpenSettings& settings)
    : ClientPort(handle),
      server_(settings.server),
      client_({.is_reliable = settings.request.is_reliable != 0,
               .server = settings.server,
               .retransmission = settings.retransmission(),
               .authentication = settings.authentication()}) {}

Errc StunPort::set_up(const OpenSettings& settings) {
  const Errc errc = client_.set_software(settings.software);
  return errc == Errc::Ok ? client_.set_credentials(settings.credentials) : errc;
}

int32_t StunPort::command(Command command, Instant now, Bytes request) {
  switch (command) {
    case Command::StartBinding:
      return start_binding(now, request);
    case Command::SendIndication:
      return failure(client_.send_indication(now));
    case Command::Cancel: {
      NumberCommand transaction;
      if (!take(request, transaction)) return failure(Errc::BadRecord);
      return failure(client_.cancel(now, client::TransactionHandle{transaction.number}));
    }
    default:
      return failure(Errc::NoSuchHandle);
  }
}

int32_t StunPort::start_binding(Instant now, Bytes request) {
  BindingCommand command;
  if (!take(request, command)) return failure(Errc::BadRecord);
  client::BindingRequest binding{
      .fingerprint = command.fingerprint != 0,
      .change_request = {.change_ip = command.change_ip != 0,
                         .change_port = command.change_port != 0},
      .response_port = std::nullopt,
      .padding_bytes = static_cast<uint16_t>(std::min(command.padding_bytes, uint32_t{0xFFFF}))};
  if (command.response_port <= 0xFFFF) {
    binding.response_port = static_cast<uint16_t>(command.response_port);
  }
  const auto started = client_.start_binding(now, binding);
  return started ? static_cast<int32_t>(started->value & 0x7FFFFFFF) : failure(started.error());
}

bool StunPort::handle_input(const Incoming& incoming, Instant now, Outbox& /*outbox*/) {
  switch (incoming.input) {
    case Input::Datagram:
      client_.handle_datagram(now, incoming.bytes, server_);
      break;
    case Input::DatagramFrom:
      client_.handle_datagram(now, incoming.bytes, incoming.address);
      break;
    case Input::Stream:
      client_.handle_stream(now, incoming.bytes);
      break;
    case Input::SoftError:
      client_.handle_transport_error(now, client::TransportError::Soft);
      break;
    case Input::HardError:
      client_.handle_transport_error(now, client::TransportError::Hard);
      break;
    case Input::Closed:
      client_.handle_transport_closed(now);
      break;
    default:
      break;
  }
  return true;
}

bool StunPort::drain(Outbox& outbox) {
  for (;;) {
    if (!outbox.has_room(sizeof(OutputHead) + client::kMaxRequestBytes)) return false;
    const size_t sent = client_.poll_transmit(outbox.payload_room(sizeof(OutputHead)));
    if (sent == 0) break;
    outbox.add_transmit(handle(), sent);
  }
  for (;;) {
    if (!outbox.has_room(kMaxEventBytes<BindingRecord>)) return false;
    const auto event = client_.poll_event();
    if (!event) return true;
    write_event(*event, outbox);
  }
}

void StunPort::write_event(const client::Event& event, Outbox& outbox) const {
  BindingRecord record{};
  EventPayload payload(outbox.payload_room(sizeof record));
  const client::Exchange& exchange = client::exchange_of(event);
  Output output = Output::Failed;
  record.transaction = exchange.transaction.value & 0x7FFFFFFF;
  record.requests_sent = exchange.requests_sent;
  record.round_trip_microseconds = as_round_trip(exchange.round_trip);
  record.is_authenticated = exchange.authenticated ? 1 : 0;
  if (const auto* const mapped = std::get_if<client::MappedAddress>(&event)) {
    output = Output::MappedAddress;
    record.attribute = static_cast<uint32_t>(mapped->attribute);
    payload.add(mapped->address, record.addresses[0]);
    payload.add(exchange.source, record.addresses[1]);
    payload.add(mapped->response_origin, record.addresses[2]);
    payload.add(mapped->other_address, record.addresses[3]);
    payload.add(mapped->software, record.text_bytes[0]);
  } else if (const auto* const response = std::get_if<client::ErrorResponse>(&event)) {
    output = Output::ErrorResponse;
    record.error_code = response->code;
    record.may_redirect = response->may_redirect ? 1 : 0;
    payload.add(exchange.source, record.addresses[1]);
    payload.add(response->alternate_servers[0], record.addresses[2]);
    payload.add(response->alternate_servers[1], record.addresses[3]);
    payload.add(response->reason, record.text_bytes[0]);
    payload.add(response->software, record.text_bytes[1]);
    payload.add(response->alternate_domain, record.text_bytes[2]);
    set_unknown(response->unknown_attributes, record);
  } else if (const auto* const failed = std::get_if<client::Failed>(&event)) {
    record.errc = static_cast<uint32_t>(failed->errc);
    record.error_code = failed->error_code;
    payload.add(exchange.source, record.addresses[1]);
    payload.add(failed->reason, record.text_bytes[0]);
    payload.add(failed->realm, record.text_bytes[1]);
    set_unknown(failed->unknown_attributes, record);
  }
  record.head = {static_cast<uint32_t>(output), handle(), payload.size()};
  outbox.add(record, payload.size());
}

size_t StunPort::stats(std::span<double> out) const {
  const client::StunClientStats& stats = client_.stats();
  return write_counters(out, stats.malformed, stats.unexpected, stats.wrong_source,
                        stats.unknown_transaction, stats.late, stats.bad_fingerprint,
                        stats.bad_integrity, stats.ignored);
}

}  // namespace postern::bindings
