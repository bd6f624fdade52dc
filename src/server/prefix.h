// Prefix: a block of addresses, as in 10.0.0.0/8 (RFC 4632 section 3.1, RFC 4291 section 2.3).
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "base/transport_address.h"

namespace postern::server {

struct Prefix {
  TransportAddress base{};  // port 0, and no bit set after the first `bits`
  uint8_t bits = 0;

  bool operator==(const Prefix&) const = default;
  // Families are kept apart: ::ffff:10.0.0.1 is not in 10.0.0.0/8.
  [[nodiscard]] bool contains(const TransportAddress& address) const;
};

// "10.0.0.0/8", "2001:db8::/32", or a single address. Errc::AttributeValue for anything else, also
// for bits set after the prefix: in 10.0.0.1/8 it is unclear what was meant.
[[nodiscard]] Result<Prefix> parse_prefix(std::string_view text);

}  // namespace postern::server
