// Permissions: which peers may send to the relayed address, and when their permission has to be
// renewed (RFC 8656 sections 9 and 10). A table without time of its own: what is wanted here
// becomes a CreatePermission request in TurnClient.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/errc.h"
#include "base/instant.h"
#include "base/transport_address.h"
#include "client/turn/turn_exchange.h"

namespace postern::client {

// Ours: of peers that one relay talks to at a time.
inline constexpr size_t kMaxPermissions = 512;
// Ours: permissions whose renewal is due within so long share a request with one that is due now.
inline constexpr Duration kRefreshWindow = Duration::seconds(30);

// Permissions are for all ports of a host.
[[nodiscard]] inline TransportAddress host_of(TransportAddress peer) {
  peer.port = 0;
  return peer;
}

class Permissions {
 public:
  enum class Wish : uint8_t {
    Unasked,  // a request will be made
    Pending,  // is under way already
    Granted   // there is nothing to ask for
  };

  // Errc::TooManyPermissions.
  [[nodiscard]] Errc want(const TransportAddress& peer, Instant now, Wish& out);
  // A place for a peer that gets its permission with its channel (RFC 8656 section 12.2).
  [[nodiscard]] Errc reserve(const TransportAddress& peer);
  // Gives the place back, unless the peer has, or is to have, permission of its own.
  void unreserve(const TransportAddress& peer);
  // Never asked for again; what the server has lapses by itself.
  void release(const TransportAddress& peer);
  // Whether the server lets `peer` through, as far as is known.
  [[nodiscard]] bool allows(const TransportAddress& peer, Instant now) const;

  // Whether data of `peer` may come: it may before the answer to the request for its permission.
  [[nodiscard]] bool knows(const TransportAddress& peer) const {
    return find(peer) < entries_.size();
  }

  // Peers to ask for now: those wanted, and those due. False where there are none.
  [[nodiscard]] bool take_batch(Instant now, TurnExchange& exchange);
  // Who is to hear of the end of a request for this permission.
  [[nodiscard]] TurnExchange::Told told_of(const TransportAddress& peer) const;
  // A channel has brought it, or made it longer.
  void extend(const TransportAddress& peer, Instant expires_at, Instant refresh_at);
  // The server has granted what was asked for, until `expires_at`.
  void granted(std::span<const TransportAddress> peers, Instant expires_at, Instant refresh_at);
  // A request for several was refused, and nobody knows for whose sake: each is asked for alone.
  void ask_one_by_one(std::span<const TransportAddress> peers);
  // The server has said no.
  void refuse(const TransportAddress& peer);
  // The request was not answered, and is to be made again.
  void ask_again(std::span<const TransportAddress> peers);

  // When take_batch() will have something.
  [[nodiscard]] Instant next_refresh() const { return next_refresh_; }
  [[nodiscard]] bool has_wanted() const { return wanted_count_ > 0; }
  [[nodiscard]] size_t size() const { return entries_.size(); }
  void clear();

 private:
  struct Entry {
    TransportAddress peer{};  // port 0
    bool is_granted = false;
    bool is_wanted = false;  // to be asked for at the next chance
    bool is_in_flight = false;
    bool is_released = false;  // while in flight
    bool is_awaited = false;   // somebody is to hear what becomes of it
    bool alone = false;        // not together with others
    Instant expires_at = Instant::never();
    Instant refresh_at = Instant::never();
  };

  [[nodiscard]] size_t find(const TransportAddress& peer) const;
  void set_wanted(Entry& entry, bool is_wanted);
  void erase(size_t index);
  void update_next_refresh();

  std::vector<Entry> entries_;
  mutable size_t last_found_ = 0;  // most datagrams go where the one before went
  size_t wanted_count_ = 0;
  Instant next_refresh_ = Instant::never();
};

}  // namespace postern::client
