// Simulation: one StunClient, one scripted server, and a network with a clock of its own between
// them that loses, delays, doubles and reorders what the test tells it to. No socket, no sleep:
// hours of protocol time pass in microseconds. After every step it checks what has to hold at any
// time.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include "client/stun_client.h"
#include "sim/messages.h"
#include "sim/route.h"

namespace postern::sim {

// What the server sends back for a request, in this order.
using Script = std::function<Messages(const Request& request)>;
[[nodiscard]] Script always(std::function<Message(const Request& request)> answer);

struct SentRequest {
  Instant at;
  Message bytes;
};

// An event, with its text copied.
struct Outcome {
  Instant at;
  client::Event event{};
  std::string reason{};
  std::string software{};
  std::string realm{};
  std::string alternate_domain{};

  // The event is of that kind, or the test fails.
  [[nodiscard]] const client::MappedAddress& mapped() const;
  [[nodiscard]] const client::ErrorResponse& error() const;
  [[nodiscard]] const client::Failed& failed() const;
};

[[nodiscard]] client::StunClientOptions datagram_options();
[[nodiscard]] client::StunClientOptions reliable_options();

class Simulation {
 public:
  explicit Simulation(const client::StunClientOptions& options = datagram_options(),
                      uint32_t seed = 1);

  client::StunClient client;
  Script server = always([](const auto& request) { return success(request); });
  Route route = good_route();
  TransportAddress answers_come_from = kServer;
  bool supplies_entropy = true;

  Instant now;
  std::vector<SentRequest> requests;
  std::vector<Outcome> outcomes;

  client::TransactionHandle start(const client::BindingRequest& request = {});
  void set_credentials(client::Mechanism mechanism, std::string_view username,
                       std::string_view password, std::string_view realm = {});
  // Puts a packet on the way to the client, past route and server.
  void inject(Duration delay, Message message, const TransportAddress& source = kServer);

  // Random bytes for the client, unless it is to do without.
  void refill();
  // Takes what the client has to send and to say.
  void drain();
  // To the next arrival or deadline. False when there is none.
  bool step();
  void run_until(Instant end);
  void run();

  // Runs to the end; there is one outcome, or the test fails.
  const Outcome& only_outcome();
  [[nodiscard]] std::vector<double> send_times_ms() const;

 private:
  struct Packet {
    Direction direction;
    Message bytes;
    TransportAddress source;
  };

  void send(Direction direction, const Message& message, const TransportAddress& source);
  void deliver(const Packet& packet);
  void advance_to(Instant instant);

  std::mt19937 random_;
  std::multimap<Instant, Packet> under_way_;
  std::array<size_t, 2> sent_{};
};

}  // namespace postern::sim
