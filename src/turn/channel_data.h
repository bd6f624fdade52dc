// ChannelData: four bytes of header before application data (RFC 8656 section 12.4).
//
//      0                   1                   2                   3
//      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//     |         Channel Number        |            Length             |
//     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/byte_order.h"

namespace postern::turn {

inline constexpr size_t kChannelHeaderBytes = 4;
// RFC 8656 section 12. RFC 5766 allowed up to 0x7FFF; those numbers are reserved for multiplexing
// now.
inline constexpr uint16_t kMinChannel = 0x4000;
inline constexpr uint16_t kMaxChannel = 0x4FFF;

struct ChannelHeader {
  uint16_t channel = 0;
  uint16_t length = 0;  // of the data, padding not counted
};

[[nodiscard]] constexpr bool is_channel(uint16_t number) {
  return number >= kMinChannel && number <= kMaxChannel;
}

[[nodiscard]] inline ChannelHeader read_channel_header(const uint8_t* from) {
  return {.channel = load_be16(from), .length = load_be16(from + 2)};
}

// Section 12.5: on a stream the data is padded to a multiple of 4, on UDP it need not be.
[[nodiscard]] constexpr size_t channel_frame_bytes_on_stream(uint16_t length) {
  return kChannelHeaderBytes + ((size_t{length} + 3) & ~size_t{3});
}

}  // namespace postern::turn
