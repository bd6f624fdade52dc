#include "server/peers.h"

#include <algorithm>

#include "turn/lifetimes.h"

namespace postern::server {

namespace {

// The index of the first entry that `matches`, looking at `hint` before all others; the size where
// there is none.
template <typename Entries, typename Matches>
size_t index_of(const Entries& entries, size_t hint, Matches matches) {
  if (hint < entries.size() && matches(entries[hint])) return hint;
  const auto found = std::find_if(entries.begin(), entries.end(), matches);
  return static_cast<size_t>(found - entries.begin());
}

}  // namespace

Peers::Permission* Peers::find(const TransportAddress& host) {
  const size_t index = index_of(permissions_, last_permission_, [&host](const Permission& entry) {
    return entry.host.is_same_host(host);
  });
  if (index == permissions_.size()) return nullptr;
  last_permission_ = index;
  return &permissions_[index];
}

void Peers::drop_lapsed(Instant now) {
  std::erase_if(permissions_,
                [now](const Permission& permission) { return permission.expires_at <= now; });
  // Section 12: number and peer stay together for a while, so that late data is not mistaken.
  std::erase_if(channels_, [now](const Channel& channel) {
    return channel.expires_at + turn::kChannelReuseWait <= now;
  });
}

bool Peers::has_room(Instant now, size_t hosts, const PeerLimits& limits) {
  if (permissions_.size() + hosts <= limits.permissions) return true;
  drop_lapsed(now);
  return permissions_.size() + hosts <= limits.permissions;
}

void Peers::permit(const TransportAddress& host, Instant expires_at) {
  if (Permission* const known = find(host)) {
    known->expires_at = expires_at;
    return;
  }
  permissions_.push_back({.host = host, .expires_at = expires_at});
  permissions_.back().host.port = 0;
}

bool Peers::permits(const TransportAddress& host, Instant now) {
  const Permission* const permission = find(host);
  return permission != nullptr && now < permission->expires_at;
}

Peers::BindError Peers::bind(uint16_t number, const TransportAddress& peer, Instant now,
                             const PeerLimits& limits) {
  drop_lapsed(now);
  const Instant expires_at = now + turn::kChannelLifetime;
  for (Channel& channel : channels_) {
    if (channel.number != number && channel.peer != peer) continue;
    if (channel.number != number || channel.peer != peer) return BindError::Conflict;
    channel.expires_at = expires_at;
    return BindError::None;
  }
  if (channels_.size() >= limits.channels) return BindError::TooMany;
  channels_.push_back({.peer = peer, .number = number, .expires_at = expires_at});
  return BindError::None;
}

const Peers::Channel* Peers::channel(uint16_t number, Instant now) {
  const size_t index = index_of(channels_, last_number_,
                                [number](const Channel& entry) { return entry.number == number; });
  if (index == channels_.size() || channels_[index].expires_at <= now) return nullptr;
  last_number_ = index;
  return &channels_[index];
}

const Peers::Channel* Peers::channel_to(const TransportAddress& peer, Instant now) {
  const size_t index =
      index_of(channels_, last_peer_, [&peer](const Channel& entry) { return entry.peer == peer; });
  if (index == channels_.size() || channels_[index].expires_at <= now) return nullptr;
  last_peer_ = index;
  return &channels_[index];
}

void Peers::forget(Family family) {
  std::erase_if(permissions_,
                [family](const Permission& entry) { return entry.host.family == family; });
  std::erase_if(channels_, [family](const Channel& entry) { return entry.peer.family == family; });
}

}  // namespace postern::server
