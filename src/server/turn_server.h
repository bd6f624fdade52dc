// TurnServer: a STUN and TURN server (RFC 8489, RFC 8656; TCP relays: RFC 6062; mobility: RFC 8016)
// without sockets, clock or chance. Whoever owns those hands in messages and what became of
// sockets, and takes out answers, wishes for sockets, and deadlines:
//
//   TurnServer server(options, secret);
//   server.users().set_user(...);
//   server.add_link(link, {.local = ...});
//   const Outcome outcome = server.handle_message(now, {link, source}, bytes, out);
//     Reply: the first outcome.bytes of `out` to outcome.to; ToPeer: outcome.data from
//     outcome.relay
//   while (auto event = server.poll_event()) ...          // open and close sockets
//   server.relay_opened(now, relay, address);
//   server.key_answer(now, question, password);           // where the server asks for one
//   while (size_t n = server.poll_transmit(out, tuple)) ... // answers that had to wait
//   if (auto sent = server.handle_peer_data(now, relay, peer, data, out)) ...
//
// Nobody who has not proven who they are changes anything here, and what they are answered is
// short, and no more often than SourceLimiter says.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/errc.h"
#include "base/instant.h"
#include "base/result.h"
#include "base/transport_address.h"
#include "crypto/hmac.h"
#include "crypto/sha256.h"
#include "server/access_token.h"
#include "server/allocation.h"
#include "server/answers.h"
#include "server/authenticator.h"
#include "server/five_tuple.h"
#include "server/nonces.h"
#include "server/peer_policy.h"
#include "server/questions.h"
#include "server/server_event.h"
#include "server/server_options.h"
#include "server/source_limiter.h"
#include "server/users.h"
#include "stun/message_view.h"
#include "stun/message_writer.h"
#include "turn/channel_data.h"
#include "turn/lifetimes.h"

namespace postern::server {

// --- Limits, all of them ours.

// An answer, without what a peer has sent: a success response to Allocate with all that it can
// hold, or a 401 with the longest realm and nonce.
inline constexpr size_t kMaxAnswerBytes = 1024;
// What a Data indication has besides the data: header, XOR-PEER-ADDRESS of IPv6, and DATA's own
// header and padding.
inline constexpr size_t kMaxPeerOverhead = stun::kHeaderBytes + 24 + 4 + 3;
// RFC 6062 section 5.2: the least that a server waits for a peer.
inline constexpr Duration kConnectTimeout = Duration::seconds(30);

// Where clients arrive.
struct LinkInfo {
  TransportAddress local{};
  TransportAddress remote{};  // of a connection: the client
  bool is_stream = false;     // ChannelData is padded
  bool is_reliable = false;   // nothing comes twice; WebSocket is reliable and no stream
  // RFC 5780 section 6: the UDP sockets at the other address with the same port, at the same
  // address with the other port, and at the other address with the other port. All of them or none.
  std::optional<std::array<Link, 3>> others{};
};

struct Outcome {
  enum class Kind : uint8_t { Nothing, Reply, ToPeer };
  Kind kind = Kind::Nothing;
  // Reply.
  FiveTuple to{};
  size_t bytes = 0;
  // ToPeer: a view on what came in.
  RelayId relay = 0;
  TransportAddress peer{};
  Bytes data{};
  bool dont_fragment = false;
};

struct ServerStats {
  uint64_t allocations_made = 0;
  uint64_t allocations_expired = 0;
  uint64_t relayed_to_peers = 0;  // datagrams
  uint64_t relayed_to_peers_bytes = 0;
  uint64_t relayed_to_clients = 0;
  uint64_t relayed_to_clients_bytes = 0;
  // Dropped.
  uint64_t malformed = 0;     // neither STUN nor ChannelData
  uint64_t unexpected = 0;    // responses, unknown methods, indications that only servers send
  uint64_t rate_limited = 0;  // of the unauthenticated
  uint64_t without_allocation = 0;
  uint64_t without_permission = 0;
  uint64_t unknown_channel = 0;
  uint64_t bad_indication = 0;
  uint64_t stray_peer_data = 0;  // of peers that have no permission
  uint64_t forbidden_peers = 0;  // requests that named one
  uint64_t refused = 0;          // error responses to the authentic
  // Requests that needed a password of the caller's: asked for, dropped because too many waited,
  // dropped because no answer came.
  uint64_t questions_asked = 0;
  uint64_t questions_dropped = 0;
  uint64_t questions_lapsed = 0;
};

class TurnServer {
 public:
  // `secret`: 32 or more bytes of a cryptographic source. All that must be unpredictable is made
  // from it: nonces, tokens, tickets.
  TurnServer(const ServerOptions& options, Bytes secret);
  TurnServer(const TurnServer&) = delete;
  TurnServer& operator=(const TurnServer&) = delete;

