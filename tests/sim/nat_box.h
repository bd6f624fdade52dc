// NatBox: a NAT and its filter on a clock that the caller holds, for each behaviour of RFC 4787.
// Packets are addresses only: it says what becomes of them. Free of GoogleTest, and of everything
// but the core's addresses and time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <tuple>
#include <utility>
#include <vector>

#include "base/instant.h"
#include "base/transport_address.h"

namespace postern::sim {

// On what of the destination a mapping, or a filter, depends.
enum class Depends : uint8_t { OnNothing, OnAddress, OnAddressAndPort };
enum class Ports : uint8_t { Random, Kept, ParityKept };

struct NatBoxOptions {
  // A firewall without translation: mappings are the addresses themselves.
  bool translates = true;
  // Without a filter everything passes, also to addresses that have sent nothing.
  bool has_filter = true;
  Depends mapping = Depends::OnNothing;
  Depends filtering = Depends::OnNothing;
  bool hairpins = false;
  Ports ports = Ports::Random;
  // Without a packet from inside for so long, a mapping is gone.
  Duration lifetime = Duration::seconds(120);
  // What comes from outside keeps it as well.
  bool is_kept_from_outside = false;
  // What the filter holds back, the box answers itself, and lets nothing out to there from then on.
  bool answers_itself = false;
  TransportAddress outside = TransportAddress::ipv4(203, 0, 113, 7, 0);
};

class NatBox {
 public:
  explicit NatBox(const NatBoxOptions& options, uint32_t seed = 1)
      : options_(options), random_(seed) {}

  // A packet from inside: its source as the world sees it.
  TransportAddress send(Instant now, const TransportAddress& from, const TransportAddress& to);
  // A packet from outside, or one that comes back: whom it reaches inside; nobody.
  std::optional<TransportAddress> receive(Instant now, const TransportAddress& from,
                                          const TransportAddress& to);
  // Whether packets from inside to this address come back here.
  [[nodiscard]] bool is_outside_of(const TransportAddress& address) const {
    return options_.translates && address.is_same_host(options_.outside);
  }
  [[nodiscard]] bool hairpins() const { return options_.hairpins; }
  // Whether nothing leaves from the one to the other.
  [[nodiscard]] bool holds_back(const TransportAddress& outside, const TransportAddress& to) const;

 private:
  struct Order {
    bool operator()(const TransportAddress& a, const TransportAddress& b) const {
      return std::tie(a.family, a.bytes, a.port) < std::tie(b.family, b.bytes, b.port);
    }
  };
  struct Mapping {
    TransportAddress inside{};
    TransportAddress outside{};
    TransportAddress key{};  // of the destination, what the mapping depends on
    std::vector<TransportAddress> sent_to{};
    Instant used{};
  };

  [[nodiscard]] static TransportAddress part_of(const TransportAddress& address, Depends depends);
  [[nodiscard]] TransportAddress new_outside(const TransportAddress& inside);
  void expire(Instant now);

  NatBoxOptions options_;
  std::mt19937 random_;
  std::map<TransportAddress, Mapping, Order> by_outside_;
  std::vector<std::pair<TransportAddress, TransportAddress>> answered_;  // from, to
};

}  // namespace postern::sim
