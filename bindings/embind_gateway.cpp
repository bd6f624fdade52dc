// What a gateway asks the core, as JavaScript sees it. Numbers only: bytes cross through the inbox.
#include <emscripten/bind.h>

#include "bindings/embind_place.h"
#include "bindings/gateway_port.h"

namespace {

using postern::bindings::address_of;
using postern::bindings::GatewayPort;

GatewayPort port;

// Addresses in linear memory, by number: the order of PLACES in js/gateway/layout.js.
uint32_t place(uint32_t which) {
  switch (which) {
    case 0:
      return address_of(port.inbox().data());
    case 1:
      return GatewayPort::kInboxBytes;
    case 2:
      return address_of(&port.reply_words());
    default:
      return 0;
  }
}

uint32_t add_rule(uint32_t list, uint32_t bytes) { return port.add_rule(list, bytes) ? 1 : 0; }
uint32_t open(uint32_t methods, uint32_t only_allowed) {
  return port.open(methods, only_allowed != 0);
}
void close(uint32_t handle) { port.close(handle); }
int32_t screen(uint32_t handle, uint32_t bytes) { return port.screen(handle, bytes); }
uint32_t channel_data(uint32_t head, uint32_t bytes) {
  return GatewayPort::channel_data(head, bytes);
}
uint32_t reply(uint32_t bytes) { return port.reply(bytes); }
int32_t judge(uint32_t handle, uint32_t bytes) { return port.judge(handle, bytes); }
uint32_t reason() { return port.reason(); }

}  // namespace

// Names of their own: embind_server.cpp is in the same module.
EMSCRIPTEN_BINDINGS(postern_gateway) {
  emscripten::function("gatewayPlace", &place);
  emscripten::function("gatewayAddRule", &add_rule);
  emscripten::function("gatewayOpen", &open);
  emscripten::function("gatewayClose", &close);
  emscripten::function("gatewayScreen", &screen);
  emscripten::function("gatewayChannelData", &channel_data);
  emscripten::function("gatewayReply", &reply);
  emscripten::function("gatewayJudge", &judge);
  emscripten::function("gatewayReason", &reason);
}
