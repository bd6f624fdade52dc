// The sockets of the clients, over UDP or WebSocket, and that of their peer, which sends back what
// comes.
#pragma once

#include <netinet/in.h>
#include <sys/epoll.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "batch.h"
#include "web_socket.h"

namespace load {

class Clients {
 public:
  // False where the peer's socket cannot be had.
  bool start();

  uint16_t peer_port() const { return peer_port_; }
  size_t size() const { return clients_.size(); }

  // So many more. With a path they are WebSockets. Returns what is wrong, or nothing.
  std::string open(size_t count, const sockaddr_in& server, const std::string& host,
                   const std::string& path);

  // False when it cannot be sent.
  bool send(size_t client, std::span<const uint8_t> message);

  // Where the next messages of one client are written, each of at most kDatagramSize bytes; then
  // they go all at once.
  uint8_t* room(size_t i) { return out_.data(i); }
  void set_length(size_t i, size_t length) { out_.set_length(i, length); }
  void send_all(size_t client, size_t count);

  // Waits for what comes, and hands it over as take(client, message). False when that took too
  // long.
  template <typename Take>
  bool wait(int timeout_ms, Take&& take) {
    std::array<epoll_event, kBatch> events{};
    const int count = epoll_wait(poll_, events.data(), kBatch, timeout_ms);
    for (int i = 0; i < count; ++i) {
      const uint32_t tag = events[static_cast<size_t>(i)].data.u32;
      if (tag == kPeer) {
        echo();
      } else {
        receive(tag, take);
      }
    }
    return count > 0;
  }

 private:
  static constexpr uint32_t kPeer = UINT32_MAX;

  struct Client {
    int socket;
    // Where that is a connection.
    std::unique_ptr<WebSocket> web_socket;
  };

  template <typename Take>
  void receive(size_t index, Take&& take) {
    const Client& client = clients_[index];
    if (client.web_socket) {
      const auto each = [&](std::span<const uint8_t> message) { take(index, message); };
      if (!client.web_socket->receive(each)) forget(client.socket);
      return;
    }
    const size_t count = in_.receive(client.socket, false);
    for (size_t i = 0; i < count; ++i) {
      take(index, std::span<const uint8_t>(in_.data(i), in_.length(i)));
    }
  }

  void echo() { echoed_.send_back(peer_, echoed_.receive(peer_, true)); }
  void watch(int socket, uint32_t tag) const;
  void forget(int socket) const;

  int poll_ = -1;
  int peer_ = -1;
  uint16_t peer_port_ = 0;
  std::vector<Client> clients_;
  Batch in_, out_, echoed_;
};

}  // namespace load
