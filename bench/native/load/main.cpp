// udp_load loads a TURN server over UDP, and is its clients and their peer in one: what it sends
// through a relay comes to the peer's socket, goes back from there, and is timed when it is here
// again. It knows nothing of STUN: the driver
// (../../server-load.js) makes the requests, and says which bytes stand before each message. Many
// datagrams go in one call of the system, so that the server takes most of the time.
//
// It prints a line of JSON when it is ready: {"peer":"127.0.0.1:PORT"}, and answers each line of
// its stdin with one, or with {"error":"why"}. It ends at the end of stdin.
//
//   open COUNT ADDRESS PORT          so many sockets more, connected to the server, from different
//   ports ask SOCKET HEX                   sends HEX; {"hex":"what came first"} head SOCKET HEX
//   from now on HEX stands before what this socket sends and receives run COUNT IN_FLIGHT PAYLOAD
//   there and back, so many times, at most IN_FLIGHT under way, in turn over all
//                                    sockets that have a head:
//                                    {"round_trips","lost","elapsed_us","p50_us","p99_us"}

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace {

using Bytes = std::vector<uint8_t>;

constexpr size_t kBatch = 64;
constexpr size_t kDatagramSize = 2048;
constexpr size_t kMaxPayload = 1400;
// A message begins with its number.
constexpr size_t kNumberSize = sizeof(uint32_t);
constexpr int kAnswerMs = 5000;
// A message that has not come back for so long never will.
constexpr int kLostAfterMs = 1000;
constexpr int kSocketBuffer = 4 << 20;
constexpr int64_t kNotUnderWay = -1;

int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// Some datagrams that are read or written in one call.
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

  void send_to_peer(int socket, size_t count) {
    for (size_t i = 0; i < count; ++i) {
      messages_[i].msg_hdr.msg_name = nullptr;
      messages_[i].msg_hdr.msg_namelen = 0;
    }
    send(socket, count);
  }

  uint8_t* data(size_t i) { return bytes_[i].data(); }
  size_t length(size_t i) const { return messages_[i].msg_len; }
  void set_length(size_t i, size_t length) { parts_[i].iov_len = length; }

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

// What stands before a message, and where it is in what comes back.
struct Head {
  Bytes bytes;
  size_t length_back;
  size_t offset_back;
};

struct Client {
  int socket;
  // Without one it takes no part.
  std::optional<Head> head;
};

std::optional<Bytes> from_hex(const std::string& hex) {
  if (hex.size() % 2 != 0) return std::nullopt;
  Bytes bytes;
  for (size_t i = 0; i < hex.size(); i += 2) {
    size_t end = 0;
    const std::string pair = hex.substr(i, 2);
    if (!isxdigit(pair[0]) || !isxdigit(pair[1])) return std::nullopt;
    bytes.push_back(static_cast<uint8_t>(std::stoul(pair, &end, 16)));
  }
  return bytes;
}

std::string to_hex(const uint8_t* bytes, size_t length) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (size_t i = 0; i < length; ++i) {
    hex += kDigits[bytes[i] >> 4];
    hex += kDigits[bytes[i] & 15];
  }
  return hex;
}

std::string error(const std::string& why) { return "{\"error\":\"" + why + "\"}"; }

std::string error_of_system() { return error(std::strerror(errno)); }

