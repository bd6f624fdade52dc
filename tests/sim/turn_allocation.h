// TurnAllocation: one allocation of a TurnServer, with permissions and channels that lapse
// (RFC 8656 sections 6, 9, 12).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/turn_options.h"

namespace postern::sim {

[[nodiscard]] bool same_ip(const TransportAddress& a, const TransportAddress& b);

struct TurnPermission {
  TransportAddress peer;  // the port does not count
  Instant expires;
};

struct TurnChannel {
  uint16_t number = 0;
  TransportAddress peer;
  Instant expires;
};

enum class BindError : uint8_t { None, Conflict, ReusedEarly };

struct TurnAllocation {
  FiveTuple tuple;
  // RFC 8016 section 3.2.2: where data goes after a move, until the client sends from the new
  // address.
  std::optional<FiveTuple> moved_from{};
  std::string username{};
  uint8_t protocol = kProtocolUdp;
  std::vector<TransportAddress> relayed{};  // one, or one of each family
  Instant expires;
  Message ticket{};  // empty without mobility
  std::vector<TurnPermission> permissions{};
  std::vector<TurnChannel> channels{};  // those in quarantine too

  [[nodiscard]] bool is_reached_by(const FiveTuple& from) const {
    return from == tuple || from == moved_from;
  }
  [[nodiscard]] const FiveTuple& destination() const { return moved_from ? *moved_from : tuple; }
  // The relayed address of a family; nothing where there is none.
  [[nodiscard]] const TransportAddress* relayed_of(Family family) const;
  [[nodiscard]] bool has_relayed(const TransportAddress& address) const;

  [[nodiscard]] bool permits(Instant now, const TransportAddress& peer) const;
  void permit(const TransportAddress& peer, Instant expires);

  // Bindings in force.
  [[nodiscard]] const TurnChannel* channel(Instant now, uint16_t number) const;
  [[nodiscard]] const TurnChannel* channel_to(Instant now, const TransportAddress& peer) const;
  // Creates or refreshes a binding, unless number or peer are taken, or were less than `quarantine`
  // ago.
  [[nodiscard]] BindError bind(Instant now, uint16_t number, const TransportAddress& peer,
                               const TurnServerOptions& options);
};

}  // namespace postern::sim
