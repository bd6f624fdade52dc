// Served: a TURN server as HandClient and Network see it: the double that tests clients, or the
// host of the one that we ship.
#pragma once

#include <optional>
#include <vector>

#include "sim/turn_options.h"

namespace postern::sim {

class Served {
 public:
  virtual ~Served() = default;
  Served(const Served&) = delete;
  Served& operator=(const Served&) = delete;

  // What the client sends: one message, or on a client data connection bytes as they are. Answers
  // go back to `tuple`; data for a relayed address of this server comes out at its client.
  virtual std::vector<Outgoing> handle(Instant now, stun::Bytes bytes, const FiveTuple& tuple) = 0;
  // Whether this connection carries a peer's bytes and no messages any more.
  [[nodiscard]] virtual bool is_data_connection(const FiveTuple& tuple) const = 0;
  // What a peer sends. Nothing where the server drops it.
  virtual std::optional<Outgoing> peer_send(Instant now, const TransportAddress& peer,
                                            const TransportAddress& relayed, stun::Bytes data) = 0;

 protected:
  Served() = default;
};

}  // namespace postern::sim
