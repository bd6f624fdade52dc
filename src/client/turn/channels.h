// Channels: which numbers stand for which peers, and when their bindings have to be renewed (RFC
// 8656 section 12). A table without time of its own: what is wanted here becomes a ChannelBind
// request in TurnClient.
//
//   Free -> Wanted -> InFlight -> Bound -> InFlight (renewal) -> Bound ...
//                        |          +-> Cooling: released or refused; its number and its peer stay
//                        |                       together until the RFC's wait is over -> Free
//                        +-> Free: refused at the first try, so that nothing was bound. Where an
//                            answer may have been lost, it is Cooling here, too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/instant.h"
#include "base/result.h"
#include "base/transport_address.h"
#include "turn/channel_data.h"

namespace postern::client {

// Ours: of the 4,096 numbers that RFC 8656 section 12 gives.
inline constexpr size_t kMaxChannels = 1024;

class Channels {
 public:
  struct Binding {
    uint16_t channel = 0;
    bool is_bound = false;
  };

  // The number of `peer`'s channel, and whether it can be used already.
  // Errc::TooManyChannels.
  Result<Binding> want(const TransportAddress& peer, Instant now);
  // Not renewed any more. False where there is no such channel in use.
  [[nodiscard]] bool release(uint16_t channel);

  // A channel to ask for now: one that is wanted, or due. 0 where there is none.
  [[nodiscard]] uint16_t take_due(Instant now);
  // The server has bound it, until `expires_at`. False where nobody wants it any more.
  [[nodiscard]] bool bound(uint16_t channel, Instant expires_at, Instant refresh_at);
  // Whether it was bound before. `until`: how long a server that had answered before, unheard, may
  // have it bound; nothing where it cannot.
  [[nodiscard]] bool refused(uint16_t channel, std::optional<Instant> until);
  // Whether nobody wants to hear of the request under way any more.
  [[nodiscard]] bool is_released(uint16_t channel) const {
    const Entry* const entry = find(channel);
    return entry != nullptr && entry->is_released;
  }
  // Whether a channel that is wanted or bound goes to this host.
  [[nodiscard]] bool serves(const TransportAddress& host) const;
  // The request was not answered, and is to be made again. `until`: how long it may be bound.
  void ask_again(uint16_t channel, Instant until);

  // The peer to send to by this channel; nullptr where that must not be.
  [[nodiscard]] const TransportAddress* sendable(uint16_t channel, Instant now) const {
    const Entry* const entry = find(channel);
    const bool may_send = entry != nullptr && entry->is_bound && now < entry->expires_at;
    return may_send ? &entry->peer : nullptr;
  }
  // The peer whose data comes by this channel. It may come before the answer to the ChannelBind,
  // and after the release.
  [[nodiscard]] const TransportAddress* receivable(uint16_t channel, Instant now) const {
    const Entry* const entry = find(channel);
    if (entry == nullptr || entry->state == State::Free) return nullptr;
    if (entry->state == State::InFlight) return &entry->peer;
    // Also while it is wanted again.
    const bool is_alive = !entry->expires_at.is_never() && now < entry->expires_at;
    return is_alive ? &entry->peer : nullptr;
  }
  [[nodiscard]] const TransportAddress& peer(uint16_t channel) const {
    return entries_[channel - turn::kMinChannel].peer;
  }
  [[nodiscard]] bool is_bound(uint16_t channel) const {
    const Entry* const entry = find(channel);
    return entry != nullptr && entry->is_bound;
  }

  // When take_due() will have something.
  [[nodiscard]] Instant next_refresh() const { return next_refresh_; }
  [[nodiscard]] bool has_wanted() const { return wanted_count_ > 0; }
  void clear();

 private:
  enum class State : uint8_t { Free, Wanted, InFlight, Bound, Cooling };
  struct Entry {
    TransportAddress peer{};
    State state = State::Free;
    bool is_bound = false;     // and may be sent on, also while it is renewed
    bool is_released = false;  // while in flight
    Instant expires_at = Instant::never();
    Instant refresh_at = Instant::never();
  };

  [[nodiscard]] const Entry* find(uint16_t channel) const {
    const size_t index = size_t{channel} - turn::kMinChannel;
    return channel >= turn::kMinChannel && index < entries_.size() ? &entries_[index] : nullptr;
  }
  [[nodiscard]] Entry* find(uint16_t channel) {
    return const_cast<Entry*>(static_cast<const Channels*>(this)->find(channel));
  }
  [[nodiscard]] static bool has_cooled(const Entry& entry, Instant now);
  static void cool(Entry& entry);
  void update_next_refresh();

  std::vector<Entry> entries_;  // by number
  size_t wanted_count_ = 0;
  Instant next_refresh_ = Instant::never();
};

}  // namespace postern::client
