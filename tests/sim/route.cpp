#include "sim/route.h"

#include <algorithm>
#include <random>
#include <utility>

namespace postern::sim {

Route good_route() {
  return [](Direction, size_t) { return Fate{kLatency}; };
}

Route lose_to_server(std::vector<size_t> lost) {
  return [lost = std::move(lost)](Direction direction, size_t nth) {
    const bool is_lost =
        direction == Direction::ToServer && std::find(lost.begin(), lost.end(), nth) != lost.end();
    return is_lost ? Fate{} : Fate{kLatency};
  };
}

Route random_route(const Weather& weather, uint32_t seed) {
  return [weather, random = std::mt19937(seed)](Direction, size_t) mutable {
    const auto happens = [&](unsigned percent) { return random() % 100 < percent; };
    const auto delay = [&] {
      const int64_t jitter = weather.jitter.in_microseconds();
      const auto extra = static_cast<int64_t>(random()) % (jitter + 1);
      return weather.latency * (happens(weather.reordering) ? 3 : 1) +
             Duration::microseconds(extra);
    };
    Fate fate;
    if (happens(weather.loss)) return fate;
    fate.push_back(delay());
    if (happens(weather.duplication)) fate.push_back(delay());
    return fate;
  };
}

}  // namespace postern::sim
