// The mailbox between JavaScript and NAT discovery, beside what it shares with that of the clients
// (mailbox.h). js/nat/layout.js mirrors this file.
#pragma once

#include <array>
#include <cstdint>

#include "bindings/mailbox.h"

namespace postern::bindings {

// --- Inputs: InputRecord, whose `handle` is a socket.
enum class NatInput : uint32_t {
  Message,  // a datagram from the address
  Stream,   // any piece of a connection's stream
  Opened,   // the socket has this address on this machine
  Closed,   // it could not be opened, or is gone
  LocalPortTaken,
  SendFailed
};

// --- Outputs; the heads' `handle` is a socket, or 0.
enum class NatOutput : uint32_t {
  Transmit,     // NatPlaceRecord: where to; and the message
  OpenSocket,   // NatPlaceRecord: over TCP, where to connect to
  CloseSocket,  // OutputHead
  Test,         // NatTestRecord: it has begun, or ended
  Done          // NatDoneRecord
};

struct NatPlaceRecord {
  OutputHead head;
  uint32_t same_port_as;  // OpenSocket: the socket whose local port it shares; 0: any port
  uint32_t port;
  uint32_t address_bytes;
  std::array<uint32_t, 4> address;  // raw bytes
};

// client::nat::Test. The texts of `addresses` follow.
struct NatTestRecord {
  OutputHead head;
  uint32_t test;
  uint32_t topic;
  uint32_t name;
  uint32_t run;
  uint32_t outcome;
  uint32_t change_address;
  uint32_t change_port;
  uint32_t response_port;  // 65,536: none
  uint32_t padding_bytes;
  uint32_t requests_sent;
  uint32_t round_trip_microseconds;  // kNoRoundTrip where there is none
  uint32_t arrived_at;
  uint32_t answer_bytes;
  uint32_t error_code;
  // Local address, destination, mapped address, source, response origin, other address.
  std::array<OutputAddress, 6> addresses;
};

// client::nat::Finding, with the values of both runs where these differ.
struct NatFindingWords {
  uint32_t value;
  uint32_t reason;
  std::array<uint32_t, 2> of_runs;
};
inline constexpr size_t kNatFindings = 7;

// client::nat::Findings in their order, and client::nat::Lifetime. The texts of `addresses` follow.
struct NatDoneRecord {
  OutputHead head;
  std::array<NatFindingWords, kNatFindings> findings;
  uint32_t lifetime_reason;
  uint32_t at_least_milliseconds;
  uint32_t at_most_milliseconds;
  std::array<OutputAddress, 2> addresses;  // public, and the server's other one
};

}  // namespace postern::bindings
