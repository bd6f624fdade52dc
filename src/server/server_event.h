// What a TurnServer asks of its caller, who owns the sockets, and what it tells.
#pragma once

#include <cstdint>

#include "base/transport_address.h"
#include "server/allocation.h"
#include "server/five_tuple.h"

namespace postern::server {

// RFC 8656 section 18.7.
enum class PortWish : uint8_t {
  Any,
  Even,
  EvenAndNext  // and the port after it, for `reserved`
};

enum class ServerEventKind : uint8_t {
  // Open a socket for `relay`, of `family` and `protocol`, with a port as `port` wishes; then say
  // relay_opened() or relay_failed().
  OpenRelay,
  // Close the socket of `relay`, which may still be opening.
  CloseRelay,
  // RFC 6062: connect from `relay` to `peer`, then say peer_connected() or peer_refused().
  ConnectPeer,
  // The connection `connection` to `peer` is wanted no more.
  ClosePeer,
  // From now on `link` carries the bytes of `connection`, as they are; begin with what the peer has
  // sent meanwhile. To be done after what poll_transmit() has for the link.
  JoinPeer,
  // Find out the password of the user whom TurnServer::asked_name(question) tells, then say
  // key_answer(). Only with ServerOptions::asks_for_keys.
  AskKey,
  // An allocation was made, refreshed or moved, or has ended, whatever the reason. For who counts.
  Allocated,
  Refreshed,
  Moved,
  Ended
};

struct ServerEvent {
  ServerEventKind kind = ServerEventKind::Ended;
  RelayId relay = 0;     // of Allocated to Ended: the first of the allocation
  RelayId reserved = 0;  // EvenAndNext
  Link link = 0;
  uint32_t connection = 0;
  uint32_t question = 0;  // AskKey
  Family family = Family::None;
  uint8_t protocol = 0;
  PortWish port = PortWish::Any;
  TransportAddress peer{};
  FiveTuple tuple{};  // of Allocated to Ended: the client
};

}  // namespace postern::server
