// Where a mailbox lies in linear memory.
#pragma once

#include <cstdint>

#include "bindings/embind_place.h"
#include "bindings/mailbox.h"

namespace postern::bindings {

// By number: the order of PLACES in js/engine/layout.js. 0 for what an engine does not have.
template <typename AnyEngine>
[[nodiscard]] uint32_t mailbox_place(AnyEngine& engine, uint32_t which) {
  switch (which) {
    case 0:
      return address_of(engine.inbox().data());
    case 1:
      return address_of(engine.outbox().data());
    case 2:
      return kInboxBytes;
    case 3:
      return address_of(&engine.status());
    case 4:
      return address_of(engine.address().bytes().data());
    case 5:
      if constexpr (requires { engine.entropy(); }) return address_of(engine.entropy().data());
      return 0;
    default:
      return 0;
  }
}

}  // namespace postern::bindings
