// What is asked of a server in an Allocate request, and what it grants (RFC 8656 section 7).
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/fixed_bytes.h"
#include "base/transport_address.h"
#include "client/binding.h"
#include "turn/lifetimes.h"

namespace postern::client {

// Ours: far above the tickets that servers give. A longer one is taken for none.
inline constexpr size_t kMaxTicketBytes = 256;

enum class EvenPort : uint8_t {
  Any,
  Even,    // an even port number, for RTP
  Reserve  // ... and the next one is kept for another allocation: see Allocation::token
};

using ReservationToken = std::array<uint8_t, 8>;

struct AllocateRequest {
  uint8_t transport = turn::kTransportUdp;  // or kTransportTcp, RFC 6062
  // None: whatever the server likes, which is IPv4 (RFC 8656 section 7.1).
  Family family = Family::None;
  // ADDITIONAL-ADDRESS-FAMILY: an IPv4 and an IPv6 address, as far as the server has both.
  bool both_families = false;
  EvenPort even_port = EvenPort::Any;
  // The port that another allocation reserved.
  std::optional<ReservationToken> token{};
  // Whether the server can set DF; who cannot answers 420.
  bool dont_fragment = false;
  uint32_t lifetime_seconds = 0;  // 0: what the server gives
  // RFC 8016: asks for a ticket with which the allocation can follow the client.
  bool mobility = false;
};

struct Allocation {
  // The second one is of the other family; Family::None where there is none.
  std::array<TransportAddress, 2> relayed{};
  TransportAddress mapped{};
  uint32_t lifetime_seconds = 0;
  // ADDRESS-ERROR-CODE: why there is no address of this family.
  Family refused_family = Family::None;
  uint16_t refused_code = 0;
  std::optional<ReservationToken> token{};
  FixedBytes<kMaxTicketBytes> ticket{};
  bool is_tcp = false;

  [[nodiscard]] bool has_ticket() const { return !ticket.empty(); }
  // RFC 8656 section 11.6: peers are of the family of a relayed address.
  [[nodiscard]] bool reaches(const TransportAddress& peer) const {
    return peer.family != Family::None &&
           (relayed[0].family == peer.family || relayed[1].family == peer.family);
  }
};

}  // namespace postern::client
