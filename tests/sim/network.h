// Network: what lies between a client and a TURN server, on a clock of its own: datagrams
// that are lost, doubled, delayed and reordered as the route says, or a stream cut anywhere. Free
// of GoogleTest, so that fuzzers can run it.
//
//   TurnServer server;
//   client::TurnClient client(options);
//   Network network(server, endpoint_of(client, [&](const client::PeerData& data) { ... }));
//   network.after_input = [&] { while (auto event = client.poll_event()) ... };
//   client.allocate(network.now, request);
//   network.run_until(at_ms(1000));
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <span>
#include <type_traits>
#include <vector>

#include "base/instant.h"
#include "base/transport_address.h"
#include "sim/route.h"
#include "sim/served.h"

namespace postern::sim {

// A client as the network sees it.
struct Endpoint {
  std::function<void(Instant now, stun::Bytes bytes, const TransportAddress& source)>
      handle_datagram;
  std::function<void(Instant now, stun::Bytes bytes)> handle_stream;
  std::function<void(Instant now)> handle_timeout;
  std::function<size_t(std::span<uint8_t> out)> poll_transmit;
  std::function<Instant()> poll_timeout;
  std::function<void(std::span<const uint8_t> bytes)> provide_entropy;
};

// Of a StunClient, or a TurnClient, whose data of peers goes to `on_data`. The client has to
// outlive the endpoint.
template <typename Client, typename OnData>
[[nodiscard]] Endpoint endpoint_of(Client& client, OnData on_data) {
  Endpoint endpoint{
      .handle_datagram = {},
      .handle_stream = {},
      .handle_timeout = [&client](Instant now) { client.handle_timeout(now); },
      .poll_transmit = [&client](std::span<uint8_t> out) { return client.poll_transmit(out); },
      .poll_timeout = [&client] { return client.poll_timeout(); },
      .provide_entropy =
          [&client](std::span<const uint8_t> bytes) {
            static_cast<void>(client.provide_entropy(bytes));
          },
  };
  if constexpr (requires(Instant now) { client.next_from_stream(now); }) {
    endpoint.handle_datagram = [&client, on_data](Instant now, stun::Bytes bytes,
                                                  const TransportAddress& source) {
      if (const auto data = client.handle_datagram(now, bytes, source)) on_data(*data);
    };
    endpoint.handle_stream = [&client, on_data](Instant now, stun::Bytes bytes) {
      client.feed_stream(now, bytes);
      while (const auto data = client.next_from_stream(now)) on_data(*data);
    };
  } else {
    endpoint.handle_datagram = [&client](Instant now, stun::Bytes bytes,
                                         const TransportAddress& source) {
      client.handle_datagram(now, bytes, source);
    };
    endpoint.handle_stream = [&client](Instant now, stun::Bytes bytes) {
      client.handle_stream(now, bytes);
    };
  }
  return endpoint;
}
template <typename Client>
[[nodiscard]] Endpoint endpoint_of(Client& client) {
  return endpoint_of(client, [](const auto&) {});
}

class Network {
 public:
  Network(Served& server, Endpoint client, Carrier carrier = Carrier::Datagram, uint32_t seed = 1);

  Route route = good_route();  // of datagrams
  // Pieces of a stream: of so many bytes, or of 1 to 100 by chance.
  static constexpr size_t kRandomPieces = 0;
  size_t piece_bytes = SIZE_MAX;
  // The client's 5-tuple. A client that moves gets another address; what is still sent to the old
  // one is lost, unless that stands in `also_at`.
  FiveTuple tuple;
  std::vector<TransportAddress> also_at;
  bool supplies_entropy = true;
  // Called after everything that reaches the client, to take its events.
  std::function<void()> after_input = [] {};

  Instant now;
  unsigned lost_on_the_way = 0;  // sent to where the client is not
  // The client wants to be woken in the past, again and again: the run has ended early.
  bool is_stuck = false;

  // Puts bytes of the client on the way: data that poll_transmit() does not know of.
  void send(stun::Bytes bytes);
  // Puts bytes of the server's on the way: what its peer_send() and the like return.
  void carry(const Outgoing& outgoing);
  void carry(const std::optional<Outgoing>& outgoing) {
    if (outgoing) carry(*outgoing);
  }
  // A datagram from anywhere, past route and server.
  void inject(Duration delay, Message bytes, const TransportAddress& source = kServer);
  // A peer's datagram.
  void peer_sends(const TransportAddress& peer, const TransportAddress& relayed, stun::Bytes data) {
    carry(server_.peer_send(now, peer, relayed, data));
  }

  void refill();
  // Takes what the client has to send and to say.
  void drain();
  // To the next arrival or deadline. False when there is none.
  bool step();
  // A TURN client has work for ever, so runs have an end.
  void run_until(Instant end);
  void run_for(Duration time) { run_until(now + time); }
  // Until `is_done`, at most to `end`. Whether it is.
  bool run_until(Instant end, const std::function<bool()>& is_done);

 private:
  struct Packet {
    Direction direction = Direction::ToServer;
    FiveTuple tuple{};
    Message bytes{};
    TransportAddress source{};
  };

  [[nodiscard]] Instant next_arrival() const;
  void put(Direction direction, const FiveTuple& between, stun::Bytes bytes);
  void put_pieces(Direction direction, const FiveTuple& between, stun::Bytes bytes);
  void deliver(const Packet& packet);
  void deliver_to_server(const FiveTuple& from, stun::Bytes bytes);
  void feed_server_stream(const FiveTuple& from, stun::Bytes bytes);
  void wake_client();

  Served& server_;
  Endpoint client_;
  std::mt19937 random_;
  std::multimap<Instant, Packet> under_way_;
  std::array<size_t, 2> sent_{};
  // Of a message on the stream to the server, and which stream that is.
  Message unfinished_;
  FiveTuple unfinished_from_;
  std::vector<uint8_t> out_;
};

}  // namespace postern::sim
