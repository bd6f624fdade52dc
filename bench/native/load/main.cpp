// server_load loads a TURN server, over UDP or WebSocket, and is its clients and their peer in one:
// what it sends through a relay comes to the peer's socket, goes back from there, and is timed when
// it is here again. It knows nothing of STUN: the driver (../../server-load.js) makes the requests,
// and says which bytes stand before each message. Many datagrams go in one call of the system, so
// that the server is what is busy.
//
// It prints a line of JSON when it is ready, {"peer":"127.0.0.1:PORT"}, and answers each line of
// its stdin with one, or with {"error":"why"}. It ends at the end of stdin. SOCKET counts from 0.
//
//   open COUNT ADDRESS PORT [PATH]
//     so many sockets more, connected to the server, from different ports; with a PATH, WebSockets
//   ask SOCKET HEX
//     sends HEX; {"hex":"what came first"}
//   head SOCKET LENGTH OFFSET [HEX]
//     from now on HEX stands before each message of this socket; what comes back with a message has
//     LENGTH bytes, the message from OFFSET on
//   run COUNT IN_FLIGHT PAYLOAD
//     there and back, so many times, at most IN_FLIGHT under way, in turn over all sockets that
//     have a head: {"round_trips","lost","elapsed_us","p50_us","p99_us"}

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <iostream>
#include <map>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "clients.h"

