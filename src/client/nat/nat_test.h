// The tests of NAT discovery (RFC 5780 section 4): what each one asks, and what came of it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/instant.h"
#include "base/transport_address.h"
#include "client/binding.h"

namespace postern::client::nat {

// Names a socket of the caller's; 0 names none.
using SocketId = uint8_t;
inline constexpr SocketId kNoSocket = 0;

using TestId = uint16_t;
inline constexpr TestId kNoTest = 0xFFFF;

// What a test is about. Topics have sockets of their own, so that one does not disturb another.
enum class Topic : uint8_t { Filtering, Mapping, Hairpinning, Fragments, Lifetime };

enum class TestName : uint8_t {
  // Plain requests to the server's address: before and after what may stay unanswered.
  Before,
  After,
  // Plain requests to its other port, its other address, and both.
  OtherPort,
  OtherAddress,
  OtherBoth,
  // The server is to answer from there (CHANGE-REQUEST).
  ChangePort,
  ChangeAddress,
  ChangeBoth,
  // The same, after something was sent there: now no filter is in the way.
  AgainPort,
  AgainAddress,
  AgainBoth,
  // From one socket to the mapped address of another.
  Hairpin,
  // A request as long as several fragments, whose answer is short; a short one with PADDING; and a
  // long one, whose answer is long as well.
  PaddedRequest,
  PaddedBriefly,
  PaddedBoth,
  // The answer is to go to another socket's mapped address (RESPONSE-PORT).
  ResponsePort
};

struct TestPlan {
  Topic topic = Topic::Mapping;
  TestName name = TestName::Before;
  uint8_t run = 0;  // 1 or 2
  SocketId socket = kNoSocket;
  TransportAddress to{};
  BindingRequest request{};
  // Where what is sent may arrive besides: Hairpin, ResponsePort.
  SocketId other_socket = kNoSocket;
};

enum class Outcome : uint8_t {
  Waiting,
  Answered,  // Hairpin: it arrived
  Refused,   // the server answered with an error
  Silent,
  NotSent,   // this machine did not send it, or has lost the socket
  NotNeeded  // ended, since another one has told
};

struct Test {
  TestPlan plan{};
  Outcome outcome = Outcome::Waiting;
  uint32_t requests_sent = 0;
  std::optional<Duration> round_trip{};  // as in Exchange
  SocketId arrived_at = kNoSocket;
  uint32_t answer_bytes = 0;
  uint16_t error_code = 0;
  TransportAddress mapped{};
  TransportAddress source{};
  TransportAddress response_origin{};
  TransportAddress other_address{};
  Instant first_sent{};
  Instant last_sent{};
  // After the first: when the requests went out, as many as count for the share of losses, and when
  // the answer came.
  std::array<Duration, 8> sent_after{};
  Duration answered_after{};
  // The local address of the socket.
  TransportAddress local{};
  bool has_failed_to_send = false;

  [[nodiscard]] bool is_answered() const { return outcome == Outcome::Answered; }
};

}  // namespace postern::client::nat
