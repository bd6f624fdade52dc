// A TurnClient and the TURN server of tests/sim, with a network between them that does what a
// fuzzer's input says: delivers, loses, doubles, reorders, spoils and makes up.
#pragma once

#include <algorithm>
#include <array>
#include <deque>
#include <vector>

#include "client/turn/turn_client.h"
#include "hostile_server.h"
#include "sim/turn_server.h"
#include "turn_caller.h"

namespace postern::fuzz {

inline constexpr uint8_t kUser[] = {'u', 's', 'e', 'r'};
inline constexpr uint8_t kPass[] = {'p', 'a', 's', 's'};
inline constexpr uint8_t kRealm[] = {'e', 'x', 'a', 'm', 'p', 'l', 'e', '.', 'o', 'r', 'g'};
inline constexpr unsigned kHosts = 6;        // peers that the caller asks for
inline constexpr unsigned kStrangers = 2;    // ... and that it never does
inline constexpr size_t kMostUnderWay = 32;  // messages to the client

inline TransportAddress host(unsigned number) {
  const auto last = static_cast<uint8_t>(number + 1);
  if (number % 3 == 2)
    return TransportAddress::ipv6(std::array<uint8_t, 16>{0x20, 1, 0x0d, 0xb8, last}, 5000);
  return TransportAddress::ipv4(198, 51, 100, last, static_cast<uint16_t>(5000 + number));
}

// Lives of 5 seconds to a day, and 0 for "as the RFC says".
inline Duration arbitrary_life(FuzzedDataProvider& input) {
  constexpr std::array<int64_t, 5> kMilliseconds = {0, 5'000, 10'000, 300'000, 86'400'000};
  return Duration::milliseconds(input.PickValueInArray(kMilliseconds));
}

inline client::TurnClientOptions arbitrary_options(FuzzedDataProvider& input, bool is_stream) {
  client::TurnClientOptions options{.is_reliable = is_stream || input.ConsumeBool(),
                                    .pads_channel_data = is_stream,
                                    .fingerprint = input.ConsumeBool(),
                                    .server = sim::kServer};
  if (const Duration life = arbitrary_life(input); life > Duration()) {
    options.permission_lifetime = life;
  }
  if (const Duration life = arbitrary_life(input); life > Duration()) {
    options.channel_lifetime = life;
  }
  options.refresh_every = arbitrary_life(input);
  options.keep_alive = arbitrary_life(input);
  return options;
}

inline sim::TurnServerOptions arbitrary_server(FuzzedDataProvider& input) {
  sim::TurnServerOptions options;
  options.needs_authentication = !input.ConsumeBool();
  options.nonce_uses = input.ConsumeIntegralInRange(0U, 3U);
  options.signs_stale_nonce = input.ConsumeBool();
  options.default_lifetime =
      Duration::seconds(input.PickValueInArray({int64_t{0}, int64_t{1}, int64_t{600}}));
  options.relays_ipv6 = input.ConsumeBool();
  options.dual_allocation = sim::DualAllocation{input.ConsumeIntegralInRange<uint8_t>(0, 2)};
  options.mobility = sim::Mobility{input.ConsumeIntegralInRange<uint8_t>(0, 2)};
  if (input.ConsumeBool()) options.forbidden_peers = {host(0)};
  options.connects_at_once = input.ConsumeBool();
  options.has_fingerprint = input.ConsumeBool();
  options.pads_reasons = input.ConsumeBool();
  options.pads_datagrams = input.ConsumeBool();
  return options;
}

inline sim::LongTermServerOptions arbitrary_mechanism(FuzzedDataProvider& input) {
  sim::LongTermServerOptions options;
  if (input.ConsumeBool()) options.algorithms = sim::kSha256ThenMd5;
  options.hides_username = input.ConsumeBool();
  if (input.ConsumeIntegralInRange(0, 7) == 0) options.third_party.emplace();
  return options;
}

class TurnWorld {
 public:
  TurnWorld(const uint8_t* data, size_t size)
      : input(data, size),
        is_stream(input.ConsumeBool()),
        server(arbitrary_server(input), arbitrary_mechanism(input)),
        client(arbitrary_options(input, is_stream)),
        tuple{.carrier = is_stream ? sim::Carrier::Stream : sim::Carrier::Datagram} {
    set_credentials(input.ConsumeIntegralInRange(0, 7) != 0);
    supply(256);
  }

  FuzzedDataProvider input;
  bool is_stream;
  sim::TurnServer server;
  client::TurnClient client;
  sim::FiveTuple tuple;
  TurnCaller caller;
  Instant now{};

  TransportAddress arbitrary_host() { return host(input.ConsumeIntegralInRange(0U, kHosts - 1)); }
  void supply(size_t count) {
    std::array<uint8_t, 256> bytes{};
    for (uint8_t& byte : bytes) byte = ++random_;
    static_cast<void>(client.provide_entropy(std::span(bytes).first(count)));
  }
  void set_credentials(bool right) {
    const client::Credentials credentials{
        .mechanism = server.credentials.options.third_party ? client::Mechanism::ThirdParty
                                                            : client::Mechanism::LongTerm,
        .username = kUser,
        .password = right ? stun::Bytes(kPass) : stun::Bytes(kUser),
        .access_token = kRealm};
    if (client.set_credentials(now, credentials) == Errc::Ok) caller.set_credentials();
  }

  // --- To the client.

  void carry(const std::optional<sim::Outgoing>& outgoing) {
    if (outgoing && outgoing->to == tuple) put(outgoing->bytes);
  }
  void put(sim::Message message) {
    if (under_way_.size() == kMostUnderWay) under_way_.pop_front();
    under_way_.push_back(std::move(message));
  }
  // One of those under way, on a stream the first.
  void deliver() {
    if (under_way_.empty()) return;
    const size_t index =
        is_stream ? 0 : input.ConsumeIntegralInRange<size_t>(0, under_way_.size() - 1);
    const bool again = !is_stream && input.ConsumeBool();
    const sim::Message message = under_way_[index];
    if (!again) under_way_.erase(under_way_.begin() + static_cast<ptrdiff_t>(index));
    hand_over(message);
  }
  void deliver_all() {
    while (!under_way_.empty()) {
      const sim::Message message = std::move(under_way_.front());
      under_way_.pop_front();
      hand_over(message);
      drain();
    }
  }
  void lose() {
    if (!under_way_.empty() && !is_stream) under_way_.pop_front();
  }
  // Bytes of a message that is under way become others.
  void spoil() {
    if (under_way_.empty()) return;
    sim::Message& message =
        under_way_[input.ConsumeIntegralInRange<size_t>(0, under_way_.size() - 1)];
    for (unsigned count = input.ConsumeIntegralInRange(1U, 4U); count > 0 && !message.empty();
         --count) {
      const size_t at = input.ConsumeIntegralInRange<size_t>(0, message.size() - 1);
      message[at] = input.ConsumeIntegral<uint8_t>();
    }
    if (input.ConsumeBool()) message.resize(input.ConsumeIntegralInRange<size_t>(0, 64));
  }
  void hand_over(stun::Bytes bytes) {
    // In memory of its own, so that reading beyond its end is noticed.
    const std::vector<uint8_t> copy(bytes.begin(), bytes.end());
    if (!is_stream) {
      const auto source = input.ConsumeIntegralInRange(0, 31) == 31 ? sim::kStranger : sim::kServer;
      if (const auto data = client.handle_datagram(now, copy, source)) caller.hear(*data);
      return;
    }
    const size_t cut = input.ConsumeIntegralInRange<size_t>(0, copy.size());
    for (const auto piece : {stun::Bytes(copy).first(cut), stun::Bytes(copy).subspan(cut)}) {
      client.feed_stream(now, piece);
      while (const auto data = client.next_from_stream(now)) caller.hear(*data);
    }
  }

  // --- From the client.

  void drain() {
    std::array<uint8_t, client::kMaxTurnRequestBytes> out;
    for (unsigned sent = 0; const size_t size = client.poll_transmit(out); ++sent) {
      require(sent < 2 * client::kMaxTurnExchanges);
      stun::MessageView view;
      require(stun::MessageView::parse({out.data(), size}, {}, view).errc == Errc::Ok);
      last_request_.assign(out.begin(), out.begin() + static_cast<ptrdiff_t>(size));
      send({out.data(), size});
    }
    while (const auto event = client.poll_event()) caller.hear(*event);
    require(server.to_peers.empty());
  }
  // A message of the client's, all the way to the server, or lost.
  void send(stun::Bytes bytes) {
    for (const sim::Outgoing& reply : server.handle(now, bytes, tuple)) carry(reply);
    for (const sim::RelayedData& data : server.to_peers) require(caller.may_hear(data.peer));
    server.to_peers.clear();
  }
  void wait(Duration time) {
    now = now + time;
    for (unsigned times = 0; client.poll_timeout() <= now; ++times) {
      require(times < 100);
      client.handle_timeout(now);
      drain();
    }
  }
  // The last thing that the client asked.
  [[nodiscard]] const sim::Message& last_request() const { return last_request_; }

  // Until everybody has an answer: the server is honest from now on, or dead, and nothing is lost.
  void settle() {
    for (unsigned times = 0;; ++times) {
      require(times < 20'000);
      supply(256);
      drain();
      deliver_all();
      if (!caller.waits()) return;
      for (size_t i = 0; i < server.connections.size(); ++i) {
        if (server.connections[i].state == sim::PeerConnection::State::Connecting) {
          carry(server.complete_connect(now, server.connections[i].id, 447));
        }
      }
      if (!under_way_.empty() || client.entropy_available() < 256) continue;
      const Instant next = client.poll_timeout();
      require(!next.is_never());
      now = std::max(now, next);
      client.handle_timeout(now);
    }
  }

 private:
  std::deque<sim::Message> under_way_;
  sim::Message last_request_;
  uint8_t random_ = 0;
};

}  // namespace postern::fuzz