  [[nodiscard]] Users& users() { return users_; }
  // Of access tokens, which are welcome where there are any.
  [[nodiscard]] TokenKeys& token_keys() { return token_keys_; }
  [[nodiscard]] PeerPolicy& policy() { return policy_; }
  // What time it is, for user names and tokens with an end.
  void set_time_of_day(Instant now, int64_t unix_seconds);

  // While draining, nothing new is allocated; what is there goes on.
  void set_draining(bool is_draining) { is_draining_ = is_draining; }
  [[nodiscard]] bool is_draining() const { return is_draining_; }

  void add_link(Link link, const LinkInfo& info);
  // A connection is gone, and with it its allocation, unless that may move.
  void remove_link(Instant now, Link link);

  // --- Input.

  // One whole message of a client's: STUN or ChannelData. `out` has room for kMaxAnswerBytes, and
  // for as many bytes as came in.
  [[nodiscard]] Outcome handle_message(Instant now, const FiveTuple& tuple, Bytes bytes,
                                       std::span<uint8_t> out);
  struct ToClient {
    FiveTuple to{};
    size_t bytes = 0;
  };
  // A datagram that came to a relayed address. What is to go to the client is in `out`, which has
  // room for kMaxPeerOverhead more than the data.
  [[nodiscard]] std::optional<ToClient> handle_peer_data(Instant now, RelayId id,
                                                         const TransportAddress& peer, Bytes data,
                                                         std::span<uint8_t> out);
  // RFC 8656 section 11.5: an ICMP error about what was sent to the peer.
  [[nodiscard]] std::optional<ToClient> handle_icmp(Instant now, RelayId id,
                                                    const TransportAddress& peer,
                                                    const stun::kind::IcmpErrorValue& icmp,
                                                    std::span<uint8_t> out);
  void handle_timeout(Instant now);

  // --- Passwords that the server asks for (AskKey).

  // The user name as the client has sent it, up to stun::kMaxUsername; it should be prepared UTF-8.
  // Empty where the request has lapsed.
  [[nodiscard]] std::string_view asked_name(uint32_t question) const;
  // The password, prepared and in UTF-8; empty where there is no such user. The request is handled
  // as if it had just come; it is remembered by its allocation alone, and asked for again when it
  // is not right any more. No answer need be given: the client asks again.
  void key_answer(Instant now, uint32_t question, Bytes password);

  // --- What became of the sockets.

  // `next`: the address of the port after it, where EvenAndNext was wished for.
  void relay_opened(Instant now, RelayId id, const TransportAddress& address);
  // There is no port, or no address of the family: 508.
  void relay_failed(Instant now, RelayId id);
  void peer_connected(Instant now, uint32_t id);
  void peer_refused(Instant now, uint32_t id);
  // A peer has connected to a TCP relayed address: its number, or nothing where it has no
  // permission and is to be closed at once.
  [[nodiscard]] std::optional<uint32_t> peer_accepted(Instant now, RelayId relay,
                                                      const TransportAddress& peer);
  // Either side of it is gone.
  void peer_closed(uint32_t id);

  // --- Output.

  // An answer that had to wait, or a ConnectionAttempt; 0 when there is none.
  [[nodiscard]] size_t poll_transmit(std::span<uint8_t> out, FiveTuple& to);
  [[nodiscard]] std::optional<ServerEvent> poll_event();
  [[nodiscard]] Instant poll_timeout() const;

  // Ends all allocations, as before the end of the process.
  void end_all();

  [[nodiscard]] size_t allocation_count() const { return count_; }
  // The open allocation that has the relay; nullptr where there is none.
  [[nodiscard]] const Allocation* allocation_of(RelayId id) const;
  [[nodiscard]] const ServerStats& stats() const { return stats_; }
  [[nodiscard]] const AuthenticatorStats& authenticator_stats() const {
    return authenticator_.stats();
  }

