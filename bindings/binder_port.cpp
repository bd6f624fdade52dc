#include "bindings/binder_port.h"

#include "bindings/turn_event_record.h"

namespace postern::bindings {

BinderPort::BinderPort(uint32_t handle, const TurnPort& relay)
    : ClientPort(handle),
      binder_(relay.authenticator(), relay.retransmission(), relay.software()) {}

int32_t BinderPort::command(Command /*command*/, Instant /*now*/, Bytes /*request*/) {
  return failure(Errc::NoSuchHandle);
}

bool BinderPort::handle_input(const Incoming& incoming, Instant now, Outbox& outbox) {
  switch (incoming.input) {
    case Input::Stream:
      return handle_stream(incoming, now, outbox);
    case Input::HardError:
    case Input::Closed:
      binder_.handle_transport_closed(now);
      break;
    default:
      break;
  }
  return true;
}

bool BinderPort::handle_stream(const Incoming& incoming, Instant now, Outbox& outbox) {
  if (!outbox.has_room(kMaxEventBytes<TurnEventRecord> + sizeof(DataRecord))) return false;
  const size_t used = binder_.is_bound() ? 0 : binder_.handle_stream(now, incoming.bytes);
  if (!binder_.is_bound()) return true;
  // The event comes before what lay behind the answer.
  if (const auto event = binder_.poll_event()) write_turn_event(handle(), *event, nullptr, outbox);
  if (used == incoming.bytes.size()) return true;
  DataRecord record{};
  record.head = {static_cast<uint32_t>(Output::Leftover), handle(), 0};
  record.input = incoming.index;
  record.offset = static_cast<uint32_t>(used);
  record.length = static_cast<uint32_t>(incoming.bytes.size() - used);
  outbox.add(record, 0);
  return true;
}

bool BinderPort::drain(Outbox& outbox) {
  for (;;) {
    if (!outbox.has_room(sizeof(OutputHead) + client::kMaxTurnRequestBytes)) return false;
    const size_t sent = binder_.poll_transmit(outbox.payload_room(sizeof(OutputHead)));
    if (sent == 0) break;
    outbox.add_transmit(handle(), sent);
  }
  if (!outbox.has_room(kMaxEventBytes<TurnEventRecord>)) return false;
  if (const auto event = binder_.poll_event()) write_turn_event(handle(), *event, nullptr, outbox);
  return true;
}

size_t BinderPort::stats(std::span<double> out) const {
  const client::StunClientStats& stats = binder_.stats();
  return write_counters(out, stats.malformed, stats.unexpected, stats.wrong_source,
                        stats.unknown_transaction, stats.late, stats.bad_fingerprint,
                        stats.bad_integrity, stats.ignored);
}

}  // namespace postern::bindings
