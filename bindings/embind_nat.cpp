// The functions of NAT discovery as JavaScript sees them. Numbers only: bytes cross through inbox
// and outbox.
#include <emscripten/bind.h>

#include "bindings/embind_mailbox.h"
#include "bindings/nat_engine.h"

namespace {

using postern::bindings::NatEngine;

NatEngine engine;

uint32_t place(uint32_t which) { return postern::bindings::mailbox_place(engine, which); }
int32_t open(double now, uint32_t bytes, uint32_t confirms, uint32_t longest_wait) {
  return engine.open(now, bytes, confirms, longest_wait);
}
uint32_t process(uint32_t bytes, double now) { return engine.process(bytes, now); }
uint32_t stats() { return engine.stats(); }
uint32_t parse_address(uint32_t text_bytes) { return engine.address().parse(text_bytes); }
uint32_t format_address(uint32_t address_bytes) { return engine.address().format(address_bytes); }

}  // namespace

EMSCRIPTEN_BINDINGS(postern_nat) {
  emscripten::function("place", &place);
  emscripten::function("open", &open);
  emscripten::function("process", &process);
  emscripten::function("stats", &stats);
  emscripten::function("parseAddress", &parse_address);
  emscripten::function("formatAddress", &format_address);
}
