// Connects: the TCP connections to peers that the server has been asked for, or will be (RFC 6062
// section 5.2).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/result.h"
#include "base/transport_address.h"

namespace postern::client {

// Ours: connections that are being made at a time; those that are made do not count.
inline constexpr size_t kMaxConnects = 64;

class Connects {
 public:
  struct Entry {
    uint32_t token = 0;
    TransportAddress peer{};
    bool is_in_flight = false;
  };

  // Errc::TooManyConnections.
  Result<uint32_t> want(const TransportAddress& peer) {
    if (entries_.size() == kMaxConnects) return Errc::TooManyConnections;
    // 0 names none; the top bit is free for whoever returns tokens and errors in one number.
    last_token_ = last_token_ == 0x7FFFFFFF ? 1 : last_token_ + 1;
    entries_.push_back({.token = last_token_, .peer = peer});
    return last_token_;
  }

  // The next one to ask for, the oldest first; nullptr where there is none.
  [[nodiscard]] const Entry* take() {
    const auto next = std::find_if(entries_.begin(), entries_.end(),
                                   [](const Entry& entry) { return !entry.is_in_flight; });
    if (next == entries_.end()) return nullptr;
    next->is_in_flight = true;
    return &*next;
  }
  [[nodiscard]] TransportAddress peer(uint32_t token) const {
    const auto entry = find(token);
    return entry == entries_.end() ? TransportAddress{} : entry->peer;
  }
  void ask_again(uint32_t token) {
    for (Entry& entry : entries_) {
      if (entry.token == token) entry.is_in_flight = false;
    }
  }
  void end(uint32_t token) {
    const auto entry = find(token);
    if (entry != entries_.end()) entries_.erase(entry);
  }
  [[nodiscard]] bool has_wanted() const {
    return std::any_of(entries_.begin(), entries_.end(),
                       [](const Entry& entry) { return !entry.is_in_flight; });
  }
  void clear() { entries_.clear(); }

 private:
  [[nodiscard]] std::vector<Entry>::const_iterator find(uint32_t token) const {
    return std::find_if(entries_.begin(), entries_.end(),
                        [token](const Entry& entry) { return entry.token == token; });
  }

  std::vector<Entry> entries_;
  uint32_t last_token_ = 0;
};

}  // namespace postern::client
