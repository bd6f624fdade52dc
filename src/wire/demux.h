// Which protocol a packet belongs to, by its first byte (RFC 7983 section 7, RFC 9443 section 3).
#pragma once

#include <cstdint>

namespace postern::wire {

enum class Protocol : uint8_t { Stun, Zrtp, Dtls, TurnChannel, Rtp, Quic, Unknown };

enum class SharedWith : uint8_t {
  Rfc7983,           // no QUIC on this port
  Quic,              // RFC 9443: QUIC too
  QuicAndTurnServer  // RFC 9443: QUIC too, and the packet comes from a TURN server that has
                     // answered
};

[[nodiscard]] constexpr Protocol classify(uint8_t first_byte,
                                          SharedWith shared = SharedWith::Rfc7983) {
  const bool quic = shared != SharedWith::Rfc7983;
  if (first_byte <= 3) return Protocol::Stun;
  if (first_byte <= 15) return Protocol::Unknown;
  if (first_byte <= 19) return Protocol::Zrtp;
  if (first_byte <= 63) return Protocol::Dtls;
  if (first_byte <= 79) return shared == SharedWith::Quic ? Protocol::Quic : Protocol::TurnChannel;
  if (first_byte <= 127) return quic ? Protocol::Quic : Protocol::Unknown;
  if (first_byte <= 191) return Protocol::Rtp;
  return quic ? Protocol::Quic : Protocol::Unknown;
}

}  // namespace postern::wire
