// NatWorld: NAT discovery, a NatBox, and a server with two addresses that is honest, or is not, on
// a clock of their own. Free of GoogleTest.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <random>
#include <vector>

#include "client/nat/nat_discovery.h"
#include "sim/nat_box.h"
#include "sim/response_builder.h"
#include "sim/route.h"

namespace postern::sim {

enum class Honesty : uint8_t {
  Honest,
  OneAddress,        // names no other, and answers CHANGE-REQUEST with 420
  NamesSameAddress,  // with another port
  NamesSamePort,     // at another address
  NamesNobody,       // its other address is nobody's; it answers from there nevertheless not
  NamesAnother,      // a server that knows nothing of this one; answers nothing from there
  IgnoresChange,     // answers from where it was asked
  DropsChange,       // does not answer at all
  RefusesChange,     // 420, although it names another address
  AnswersElsewhere,  // from a third address
  Raving             // says anything, from anywhere
};

enum class PaddingKind : uint8_t { AsLong, Mtu, Short, Refused, Dropped };
enum class ResponsePortKind : uint8_t { Taken, Refused, Ignored, Dropped };

struct NatWorldOptions {
  NatBoxOptions box{};
  Honesty honesty = Honesty::Honest;
  PaddingKind padding = PaddingKind::AsLong;
  ResponsePortKind response_port = ResponsePortKind::Taken;
  // Of a packet, each way.
  Duration latency = kLatency;
  // Chances of a loss in percent, each way.
  unsigned loss = 0;
  bool drops_long_requests = false;
  bool drops_long_answers = false;
  // The system refuses to send, in percent.
  unsigned send_failures = 0;
  client::nat::NatOptions discovery{};
  uint32_t seed = 1;
};

class NatWorld {
 public:
  explicit NatWorld(const NatWorldOptions& options);

  static const TransportAddress kFirst;   // of the server
  static const TransportAddress kOther;   // another address, another port
  static const TransportAddress kInside;  // of the client; the ports are its sockets'

  // To the end. False where that does not come.
  bool run();

  client::nat::NatDiscovery discovery;
  Instant now;
  // In the order in which they left, with the sockets' local ports.
  struct Sent {
    Instant at;
    TransportAddress from;
    TransportAddress to;
    size_t bytes;
  };
  std::vector<Sent> sent;
  // When a new transaction began.
  std::vector<Instant> begun;
  unsigned sockets_opened = 0;
  unsigned sockets_closed = 0;
  unsigned tests_started = 0;
  unsigned tests_ended = 0;

 private:
  struct Packet {
    TransportAddress from;
    TransportAddress to;
    Message bytes;
    bool to_client;
  };

  void refill();
  void drain();
  void handle_event(const client::nat::NatEvent& event);
  void transmit(client::nat::SocketId socket, const TransportAddress& to, const Message& bytes);
  void deliver(const Packet& packet);
  void answer(const Packet& packet);
  void rave(const Packet& packet, const Request& request);
  [[nodiscard]] TransportAddress any_address();
  [[nodiscard]] bool is_lost() { return random_() % 100 < options_.loss; }
  [[nodiscard]] bool is_server(const TransportAddress& address) const;
  [[nodiscard]] TransportAddress named_other(const TransportAddress& here) const;

  NatWorldOptions options_;
  NatBox box_;
  std::mt19937 random_;
  std::multimap<Instant, Packet> under_way_;
  std::vector<TransportAddress> locals_;  // of SocketId 1 and on
  std::vector<Message> known_ids_;
  bool is_done_ = false;
};

}  // namespace postern::sim
