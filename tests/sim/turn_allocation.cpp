#include "sim/turn_allocation.h"

#include <algorithm>

namespace postern::sim {

bool same_ip(const TransportAddress& a, const TransportAddress& b) {
  return a.family == b.family && a.bytes == b.bytes;
}

const TransportAddress* TurnAllocation::relayed_of(Family family) const {
  for (const TransportAddress& address : relayed) {
    if (address.family == family) return &address;
  }
  return nullptr;
}

bool TurnAllocation::has_relayed(const TransportAddress& address) const {
  return std::find(relayed.begin(), relayed.end(), address) != relayed.end();
}

bool TurnAllocation::permits(Instant now, const TransportAddress& peer) const {
  return std::any_of(permissions.begin(), permissions.end(), [&](const TurnPermission& permission) {
    return same_ip(permission.peer, peer) && now < permission.expires;
  });
}

void TurnAllocation::permit(const TransportAddress& peer, Instant until) {
  for (TurnPermission& permission : permissions) {
    if (!same_ip(permission.peer, peer)) continue;
    permission.expires = until;
    return;
  }
  permissions.push_back({peer, until});
}

const TurnChannel* TurnAllocation::channel(Instant now, uint16_t number) const {
  for (const TurnChannel& bound : channels) {
    if (bound.number == number && now < bound.expires) return &bound;
  }
  return nullptr;
}

const TurnChannel* TurnAllocation::channel_to(Instant now, const TransportAddress& peer) const {
  for (const TurnChannel& bound : channels) {
    if (bound.peer == peer && now < bound.expires) return &bound;
  }
  return nullptr;
}

BindError TurnAllocation::bind(Instant now, uint16_t number, const TransportAddress& peer,
                               const TurnServerOptions& options) {
  std::erase_if(channels, [&](const TurnChannel& bound) {
    return bound.expires + options.channel_quarantine <= now;
  });
  const Instant until = now + options.channel_lifetime;
  for (const TurnChannel& bound : channels) {
    if ((bound.number == number) == (bound.peer == peer)) continue;
    return now < bound.expires ? BindError::Conflict : BindError::ReusedEarly;
  }
  for (TurnChannel& bound : channels) {
    if (bound.number != number) continue;
    bound.expires = until;
    return BindError::None;
  }
  channels.push_back({number, peer, until});
  return BindError::None;
}

}  // namespace postern::sim
