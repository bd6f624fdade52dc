// TurnServer: the server's side of TURN (RFC 8656) as far as a client can notice it, for a virtual
// clock: no socket, no clock, no chance. With it TCP relays (RFC 6062), mobility (RFC 8016) and
// third-party authorization (RFC 7635). It is strict: what a client does wrong it refuses as the
// RFC says, and counts.
//
//   TurnServer server;                                 // options may be changed at any time
//   for (const Outgoing& reply : server.handle(now, bytes, tuple)) deliver(reply);
//   server.peer_send(now, peer, relayed, data);        // what reaches the client, if anything
//   server.to_peers                                    // what the client sent to peers
//   server.violations, server.tally
//
// Network (network.h) carries its bytes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sim/long_term_server.h"
#include "sim/served.h"
#include "sim/turn_allocation.h"
#include "sim/turn_options.h"
#include "stun/prepared_key.h"

namespace postern::sim {

class TurnServer final : public Served {
 public:
  explicit TurnServer(TurnServerOptions options = {}, LongTermServerOptions credentials = {});

  TurnServerOptions options;
  // User, realm, algorithms, nonce: all in `credentials.options`.
  LongTermServer credentials;
  bool is_silent = false;  // dead: takes everything, answers nothing

  TurnViolations violations;
  TurnTally tally;
  std::vector<RelayedData> to_peers;
  std::vector<PeerConnection> connections;

  // --- What the client sends: one message, or on a client data connection bytes as they are.
  // Answers go back to `tuple`; data for a relayed address of this server comes out at its client.
  std::vector<Outgoing> handle(Instant now, stun::Bytes bytes, const FiveTuple& tuple) override;
  // The client's connection is gone, and with it the allocation that cannot move.
  void handle_closed(Instant now, const FiveTuple& tuple);
  // Whether this connection carries a peer's bytes and no messages any more.
  [[nodiscard]] bool is_data_connection(const FiveTuple& tuple) const override;

  // --- What peers do. Nothing where the server drops it.
  std::optional<Outgoing> peer_send(Instant now, const TransportAddress& peer,
                                    const TransportAddress& relayed, stun::Bytes data) override;
  // An ICMP packet about what was sent to the peer (RFC 8656 section 11.5).
  std::optional<Outgoing> peer_icmp(Instant now, const TransportAddress& peer,
                                    const TransportAddress& relayed,
                                    const stun::kind::IcmpErrorValue& icmp);
  // A peer connects to a TCP relayed address: a ConnectionAttempt, if it has a permission.
  std::optional<Outgoing> peer_connect(Instant now, const TransportAddress& peer,
                                       const TransportAddress& relayed);
  // Bytes of the peer's connection; kept until ConnectionBind.
  std::optional<Outgoing> peer_stream(uint32_t id, stun::Bytes bytes);
  // The answer to a Connect that waits: success, or an error (447).
  std::optional<Outgoing> complete_connect(Instant now, uint32_t id, uint16_t code = 0);

  // --- What happens to the server.
  void refuse_next(stun::Method method, Refusal refusal) { refusals_[method] = std::move(refusal); }
  // From now on it takes retransmissions for new requests, as servers without such a memory do.
  void forget_answers() { answered_.clear(); }
  // Forgets all allocations, reservations and nonces.
  void restart();

  // --- Looking in.
  [[nodiscard]] const std::vector<TurnAllocation>& allocations() const { return allocations_; }
  [[nodiscard]] const TurnAllocation* allocation_of(const FiveTuple& tuple) const;

 private:
  // A request under way through the checks.
  struct Caller {
    const FiveTuple& tuple;
    const Request& request;
    std::optional<stun::PreparedKey> key{};  // of an authentic request
    std::string username{};
  };
  // Remembered for retransmissions (RFC 8489 section 6.3.1).
  struct Answered {
    FiveTuple tuple;
    Message request;
    Messages replies;
    bool is_challenge = false;
    Instant forget;
  };
  struct Reservation {
    Message token;
    TransportAddress relayed;
    Instant expires;
  };
  // One attribute that says why a family is missing.
  struct FamilyRefusal {
    Family family = Family::None;
    uint16_t code = 0;
  };

  void advance(Instant now);
  std::optional<Messages> replay(const Request& request, const FiveTuple& tuple);
  Messages handle_request(Caller& caller);
  std::optional<Message> authenticate(Caller& caller);
  std::optional<Message> refuse(const Caller& caller);
  std::optional<Message> refuse_unknown(const Caller& caller);
  Messages dispatch(const Caller& caller);

  Messages allocate(const Caller& caller);
  uint16_t check_allocate(const Caller& caller);
  uint16_t check_mobile_allocate(const Request& request) const;
  uint16_t choose_relayed(const Request& request, TurnAllocation& allocation,
                          FamilyRefusal& missing, Message& reserved_token);
  bool wants_both_families(const Request& request, Family& additional) const;
  TransportAddress next_relayed(Family family, bool even);
  Message next_token(size_t bytes);
  Messages refresh(const Caller& caller);
  Messages move(const Caller& caller, stun::Bytes ticket);
  Duration lifetime_for(const Request& request) const;
  Messages refreshed(const Caller& caller, TurnAllocation& allocation);

  Messages create_permission(const Caller& caller);
  Messages bind_channel(const Caller& caller);
  uint16_t check_peer(const TurnAllocation& allocation, const TransportAddress& peer);
  std::vector<Outgoing> handle_channel_data(stun::Bytes bytes, const FiveTuple& tuple);
  std::vector<Outgoing> handle_indication(const Request& message, const FiveTuple& tuple);
  std::vector<Outgoing> relay(TurnAllocation& allocation, RelayedData data, const FiveTuple& from);
  Message data_indication(const TransportAddress& peer, const stun::Bytes* data,
                          const stun::kind::IcmpErrorValue* icmp);

  Messages connect(const Caller& caller);
  Messages bind_connection(const Caller& caller);
  PeerConnection* connection(uint32_t id);
  void drop_connections(const TurnAllocation& allocation);

  // The allocation of the caller, or the refusal in `refusal`.
  TurnAllocation* own_allocation(const Caller& caller, Messages& refusal);
  TurnAllocation* find(const FiveTuple& tuple);
  TurnAllocation* find_relayed(const TransportAddress& relayed);

  Message success(const Caller& caller);
  Message finish(const Caller& caller, ResponseBuilder& builder);
  Message refusal_of(const Caller& caller, uint16_t code);
  void add_error(ResponseBuilder& builder, uint16_t code, std::optional<std::string> reason = {});
  stun::TransactionId next_transaction_id();

  Instant now_;
  std::vector<TurnAllocation> allocations_;
  std::vector<Reservation> reservations_;
  std::vector<Answered> answered_;
  std::map<stun::Method, Refusal> refusals_;
  Instant nonce_since_;
  unsigned nonce_uses_ = 0;
  uint16_t next_port_;
  uint32_t next_connection_ = 1;
  uint64_t next_number_ = 1;  // of tokens, tickets and indications
};

}  // namespace postern::sim
