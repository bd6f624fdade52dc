// ConnectionBinder: turns a new TCP connection to the TURN server into the data connection of a
// peer (RFC 6062 section 5.5): one ConnectionBind request, signed with what the control
// connection's client has learned. After its success all bytes belong to the peer.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/entropy_pool.h"
#include "base/fixed_bytes.h"
#include "base/instant.h"
#include "client/authenticator.h"
#include "client/binding_exchange.h"
#include "client/rto.h"
#include "client/stun_client.h"
#include "client/turn/turn_event.h"
#include "client/turn/turn_exchange.h"

namespace postern::client {

class ConnectionBinder {
 public:
  // `authenticator` is copied: a nonce that is stale is answered here, without the others hearing
  // of it.
  ConnectionBinder(const Authenticator& authenticator, const RetransmissionOptions& options,
                   stun::Bytes software);

  size_t provide_entropy(std::span<const uint8_t> bytes) { return entropy_.provide(bytes); }
  [[nodiscard]] Errc start(Instant now, uint32_t connection_id);

  // Bytes of the connection. Returns how many were used up: once is_bound(), the others and all
  // that come later are the peer's.
  size_t handle_stream(Instant now, stun::Bytes bytes);
  void handle_timeout(Instant now);
  void handle_transport_closed(Instant now);

  [[nodiscard]] size_t poll_transmit(std::span<uint8_t> out);
  // Connected, with errc Ok, or ConnectFailed; once.
  [[nodiscard]] std::optional<TurnEvent> poll_event();
  [[nodiscard]] Instant poll_timeout() const { return exchange_.transaction().deadline(); }

  [[nodiscard]] bool is_bound() const { return is_bound_; }
  [[nodiscard]] const StunClientStats& stats() const { return stats_; }
  [[nodiscard]] size_t entropy_available() const { return entropy_.available(); }

 private:
  [[nodiscard]] Errc send();
  void handle_message(stun::Bytes bytes);
  void fail(Errc errc, const stun::MessageView* response, uint16_t error_code);

  Instant now_;
  Authenticator authenticator_;
  RetransmissionOptions options_;
  FixedBytes<kMaxSoftwareBytes> software_;
  EntropyPool entropy_;
  TurnExchange exchange_;
  uint32_t connection_id_ = 0;
  bool is_bound_ = false;
  std::array<uint8_t, kMaxStreamMessageBytes> buffer_{};
  size_t held_ = 0;  // of an unfinished message in buffer_
  StunClientStats stats_;
};

}  // namespace postern::client
