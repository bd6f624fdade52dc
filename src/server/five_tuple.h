// FiveTuple: how a client reaches the server (RFC 8656 section 3.2).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "base/byte_order.h"
#include "base/transport_address.h"

namespace postern::server {

// What the bytes of clients come through: a bound UDP socket, which many clients share, or a
// connection (TCP, TLS, WebSocket), which is one client's. It stands for the server's address and
// the protocol; the caller numbers them.
using Link = uint32_t;

struct FiveTuple {
  Link link = 0;
  TransportAddress client{};

  bool operator==(const FiveTuple&) const = default;
};

// Hashes for tables that strangers put entries into: they cannot aim at one bucket without the
// seed.
[[nodiscard]] inline uint64_t mix(uint64_t hash, uint64_t value) {
  // The finaliser of MurmurHash3 (public domain).
  hash ^= value;
  hash = (hash ^ (hash >> 33)) * 0xFF51AFD7ED558CCDULL;
  hash = (hash ^ (hash >> 33)) * 0xC4CEB9FE1A85EC53ULL;
  return hash ^ (hash >> 33);
}

[[nodiscard]] inline uint64_t hash_host(uint64_t seed, const TransportAddress& address) {
  const uint64_t hash = mix(seed, load_be64(address.bytes.data()));
  return address.family == Family::IPv6 ? mix(hash, load_be64(&address.bytes[8])) : hash;
}

[[nodiscard]] inline uint64_t hash_address(uint64_t seed, const TransportAddress& address) {
  return mix(hash_host(seed, address), address.port);
}

[[nodiscard]] inline uint64_t hash_tuple(uint64_t seed, const FiveTuple& tuple) {
  return mix(hash_address(seed, tuple.client), tuple.link);
}

}  // namespace postern::server
