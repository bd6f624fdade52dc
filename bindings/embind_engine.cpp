// The engine's functions as JavaScript sees them. Numbers only: bytes cross through inbox and
// outbox.
#include <emscripten/bind.h>

#include "bindings/engine.h"

namespace {

using postern::bindings::Engine;

Engine engine;

// Addresses in linear memory, by number: the order of PLACES in js/engine/layout.js.
uint32_t place(uint32_t which) {
  switch (which) {
    case 0:
      return static_cast<uint32_t>(reinterpret_cast<uintptr_t>(engine.inbox().data()));
    case 1:
      return static_cast<uint32_t>(reinterpret_cast<uintptr_t>(engine.outbox().data()));
    case 2:
      return Engine::kInboxBytes;
    default:
      return 0;
  }
}

int32_t open(uint32_t bytes) { return engine.open(bytes); }
void close(uint32_t handle) { engine.close(handle); }
int32_t start_binding(uint32_t handle, double now, uint32_t bytes) {
  return engine.start_binding(handle, now, bytes);
}
int32_t send_indication(uint32_t handle, double now, uint32_t entropy_bytes) {
  return engine.send_indication(handle, now, entropy_bytes);
}
int32_t cancel(uint32_t handle, double now, uint32_t transaction) {
  return engine.cancel(handle, now, transaction);
}
uint32_t process(uint32_t bytes, double now) { return engine.process(bytes, now); }
bool has_more() { return engine.has_more(); }
double next_timeout() { return engine.next_timeout(); }
uint32_t stats(uint32_t handle) { return engine.stats(handle); }

}  // namespace

EMSCRIPTEN_BINDINGS(postern_engine) {
  emscripten::function("place", &place);
  emscripten::function("open", &open);
  emscripten::function("close", &close);
  emscripten::function("startBinding", &start_binding);
  emscripten::function("sendIndication", &send_indication);
  emscripten::function("cancel", &cancel);
  emscripten::function("process", &process);
  emscripten::function("hasMore", &has_more);
  emscripten::function("nextTimeout", &next_timeout);
  emscripten::function("stats", &stats);
}
