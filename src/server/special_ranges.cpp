#include "server/special_ranges.h"

#include <algorithm>

#include "base/byte_order.h"

namespace postern::server {

namespace {

struct Ipv4Block {
  Range range;
  uint32_t base;
  unsigned bits;
};

struct Ipv6Block {
  Range range;
  uint64_t upper;
  uint64_t lower;
  unsigned bits;
};

#define POSTERN_RANGE(enumerator, name, relaying)
#define POSTERN_IPV6_BLOCK(range, upper, lower, bits, reference)
#define POSTERN_IPV4_BLOCK(range, a, b, c, d, bits, reference) \
  Ipv4Block{Range::range, uint32_t{a} << 24 | (b) << 16 | (c) << 8 | (d), bits},
constexpr auto kIpv4Blocks = std::to_array({
#include "server/special_ranges.def"
});
#undef POSTERN_IPV4_BLOCK
#undef POSTERN_IPV6_BLOCK

#define POSTERN_IPV4_BLOCK(range, a, b, c, d, bits, reference)
#define POSTERN_IPV6_BLOCK(range, upper, lower, bits, reference) \
  Ipv6Block{Range::range, upper, lower, bits},
constexpr auto kIpv6Blocks = std::to_array({
#include "server/special_ranges.def"
});
#undef POSTERN_RANGE
#undef POSTERN_IPV4_BLOCK
#undef POSTERN_IPV6_BLOCK

// The first `bits` of 64, which may be more or fewer than there are.
constexpr uint64_t mask_of(int bits) {
  return bits <= 0 ? 0 : ~uint64_t{0} << (64 - std::min(bits, 64));
}

Range range_of_ipv4(uint32_t address) {
  Range range = Range::Global;
  unsigned most = 0;
  for (const Ipv4Block& block : kIpv4Blocks) {
    const bool is_inside = (address ^ block.base) >> (32 - block.bits) == 0;
    if (is_inside && block.bits > most) {
      range = block.range;
      most = block.bits;
    }
  }
  return range;
}

Range range_of_ipv6(uint64_t upper, uint64_t lower) {
  Range range = Range::Unassigned;
  unsigned most = 0;
  for (const Ipv6Block& block : kIpv6Blocks) {
    const auto bits = static_cast<int>(block.bits);
    const bool is_inside = ((upper ^ block.upper) & mask_of(bits)) == 0 &&
                           ((lower ^ block.lower) & mask_of(bits - 64)) == 0;
    if (is_inside && block.bits > most) {
      range = block.range;
      most = block.bits;
    }
  }
  return range;
}

// RFC 5214 section 6.1. The first byte also says whether the IPv4 address is unique, and has room
// for the group bit; neither changes where the packets go.
bool has_isatap_identifier(const TransportAddress& address) {
  return (load_be32(&address.bytes[8]) & 0xFCFFFFFF) == 0x00005EFE;
}

TransportAddress ipv4_at(const TransportAddress& address, size_t first) {
  TransportAddress found{.family = Family::IPv4, .port = address.port, .bytes = {}};
  std::copy_n(&address.bytes[first], 4, found.bytes.begin());
  return found;
}

// RFC 6052 section 2.3. The byte in the middle, which stays free, is left out whatever it holds, as
// translators do.
TransportAddress ipv4_after(const Prefix& prefix, const TransportAddress& address) {
  constexpr size_t kFreeByte = 8;
  TransportAddress found{.family = Family::IPv4, .port = address.port, .bytes = {}};
  size_t from = prefix.bits / 8;
  for (size_t to = 0; to < 4; ++to, ++from) {
    if (from == kFreeByte) ++from;
    found.bytes[to] = address.bytes[from];
  }
  return found;
}

}  // namespace

std::string_view name_of(Range range) {
  switch (range) {
#define POSTERN_RANGE(enumerator, name, relaying) \
  case Range::enumerator:                         \
    return name;
#define POSTERN_IPV4_BLOCK(range, a, b, c, d, bits, reference)
#define POSTERN_IPV6_BLOCK(range, upper, lower, bits, reference)
#include "server/special_ranges.def"
#undef POSTERN_RANGE
  }
  return {};
}

Relaying relaying_of(Range range) {
  switch (range) {
#define POSTERN_RANGE(enumerator, name, relaying) \
  case Range::enumerator:                         \
    return Relaying::relaying;
#include "server/special_ranges.def"
#undef POSTERN_RANGE
#undef POSTERN_IPV4_BLOCK
#undef POSTERN_IPV6_BLOCK
  }
  return Relaying::Never;
}

Range range_of(const TransportAddress& address) {
  if (address.family == Family::IPv4) return range_of_ipv4(load_be32(address.bytes.data()));
  if (address.family == Family::None) return Range::Unassigned;
  const Range range = range_of_ipv6(load_be64(address.bytes.data()), load_be64(&address.bytes[8]));
  return range == Range::Global && has_isatap_identifier(address) ? Range::Isatap : range;
}

bool is_nat64_prefix(const Prefix& prefix) {
  constexpr std::array<uint8_t, 6> kLengths{32, 40, 48, 56, 64, 96};
  if (prefix.base.family != Family::IPv6) return false;
  if (std::find(kLengths.begin(), kLengths.end(), prefix.bits) == kLengths.end()) return false;
  const Range range = range_of(prefix.base);
  return relaying_of(range) != Relaying::Never || range == Range::LocalNat64;
}

EmbeddedIpv4 embedded_ipv4(const TransportAddress& address, std::span<const Prefix> nat64) {
  EmbeddedIpv4 found;
  if (address.family != Family::IPv6) return found;
  switch (range_of_ipv6(load_be64(address.bytes.data()), load_be64(&address.bytes[8]))) {
    case Range::Ipv4Mapped:
    case Range::Ipv4Compatible:
    case Range::Ipv4Translated:
    case Range::Nat64:
      found.add(ipv4_at(address, 12));
      break;
    case Range::SixToFour:
      found.add(ipv4_at(address, 2));
      break;
    case Range::Teredo: {
      found.add(ipv4_at(address, 4));
      TransportAddress client = ipv4_at(address, 12);
      for (size_t i = 0; i < 4; ++i) client.bytes[i] = static_cast<uint8_t>(~client.bytes[i]);
      found.add(client);
      break;
    }
    default:
      break;
  }
  if (has_isatap_identifier(address)) found.add(ipv4_at(address, 12));
  for (const Prefix& prefix : nat64) {
    assert(is_nat64_prefix(prefix));
    if (prefix.contains(address)) found.add(ipv4_after(prefix, address));
  }
  return found;
}

}  // namespace postern::server
