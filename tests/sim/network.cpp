#include "sim/network.h"

#include <algorithm>
#include <utility>

#include "wire/frame.h"

namespace postern::sim {

namespace {

constexpr size_t kEntropyBytes = 256;
constexpr size_t kLongestRandomPiece = 100;
constexpr unsigned kMostWakings = 1000;  // at one instant

}  // namespace

Network::Network(Served& server, Endpoint client, Carrier carrier, uint32_t seed)
    : tuple{.carrier = carrier},
      server_(server),
      client_(std::move(client)),
      random_(seed),
      out_(wire::kMaxFrameBytes) {}

void Network::refill() {
  if (!supplies_entropy) return;
  std::array<uint8_t, kEntropyBytes> bytes{};
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random_());
  client_.provide_entropy(bytes);
}

void Network::inject(Duration delay, Message bytes, const TransportAddress& source) {
  under_way_.emplace(now + delay, Packet{Direction::ToClient, tuple, std::move(bytes), source});
}

void Network::send(stun::Bytes bytes) { put(Direction::ToServer, tuple, bytes); }

void Network::carry(const Outgoing& outgoing) {
  put(Direction::ToClient, outgoing.to, outgoing.bytes);
}

void Network::put(Direction direction, const FiveTuple& between, stun::Bytes bytes) {
  if (between.carrier == Carrier::Stream) return put_pieces(direction, between, bytes);
  const Message message(bytes.begin(), bytes.end());
  for (const Duration delay : route(direction, sent_[static_cast<size_t>(direction)]++)) {
    under_way_.emplace(now + delay, Packet{direction, between, message, between.server});
  }
}

// A stream loses nothing and keeps its order: all pieces take as long, and equal keys of a multimap
// keep the order of their insertion.
void Network::put_pieces(Direction direction, const FiveTuple& between, stun::Bytes bytes) {
  while (!bytes.empty()) {
    const size_t wanted =
        piece_bytes == kRandomPieces ? 1 + random_() % kLongestRandomPiece : piece_bytes;
    const stun::Bytes piece = bytes.first(std::min(wanted, bytes.size()));
    under_way_.emplace(now + kLatency, Packet{direction, between,
                                              Message(piece.begin(), piece.end()), between.server});
    bytes = bytes.subspan(piece.size());
  }
}

void Network::drain() {
  refill();
  while (const size_t size = client_.poll_transmit(out_)) send(stun::Bytes(out_).first(size));
  after_input();
  // Who takes an event may want something done at once.
  while (const size_t size = client_.poll_transmit(out_)) send(stun::Bytes(out_).first(size));
}

void Network::deliver(const Packet& packet) {
  if (packet.direction == Direction::ToServer) {
    return packet.tuple.carrier == Carrier::Stream ? feed_server_stream(packet.tuple, packet.bytes)
                                                   : deliver_to_server(packet.tuple, packet.bytes);
  }
  const TransportAddress& there = packet.tuple.client;
  const bool is_here =
      there == tuple.client || std::find(also_at.begin(), also_at.end(), there) != also_at.end();
  if (!is_here) {
    ++lost_on_the_way;
  } else if (packet.tuple.carrier == Carrier::Stream) {
    client_.handle_stream(now, packet.bytes);
  } else {
    client_.handle_datagram(now, packet.bytes, packet.source);
  }
}

void Network::deliver_to_server(const FiveTuple& from, stun::Bytes bytes) {
  for (const Outgoing& reply : server_.handle(now, bytes, from)) carry(reply);
}

// Hands the server whole messages; bytes that are none go to it as they are, to be counted.
void Network::feed_server_stream(const FiveTuple& from, stun::Bytes bytes) {
  if (from != unfinished_from_) unfinished_.clear();
  unfinished_from_ = from;
  unfinished_.insert(unfinished_.end(), bytes.begin(), bytes.end());
  while (!unfinished_.empty()) {
    size_t taken = unfinished_.size();
    size_t content = taken;
    if (!server_.is_data_connection(from)) {
      if (unfinished_.size() < wire::kFrameHeadBytes) return;
      if (const auto frame = wire::measure_frame(unfinished_.data(), wire::kMaxFrameBytes)) {
        taken = frame->on_stream;
        content = frame->content;
      }
      if (unfinished_.size() < taken) return;
    }
    const auto end = unfinished_.begin() + static_cast<ptrdiff_t>(taken);
    const Message message(unfinished_.begin(),
                          unfinished_.begin() + static_cast<ptrdiff_t>(content));
    unfinished_.erase(unfinished_.begin(), end);
    deliver_to_server(from, message);
  }
}

Instant Network::next_arrival() const {
  return under_way_.empty() ? Instant::never() : under_way_.begin()->first;
}

void Network::wake_client() {
  refill();
  for (unsigned times = 0; client_.poll_timeout() <= now; ++times) {
    if (times == kMostWakings) {
      is_stuck = true;
      return;
    }
    client_.handle_timeout(now);
    drain();
  }
}

bool Network::step() {
  drain();
  const Instant arrival = next_arrival();
  const Instant deadline = client_.poll_timeout();
  if (is_stuck || (arrival.is_never() && deadline.is_never())) return false;
  if (deadline < arrival) {
    now = std::max(now, deadline);
    wake_client();
    return true;
  }
  now = arrival;
  const Packet packet = std::move(under_way_.extract(under_way_.begin()).mapped());
  refill();
  deliver(packet);
  drain();
  return true;
}

bool Network::run_until(Instant end, const std::function<bool()>& is_done) {
  while (true) {
    drain();
    if (is_done()) return true;
    if (std::min(next_arrival(), client_.poll_timeout()) > end || !step()) break;
  }
  if (now < end && !is_stuck) now = end;
  return false;
}

void Network::run_until(Instant end) {
  static_cast<void>(run_until(end, [] { return false; }));
}

}  // namespace postern::sim
