#include "clients.h"

#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace load {

namespace {

constexpr int kSocketBuffer = 4 << 20;

int datagram_socket(const sockaddr_in& own) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return fd;
  // Where it is forbidden to go beyond the system's limit, that is what there is.
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &kSocketBuffer, sizeof(kSocketBuffer));
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &kSocketBuffer, sizeof(kSocketBuffer));
  if (bind(fd, reinterpret_cast<const sockaddr*>(&own), sizeof(own)) == 0) return fd;
  close(fd);
  return -1;
}

int stream_socket() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  if (fd >= 0) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  return fd;
}

}  // namespace

bool Clients::start() {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  poll_ = epoll_create1(0);
  sockaddr_in own{};
  own.sin_family = AF_INET;
  own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  peer_ = datagram_socket(own);
  socklen_t length = sizeof(own);
  if (peer_ < 0 || getsockname(peer_, reinterpret_cast<sockaddr*>(&own), &length) != 0) {
    return false;
  }
  peer_port_ = ntohs(own.sin_port);
  watch(peer_, kPeer);
  return true;
}

std::string Clients::open(size_t count, const sockaddr_in& server, const std::string& host,
                          const std::string& path) {
  for (size_t i = 0; i < count; ++i) {
    sockaddr_in own{};
    own.sin_family = AF_INET;
    Client client{path.empty() ? datagram_socket(own) : stream_socket(), nullptr};
    if (client.socket < 0 ||
        connect(client.socket, reinterpret_cast<const sockaddr*>(&server), sizeof(server)) != 0) {
      return std::strerror(errno);
    }
    if (!path.empty()) {
      client.web_socket = std::make_unique<WebSocket>();
      const std::string problem = client.web_socket->open(client.socket, host, path);
      if (!problem.empty()) return problem;
    }
    watch(client.socket, static_cast<uint32_t>(clients_.size()));
    clients_.push_back(std::move(client));
  }
  return {};
}

bool Clients::send(size_t index, std::span<const uint8_t> message) {
  const Client& client = clients_[index];
  if (!client.web_socket) {
    return ::send(client.socket, message.data(), message.size(), MSG_NOSIGNAL) >= 0;
  }
  client.web_socket->add(message);
  return client.web_socket->flush();
}

void Clients::send_all(size_t index, size_t count) {
  const Client& client = clients_[index];
  if (!client.web_socket) {
    out_.send_out(client.socket, count);
    return;
  }
  for (size_t i = 0; i < count; ++i) client.web_socket->add({out_.data(i), out_.planned(i)});
  client.web_socket->flush();
}

void Clients::watch(int socket, uint32_t tag) const {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u32 = tag;
  epoll_ctl(poll_, EPOLL_CTL_ADD, socket, &event);
}

void Clients::forget(int socket) const { epoll_ctl(poll_, EPOLL_CTL_DEL, socket, nullptr); }

}  // namespace load
