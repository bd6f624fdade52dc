#include "client/turn/channels.h"

#include <algorithm>

#include "turn/lifetimes.h"

namespace postern::client {

bool Channels::has_cooled(const Entry& entry, Instant now) {
  return entry.state == State::Cooling && now >= entry.expires_at + turn::kChannelReuseWait;
}

Result<Channels::Binding> Channels::want(const TransportAddress& peer, Instant now) {
  // A peer keeps its number, also while that cools off: RFC 8656 section 12 lets the two be bound
  // to each other again at any time, but to nothing else.
  auto entry = std::find_if(entries_.begin(), entries_.end(), [&peer](const Entry& candidate) {
    return candidate.state != State::Free && candidate.peer == peer;
  });
  if (entry == entries_.end()) {
    entry = std::find_if(entries_.begin(), entries_.end(), [now](const Entry& candidate) {
      return candidate.state == State::Free || has_cooled(candidate, now);
    });
    if (entry == entries_.end()) {
      if (entries_.size() == kMaxChannels) return Errc::TooManyChannels;
      entry = entries_.emplace(entries_.end());
    }
    *entry = Entry{.peer = peer};
  }
  if (entry->state == State::Free || entry->state == State::Cooling) {
    entry->state = State::Wanted;
    ++wanted_count_;
  }
  entry->is_released = false;
  const auto channel = static_cast<uint16_t>(turn::kMinChannel + (entry - entries_.begin()));
  return Binding{.channel = channel, .is_bound = entry->is_bound};
}

void Channels::cool(Entry& entry) {
  entry.state = State::Cooling;
  entry.is_bound = false;
  entry.is_released = false;
}

bool Channels::release(uint16_t channel) {
  Entry* const entry = find(channel);
  if (entry == nullptr || entry->is_released) return false;
  switch (entry->state) {
    case State::Free:
    case State::Cooling:
      return false;
    case State::Wanted:
      --wanted_count_;
      // Where it was bound before, that has not run out yet.
      entry->state = entry->expires_at.is_never() ? State::Free : State::Cooling;
      break;
    case State::InFlight:
      entry->is_bound = false;
      entry->is_released = true;
      break;
    case State::Bound:
      cool(*entry);
      break;
  }
  update_next_refresh();
  return true;
}

bool Channels::serves(const TransportAddress& host) const {
  return std::any_of(entries_.begin(), entries_.end(), [&host](const Entry& entry) {
    const bool is_in_use = entry.state == State::Wanted || entry.state == State::Bound ||
                           (entry.state == State::InFlight && !entry.is_released);
    return is_in_use && entry.peer.is_same_host(host);
  });
}

uint16_t Channels::take_due(Instant now) {
  if (wanted_count_ == 0 && now < next_refresh_) return 0;
  for (size_t index = 0; index < entries_.size(); ++index) {
    Entry& entry = entries_[index];
    const bool is_due = entry.state == State::Bound && entry.refresh_at <= now;
    if (entry.state != State::Wanted && !is_due) continue;
    if (entry.state == State::Wanted) --wanted_count_;
    entry.state = State::InFlight;
    update_next_refresh();
    return static_cast<uint16_t>(turn::kMinChannel + index);
  }
  return 0;
}

bool Channels::bound(uint16_t channel, Instant expires_at, Instant refresh_at) {
  Entry* const entry = find(channel);
  if (entry == nullptr || entry->state != State::InFlight) return false;
  entry->expires_at = expires_at;
  entry->refresh_at = refresh_at;
  if (entry->is_released) {
    cool(*entry);
    return false;
  }
  entry->state = State::Bound;
  entry->is_bound = true;
  update_next_refresh();
  return true;
}

bool Channels::refused(uint16_t channel, std::optional<Instant> until) {
  Entry* const entry = find(channel);
  if (entry == nullptr) return false;
  const bool was_bound = entry->is_bound;
  if (entry->state == State::Wanted) --wanted_count_;
  if (entry->expires_at.is_never()) entry->expires_at = until.value_or(Instant::never());
  // A binding that is not renewed goes on for a while, at the server.
  if (entry->expires_at.is_never()) {
    *entry = Entry{};
  } else {
    cool(*entry);
  }
  update_next_refresh();
  return was_bound;
}

void Channels::ask_again(uint16_t channel, Instant until) {
  Entry* const entry = find(channel);
  if (entry == nullptr || entry->state != State::InFlight) return;
  if (entry->is_released) {
    static_cast<void>(refused(channel, until));
    return;
  }
  if (entry->expires_at.is_never()) entry->expires_at = until;
  entry->state = State::Wanted;
  ++wanted_count_;
}

void Channels::update_next_refresh() {
  next_refresh_ = Instant::never();
  for (const Entry& entry : entries_) {
    if (entry.state == State::Bound) next_refresh_ = std::min(next_refresh_, entry.refresh_at);
  }
}

void Channels::clear() {
  entries_.clear();
  wanted_count_ = 0;
  next_refresh_ = Instant::never();
}

}  // namespace postern::client
