// Allocation: what the server keeps of one (RFC 8656 section 5), and of the sockets behind its
// relayed transport addresses.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/instant.h"
#include "base/transport_address.h"
#include "server/five_tuple.h"
#include "server/peers.h"
#include "stun/message_writer.h"
#include "stun/prepared_key.h"
#include "stun/registry.h"

namespace postern::server {

// A socket of a relayed transport address. The number says which opening is meant, so that a stale
// one names nothing. 0 is none.
using RelayId = uint32_t;

// Where the key of a request comes from.
enum class KeySource : uint8_t {
  Users,   // a user who is known in advance
  Secret,  // a time-limited name, for which a shared secret vouches
  Asked,   // the caller was asked for the password
  Token    // an access token brought it (RFC 7635)
};

// How a request was signed: its response is signed alike.
struct Signature {
  stun::PreparedKey key;
  bool with_sha256 = false;  // MESSAGE-INTEGRITY-SHA256, else MESSAGE-INTEGRITY
  stun::PasswordAlgorithm algorithm = stun::PasswordAlgorithm::Md5;
  KeySource source = KeySource::Users;
  std::optional<int64_t> valid_until{};  // of a token: Unix seconds
};

struct RelayedAddress {
  RelayId relay = 0;
  Family family = Family::None;
  TransportAddress address{};  // once the socket is open
  uint16_t error_code = 0;     // why there is none
};

inline constexpr size_t kReservationTokenBytes = 8;  // RFC 8656 section 18.10
using ReservationToken = std::array<uint8_t, kReservationTokenBytes>;
// Ours: as opaque as it is to the client (RFC 8016 section 3.1).
inline constexpr size_t kTicketBytes = 16;
using MobilityTicket = std::array<uint8_t, kTicketBytes>;

struct Allocation {
  FiveTuple tuple{};
  // RFC 8016 section 3.2.2: where data goes after a move, until the client sends from the new
  // address.
  std::optional<FiveTuple> moved_from{};
  std::string username{};
  std::string account{};  // whose quota it counts for
  Signature signature{};
  TransportAddress source{};  // whose quota it counts for as well
  uint8_t protocol = 0;       // turn::kTransportUdp or kTransportTcp
  bool is_open = false;       // the Allocate was answered with success
  // One, or one of each family.
  std::array<RelayedAddress, 2> relayed{};
  Instant expires_at = Instant::never();
  uint32_t lifetime_seconds = 0;
  Peers peers{};
  std::optional<MobilityTicket> ticket{};
  std::vector<uint32_t> connections{};  // of peers over TCP

  // The Allocate that made it: its answer waits for the sockets.
  stun::TransactionId request_id{};
  bool has_fingerprint = false;
  RelayId reserved = 0;  // for the port after this one's
  ReservationToken reservation{};

  [[nodiscard]] bool is_reached_by(const FiveTuple& from) const {
    return from == tuple || from == moved_from;
  }
  [[nodiscard]] const FiveTuple& destination() const { return moved_from ? *moved_from : tuple; }
  [[nodiscard]] RelayedAddress* relayed_of(Family family) {
    for (RelayedAddress& entry : relayed) {
      if (entry.relay != 0 && entry.family == family) return &entry;
    }
    return nullptr;
  }
};

}  // namespace postern::server
