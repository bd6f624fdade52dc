// ServerHost: the TURN server that we ship, with sockets that are a table: ports are given out in
// order, datagrams between relayed addresses of one host come out at once, everything else that is
// sent to peers is kept. Its timers are worked off before everything else.
//
//   ServerHost host;
//   host.core.users().set_user(...);
//   HandClient client(host);                            // or a Network
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "server/turn_server.h"
#include "sim/messages.h"
#include "sim/served.h"

namespace postern::sim {

[[nodiscard]] stun::Bytes test_secret();

class ServerHost final : public Served {
 public:
  explicit ServerHost(const server::ServerOptions& options = {});

  server::TurnServer core;
  // Sockets that the server has asked for and not given back.
  std::map<server::RelayId, TransportAddress> relays;
  // Data connections by their number, and what has been asked for but not answered.
  std::map<uint32_t, TransportAddress> connections;
  std::vector<RelayedData> to_peers;
  std::vector<server::ServerEvent> events;  // of allocations
  // Sockets are opened when the test says so: see open_relays().
  bool opens_at_once = true;
  // Families of which there is no port.
  std::set<Family> without_ports;
  // What the server has asked and was not told yet. Users of `passwords` are told at once.
  std::vector<uint32_t> questions;
  std::map<std::string, std::string, std::less<>> passwords;

  std::vector<Outgoing> handle(Instant now, stun::Bytes bytes, const FiveTuple& tuple) override;
  [[nodiscard]] bool is_data_connection(const FiveTuple& tuple) const override;
  std::optional<Outgoing> peer_send(Instant now, const TransportAddress& peer,
                                    const TransportAddress& relayed, stun::Bytes data) override;

  // The client's connection is gone.
  void close(Instant now, const FiveTuple& tuple);
  // Works off the timers, and what the server wants.
  std::vector<Outgoing> pass(Instant now);
  std::vector<Outgoing> open_relays(Instant now);
  // Tells the password that was asked for first, and takes what the server says to that.
  std::vector<Outgoing> answer_question(Instant now, stun::Bytes password);

  [[nodiscard]] static server::FiveTuple tuple_of(const FiveTuple& tuple);
  [[nodiscard]] std::optional<server::RelayId> relay_at(const TransportAddress& address) const;

 private:
  server::FiveTuple know(const FiveTuple& tuple);
  void work(Instant now);
  void open(Instant now, const server::ServerEvent& event);
  std::vector<Outgoing> take_waiting();
  [[nodiscard]] FiveTuple tuple_of(const server::FiveTuple& tuple) const;
  std::optional<Outgoing> to_client(Instant now, server::RelayId relay,
                                    const TransportAddress& peer, stun::Bytes data);

  std::map<server::Link, FiveTuple> links_;
  std::set<server::Link> joined_;
  std::vector<server::ServerEvent> unopened_;
  uint16_t next_port_ = 50000;
  std::vector<uint8_t> out_;
};

}  // namespace postern::sim
