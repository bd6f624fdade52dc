// A client's end of a WebSocket (RFC 6455): the handshake, and messages of one frame each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace load {

class WebSocket {
 public:
  // Upgrades a TCP connection, with the sub-protocol 'turn'. Returns what is wrong, or nothing.
  std::string open(int socket, const std::string& host, const std::string& path);

  // Adds a message of at most 65,535 bytes to what flush() sends. Its mask is zero: who reads it
  // has the same to do.
  void add(std::span<const uint8_t> message);

  // False when the connection is gone.
  bool flush();

  // Reads what has come, and calls `take` with each message. Answers pings. False when the
  // connection is gone.
  template <typename Take>
  bool receive(Take&& take) {
    if (!read()) return false;
    size_t at = 0;
    for (Frame frame; (frame = next(at)).is_whole; at += frame.size) {
      const std::span<const uint8_t> content(in_.data() + at + frame.head, frame.size - frame.head);
      if (frame.opcode == kClose) return false;
      if (frame.opcode == kPing) answer(content);
      if (frame.opcode == kBinary) take(content);
    }
    in_.erase(in_.begin(), in_.begin() + static_cast<std::ptrdiff_t>(at));
    return true;
  }

 private:
  static constexpr uint8_t kBinary = 2;
  static constexpr uint8_t kClose = 8;
  static constexpr uint8_t kPing = 9;

  struct Frame {
    bool is_whole;
    uint8_t opcode;
    size_t head;
    size_t size;  // with its head
  };

  bool read();
  Frame next(size_t at) const;
  void answer(std::span<const uint8_t> ping);
  void add_frame(uint8_t opcode, std::span<const uint8_t> content);

  int socket_ = -1;
  std::vector<uint8_t> in_;
  std::vector<uint8_t> out_;
};

}  // namespace load
