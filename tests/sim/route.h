// What a network does to packets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/instant.h"

namespace postern::sim {

[[nodiscard]] constexpr Duration ms(int64_t count) { return Duration::milliseconds(count); }
[[nodiscard]] constexpr Instant at_ms(int64_t count) { return Instant() + ms(count); }

enum class Direction : uint8_t { ToServer, ToClient };

// Delays of the copies of a packet that arrive: none is a loss, two a duplicate.
using Fate = std::vector<Duration>;
inline constexpr Duration kLatency = Duration::milliseconds(20);
// `nth` counts the packets of one direction from 0.
using Route = std::function<Fate(Direction direction, size_t nth)>;

// Every packet arrives, once, after kLatency.
[[nodiscard]] Route good_route();
[[nodiscard]] Route lose_to_server(std::vector<size_t> lost);

// Chances in percent.
struct Weather {
  unsigned loss = 0;
  unsigned duplication = 0;
  unsigned reordering = 0;  // of packets that take three times as long, so that others overtake
  Duration latency = kLatency;
  Duration jitter{};  // 0 to this on top
};
// Chance, but the same for the same seed.
[[nodiscard]] Route random_route(const Weather& weather, uint32_t seed);

}  // namespace postern::sim
