// How long things live at a TURN server, and the numbers of what it relays: constants of RFC 8656
// and RFC 6062 that are no attributes.
#pragma once

#include <cstdint>

#include "base/instant.h"

namespace postern::turn {

// RFC 8656 section 6: what an allocation lives when the client names no time; section 7.2: the
// least that a server grants.
inline constexpr Duration kDefaultLifetime = Duration::seconds(600);
// RFC 8656 section 9: exactly this, whatever was asked for.
inline constexpr Duration kPermissionLifetime = Duration::seconds(300);
// RFC 8656 section 12.
inline constexpr Duration kChannelLifetime = Duration::seconds(600);
// RFC 8656 section 12: when a binding has run out, so long must neither its number go to another
// peer nor its peer to another number.
inline constexpr Duration kChannelReuseWait = Duration::seconds(300);
// RFC 8656 section 7.2: at least so long is the next port kept for whoever has the token.
inline constexpr Duration kReservationLifetime = Duration::seconds(30);
// RFC 6062 section 5.3: a connection that is not bound in time is closed by the server.
inline constexpr Duration kConnectionBindTimeout = Duration::seconds(30);

// IP protocol numbers, for REQUESTED-TRANSPORT.
inline constexpr uint8_t kTransportTcp = 6;
inline constexpr uint8_t kTransportUdp = 17;

}  // namespace postern::turn