namespace {

using load::kBatch;
using load::kDatagramSize;
using Bytes = std::vector<uint8_t>;

constexpr size_t kMaxPayload = 1400;
// A message begins with its number.
constexpr size_t kNumberSize = sizeof(uint32_t);
constexpr int kAnswerMs = 5000;
// A message that has not come back for so long never will.
constexpr int kLostAfterMs = 1000;
constexpr int64_t kNotUnderWay = -1;

int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::optional<Bytes> from_hex(const std::string& hex) {
  if (hex.size() % 2 != 0) return std::nullopt;
  Bytes bytes;
  for (size_t i = 0; i < hex.size(); i += 2) {
    const std::string pair = hex.substr(i, 2);
    if (!isxdigit(pair[0]) || !isxdigit(pair[1])) return std::nullopt;
    bytes.push_back(static_cast<uint8_t>(std::stoul(pair, nullptr, 16)));
  }
  return bytes;
}

std::string to_hex(std::span<const uint8_t> bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const uint8_t byte : bytes) {
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

std::string error(const std::string& why) { return "{\"error\":\"" + why + "\"}"; }

// What stands before a message, and where it is in what comes back.
struct Head {
  Bytes bytes;
  size_t length_back;
  size_t offset_back;
};

class Load {
 public:
  Load() {
    for (size_t i = 0; i < kMaxPayload; ++i) content_[i] = static_cast<uint8_t>(i * 31 + (i >> 8));
  }

  bool start() { return clients_.start(); }
  uint16_t peer_port() const { return clients_.peer_port(); }

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
  std::string open(std::istringstream& words) {
    size_t count = 0;
    std::string address;
    uint16_t port = 0;
    words >> count >> address >> port;
    sockaddr_in server{};
    server.sin_family = AF_INET;
    server.sin_port = htons(port);
    if (!words || inet_pton(AF_INET, address.c_str(), &server.sin_addr) != 1) {
      return error("open takes COUNT ADDRESS PORT [PATH]");
    }
    std::string path;
    words >> path;
    const std::string problem = clients_.open(count, server, address, path);
    if (!problem.empty()) return error(problem);
    return "{\"sockets\":" + std::to_string(clients_.size()) + "}";
  }

  std::string ask(std::istringstream& words) {
    size_t client = 0;
    std::string hex;
    words >> client >> hex;
    const auto request = from_hex(hex);
    if (!words || client >= clients_.size() || !request) return error("ask takes SOCKET HEX");
    if (!clients_.send(client, *request)) return error(std::strerror(errno));
    const int64_t until = now_ns() + int64_t{kAnswerMs} * 1'000'000;
    std::optional<Bytes> answer;
    while (!answer) {
      const bool has_come = clients_.wait(kAnswerMs, [&](size_t from, auto message) {
        if (from == client && !answer) answer.emplace(message.begin(), message.end());
      });
      if (!has_come || (!answer && now_ns() > until)) return error("no answer");
    }
    return "{\"hex\":\"" + to_hex(*answer) + "\"}";
  }

  std::string set_head(std::istringstream& words) {
    size_t client = 0;
    Head head{};
    words >> client >> head.length_back >> head.offset_back;
    const bool is_good = words && client < clients_.size();
    std::string hex;
    words >> hex;  // a forwarder without a protocol has none
    const auto bytes = from_hex(hex);
    if (!is_good || !bytes || bytes->size() + kMaxPayload > kDatagramSize) {
      return error("head takes SOCKET LENGTH OFFSET [HEX]");
    }
    head.bytes = *bytes;
    heads_[client] = std::move(head);
    return "{}";
  }

  std::string run(std::istringstream& words) {
    size_t count = 0;
    size_t in_flight = 0;
    words >> count >> in_flight >> payload_;
    if (!words || count == 0 || in_flight == 0 || payload_ < kNumberSize ||
        payload_ > kMaxPayload) {
      return error("run takes COUNT IN_FLIGHT PAYLOAD");
    }
    if (heads_.empty()) return error("no socket has a head");
    heads_of_.assign(clients_.size(), nullptr);
    ready_.clear();
    for (const auto& [client, head] : heads_) {
      heads_of_[client] = &head;
      ready_.push_back(client);
    }
    first_ += static_cast<uint32_t>(sent_at_.size());
    sent_at_.assign(count, kNotUnderWay);
    rtts_.clear();
    rtts_.reserve(count);
    sent_ = lost_ = flying_ = 0;
    const int64_t start = now_ns();
    int64_t end = start;
    bool is_silent = false;
    fill(in_flight);
    while (rtts_.size() + lost_ < count) {
      const size_t before = rtts_.size();
      const bool has_come =
          clients_.wait(kLostAfterMs, [this](size_t from, auto message) { take(from, message); });
      if (!has_come) {
        if (is_silent) return error("nothing comes back any more");
        give_up();
      }
      is_silent = !has_come;
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
      const size_t client = ready_[turn_++ % ready_.size()];
      const Bytes& head = heads_of_[client]->bytes;
      for (size_t i = 0; i < now; ++i) {
        const uint32_t number = first_ + static_cast<uint32_t>(sent_ + i);
        uint8_t* message = clients_.room(i) + head.size();
        std::memcpy(clients_.room(i), head.data(), head.size());
        std::memcpy(message, content_.data(), payload_);
        std::memcpy(message, &number, kNumberSize);
        clients_.set_length(i, head.size() + payload_);
        sent_at_[sent_ + i] = now_ns();
      }
      clients_.send_all(client, now);
      sent_ += now;
      flying_ += now;
    }
  }

  void take(size_t client, std::span<const uint8_t> bytes) {
    const Head* head = client < heads_of_.size() ? heads_of_[client] : nullptr;
    // Anything else is no message of ours, or not what it was.
    if (head == nullptr || bytes.size() != head->length_back) return;
    if (bytes.size() < head->offset_back + payload_) return;
    const uint8_t* message = bytes.data() + head->offset_back;
    const size_t rest = payload_ - kNumberSize;
    if (std::memcmp(message + kNumberSize, content_.data() + kNumberSize, rest) != 0) return;
    uint32_t number = 0;
    std::memcpy(&number, message, kNumberSize);
    number -= first_;
    // Given up, or of the run before.
    if (number >= sent_at_.size() || sent_at_[number] == kNotUnderWay) return;
    rtts_.push_back(now_ns() - sent_at_[number]);
    sent_at_[number] = kNotUnderWay;
    --flying_;
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

  load::Clients clients_;
  std::map<size_t, Head> heads_;
  // Of all messages; the number stands over its first bytes.
  std::array<uint8_t, kMaxPayload> content_{};

  // Of the run.
  size_t payload_ = 0;
  uint32_t first_ = 0;
  std::vector<const Head*> heads_of_;
  std::vector<size_t> ready_;
  std::vector<int64_t> sent_at_;
  std::vector<int64_t> rtts_;
  size_t sent_ = 0;
  size_t lost_ = 0;
  size_t flying_ = 0;
  size_t turn_ = 0;
};

}  // namespace

int main() {
  static Load load;
  if (!load.start()) {
    std::cerr << "server_load: " << std::strerror(errno) << "\n";
    return 1;
  }
  std::cout << "{\"peer\":\"127.0.0.1:" << load.peer_port() << "\"}" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << load.answer(line) << std::endl;
  }
  return 0;
}