 private:
  // A request on its way through the checks.
  struct Caller {
    Instant now;
    const FiveTuple& tuple;
    const stun::MessageView& request;
    std::span<uint8_t> out;
    const LinkInfo& link;
    FiveTuple to{};  // where the answer goes
    // What was said when asked for it.
    std::optional<Bytes> password{};
    bool is_authentic = false;
    bool is_new_key = false;  // see Authenticator::Verdict
    Signature signature{};
    std::string_view username{};
  };
  struct TupleHash {
    uint64_t seed;
    size_t operator()(const FiveTuple& tuple) const {
      return static_cast<size_t>(hash_tuple(seed, tuple));
    }
  };
  struct SourceHash {
    uint64_t seed;
    size_t operator()(const TransportAddress& source) const {
      return static_cast<size_t>(hash_host(seed, source));
    }
  };
  struct Relay {
    enum class State : uint8_t { Free, Opening, Open, Reserved };
    uint32_t generation = 0;
    State state = State::Free;
    uint32_t allocation = 0;  // its number
    TransportAddress address{};
  };
  struct Reservation {
    uint64_t token = 0;
    Instant expires_at{};
  };
  struct Connection {
    enum class State : uint8_t { Connecting, Waiting, Joined };
    uint32_t allocation = 0;
    State state = State::Connecting;
    TransportAddress peer{};
    Instant expires_at = Instant::never();
    // Of the Connect that waits for an answer.
    stun::TransactionId request_id{};
    Signature signature{};
    bool has_fingerprint = false;
    Link link = 0;  // Joined: the client data connection
  };
  enum class Owner : uint8_t { Allocation, Reservation, Connection };
  struct Deadline {
    Instant at{};
    Owner owner = Owner::Allocation;
    uint32_t number = 0;  // allocation, relay or connection
    auto operator<=>(const Deadline&) const = default;
  };
  struct Waiting {
    FiveTuple to{};
    std::vector<uint8_t> bytes{};
  };
  enum class Purpose : uint8_t { Token, Ticket, Connection, Indication };
  static constexpr size_t kMaxUnknownTold = 8;  // ours: in UNKNOWN-ATTRIBUTES

  void advance(Instant now);
  [[nodiscard]] const LinkInfo* find_link(Link link) const;

  // Requests (turn_server.cpp).
  [[nodiscard]] Outcome handle_request(Caller& caller);
  [[nodiscard]] size_t answer_request(Caller& caller);
  [[nodiscard]] const Allocation* concerned(const Caller& caller) const;
  [[nodiscard]] int64_t unix_seconds() const;
  [[nodiscard]] size_t dispatch(Caller& caller);
  [[nodiscard]] size_t challenge(const Caller& caller, uint16_t code);
  [[nodiscard]] size_t refuse(const Caller& caller, stun::ErrorCode code);
  [[nodiscard]] size_t refuse(const Caller& caller, uint16_t code) {
    return refuse(caller, static_cast<stun::ErrorCode>(code));
  }
  [[nodiscard]] size_t refuse_unknown(const Caller& caller, std::span<const uint16_t> types);
  [[nodiscard]] static stun::MessageWriter begin(const Caller& caller, stun::Class message_class);
  [[nodiscard]] size_t finish(const Caller& caller, stun::MessageWriter& writer) const;
  [[nodiscard]] size_t finish(stun::MessageWriter& writer, const Signature* signature,
                              bool fingerprint) const;

  // turn_server_questions.cpp
  void ask_key(const Caller& caller, std::string_view username);

  // turn_server_binding.cpp
  [[nodiscard]] size_t answer_binding(Caller& caller);
  void add_padding(const Caller& caller, stun::MessageWriter& writer);

  // Allocations (turn_server_allocate.cpp). Allocate is answered when its sockets are there.
  [[nodiscard]] size_t allocate(Caller& caller);
  // 0 where nothing is wrong with it; DONT-FRAGMENT is another matter.
  [[nodiscard]] uint16_t check_allocate(const Caller& caller) const;
  [[nodiscard]] uint16_t check_quotas(const Caller& caller) const;
  [[nodiscard]] size_t send_on(const Caller& caller);
  [[nodiscard]] uint16_t choose_relays(const Caller& caller, uint32_t number);
  [[nodiscard]] uint16_t take_reserved(Bytes token, uint32_t number);
  void open_relay(uint32_t number, size_t which, Family family, PortWish port);
  void settle(uint32_t number);
  void answer_allocate(Allocation& allocation, uint16_t error_code);
  [[nodiscard]] uint32_t lifetime_for(const Caller& caller) const;

  // turn_server_refresh.cpp
  [[nodiscard]] size_t refresh(Caller& caller);
  [[nodiscard]] size_t move(Caller& caller, Bytes ticket);
  [[nodiscard]] size_t refreshed(Caller& caller, uint32_t number);

