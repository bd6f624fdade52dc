// What a TURN client tells its caller. Every command that asks the server for something ends with
// exactly one event of the kinds that name its outcome; the others come unasked. Text is bytes as
// the server sent them, without trailing NULs; the views on it live until the next command, input
// or poll.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/errc.h"
#include "base/instant.h"
#include "base/transport_address.h"
#include "client/event.h"
#include "stun/attribute_kinds.h"

namespace postern::client {

enum class TurnEventKind : uint8_t {
  // allocate(): see TurnClient::allocation(); `number` is the lifetime in seconds.
  Allocated,
  // The allocation was not made. `errc` ErrorResponse: the server's `error_code` says why; 300 has
  // `alternates`, 437 asks for another 5-tuple.
  AllocateFailed,
  // permit(), for each `peer`, whose port is 0.
  Permitted,
  PermissionFailed,
  // The server would not renew the permission of `peer`.
  PermissionLost,
  // bind_channel(): `number` is the channel, `peer` the other end.
  ChannelBound,
  ChannelFailed,
  ChannelLost,
  // connect() (RFC 6062): `token` is what connect() returned, `number` the CONNECTION-ID that goes
  // into a ConnectionBind on a connection of its own.
  Connected,
  ConnectFailed,
  // RFC 6062 section 5.4: `peer` has connected; `number` is the CONNECTION-ID, which lives for
  // turn::kConnectionBindTimeout.
  ConnectionAttempt,
  // RFC 8656 section 11.5: a datagram to `peer` met an ICMP error: `number` is its type times 256
  // plus its code, `detail` its data.
  Icmp,
  // A Refresh that the caller asked for, or that set_credentials() led to. `number`: the lifetime.
  Refreshed,
  RefreshFailed,
  // move() (RFC 8016).
  Moved,
  MoveFailed,
  // The server did not take the new credentials for this allocation: the old ones go on. `errc`
  // ErrorResponse (441) or Unauthenticated (401); Timeout or IntegrityMismatch where what it
  // answered did not count.
  CredentialsRefused,
  // The allocation is gone: `errc` Timeout (no answer to a request), TransportClosed,
  // AllocationExpired, ErrorResponse with `error_code`, or what spoiled the stream.
  Lost,
  // close() is done.
  Closed
};

struct TurnEvent {
  TurnEventKind kind = TurnEventKind::Closed;
  Errc errc = Errc::Ok;
  // ERROR-CODE of the response that decided, 0 where there was none. After Timeout and
  // IntegrityMismatch it is a hint only: see Failed in client/event.h.
  uint16_t error_code = 0;
  uint32_t token = 0;
  uint32_t number = 0;
  uint32_t detail = 0;
  TransportAddress peer{};
  // What the exchange took: requests in all, the round trip of the last (Karn), and whether the
  // integrity of the answer was checked and right.
  uint32_t requests_sent = 0;
  std::optional<Duration> round_trip{};
  bool authenticated = false;
  // 300 (Try Alternate), where it may be followed.
  std::array<TransportAddress, 2> alternates{};
  stun::Bytes reason{};
  stun::Bytes realm{};             // of a challenge that could not be answered
  stun::Bytes software{};          // of the server
  stun::Bytes alternate_domain{};  // the name to expect in the certificate of the alternates
  stun::Bytes third_party{};       // RFC 7635: the authorization server that a challenge names
  UnknownTypes unknown_attributes{};
};

// A datagram of a peer's, as a view on the bytes that came in, or on the client's stream buffer.
struct PeerData {
  TransportAddress peer{};
  uint16_t channel = 0;  // 0: by Data indication
  stun::Bytes data{};
};

}  // namespace postern::client
