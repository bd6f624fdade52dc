#include "server/prefix.h"

#include <algorithm>

namespace postern::server {

namespace {

// Those of an address's byte `index` that the first `bits` of the address cover.
uint8_t mask_of_byte(unsigned bits, size_t index) {
  const auto covered = std::min<size_t>(8, bits - std::min<size_t>(bits, index * 8));
  return static_cast<uint8_t>(0xFF00U >> covered);
}

// At most 128; nothing but digits, and no zero before them. -1 for anything else.
int parse_bits(std::string_view text) {
  if (text.empty() || text.size() > 3 || (text.size() > 1 && text[0] == '0')) return -1;
  int value = 0;
  for (const char digit : text) {
    if (digit < '0' || digit > '9') return -1;
    value = value * 10 + (digit - '0');
  }
  return value;
}

}  // namespace

bool Prefix::contains(const TransportAddress& address) const {
  if (address.family != base.family || base.family == Family::None) return false;
  for (size_t i = 0; i * 8 < bits; ++i) {
    if (((address.bytes[i] ^ base.bytes[i]) & mask_of_byte(bits, i)) != 0) return false;
  }
  return true;
}

Result<Prefix> parse_prefix(std::string_view text) {
  const size_t slash = text.find('/');
  const auto base = parse_address(text.substr(0, slash), 0);
  if (!base) return base.error();
  const auto most = static_cast<int>(base->address_bytes().size() * 8);
  const int bits = slash == std::string_view::npos ? most : parse_bits(text.substr(slash + 1));
  if (bits < 0 || bits > most) return Errc::AttributeValue;
  const Prefix prefix{.base = *base, .bits = static_cast<uint8_t>(bits)};
  for (size_t i = 0; i < prefix.base.bytes.size(); ++i) {
    if ((prefix.base.bytes[i] & ~mask_of_byte(prefix.bits, i)) != 0) return Errc::AttributeValue;
  }
  return prefix;
}

}  // namespace postern::server
