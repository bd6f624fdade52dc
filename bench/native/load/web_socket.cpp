#include "web_socket.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace load {

namespace {

constexpr uint8_t kFinal = 0x80;
constexpr uint8_t kMasked = 0x80;
constexpr uint8_t kLength16 = 126;
constexpr uint8_t kLength64 = 127;
constexpr uint8_t kPong = 10;
constexpr size_t kReadSize = 1 << 16;

}  // namespace

std::string WebSocket::open(int socket, const std::string& host, const std::string& path) {
  socket_ = socket;
  const std::string request =
      "GET " + path + " HTTP/1.1\r\nHost: " + host +
      "\r\nOrigin: https://bench.example.org\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: turn\r\n\r\n";
  if (send(socket_, request.data(), request.size(), MSG_NOSIGNAL) < 0) return "cannot send";
  std::string answer;
  while (answer.find("\r\n\r\n") == std::string::npos) {
    std::array<char, 1024> bytes{};
    const ssize_t length = recv(socket_, bytes.data(), bytes.size(), 0);
    if (length <= 0) return "the connection ended within the handshake";
    answer.append(bytes.data(), static_cast<size_t>(length));
  }
  if (answer.rfind("HTTP/1.1 101", 0) != 0)
    return "no upgrade: " + answer.substr(0, answer.find('\r'));
  const std::string rest = answer.substr(answer.find("\r\n\r\n") + 4);
  in_.assign(rest.begin(), rest.end());
  return {};
}

void WebSocket::add(std::span<const uint8_t> message) { add_frame(kBinary, message); }

void WebSocket::add_frame(uint8_t opcode, std::span<const uint8_t> content) {
  const size_t length = content.size();
  out_.push_back(kFinal | opcode);
  if (length < kLength16) {
    out_.push_back(kMasked | static_cast<uint8_t>(length));
  } else {
    out_.insert(out_.end(), {kMasked | kLength16, static_cast<uint8_t>(length >> 8),
                             static_cast<uint8_t>(length)});
  }
  out_.insert(out_.end(), {0, 0, 0, 0});
  out_.insert(out_.end(), content.begin(), content.end());
}

void WebSocket::answer(std::span<const uint8_t> ping) {
  add_frame(kPong, ping);
  flush();
}

bool WebSocket::flush() {
  size_t sent = 0;
  while (sent < out_.size()) {
    const ssize_t now = send(socket_, out_.data() + sent, out_.size() - sent, MSG_NOSIGNAL);
    if (now < 0) return false;
    sent += static_cast<size_t>(now);
  }
  out_.clear();
  return true;
}

bool WebSocket::read() {
  const size_t before = in_.size();
  in_.resize(before + kReadSize);
  const ssize_t length = recv(socket_, in_.data() + before, kReadSize, MSG_DONTWAIT);
  in_.resize(before + (length > 0 ? static_cast<size_t>(length) : 0));
  return length > 0 || (length < 0 && (errno == EAGAIN || errno == EINTR));
}

WebSocket::Frame WebSocket::next(size_t at) const {
  constexpr Frame kPart{false, 0, 0, 0};
  const size_t there = in_.size() - at;
  if (there < 2) return kPart;
  const uint8_t opcode = in_[at] & 0x0f;
  size_t length = in_[at + 1] & 0x7f;
  size_t head = 2;
  if (length >= kLength16) {
    const size_t bytes = length == kLength64 ? 8 : 2;
    head += bytes;
    if (there < head) return kPart;
    length = 0;
    for (size_t i = 0; i < bytes; ++i) length = length << 8 | in_[at + 2 + i];
  }
  if (there < head + length) return kPart;
  return {true, opcode, head, head + length};
}

}  // namespace load
