// Which tests a run of NAT discovery has made so far, topic by topic.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/instant.h"
#include "client/nat/nat_test.h"
#include "client/nat/nat_verdict.h"

namespace postern::client::nat {

// The places that a server can answer from besides the one that is asked.
enum Place : size_t { kPort, kAddress, kBoth };
inline constexpr std::array<Place, 3> kPlaces = {kPort, kAddress, kBoth};

using PlaceTests = std::array<TestId, kPlaces.size()>;
inline constexpr PlaceTests kNoTests = {kNoTest, kNoTest, kNoTest};

struct FilteringTests {
  SocketId socket = kNoSocket;
  TestId before = kNoTest;
  PlaceTests change = kNoTests;
  TestId after = kNoTest;
  PlaceTests open = kNoTests;
  PlaceTests again = kNoTests;
};

// Over TCP, each address takes a connection of its own, from one local port.
struct MappingTests {
  std::array<SocketId, 3> sockets{};
  TestId first = kNoTest;
  TestId address = kNoTest;
  TestId both = kNoTest;
  TestId again = kNoTest;
};

struct HairpinTests {
  std::array<SocketId, 2> sockets{};
  std::array<TestId, 2> before = {kNoTest, kNoTest};
  std::array<TestId, 2> hairpin = {kNoTest, kNoTest};
  std::array<TestId, 2> after = {kNoTest, kNoTest};
};

struct FragmentTests {
  SocketId socket = kNoSocket;
  TestId before = kNoTest;
  TestId request = kNoTest;
  TestId briefly = kNoTest;
  TestId both = kNoTest;
  TestId after = kNoTest;
};

struct Run {
  uint8_t number = 0;
  FilteringTests filtering{};
  MappingTests mapping{};
  HairpinTests hairpin{};
  FragmentTests fragments{};
};

struct LifetimeTests {
  SocketId held = kNoSocket;    // whose mapping is to die
  SocketId asking = kNoSocket;  // asks whether it has
  TestId refreshed = kNoTest;
  TestId asked = kNoTest;
  bool has_response_port = false;
  bool is_confirming = false;
  bool is_over = false;
  Duration wait{};  // of the question under way
  Instant ask_at = Instant::never();
  Duration alive{};           // the longest wait after which it was there
  Duration expired{};         // the shortest after which it was not; 0: none
  Duration surely_expired{};  // the same, had all requests but the last been lost
};

}  // namespace postern::client::nat
