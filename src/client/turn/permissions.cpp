#include "client/turn/permissions.h"

#include <algorithm>

namespace postern::client {

size_t Permissions::find(const TransportAddress& peer) const {
  if (last_found_ < entries_.size() && entries_[last_found_].peer.is_same_host(peer)) {
    return last_found_;
  }
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&peer](const Entry& entry) {
    return entry.peer.is_same_host(peer);
  });
  if (found != entries_.end()) last_found_ = static_cast<size_t>(found - entries_.begin());
  return static_cast<size_t>(found - entries_.begin());
}

void Permissions::set_wanted(Entry& entry, bool is_wanted) {
  if (entry.is_wanted == is_wanted) return;
  entry.is_wanted = is_wanted;
  wanted_count_ += is_wanted ? 1 : size_t{0} - 1;
}

Errc Permissions::want(const TransportAddress& peer, Instant now, Wish& out) {
  if (const Errc errc = reserve(peer); errc != Errc::Ok) return errc;
  Entry& entry = entries_[find(peer)];
  if (entry.is_granted && now < entry.expires_at) {
    out = Wish::Granted;
    return Errc::Ok;
  }
  entry.is_awaited = true;
  out = entry.is_in_flight || entry.is_wanted ? Wish::Pending : Wish::Unasked;
  if (out == Wish::Unasked) set_wanted(entry, true);
  return Errc::Ok;
}

Errc Permissions::reserve(const TransportAddress& peer) {
  if (const size_t index = find(peer); index < entries_.size()) {
    entries_[index].is_released = false;
    return Errc::Ok;
  }
  if (entries_.size() == kMaxPermissions) return Errc::TooManyPermissions;
  entries_.push_back(Entry{.peer = host_of(peer)});
  return Errc::Ok;
}

void Permissions::unreserve(const TransportAddress& peer) {
  const size_t index = find(peer);
  if (index == entries_.size()) return;
  const Entry& entry = entries_[index];
  if (!entry.is_granted && !entry.is_wanted && !entry.is_in_flight) erase(index);
}

void Permissions::release(const TransportAddress& peer) {
  const size_t index = find(peer);
  if (index == entries_.size()) return;
  if (entries_[index].is_in_flight) {
    entries_[index].is_released = true;
    entries_[index].is_awaited = false;
  } else {
    erase(index);
  }
}

bool Permissions::allows(const TransportAddress& peer, Instant now) const {
  const size_t index = find(peer);
  return index < entries_.size() && entries_[index].is_granted && now < entries_[index].expires_at;
}

bool Permissions::take_batch(Instant now, TurnExchange& exchange) {
  const auto is_due = [now](const Entry& entry) {
    return !entry.is_in_flight && (entry.is_wanted || entry.refresh_at <= now);
  };
  if (wanted_count_ == 0 && now < next_refresh_) return false;
  if (std::none_of(entries_.begin(), entries_.end(), is_due)) return false;
  const bool mix_alone = std::none_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return is_due(entry) && !entry.alone;
  });
  bool is_taken = false;
  for (Entry& entry : entries_) {
    // What will be due soon comes along, unless it lives so briefly that "soon" is always.
    const Duration window = std::min(kRefreshWindow, (entry.expires_at - entry.refresh_at) / 2);
    const bool is_near =
        entry.is_granted && !entry.is_in_flight && entry.refresh_at <= now + window;
    if (!is_due(entry) && !is_near) continue;
    if (entry.alone != mix_alone) continue;
    if (!exchange.add_peer(entry.peer)) break;
    entry.is_in_flight = true;
    set_wanted(entry, false);
    is_taken = true;
    if (mix_alone) break;
  }
  update_next_refresh();
  return is_taken;
}

TurnExchange::Told Permissions::told_of(const TransportAddress& peer) const {
  const size_t index = find(peer);
  if (index == entries_.size() || entries_[index].is_released) return TurnExchange::Told::Nothing;
  return entries_[index].is_awaited ? TurnExchange::Told::Outcome : TurnExchange::Told::Loss;
}

void Permissions::extend(const TransportAddress& peer, Instant expires_at, Instant refresh_at) {
  const size_t index = find(peer);
  if (index == entries_.size()) return;
  entries_[index].is_granted = true;
  entries_[index].expires_at = expires_at;
  entries_[index].refresh_at = refresh_at;
  update_next_refresh();
}

void Permissions::granted(std::span<const TransportAddress> peers, Instant expires_at,
                          Instant refresh_at) {
  for (const TransportAddress& peer : peers) {
    const size_t index = find(peer);
    if (index == entries_.size()) continue;
    Entry& entry = entries_[index];
    if (entry.is_released) {
      erase(index);
      continue;
    }
    entry.is_in_flight = false;
    entry.is_awaited = false;
    entry.alone = false;
    extend(peer, expires_at, refresh_at);
  }
}

void Permissions::ask_again(std::span<const TransportAddress> peers) {
  for (const TransportAddress& peer : peers) {
    const size_t index = find(peer);
    if (index == entries_.size()) continue;
    Entry& entry = entries_[index];
    entry.is_in_flight = false;
    if (entry.is_released) {
      erase(index);
    } else {
      set_wanted(entry, true);
    }
  }
  update_next_refresh();
}

void Permissions::ask_one_by_one(std::span<const TransportAddress> peers) {
  for (const TransportAddress& peer : peers) {
    const size_t index = find(peer);
    if (index < entries_.size()) entries_[index].alone = true;
  }
  ask_again(peers);
}

void Permissions::refuse(const TransportAddress& peer) {
  const size_t index = find(peer);
  if (index < entries_.size()) erase(index);
}

void Permissions::erase(size_t index) {
  set_wanted(entries_[index], false);
  entries_[index] = entries_.back();
  entries_.pop_back();
  update_next_refresh();
}

void Permissions::update_next_refresh() {
  next_refresh_ = Instant::never();
  for (const Entry& entry : entries_) {
    if (entry.is_granted && !entry.is_in_flight) {
      next_refresh_ = std::min(next_refresh_, entry.refresh_at);
    }
  }
}

void Permissions::clear() {
  entries_.clear();
  wanted_count_ = 0;
  next_refresh_ = Instant::never();
}

}  // namespace postern::client
