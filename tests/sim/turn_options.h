// What a TurnServer can be told, and what it tells: its options, and records of what it saw.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/instant.h"
#include "sim/messages.h"
#include "stun/registry.h"

namespace postern::sim {

// Whether messages come one to a datagram or as a stream (TCP, TLS).
enum class Carrier : uint8_t { Datagram, Stream };

// RFC 8656 section 3.2: the client as the server sees it, the server, and what carries bytes.
struct FiveTuple {
  TransportAddress client = kMapped;
  TransportAddress server = kServer;
  Carrier carrier = Carrier::Datagram;
  bool operator==(const FiveTuple&) const = default;
};

struct Outgoing {
  FiveTuple to;
  Message bytes;
};

// How a request for both families is spelled.
enum class DualAllocation : uint8_t {
  Rfc8656,  // ADDITIONAL-ADDRESS-FAMILY is 0x8000
  Coturn,   // 0x8032, and ADDRESS-ERROR-CODE is 0x8033; 0x8000 is ignored
  Unknown
};
inline constexpr uint16_t kCoturnAdditionalAddressFamily = 0x8032;
inline constexpr uint16_t kCoturnAddressErrorCode = 0x8033;

enum class Mobility : uint8_t { Allowed, Forbidden, Unknown };

// IP protocol numbers, as in REQUESTED-TRANSPORT.
inline constexpr uint8_t kProtocolTcp = 6;
inline constexpr uint8_t kProtocolUdp = 17;

struct TurnServerOptions {
  bool needs_authentication = true;
  // A nonce older than this, or used so often, is stale; 0 for no limit.
  Duration nonce_lifetime{};
  unsigned nonce_uses = 0;
  bool signs_stale_nonce = false;  // coturn does not

  // RFC 8656 section 7.2: at least the default, at most the maximum, whatever the client asks for.
  Duration default_lifetime = Duration::seconds(600);
  Duration max_lifetime = Duration::seconds(3600);
  // Sections 9 and 12.
  Duration permission_lifetime = Duration::seconds(300);
  Duration channel_lifetime = Duration::seconds(600);
  Duration channel_quarantine = Duration::seconds(300);

  bool relays_ipv4 = true;
  bool relays_ipv6 = true;
  bool relays_tcp = true;
  DualAllocation dual_allocation = DualAllocation::Rfc8656;
  Mobility mobility = Mobility::Allowed;
  size_t quota = 0;                                 // of allocations, 486 above it; 0 for no limit
  std::vector<TransportAddress> forbidden_peers{};  // 403, whatever the port
  // Comprehension-required attributes that this server does not know (420).
  std::vector<stun::AttributeType> not_understood{};
  // Connect is answered at once, not by complete_connect().
  bool connects_at_once = false;

  std::string software{};
  bool has_fingerprint = false;
  bool pads_reasons = false;    // with NULs that the length counts, as some servers do
  bool pads_datagrams = false;  // ChannelData to a multiple of 4 where it need not be
};

// The answer to the next request of a method, in place of the true one.
struct Refusal {
  uint16_t code = 500;
  std::optional<std::string> reason{};  // the recommended one where there is none
  // Signed: the request has to be authentic. Unsigned and not `at_once`: it has at least to be
  // signed. `at_once`: whatever comes first, before the challenge.
  bool is_signed = true;
  bool at_once = false;
  std::vector<TransportAddress> alternate_servers{};
  std::string alternate_domain{};
  std::vector<uint16_t> unknown_attributes{};
  unsigned times = 1;
};

// What was wrong with what the client sent. A right client on a network that neither loses nor
// delays leaves all of these 0, with the exception that each comment names.
struct TurnViolations {
  unsigned malformed = 0;         // not STUN and not ChannelData
  unsigned unexpected = 0;        // responses, indications that only servers send, other methods
  unsigned unknown_required = 0;  // 420; right where the client asked for what this server lacks

  unsigned unsigned_requests = 0;  // one is right: the one that asks for the challenge
  unsigned bad_form = 0;           // REALM, NONCE and the like are missing, or do not fit the offer
  unsigned unknown_user = 0;
  unsigned wrong_integrity = 0;
  unsigned stale_nonce = 0;        // right where the nonce went stale without a word
  unsigned unknown_nonce = 0;      // one that this server never gave out
  unsigned weaker_algorithm = 0;   // MD5 where SHA-256 was offered (RFC 8656 section 6)
  unsigned wrong_credentials = 0;  // 441

  // On datagrams these follow from losses and delays; on a stream they are always wrong.
  unsigned retransmissions = 0;
  unsigned retransmissions_on_stream = 0;
  // Of a request that was answered by a challenge: right only until that has arrived.
  unsigned repeats_of_challenged = 0;
  unsigned reused_transaction_ids = 0;  // other bytes under the same ID

  unsigned bad_allocate = 0;          // 400 by RFC 8656 section 7.2, RFC 6062 section 5.1, RFC 8016
  unsigned malformed_even_port = 0;   // one of these
  unsigned allocation_mismatch = 0;   // 437; right after a restart or a lapse
  unsigned bad_request = 0;           // 400 of the other methods
  unsigned family_mismatch = 0;       // 443
  unsigned bad_channel_number = 0;    // outside 0x4000 to 0x4FFF
  unsigned channel_conflict = 0;      // number or peer is bound otherwise
  unsigned channel_reused_early = 0;  // ... or was so less than 5 minutes ago

  unsigned malformed_send = 0;
  unsigned data_too_long = 0;  // for a UDP datagram
  unsigned data_without_allocation = 0;
  unsigned data_without_permission = 0;
  unsigned data_on_unbound_channel = 0;

  bool operator==(const TurnViolations&) const = default;
};

// What happened, right or wrong.
struct TurnTally {
  std::map<stun::Method, unsigned> requests;   // each once, however often it came
  std::map<stun::Method, unsigned> successes;  // of these
  std::map<uint16_t, unsigned> errors;         // by code
  unsigned binding_indications = 0;
  unsigned arrivals = 0;  // empty indications to nobody, after a move
  unsigned allocations_expired = 0;
  // No allocation, no permission for that peer, or more than a Data indication holds.
  unsigned peer_data_dropped = 0;
};

// What a client has sent to a peer.
struct RelayedData {
  Instant at{};
  TransportAddress relayed{};  // sent from
  TransportAddress peer{};
  Message data{};
  uint16_t channel = 0;  // 0: a Send indication
  bool dont_fragment = false;
};

// A connection between a peer and a TCP relayed address (RFC 6062).
struct PeerConnection {
  enum class State : uint8_t { Connecting, Pending, Bound };
  uint32_t id = 0;
  State state = State::Connecting;
  TransportAddress relayed{};
  TransportAddress peer{};
  FiveTuple control{};
  Message request{};  // the Connect that is not answered yet
  Instant expires = Instant::never();
  std::optional<FiveTuple> data{};  // the client data connection
  Message from_client{};
  Message from_peer{};  // what the peer sent before ConnectionBind
};

}  // namespace postern::sim
