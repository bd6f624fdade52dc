// client::TurnEvent as a record of the outbox.
#pragma once

#include "bindings/event_payload.h"
#include "client/turn/allocation.h"
#include "client/turn/turn_event.h"

namespace postern::bindings {

// There has to be room for kMaxEventBytes<TurnEventRecord>. `allocation`: of the client, where
// there is one; it is told with the events that change it.
void write_turn_event(uint32_t handle, const client::TurnEvent& event,
                      const client::Allocation* allocation, Outbox& outbox);

}  // namespace postern::bindings
