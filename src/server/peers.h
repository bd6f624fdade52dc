// Peers: with whom one allocation exchanges data: permissions and channel bindings (RFC 8656
// sections 9 and 12). Both lapse on their own; nothing here has timers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/instant.h"
#include "base/transport_address.h"

namespace postern::server {

struct PeerLimits {
  // Ours, for each allocation. A conference of some hundred needs one of each for every member.
  size_t permissions = 512;
  size_t channels = 512;
};

class Peers {
 public:
  struct Channel {
    TransportAddress peer{};
    uint16_t number = 0;
    Instant expires_at{};
  };
  enum class BindError : uint8_t {
    None,
    Conflict,  // the number is another peer's, or the peer has another number, or had just now
    TooMany
  };

  // Whether there is room for permissions of so many more hosts, at worst.
  [[nodiscard]] bool has_room(Instant now, size_t hosts, const PeerLimits& limits);
  // Installs or renews the permission of a host; the port does not count.
  void permit(const TransportAddress& host, Instant expires_at);
  [[nodiscard]] bool permits(const TransportAddress& host, Instant now);

  // Section 12.2. Installs or renews the binding, but not the permission that goes with it.
  [[nodiscard]] BindError bind(uint16_t number, const TransportAddress& peer, Instant now,
                               const PeerLimits& limits);
  // nullptr where nothing is bound.
  [[nodiscard]] const Channel* channel(uint16_t number, Instant now);
  [[nodiscard]] const Channel* channel_to(const TransportAddress& peer, Instant now);

  // Forgets all of a family: half of an allocation was given back.
  void forget(Family family);

 private:
  struct Permission {
    TransportAddress host{};  // of port 0
    Instant expires_at{};
  };

  [[nodiscard]] Permission* find(const TransportAddress& host);
  void drop_lapsed(Instant now);

  // Few entries, and data comes in runs: the one that was used last is looked at first, then all.
  std::vector<Permission> permissions_;
  std::vector<Channel> channels_;
  size_t last_permission_ = 0;
  size_t last_number_ = 0;  // index of the channel that was last looked for by number
  size_t last_peer_ = 0;    // ... and by peer
};

}  // namespace postern::server
