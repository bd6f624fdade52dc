// Some datagrams that are read or written in one call of the system.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace load {

inline constexpr size_t kBatch = 64;
inline constexpr size_t kDatagramSize = 2048;

class Batch {
 public:
  Batch() {
    for (size_t i = 0; i < kBatch; ++i) {
      parts_[i].iov_base = bytes_[i].data();
      messages_[i].msg_hdr.msg_iov = &parts_[i];
      messages_[i].msg_hdr.msg_iovlen = 1;
    }
  }

  size_t receive(int socket, bool wants_sources) {
    for (size_t i = 0; i < kBatch; ++i) {
      parts_[i].iov_len = kDatagramSize;
      messages_[i].msg_hdr.msg_name = wants_sources ? &sources_[i] : nullptr;
      messages_[i].msg_hdr.msg_namelen = wants_sources ? sizeof(sources_[i]) : 0;
    }
    const int count = recvmmsg(socket, messages_.data(), kBatch, MSG_DONTWAIT, nullptr);
    return count < 0 ? 0 : static_cast<size_t>(count);
  }

  // Sends what was received back to where it came from.
  void send_back(int socket, size_t count) {
    for (size_t i = 0; i < count; ++i) parts_[i].iov_len = messages_[i].msg_len;
    send(socket, count);
  }

  // To whom the socket is connected.
  void send_out(int socket, size_t count) {
    for (size_t i = 0; i < count; ++i) {
      messages_[i].msg_hdr.msg_name = nullptr;
      messages_[i].msg_hdr.msg_namelen = 0;
    }
    send(socket, count);
  }

  uint8_t* data(size_t i) { return bytes_[i].data(); }
  size_t length(size_t i) const { return messages_[i].msg_len; }
  void set_length(size_t i, size_t length) { parts_[i].iov_len = length; }
  size_t planned(size_t i) const { return parts_[i].iov_len; }

 private:
  void send(int socket, size_t count) {
    size_t sent = 0;
    while (sent < count) {
      const int now =
          sendmmsg(socket, messages_.data() + sent, static_cast<unsigned>(count - sent), 0);
      // An ICMP error of one before, which this call has taken away; the datagram itself counts as
      // lost.
      sent += now < 0 ? 1 : static_cast<size_t>(now);
    }
  }

  std::array<std::array<uint8_t, kDatagramSize>, kBatch> bytes_{};
  std::array<iovec, kBatch> parts_{};
  std::array<mmsghdr, kBatch> messages_{};
  std::array<sockaddr_in, kBatch> sources_{};
};

}  // namespace load
