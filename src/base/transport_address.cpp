#include "base/transport_address.h"

#include <algorithm>

#include "base/byte_order.h"

namespace postern {

namespace {

constexpr size_t kGroups = 8;

bool parse_ipv4(std::string_view text, uint8_t* out) {
  size_t at = 0;
  for (size_t octet = 0; octet < 4; ++octet) {
    if (octet > 0 && (at >= text.size() || text[at++] != '.')) return false;
    const size_t start = at;
    unsigned value = 0;
    while (at < text.size() && at - start < 3 && text[at] >= '0' && text[at] <= '9') {
      value = value * 10 + static_cast<unsigned>(text[at++] - '0');
    }
    // A leading zero is refused: some readers take it for octal.
    if (at == start || value > 255 || (at - start > 1 && text[start] == '0')) return false;
    out[octet] = static_cast<uint8_t>(value);
  }
  return at == text.size();
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool parse_ipv6(std::string_view text, std::array<uint8_t, 16>& out) {
  constexpr size_t kNoGap = kGroups + 1;
  size_t group = 0;
  size_t gap = kNoGap;  // where "::" stands, counted in groups
  size_t at = 0;
  if (text.starts_with("::")) {
    gap = 0;
    at = 2;
  }
  while (at < text.size()) {
    if (group == kGroups) return false;
    const size_t start = at;
    unsigned value = 0;
    while (at < text.size() && at - start < 4 && hex_digit(text[at]) >= 0) {
      value = value * 16 + static_cast<unsigned>(hex_digit(text[at++]));
    }
    if (at < text.size() && text[at] == '.') {  // the last 32 bits in dotted decimal
      if (group > kGroups - 2 || !parse_ipv4(text.substr(start), &out[group * 2])) return false;
      group += 2;
      break;
    }
    if (at == start) return false;
    store_be16(&out[group * 2], static_cast<uint16_t>(value));
    ++group;
    if (at == text.size()) break;
    if (text[at++] != ':') return false;
    if (at < text.size() && text[at] == ':') {
      if (gap != kNoGap) return false;
      gap = group;
      ++at;
    } else if (at == text.size()) {
      return false;  // a single colon at the end
    }
  }
  if (gap == kNoGap) return group == kGroups;
  if (group == kGroups) return false;
  const auto tail = out.begin() + static_cast<ptrdiff_t>(gap * 2);
  const auto end = out.begin() + static_cast<ptrdiff_t>(group * 2);
  std::move_backward(tail, end, out.end());
  std::fill(tail, tail + static_cast<ptrdiff_t>((kGroups - group) * 2), uint8_t{0});
  return true;
}

char* write_decimal(char* to, unsigned value) {
  if (value >= 100) *to++ = static_cast<char>('0' + value / 100);
  if (value >= 10) *to++ = static_cast<char>('0' + value / 10 % 10);
  *to++ = static_cast<char>('0' + value % 10);
  return to;
}

char* write_ipv4(char* to, const uint8_t* bytes) {
  for (size_t i = 0; i < 4; ++i) {
    if (i > 0) *to++ = '.';
    to = write_decimal(to, bytes[i]);
  }
  return to;
}

char* write_hex_group(char* to, unsigned value) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  bool written = false;
  for (int shift = 12; shift >= 0; shift -= 4) {
    const unsigned digit = (value >> shift) & 0xF;
    if (digit != 0 || written || shift == 0) {
      *to++ = kDigits[digit];
      written = true;
    }
  }
  return to;
}

char* write_ipv6(char* to, const std::array<uint8_t, 16>& bytes) {
  // RFC 5952 section 5: IPv4-mapped addresses keep their dotted tail.
  const bool mapped =
      std::all_of(bytes.begin(), bytes.begin() + 10, [](uint8_t b) { return b == 0; }) &&
      bytes[10] == 0xFF && bytes[11] == 0xFF;
  if (mapped) {
    constexpr std::string_view kPrefix = "::ffff:";
    to = std::copy(kPrefix.begin(), kPrefix.end(), to);
    return write_ipv4(to, &bytes[12]);
  }
  // Section 4.2: the longest run of two or more zero groups, the first of equals, becomes "::".
  size_t run_start = kGroups;
  size_t run_length = 1;
  for (size_t i = 0; i < kGroups;) {
    size_t j = i;
    while (j < kGroups && load_be16(&bytes[j * 2]) == 0) ++j;
    if (j - i > run_length) {
      run_start = i;
      run_length = j - i;
    }
    i = j + 1;
  }
  for (size_t i = 0; i < kGroups; ++i) {
    if (i == run_start) {
      *to++ = ':';
      *to++ = ':';
      i += run_length - 1;
      continue;
    }
    if (i > 0 && i != run_start + run_length) *to++ = ':';
    to = write_hex_group(to, load_be16(&bytes[i * 2]));
  }
  return to;
}

}  // namespace

TransportAddress TransportAddress::ipv4(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint16_t port) {
  return {.family = Family::IPv4, .port = port, .bytes = {a, b, c, d}};
}

TransportAddress TransportAddress::ipv6(std::span<const uint8_t, 16> bytes, uint16_t port) {
  TransportAddress address{.family = Family::IPv6, .port = port, .bytes = {}};
  std::copy(bytes.begin(), bytes.end(), address.bytes.begin());
  return address;
}

Result<TransportAddress> parse_address(std::string_view text, uint16_t port) {
  TransportAddress address{.family = Family::IPv4, .port = port, .bytes = {}};
  if (parse_ipv4(text, address.bytes.data())) return address;
  address.bytes = {};
  address.family = Family::IPv6;
  if (parse_ipv6(text, address.bytes)) return address;
  return Errc::AttributeValue;
}

size_t format_address(const TransportAddress& address, std::span<char, kMaxAddressText> out) {
  char* end = out.data();
  if (address.family == Family::IPv4) end = write_ipv4(end, address.bytes.data());
  if (address.family == Family::IPv6) end = write_ipv6(end, address.bytes);
  return static_cast<size_t>(end - out.data());
}

}  // namespace postern
