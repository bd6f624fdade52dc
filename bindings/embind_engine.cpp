// The engine's functions as JavaScript sees them. Numbers only: bytes cross through inbox and
// outbox.
#include <emscripten/bind.h>

#include "bindings/embind_mailbox.h"
#include "bindings/engine.h"

namespace {

using postern::bindings::Engine;

Engine engine;

uint32_t place(uint32_t which) { return postern::bindings::mailbox_place(engine, which); }
int32_t open(uint32_t kind, double now, uint32_t bytes) { return engine.open(kind, now, bytes); }
void close(uint32_t handle) { engine.close(handle); }
int32_t command(uint32_t handle, uint32_t command, double now, uint32_t bytes) {
  return engine.command(handle, command, now, bytes);
}
uint32_t process(uint32_t bytes, double now) { return engine.process(bytes, now); }
uint32_t stats(uint32_t handle) { return engine.stats(handle); }
uint32_t parse_address(uint32_t text_bytes) { return engine.address().parse(text_bytes); }
uint32_t format_address(uint32_t address_bytes) { return engine.address().format(address_bytes); }

}  // namespace

EMSCRIPTEN_BINDINGS(postern_engine) {
  emscripten::function("place", &place);
  emscripten::function("open", &open);
  emscripten::function("close", &close);
  emscripten::function("command", &command);
  emscripten::function("process", &process);
  emscripten::function("stats", &stats);
  emscripten::function("parseAddress", &parse_address);
  emscripten::function("formatAddress", &format_address);
}
