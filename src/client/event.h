// What a STUN client tells its caller. Every transaction ends with exactly one of these. Text is
// bytes as the server sent them, UTF-8 if it keeps to the RFC, without trailing NULs; the views on
// it live until the next command or input to the client.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <variant>

#include "base/errc.h"
#include "base/instant.h"
#include "base/transport_address.h"
#include "stun/attribute_kinds.h"
#include "stun/registry.h"

namespace postern::client {

// Names a transaction; a value is not used again for a long time after the transaction's end.
struct TransactionHandle {
  uint32_t value = 0;  // 0 names none
  bool operator==(const TransactionHandle&) const = default;
};

// Attribute types that were not understood. Ours: more than any message of sense can hold.
struct UnknownTypes {
  static constexpr size_t kCapacity = 8;
  std::array<uint16_t, kCapacity> types{};
  size_t count = 0;  // of those kept

  [[nodiscard]] std::span<const uint16_t> view() const { return std::span(types).first(count); }
};

// How the transaction went.
struct Exchange {
  TransactionHandle transaction{};
  uint32_t requests_sent = 0;  // in all, with retransmissions and answers to challenges
  // From the last request to its answer. None where it had to be sent more than once, since the
  // answer may be to any of them (Karn), and where there is no answer.
  std::optional<Duration> round_trip{};
  // Where the answer came from. Family::None where there is none.
  TransportAddress source{};
  bool authenticated = false;  // the integrity of the answer was checked, and right
};

// The answer to a Binding request.
struct MappedAddress {
  Exchange exchange{};
  TransportAddress address{};
  // The attribute that told: XorMappedAddress, or an older one, which a NAT may have rewritten.
  stun::AttributeType attribute = stun::AttributeType::XorMappedAddress;
  // RFC 5780 sections 7.3 and 7.4. Family::None where the server has no such ability.
  TransportAddress response_origin{};
  TransportAddress other_address{};
  stun::Bytes software{};
};

// The server answered with an error.
struct ErrorResponse {
  Exchange exchange{};
  uint16_t code = 0;
  stun::Bytes reason{};
  stun::Bytes software{};
  // 300 (Try Alternate): the server of the client's address family first, another of the other
  // family may follow. Whether they may be used stands in `may_redirect`; connecting is the
  // caller's work, and so is to remember who was asked in the last five minutes (RFC 8489 section
  // 10).
  std::array<TransportAddress, 2> alternate_servers{};
  stun::Bytes alternate_domain{};  // the name to expect in the certificate of that server
  bool may_redirect = false;
  UnknownTypes unknown_attributes{};  // 420: those of the request
};

// No answer, or none that could be used.
//   Timeout              nothing came
//   IntegrityMismatch    what came had wrong integrity or none
//   Unauthenticated      the server refused the credentials
//   CredentialsNeeded    the server wants credentials, and there are none for its realm
//   StaleNonceLimit      the server called every nonce stale
//   BidDown              the challenge is weaker than the server's nonce or an earlier challenge
//   says UnknownPasswordAlgorithm UnknownAttributes    the answer demands what is not understood
//   here: see `unknown_attributes` AttributeMissing, AttributeLength, AttributeValue: the answer
//   lacks what it needs, or spells it wrong MessageTooLong       the answer to the challenge would
//   not fit EntropyNeeded        there were no random bytes left for the answer to the challenge
//   TransportClosed, StreamDesynchronised, FrameTooLong, Cancelled
struct Failed {
  Exchange exchange{};
  Errc errc = Errc::Ok;
  // ERROR-CODE of the last error response, 0 where there was none. After Timeout and
  // IntegrityMismatch it is no more than a hint: that response was ignored because nobody vouches
  // for it.
  uint16_t error_code = 0;
  stun::Bytes reason{};
  stun::Bytes realm{};  // of the challenge, where there was one
  UnknownTypes unknown_attributes{};
};

using Event = std::variant<MappedAddress, ErrorResponse, Failed>;

[[nodiscard]] inline const Exchange& exchange_of(const Event& event) {
  return std::visit([](const auto& kind) -> const Exchange& { return kind.exchange; }, event);
}

}  // namespace postern::client
