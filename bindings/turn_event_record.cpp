#include "bindings/turn_event_record.h"

#include <cstring>

namespace postern::bindings {

namespace {

void set_allocation(const client::Allocation& allocation, TurnEventRecord& record,
                    EventPayload& payload) {
  record.has_allocation = 1;
  record.lifetime_seconds = allocation.lifetime_seconds;
  record.has_ticket = allocation.has_ticket() ? 1 : 0;
  record.refused_family = static_cast<uint32_t>(allocation.refused_family);
  record.refused_code = allocation.refused_code;
  if (allocation.token) {
    record.has_reservation = 1;
    static_assert(sizeof record.reservation == sizeof *allocation.token);
    std::memcpy(record.reservation.data(), allocation.token->data(), sizeof record.reservation);
  }
  payload.add(allocation.relayed[0], record.addresses[3]);
  payload.add(allocation.relayed[1], record.addresses[4]);
  payload.add(allocation.mapped, record.addresses[5]);
}

}  // namespace

void write_turn_event(uint32_t handle, const client::TurnEvent& event,
                      const client::Allocation* allocation, Outbox& outbox) {
  TurnEventRecord record{};
  EventPayload payload(outbox.payload_room(sizeof record));
  record.event = static_cast<uint32_t>(event.kind);
  record.errc = static_cast<uint32_t>(event.errc);
  record.error_code = event.error_code;
  record.token = event.token;
  record.number = event.number;
  record.detail = event.detail;
  record.requests_sent = event.requests_sent;
  record.round_trip_microseconds = as_round_trip(event.round_trip);
  record.is_authenticated = event.authenticated ? 1 : 0;
  payload.add(event.peer, record.addresses[0]);
  payload.add(event.alternates[0], record.addresses[1]);
  payload.add(event.alternates[1], record.addresses[2]);
  const bool tells_allocation =
      event.kind == client::TurnEventKind::Allocated || event.kind == client::TurnEventKind::Moved;
  if (allocation != nullptr && tells_allocation) set_allocation(*allocation, record, payload);
  payload.add(event.reason, record.text_bytes[0]);
  payload.add(event.realm, record.text_bytes[1]);
  payload.add(event.software, record.text_bytes[2]);
  payload.add(event.alternate_domain, record.text_bytes[3]);
  payload.add(event.third_party, record.text_bytes[4]);
  set_unknown(event.unknown_attributes, record);
  record.head = {static_cast<uint32_t>(Output::TurnEvent), handle, payload.size()};
  outbox.add(record, payload.size());
}

}  // namespace postern::bindings
