// The 16-bit message type: a 12-bit method interleaved with two class bits (RFC 8489 section 5).
//
//      0                 1
//      2  3  4 5 6 7 8 9 0 1 2 3 4 5
//     +--+--+-+-+-+-+-+-+-+-+-+-+-+-+
//     |M |M |M|M|M|C|M|M|M|C|M|M|M|M|
//     |11|10|9|8|7|1|6|5|4|0|3|2|1|0|
//     +--+--+-+-+-+-+-+-+-+-+-+-+-+-+
#pragma once

#include <cstdint>

#include "stun/registry.h"

namespace postern::stun {

inline constexpr uint16_t kMaxMethod = 0xFFF;

[[nodiscard]] constexpr uint16_t make_message_type(Class message_class, uint16_t method) {
  const unsigned m = method;
  const auto c = static_cast<unsigned>(message_class);
  return static_cast<uint16_t>(((m & 0xF80) << 2) | ((m & 0x070) << 1) | (m & 0x00F) |
                               ((c & 2) << 7) | ((c & 1) << 4));
}

[[nodiscard]] constexpr uint16_t make_message_type(Class message_class, Method method) {
  return make_message_type(message_class, static_cast<uint16_t>(method));
}

[[nodiscard]] constexpr uint16_t method_of(uint16_t message_type) {
  const unsigned t = message_type;
  return static_cast<uint16_t>(((t & 0x3E00) >> 2) | ((t & 0x00E0) >> 1) | (t & 0x000F));
}

[[nodiscard]] constexpr Class class_of(uint16_t message_type) {
  const unsigned t = message_type;
  return static_cast<Class>(((t & 0x0100) >> 7) | ((t & 0x0010) >> 4));
}

}  // namespace postern::stun
