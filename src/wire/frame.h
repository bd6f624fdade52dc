// Where a frame on a stream ends, by its first four bytes (RFC 8489 section 6.2.2, RFC 8656
// section 12.5).
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/byte_order.h"
#include "base/result.h"
#include "stun/registry.h"
#include "turn/channel_data.h"
#include "wire/demux.h"

namespace postern::wire {

// Both kinds of frame begin with 16 bits of type or channel and 16 bits of length.
inline constexpr size_t kFrameHeadBytes = 4;
// The longest frame of either kind: a STUN message; ChannelData ends at 65,540 bytes.
inline constexpr size_t kMaxFrameBytes = stun::kMaxMessageBytes;

enum class FrameType : uint8_t { Stun, ChannelData };

struct FrameExtent {
  FrameType type = FrameType::Stun;
  size_t on_stream = 0;  // with the padding that ChannelData has on a stream
  size_t content = 0;    // without
};

// Whether a frame can begin with this byte.
[[nodiscard]] constexpr bool begins_frame(uint8_t first_byte) {
  const Protocol protocol = classify(first_byte);
  return protocol == Protocol::Stun || protocol == Protocol::TurnChannel;
}

// `head` points at kFrameHeadBytes bytes.
[[nodiscard]] inline Result<FrameExtent> measure_frame(const uint8_t* head,
                                                       size_t max_frame_bytes) {
  if (!begins_frame(head[0])) return Errc::StreamDesynchronised;
  const uint16_t length = load_be16(head + 2);
  FrameExtent extent;
  if (classify(head[0]) == Protocol::Stun) {
    if (length % 4 != 0) return Errc::StreamDesynchronised;
    extent = {.type = FrameType::Stun,
              .on_stream = stun::kHeaderBytes + length,
              .content = stun::kHeaderBytes + length};
  } else {
    extent = {.type = FrameType::ChannelData,
              .on_stream = turn::channel_frame_bytes_on_stream(length),
              .content = turn::kChannelHeaderBytes + length};
  }
  if (extent.on_stream > max_frame_bytes) return Errc::FrameTooLong;
  return extent;
}

}  // namespace postern::wire