class Load {
 public:
  // Returns 0 where the peer's socket cannot be had.
  uint16_t start() {
    for (size_t i = 0; i < kMaxPayload; ++i) content_[i] = static_cast<uint8_t>(i * 31 + (i >> 8));
    rlimit files{};
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
      files.rlim_cur = files.rlim_max;
      setrlimit(RLIMIT_NOFILE, &files);
    }
    poll_ = epoll_create1(0);
    sockaddr_in own{};
    own.sin_family = AF_INET;
    own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    peer_ = new_socket(own);
    socklen_t length = sizeof(own);
    if (peer_ < 0 || getsockname(peer_, reinterpret_cast<sockaddr*>(&own), &length) != 0) return 0;
    watch(peer_, kPeer);
    return ntohs(own.sin_port);
  }

  std::string answer(const std::string& line) {
    std::istringstream words(line);
    std::string command;
    words >> command;
    if (command == "open") return open(words);
    if (command == "ask") return ask(words);
    if (command == "head") return set_head(words);
    if (command == "run") return run(words);
    return error("there is no such command");
  }

 private:
  static constexpr uint32_t kPeer = UINT32_MAX;

  static int new_socket(const sockaddr_in& own) {
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return fd;
    // Where it is forbidden to go beyond the system's limit, that is what there is.
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &kSocketBuffer, sizeof(kSocketBuffer));
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &kSocketBuffer, sizeof(kSocketBuffer));
    if (bind(fd, reinterpret_cast<const sockaddr*>(&own), sizeof(own)) == 0) return fd;
    close(fd);
    return -1;
  }

  void watch(int fd, uint32_t tag) const {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u32 = tag;
    epoll_ctl(poll_, EPOLL_CTL_ADD, fd, &event);
  }

  std::string open(std::istringstream& words) {
    size_t count = 0;
    std::string address;
    uint16_t port = 0;
    words >> count >> address >> port;
    sockaddr_in server{};
    server.sin_family = AF_INET;
    server.sin_port = htons(port);
    if (!words || inet_pton(AF_INET, address.c_str(), &server.sin_addr) != 1) {
      return error("open takes COUNT ADDRESS PORT");
    }
    for (size_t i = 0; i < count; ++i) {
      sockaddr_in own{};
      own.sin_family = AF_INET;
      const int fd = new_socket(own);
      if (fd < 0 || connect(fd, reinterpret_cast<sockaddr*>(&server), sizeof(server)) != 0) {
        return error_of_system();
      }
      watch(fd, static_cast<uint32_t>(clients_.size()));
      clients_.push_back({fd, std::nullopt});
    }
    return "{\"sockets\":" + std::to_string(clients_.size()) + "}";
  }

  Client* client_of(std::istringstream& words) {
    size_t index = 0;
    words >> index;
    return words && index < clients_.size() ? &clients_[index] : nullptr;
  }

  std::string ask(std::istringstream& words) {
    Client* client = client_of(words);
    std::string hex;
    words >> hex;
    const auto request = from_hex(hex);
    if (client == nullptr || !request || request->empty()) return error("ask takes SOCKET HEX");
    if (send(client->socket, request->data(), request->size(), 0) < 0) return error_of_system();
    std::array<pollfd, 2> waiting{{{client->socket, POLLIN, 0}, {peer_, POLLIN, 0}}};
    while (waiting[0].revents == 0) {
      if (poll(waiting.data(), waiting.size(), kAnswerMs) < 1) return error("no answer");
      if (waiting[1].revents != 0) receive(kPeer);
    }
    std::array<uint8_t, kDatagramSize> bytes{};
    const ssize_t length = recv(client->socket, bytes.data(), bytes.size(), 0);
    if (length < 0) return error_of_system();
    return "{\"hex\":\"" + to_hex(bytes.data(), static_cast<size_t>(length)) + "\"}";
  }

  std::string set_head(std::istringstream& words) {
    Client* client = client_of(words);
    Head head{};
    words >> head.length_back >> head.offset_back;
    const bool is_good = client != nullptr && words;
    std::string hex;
    words >> hex;  // a forwarder without a protocol has none
    const auto bytes = from_hex(hex);
    if (!is_good || !bytes || bytes->size() + kMaxPayload > kDatagramSize) {
      return error("head takes SOCKET LENGTH OFFSET [HEX]");
    }
    head.bytes = *bytes;
    client->head = head;
    return "{}";
  }

  std::string run(std::istringstream& words) {
    size_t count = 0;
    size_t in_flight = 0;
    words >> count >> in_flight >> payload_;
    ready_.clear();
    for (size_t i = 0; i < clients_.size(); ++i) {
      if (clients_[i].head) ready_.push_back(i);
    }
    if (!words || count == 0 || in_flight == 0 || payload_ < kNumberSize ||
        payload_ > kMaxPayload) {
      return error("run takes COUNT IN_FLIGHT PAYLOAD");
    }
    if (ready_.empty()) return error("no socket has a head");
    first_ += static_cast<uint32_t>(sent_at_.size());
    sent_at_.assign(count, kNotUnderWay);
    rtts_.clear();
    rtts_.reserve(count);
    sent_ = lost_ = 0;
    flying_ = 0;
    const int64_t start = now_ns();
    int64_t end = start;
    bool is_silent = false;
    fill(in_flight);
    while (rtts_.size() + lost_ < count) {
      std::array<epoll_event, kBatch> events{};
      const int ready = epoll_wait(poll_, events.data(), kBatch, kLostAfterMs);
      if (ready == 0) {
        if (is_silent) return error("nothing comes back any more");
        give_up();
      }
      is_silent = ready == 0;
      const size_t before = rtts_.size();
      for (int i = 0; i < ready; ++i) receive(events[static_cast<size_t>(i)].data.u32);
      if (rtts_.size() > before) end = now_ns();
      fill(in_flight);
    }
    if (rtts_.empty()) return error("nothing came back");
    return report(end - start);
  }

  void give_up() {
    for (auto& at : sent_at_) at = kNotUnderWay;  // too late from now on
    lost_ += flying_;
    flying_ = 0;
  }

  // Sends until so many are under way, as many as fit into one call from each socket in turn.
  void fill(size_t in_flight) {
    while (flying_ < in_flight && sent_ < sent_at_.size()) {
      const size_t room = std::min(in_flight - flying_, sent_at_.size() - sent_);
      // Few under way: each goes from another socket, so that all of them are used.
      const size_t each = std::max<size_t>(1, in_flight / ready_.size());
      const size_t now = std::min({room, each, kBatch});
      Client& client = clients_[ready_[turn_++ % ready_.size()]];
      const Bytes& head = client.head->bytes;
      for (size_t i = 0; i < now; ++i) {
        const uint32_t number = first_ + static_cast<uint32_t>(sent_ + i);
        uint8_t* message = out_.data(i) + head.size();
        std::memcpy(out_.data(i), head.data(), head.size());
        std::memcpy(message, content_.data(), payload_);
        std::memcpy(message, &number, kNumberSize);
        out_.set_length(i, head.size() + payload_);
        sent_at_[sent_ + i] = now_ns();
      }
      out_.send_to_peer(client.socket, now);
      sent_ += now;
      flying_ += now;
    }
  }

  void receive(uint32_t tag) {
    if (tag == kPeer) {
      peer_batch_.send_back(peer_, peer_batch_.receive(peer_, true));
      return;
    }
    const Client& client = clients_[tag];
    const size_t count = in_.receive(client.socket, false);
    if (count == 0 || !client.head) return;
    const int64_t now = now_ns();
    const auto& [bytes, length_back, offset_back] = *client.head;
    for (size_t i = 0; i < count; ++i) {
      // Anything else is no message of ours, or not what it was.
      if (in_.length(i) != length_back || length_back < offset_back + payload_) continue;
      const uint8_t* message = in_.data(i) + offset_back;
      const size_t rest = payload_ - kNumberSize;
      if (std::memcmp(message + kNumberSize, content_.data() + kNumberSize, rest) != 0) continue;
      uint32_t number = 0;
      std::memcpy(&number, message, kNumberSize);
      number -= first_;
      // Given up, or of the run before.
      if (number >= sent_at_.size() || sent_at_[number] == kNotUnderWay) continue;
      rtts_.push_back(now - sent_at_[number]);
      sent_at_[number] = kNotUnderWay;
      --flying_;
    }
  }

  std::string report(int64_t elapsed_ns) {
    std::sort(rtts_.begin(), rtts_.end());
    const auto quantile_us = [this](double q) {
      const auto rank = static_cast<size_t>(q * static_cast<double>(rtts_.size() - 1) + 0.5);
      return static_cast<double>(rtts_[rank]) / 1000;
    };
    std::ostringstream json;
    json << "{\"round_trips\":" << rtts_.size() << ",\"lost\":" << lost_
         << ",\"elapsed_us\":" << elapsed_ns / 1000 << ",\"p50_us\":" << quantile_us(0.5)
         << ",\"p99_us\":" << quantile_us(0.99) << "}";
    return json.str();
  }

  int poll_ = -1;
  int peer_ = -1;
  std::vector<Client> clients_;

  // Of all messages; the number stands over its first bytes.
  std::array<uint8_t, kMaxPayload> content_{};

  // Of the run.
  size_t payload_ = 0;
  uint32_t first_ = 0;
  std::vector<size_t> ready_;
  std::vector<int64_t> sent_at_;
  std::vector<int64_t> rtts_;
  size_t sent_ = 0;
  size_t lost_ = 0;
  size_t flying_ = 0;
  size_t turn_ = 0;
  Batch in_, out_, peer_batch_;
};

}  // namespace

int main() {
  static Load load;
  const uint16_t port = load.start();
  if (port == 0) {
    std::cerr << "udp_load: " << std::strerror(errno) << "\n";
    return 1;
  }
  std::cout << "{\"peer\":\"127.0.0.1:" << port << "\"}" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << load.answer(line) << std::endl;
  }
  return 0;
}
