// What kind of address an address is, and which IPv4 addresses stand in an IPv6 address. Facts
// only; what may be relayed to is the PeerPolicy's decision.
#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/transport_address.h"
#include "server/prefix.h"

namespace postern::server {

enum class Range : uint8_t {
#define POSTERN_RANGE(enumerator, name, relaying) enumerator,
#define POSTERN_IPV4_BLOCK(range, a, b, c, d, bits, reference)
#define POSTERN_IPV6_BLOCK(range, upper, lower, bits, reference)
#include "server/special_ranges.def"
#undef POSTERN_RANGE
#undef POSTERN_IPV4_BLOCK
#undef POSTERN_IPV6_BLOCK
};

// Whether a server may relay to addresses of a range: see special_ranges.def.
enum class Relaying : uint8_t { Always, IfOpened, Never };

[[nodiscard]] std::string_view name_of(Range range);
[[nodiscard]] Relaying relaying_of(Range range);

// The range of the address as it stands, without looking into it. An address without family is
// Unassigned.
[[nodiscard]] Range range_of(const TransportAddress& address);

// Ours: translators that one server is told of.
inline constexpr size_t kMaxNat64Prefixes = 4;

// Whether a translator can have this prefix: its length is one that RFC 6052 section 2.2 has a
// place for the IPv4 address in, and it is no prefix of a form that is never relayed to.
[[nodiscard]] bool is_nat64_prefix(const Prefix& prefix);

class EmbeddedIpv4 {
 public:
  // Teredo has two, any prefix may be followed by an ISATAP identifier, and by a translator's.
  static constexpr size_t kCapacity = 3 + kMaxNat64Prefixes;

  void add(const TransportAddress& address) {
    assert(size_ < kCapacity);
    addresses_[size_++] = address;
  }
  // No view on the whole, which would not keep a temporary alive in a loop.
  [[nodiscard]] const TransportAddress* begin() const { return addresses_.data(); }
  [[nodiscard]] const TransportAddress* end() const { return addresses_.data() + size_; }
  [[nodiscard]] size_t size() const { return size_; }

 private:
  std::array<TransportAddress, kCapacity> addresses_{};
  size_t size_ = 0;
};

// All IPv4 addresses to which a packet for this IPv6 address may get by translation or by a tunnel,
// with the port of `address`:
//
//   IPv4-mapped ::ffff:0:0/96, IPv4-compatible ::/96      the last 32 bits (RFC 4291 section 2.5.5)
//   IPv4-translated ::ffff:0:0:0/96                       the last 32 bits (RFC 2765 section 2.1)
//   NAT64 64:ff9b::/96, and the prefixes of `nat64`       as RFC 6052 section 2.2 lays them out
//   6to4 2002::/16                                        the 32 bits that follow (RFC 3056)
//   Teredo 2001::/32                                      the server, and the client, whose bits
//   are
//                                                         inverted (RFC 4380 section 4)
//   ISATAP: ...:0:5efe:a.b.c.d, ...:200:5efe:a.b.c.d      the last 32 bits, under any prefix (RFC
//                                                         5214 section 6.1)
//
// None for :: and ::1, which are addresses of their own, and for IPv4 addresses. As what stands
// inside is IPv4 and holds nothing further, one look finds everything; but one address can be of
// several forms, such as ISATAP under 6to4. `nat64` holds at most kMaxNat64Prefixes, for each of
// which is_nat64_prefix() is true.
[[nodiscard]] EmbeddedIpv4 embedded_ipv4(const TransportAddress& address,
                                         std::span<const Prefix> nat64 = {});

}  // namespace postern::server
