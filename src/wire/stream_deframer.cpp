#include "wire/stream_deframer.h"

#include <algorithm>
#include <cstring>

namespace postern::wire {

bool StreamDeframer::fail(Errc errc) {
  errc_ = errc;
  input_ = {};
  held_ = 0;
  return false;
}

void StreamDeframer::hold(size_t count) {
  count = std::min(count, input_.size());
  if (count > 0) std::memcpy(buffer_.data() + held_, input_.data(), count);
  held_ += count;
  input_ = input_.subspan(count);
}

void StreamDeframer::set_buffer(std::span<uint8_t> buffer) {
  const size_t kept = release_ ? 0 : std::min(held_, buffer.size());
  if (kept > 0) std::memcpy(buffer.data(), buffer_.data(), kept);
  held_ = kept;
  release_ = false;
  buffer_ = buffer;
  room_wanted_ = 0;
}

bool StreamDeframer::next(Frame& frame) {
  if (release_) {
    held_ = 0;
    release_ = false;
  }
  if (errc_ != Errc::Ok || input_.empty() || room_wanted_ > 0) return false;
  if (buffer_.size() < kFrameHeadBytes) return fail(Errc::FrameTooLong);  // as every frame is
  if (held_ == 0 && input_.size() >= kFrameHeadBytes) {
    const auto extent = measure_frame(input_.data(), max_frame_bytes_);
    if (!extent) return fail(extent.error());
    if (input_.size() >= extent->on_stream) {
      frame = {.type = extent->type, .bytes = input_.first(extent->content)};
      input_ = input_.subspan(extent->on_stream);
      return true;
    }
  }
  if (held_ < kFrameHeadBytes) hold(kFrameHeadBytes - held_);
  if (held_ < kFrameHeadBytes) {
    // A first byte that cannot begin a frame is refused at once, not when three more have come.
    if (held_ > 0 && !begins_frame(buffer_[0])) return fail(Errc::StreamDesynchronised);
    return false;
  }
  const auto extent = measure_frame(buffer_.data(), max_frame_bytes_);
  if (!extent) return fail(extent.error());
  if (extent->on_stream > buffer_.size()) {
    room_wanted_ = extent->on_stream;
    return false;
  }
  hold(extent->on_stream - held_);
  if (held_ < extent->on_stream) return false;
  frame = {.type = extent->type, .bytes = buffer_.first(extent->content)};
  release_ = true;
  return true;
}

}  // namespace postern::wire
