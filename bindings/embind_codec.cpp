// The codec's functions as JavaScript sees them. Numbers only: bytes cross through the arenas whose
// places `place()` tells.
#include <emscripten/bind.h>

#include "bindings/codec_port.h"
#include "bindings/embind_place.h"
#include "wire/demux.h"

namespace {

using postern::bindings::address_of;
using postern::bindings::CodecPort;

CodecPort port;

// Addresses in linear memory, by number: the order of PLACES in js/codec/layout.js.
uint32_t place(uint32_t which) {
  CodecPort::Words& words = port.words();
  switch (which) {
    case 0:
      return address_of(port.input().data());
    case 1:
      return address_of(port.output().data());
    case 2:
      return address_of(&words.value_offset);
    case 3:
      return address_of(words.text.data());
    case 4:
      return address_of(words.batch.data());
    case 5:
      return address_of(&words.key);
    case 6:
      return sizeof words.key;
    case 7:
      return CodecPort::kInputBytes;
    case 8:
      return CodecPort::kMaxBatch;
    default:
      return 0;
  }
}

int32_t decode(uint32_t bytes, uint32_t flags) { return port.decode(bytes, flags); }
void decode_batch(uint32_t count, uint32_t flags) { port.decode_batch(count, flags); }
int32_t read(uint32_t slot, uint32_t type, uint32_t nth) { return port.read(slot, type, nth); }
int32_t read_at(uint32_t slot, uint32_t offset) { return port.read_at(slot, offset); }
int32_t walk(uint32_t slot, uint32_t offset) { return port.walk(slot, offset); }
uint32_t unknown_required(uint32_t slot) { return port.unknown_required(slot); }
uint32_t verify(uint32_t slot, uint32_t integrity, uint32_t least) {
  return port.verify(slot, integrity, least);
}
void verify_batch(uint32_t count, uint32_t integrity, uint32_t least) {
  port.verify_batch(count, integrity, least);
}
void prepare_short_term_key(uint32_t bytes) { port.prepare_short_term_key(bytes); }
void prepare_long_term_key(uint32_t algorithm, uint32_t username, uint32_t realm,
                           uint32_t password) {
  port.prepare_long_term_key(algorithm, username, realm, password);
}
void userhash(uint32_t username, uint32_t realm) { port.userhash(username, realm); }
int32_t nonce_features(uint32_t bytes) { return port.nonce_features(bytes); }
int32_t encode(uint32_t count) { return port.encode(count); }
uint32_t classify(uint32_t first_byte, uint32_t shared) {
  using postern::wire::SharedWith;
  return static_cast<uint32_t>(
      postern::wire::classify(static_cast<uint8_t>(first_byte), static_cast<SharedWith>(shared)));
}
int32_t split(uint32_t bytes, uint32_t max_frame_bytes) {
  return port.split(bytes, max_frame_bytes);
}

}  // namespace

EMSCRIPTEN_BINDINGS(postern_codec) {
  emscripten::function("place", &place);
  emscripten::function("decode", &decode);
  emscripten::function("decodeBatch", &decode_batch);
  emscripten::function("read", &read);
  emscripten::function("readAt", &read_at);
  emscripten::function("walk", &walk);
  emscripten::function("unknownRequired", &unknown_required);
  emscripten::function("verify", &verify);
  emscripten::function("verifyBatch", &verify_batch);
  emscripten::function("prepareShortTermKey", &prepare_short_term_key);
  emscripten::function("prepareLongTermKey", &prepare_long_term_key);
  emscripten::function("userhash", &userhash);
  emscripten::function("nonceFeatures", &nonce_features);
  emscripten::function("encode", &encode);
  emscripten::function("classify", &classify);
  emscripten::function("split", &split);
}