  // Tables (turn_server_tables.cpp).
  [[nodiscard]] Allocation* find(const FiveTuple& tuple);
  [[nodiscard]] Allocation* open_allocation_of(RelayId id) {
    return const_cast<Allocation*>(allocation_of(id));
  }
  [[nodiscard]] std::optional<uint32_t> number_of(const FiveTuple& tuple) const;
  // The caller's allocation; nothing, and the size of the answer in `refusal`, where there is none
  // or it is another user's.
  [[nodiscard]] std::optional<uint32_t> own(const Caller& caller, size_t& refusal);
  [[nodiscard]] static bool is_users(const Allocation& allocation, const Caller& caller);
  [[nodiscard]] static std::string account_of(const Caller& caller);
  [[nodiscard]] uint32_t add_allocation(const Caller& caller);
  void set_tuple(uint32_t number, const FiveTuple& tuple);
  void set_expiry(uint32_t number, Instant at);
  void confirm_move(Allocation& allocation);
  void give_ticket(uint32_t number);
  void drop_ticket(const Allocation& allocation);
  // The connection that the client came by is gone.
  void leave(uint32_t number, const FiveTuple& tuple);
  void end(uint32_t number);
  void tell(ServerEventKind kind, const Allocation& allocation);
  [[nodiscard]] RelayId add_relay(uint32_t allocation, Relay::State state);
  [[nodiscard]] Relay* find_relay(RelayId id);
  [[nodiscard]] const Relay* find_relay(RelayId id) const;
  void close_relay(RelayId id);
  void reserve(Allocation& allocation, uint16_t port);
  void drop_reservation(RelayId relay);
  void lapse_reservation(RelayId relay);
  // Pseudo-random bytes, all different, from the secret.
  void derive(Purpose purpose, std::span<uint8_t> out);
  // Keeps an answer for poll_transmit(), and for who asks again.
  void put(const FiveTuple& to, Bytes answer);

  // Peers and their data (turn_server_peers.cpp).
  [[nodiscard]] size_t create_permission(Caller& caller);
  [[nodiscard]] size_t bind_channel(Caller& caller);
  // 0 where the allocation may exchange data with the peer.
  enum class PeerIs : uint8_t { Host, Port };
  [[nodiscard]] uint16_t check_peer(Allocation& allocation, const TransportAddress& peer,
                                    PeerIs which);
  [[nodiscard]] Outcome handle_channel_data(const FiveTuple& tuple, Bytes bytes);
  [[nodiscard]] Outcome handle_indication(const FiveTuple& tuple, const stun::MessageView& message);
  [[nodiscard]] Outcome relay_to_peer(Allocation& allocation, const FiveTuple& tuple,
                                      const TransportAddress& peer, Bytes data);
  [[nodiscard]] const stun::TransactionId& next_indication_id();

  // TCP (turn_server_tcp.cpp).
  [[nodiscard]] size_t connect(Caller& caller);
  [[nodiscard]] size_t bind_connection(Caller& caller);
  [[nodiscard]] uint32_t add_connection(uint32_t allocation, const TransportAddress& peer);
  void set_connection_expiry(uint32_t id, Instant at);
  void lapse_connection(uint32_t id);
  void forget_connection(uint32_t id);
  void leave_connection(Link link);
  void drop_connection(uint32_t id);
  void drop_connections(uint32_t allocation);
  void answer_connect(uint32_t id, bool is_connected);

  ServerOptions options_;
  crypto::PreparedHmac<crypto::Sha256> secret_;
  uint64_t derived_ = 0;
  Users users_;
  TokenKeys token_keys_;
  Nonces nonces_;
  Authenticator authenticator_;
  PeerPolicy policy_;
  SourceLimiter limiter_;
  Questions questions_;
  Answers answers_;
  Instant now_ = Instant::from_microseconds(0);
  // Unix time minus the time of `now`.
  int64_t unix_offset_seconds_ = 0;
  bool is_draining_ = false;

  std::unordered_map<Link, LinkInfo> links_;
  // By number; those that are free are in free_.
  std::vector<std::unique_ptr<Allocation>> allocations_;
  std::vector<uint32_t> free_;
  size_t count_ = 0;
  std::unordered_map<FiveTuple, uint32_t, TupleHash> by_tuple_;
  std::unordered_map<std::string, size_t> per_account_;
  std::unordered_map<TransportAddress, size_t, SourceHash> per_source_;
  std::vector<Relay> relays_;
  std::vector<uint32_t> free_relays_;
  std::unordered_map<RelayId, Reservation> reservations_;
  std::unordered_map<uint64_t, RelayId> by_token_;
  std::unordered_map<uint64_t, uint32_t> by_ticket_;  // its first half
  std::unordered_map<uint32_t, Connection> connections_;
  std::unordered_map<Link, uint32_t> joined_;  // client data connections (RFC 6062 section 5)
  std::set<Deadline> deadlines_;
  std::deque<ServerEvent> events_;
  std::deque<Waiting> waiting_;
  std::vector<uint8_t> padding_;  // zeros
  stun::TransactionId indication_id_{};
  ServerStats stats_;
};

}  // namespace postern::server
