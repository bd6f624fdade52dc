// StreamDeframer: cuts a TCP or TLS byte stream into STUN messages and ChannelData (RFC 8489
// section 6.2.2, RFC 8656 section 12.5). A frame that lies whole within the bytes just given is
// handed out in place; only one that spans two reads is copied together, into a buffer of fixed
// size, or one that grows as long frames come.
//
//   deframer.feed(bytes);
//   while (deframer.next(frame)) use(frame.bytes);   // a view lives until the next call
//   if (deframer.room_wanted() > 0) set_buffer() a larger one, and go on with next()
//   if (deframer.error() != Errc::Ok) close the stream: nothing after this point can be trusted
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/errc.h"
#include "wire/frame.h"

namespace postern::wire {

struct Frame {
  FrameType type = FrameType::Stun;
  // STUN: the message. ChannelData: header and data, without the padding.
  std::span<const uint8_t> bytes;
};

class StreamDeframer {
 public:
  // `buffer` holds at most one unfinished frame; its size is the limit of a frame.
  explicit StreamDeframer(std::span<uint8_t> buffer) : StreamDeframer(buffer, buffer.size()) {}
  // A frame may be longer than `buffer`, up to `max_frame_bytes`: then room is asked for.
  StreamDeframer(std::span<uint8_t> buffer, size_t max_frame_bytes)
      : buffer_(buffer), max_frame_bytes_(max_frame_bytes) {}

  void feed(std::span<const uint8_t> bytes) {
    if (errc_ == Errc::Ok) input_ = bytes;
  }
  [[nodiscard]] bool next(Frame& frame);

  // The size of buffer that the frame under way needs; 0 while it has enough.
  [[nodiscard]] size_t room_wanted() const { return room_wanted_; }
  // Takes what is unfinished along.
  void set_buffer(std::span<uint8_t> buffer);

  [[nodiscard]] Errc error() const { return errc_; }
  // Bytes of an unfinished frame: the stream may end in peace only when there are none.
  [[nodiscard]] size_t pending() const { return (release_ ? 0 : held_) + input_.size(); }

 private:
  void hold(size_t count);
  bool fail(Errc errc);

  std::span<uint8_t> buffer_;
  size_t max_frame_bytes_;
  size_t room_wanted_ = 0;
  size_t held_ = 0;       // bytes of the unfinished frame in buffer_
  bool release_ = false;  // the frame handed out last lies in buffer_; forget it at the next call
  std::span<const uint8_t> input_;
  Errc errc_ = Errc::Ok;
};

}  // namespace postern::wire
