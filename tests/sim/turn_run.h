// TurnRun: a TurnClient and a TurnServer with the network between them, and what came of it: events
// with their texts kept, and data of peers. When it ends, it fails the test if the client wanted to
// be woken with nothing to do.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "client/turn/turn_client.h"
#include "sim/messages.h"
#include "sim/network.h"
#include "sim/turn_server.h"

namespace postern::sim {

using client::TurnEventKind;

inline const TransportAddress kPeer = TransportAddress::ipv4(198, 51, 100, 5, 5000);
inline const TransportAddress kOther = TransportAddress::ipv4(198, 51, 100, 6, 6000);
inline const TransportAddress kFarPeer = TransportAddress::ipv6(
    std::array<uint8_t, 16>{0x20, 1, 0x0d, 0xb8, 9, 8, 7, 6, 5, 4, 3, 2, 1}, 7000);
// Distinct hosts.
[[nodiscard]] TransportAddress peer_number(unsigned number);
[[nodiscard]] std::vector<TransportAddress> peers_up_to(unsigned count);

// What carries the bytes.
struct Path {
  std::string name;
  Carrier carrier = Carrier::Datagram;
  size_t piece_bytes = SIZE_MAX;
  bool is_reliable = false;

  [[nodiscard]] bool is_stream() const { return carrier == Carrier::Stream; }
};
inline const Path kDatagrams{.name = "Datagrams"};
inline const Path kStream{
    .name = "Stream", .carrier = Carrier::Stream, .piece_bytes = SIZE_MAX, .is_reliable = true};
// Whole messages, as WebSocket carries them.
inline const Path kFramed{
    .name = "Framed", .carrier = Carrier::Datagram, .piece_bytes = SIZE_MAX, .is_reliable = true};
[[nodiscard]] std::vector<Path> all_paths();
[[nodiscard]] std::vector<Path> all_streams();
void PrintTo(const Path& path, std::ostream* out);
[[nodiscard]] std::string path_name(const ::testing::TestParamInfo<Path>& info);

// A TurnEvent that owns its texts.
struct TurnRecord : client::TurnEvent {
  explicit TurnRecord(const client::TurnEvent& event, Instant at);
  Instant at;
  std::string reason_text;
  std::string realm_text;
  std::string software_text;
  std::string domain_text;
  std::string third_party_text;
};
void PrintTo(const TurnRecord& record, std::ostream* out);

struct ReceivedData {
  TransportAddress peer{};
  uint16_t channel = 0;
  Message data{};
};

struct TurnSetup {
  client::TurnClientOptions client{};
  TurnServerOptions server{};
  LongTermServerOptions credentials{};
  uint32_t seed = 1;
};

[[nodiscard]] client::Credentials user_pass(std::string_view username = "user",
                                            std::string_view password = "pass");
[[nodiscard]] Message text(std::string_view bytes);

class TurnRun {
 public:
  explicit TurnRun(const Path& path = kDatagrams, const TurnSetup& setup = {});
  TurnRun(const TurnRun&) = delete;
  TurnRun& operator=(const TurnRun&) = delete;
  ~TurnRun();

  TurnServer server;
  client::TurnClient client;
  Network net;
  std::vector<TurnRecord> events;
  std::vector<ReceivedData> received;
  std::vector<Message> requests;  // what the client's exchanges have sent, in order
  bool takes_events = true;
  // What the client has on the heap more than at the start, but for what commands took.
  int64_t client_bytes = 0;

  [[nodiscard]] unsigned count(TurnEventKind kind) const;
  [[nodiscard]] unsigned requested(stun::Method method) const;
  // The newest of a kind; the test fails where there is none.
  [[nodiscard]] TurnRecord last(TurnEventKind kind) const;
  // Runs until one more event of the kind has come. Fails the test after `limit`.
  TurnRecord await(TurnEventKind kind, Duration limit = Duration::seconds(120));
  // Runs until any of the two has come.
  TurnRecord await(TurnEventKind kind, TurnEventKind other, Duration limit);

  // Allocated or AllocateFailed.
  TurnRecord allocate(const client::AllocateRequest& request = {});
  // The test fails where these do.
  void permit(const TransportAddress& peer);
  uint16_t bind(const TransportAddress& peer);

  void send(uint16_t channel, stun::Bytes data);
  void send(const TransportAddress& peer, stun::Bytes data);
  void peer_sends(const TransportAddress& peer, stun::Bytes data) {
    net.peer_sends(peer, relayed(), data);
  }
  [[nodiscard]] const TransportAddress& relayed() const { return client.allocation().relayed[0]; }
  [[nodiscard]] const TurnAllocation* at_server() const { return server.allocation_of(net.tuple); }
  // What a right client leaves on a good network.
  [[nodiscard]] bool is_clean(TurnViolations allowed = {.unsigned_requests = 1}) const;

 private:
  void take_events();
  bool keep(const std::optional<client::PeerData>& data);
  template <typename Call>
  auto measured(Call call);

  // Times that the client had itself woken at the same instant again, with no input in between.
  unsigned idle_wakings_ = 0;
  Instant last_waking_ = Instant::never();
  std::vector<uint8_t> buffer_;
};

}  // namespace postern::sim
