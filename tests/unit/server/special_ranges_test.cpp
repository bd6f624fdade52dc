#include "server/special_ranges.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>
#include <vector>

#include "support/names.h"

namespace postern::server {
namespace {

TransportAddress address(std::string_view text, uint16_t port = 0) {
  const auto parsed = parse_address(text, port);
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or({});
}

std::string text_of(const TransportAddress& address) {
  std::array<char, kMaxAddressText> text;
  return {text.data(), format_address(address, text)};
}

// One further, or one back; from the last address to the first.
TransportAddress neighbour(TransportAddress address, int step) {
  int carry = step;
  for (size_t i = address.address_bytes().size(); i-- > 0 && carry != 0;) {
    const int value = address.bytes[i] + carry;
    address.bytes[i] = static_cast<uint8_t>(value);
    carry = value < 0 ? -1 : value >> 8;
  }
  return address;
}

// All addresses of a family, cut where the range changes: the first of each piece, and its name.
struct Piece {
  const char* first;
  const char* name;
};

constexpr Piece kIpv4[] = {
    {"0.0.0.0", "this-network"},
    {"1.0.0.0", "global"},
    {"10.0.0.0", "private"},
    {"11.0.0.0", "global"},
    {"100.64.0.0", "shared-address-space"},
    {"100.128.0.0", "global"},
    {"127.0.0.0", "loopback"},
    {"128.0.0.0", "global"},
    {"168.63.129.16", "cloud-platform"},
    {"168.63.129.17", "global"},
    {"169.254.0.0", "link-local"},
    {"169.255.0.0", "global"},
    {"172.16.0.0", "private"},
    {"172.32.0.0", "global"},
    {"192.0.0.0", "ietf-protocol-assignments"},
    {"192.0.1.0", "global"},
    {"192.0.2.0", "documentation"},
    {"192.0.3.0", "global"},
    {"192.31.196.0", "as112"},
    {"192.31.197.0", "global"},
    {"192.52.193.0", "amt"},
    {"192.52.194.0", "global"},
    {"192.88.99.0", "6to4-relay-anycast"},
    {"192.88.100.0", "global"},
    {"192.168.0.0", "private"},
    {"192.169.0.0", "global"},
    {"192.175.48.0", "as112"},
    {"192.175.49.0", "global"},
    {"198.18.0.0", "benchmarking"},
    {"198.20.0.0", "global"},
    {"198.51.100.0", "documentation"},
    {"198.51.101.0", "global"},
    {"203.0.113.0", "documentation"},
    {"203.0.114.0", "global"},
    {"224.0.0.0", "multicast"},
    {"240.0.0.0", "reserved"},
    {"255.255.255.255", "broadcast"},
};

constexpr Piece kIpv6[] = {
    {"::", "unspecified"},
    {"::1", "loopback"},
    {"::2", "ipv4-compatible"},
    {"::1:0:0", "unassigned"},
    {"::ffff:0:0", "ipv4-mapped"},
    {"::1:0:0:0", "unassigned"},
    {"::ffff:0:0:0", "ipv4-translated"},
    {"::ffff:1:0:0", "unassigned"},
    {"64:ff9b::", "nat64"},
    {"64:ff9b::1:0:0", "unassigned"},
    {"64:ff9b:1::", "local-nat64"},
    {"64:ff9b:2::", "unassigned"},
    {"100::", "discard-only"},
    {"100:0:0:1::", "dummy-prefix"},
    {"100:0:0:2::", "unassigned"},
    {"2000::", "global"},
    {"2001::", "teredo"},
    {"2001:1::", "ietf-protocol-assignments"},
    {"2001:2::", "benchmarking"},
    {"2001:2:1::", "ietf-protocol-assignments"},
    {"2001:3::", "amt"},
    {"2001:4::", "ietf-protocol-assignments"},
    {"2001:4:112::", "as112"},
    {"2001:4:113::", "ietf-protocol-assignments"},
    {"2001:10::", "orchid"},
    {"2001:30::", "drone-remote-id"},
    {"2001:40::", "ietf-protocol-assignments"},
    {"2001:200::", "global"},
    {"2001:db8::", "documentation"},
    {"2001:db9::", "global"},
    {"2002::", "6to4"},
    {"2003::", "global"},
    {"2620:4f:8000::", "as112"},
    {"2620:4f:8001::", "global"},
    {"3fff::", "documentation"},
    {"3fff:1000::", "global"},
    {"4000::", "unassigned"},
    {"5f00::", "srv6-sids"},
    {"5f01::", "unassigned"},
    {"fc00::", "unique-local"},
    {"fe00::", "unassigned"},
    {"fe80::", "link-local"},
    {"fec0::", "site-local"},
    {"ff00::", "multicast"},
};

// Of every piece the first and the last address, which are also the first after and the last before
// its neighbours, and some in between.
void expect_pieces(std::span<const Piece> pieces) {
  std::mt19937 random(1);
  for (size_t i = 0; i < pieces.size(); ++i) {
    const TransportAddress first = address(pieces[i].first);
    const TransportAddress last = neighbour(address(pieces[(i + 1) % pieces.size()].first), -1);
    EXPECT_EQ(name_of(range_of(first)), pieces[i].name) << text_of(first);
    EXPECT_EQ(name_of(range_of(last)), pieces[i].name) << text_of(last);
    for (int n = 0; n < 100; ++n) {
      // What both ends have in common, then what is random.
      TransportAddress within = first;
      size_t at = 0;
      while (at < 16 && first.bytes[at] == last.bytes[at]) ++at;
      for (size_t rest = at + 1; rest < first.address_bytes().size(); ++rest) {
        within.bytes[rest] = static_cast<uint8_t>(random() | 1);
      }
      if (at == 16 || within.bytes < first.bytes || within.bytes > last.bytes) continue;
      // Identifiers of ISATAP do not come up by chance.
      EXPECT_EQ(name_of(range_of(within)), pieces[i].name) << text_of(within);
    }
  }
}

TEST(SpecialRangesTest, EachBeginsAndEndsWhereItShould) {
  expect_pieces(kIpv4);
  expect_pieces(kIpv6);
}

TEST(SpecialRangesTest, EachRangeIsTestedAndHasANameOfItsOwn) {
  std::set<std::string_view> tested{"isatap"};
  for (const Piece& piece : kIpv4) tested.insert(piece.name);
  for (const Piece& piece : kIpv6) tested.insert(piece.name);
  std::set<std::string_view> names;
#define POSTERN_RANGE(enumerator, name, relaying)   \
  EXPECT_TRUE(names.insert(name).second) << (name); \
  EXPECT_EQ(name_of(Range::enumerator), (name));    \
  EXPECT_EQ(relaying_of(Range::enumerator), Relaying::relaying);
#define POSTERN_IPV4_BLOCK(range, a, b, c, d, bits, reference)
#define POSTERN_IPV6_BLOCK(range, upper, lower, bits, reference)
#include "server/special_ranges.def"
#undef POSTERN_RANGE
#undef POSTERN_IPV4_BLOCK
#undef POSTERN_IPV6_BLOCK
  EXPECT_EQ(names, tested);
  for (const std::string_view name : names) {
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-"), name.npos) << name;
  }
  EXPECT_EQ(name_of(static_cast<Range>(255)), "");
  EXPECT_EQ(relaying_of(static_cast<Range>(255)), Relaying::Never);
}

// An RFC, or whose network lays something else over a public address.
bool names_source(Range range, std::string_view reference) {
  return reference.starts_with(range == Range::CloudPlatform ? "Microsoft: " : "RFC ");
}

// No block has bits set after its prefix, or it would hold nothing, and each holds its first
// address unless one that is more specific does.
TEST(SpecialRangesTest, BlocksAreWellFormed) {
#define POSTERN_RANGE(enumerator, name, relaying)
#define POSTERN_IPV4_BLOCK(range, a, b, c, d, bits, reference)                                     \
  EXPECT_EQ((uint64_t{a} << 24 | (b) << 16 | (c) << 8 | (d)) % (uint64_t{1} << (32 - (bits))), 0U) \
      << (reference);                                                                              \
  EXPECT_TRUE(names_source(Range::range, reference)) << (reference);
#define POSTERN_IPV6_BLOCK(range, upper, lower, bits, reference)             \
  EXPECT_EQ((bits) < 64 ? uint64_t{upper} << (bits) : 0, 0U) << (reference); \
  EXPECT_EQ((bits) < 64    ? uint64_t{lower}                                 \
            : (bits) < 128 ? uint64_t{lower} << ((bits)&63)                  \
                           : 0,                                              \
            0U)                                                              \
      << (reference);                                                        \
  EXPECT_EQ(std::string_view(reference).substr(0, 4), "RFC ");
#include "server/special_ranges.def"
#undef POSTERN_RANGE
#undef POSTERN_IPV4_BLOCK
#undef POSTERN_IPV6_BLOCK
}

TEST(SpecialRangesTest, PlacesThatServersWereBrokenBy) {
  const auto name = [](std::string_view text) { return name_of(range_of(address(text))); };
  EXPECT_EQ(name("169.254.169.254"), "link-local");  // metadata of many clouds
  EXPECT_EQ(name("168.63.129.16"), "cloud-platform");
  EXPECT_EQ(name("100.100.100.200"), "shared-address-space");
  EXPECT_EQ(name("192.0.0.192"), "ietf-protocol-assignments");
  EXPECT_EQ(name("fd00:ec2::254"), "unique-local");
  EXPECT_EQ(name("0.0.0.0"), "this-network");
  EXPECT_EQ(name("8.8.8.8"), "global");
  EXPECT_EQ(name("2001:4860:4860::8888"), "global");
  EXPECT_EQ(range_of(TransportAddress()), Range::Unassigned);
}

TEST(SpecialRangesTest, PortsDoNotMatter) {
  EXPECT_EQ(range_of(address("127.0.0.1", 0)), range_of(address("127.0.0.1", 65535)));
}

TEST(SpecialRangesTest, IsatapIsKnownByTheIdentifier) {
  const auto name = [](std::string_view text) { return name_of(range_of(address(text))); };
  EXPECT_EQ(name("2a00:1:2:3:0:5efe:203.0.113.1"), "isatap");
  EXPECT_EQ(name("2a00:1:2:3:200:5efe:203.0.113.1"), "isatap");
  EXPECT_EQ(name("2a00:1:2:3:100:5efe:203.0.113.1"), "isatap");
  EXPECT_EQ(name("2a00:1:2:3:300:5efe:203.0.113.1"), "isatap");
  EXPECT_EQ(name("2a00:1:2:3:400:5efe:203.0.113.1"), "global");
  EXPECT_EQ(name("2a00:1:2:3:1:5efe:203.0.113.1"), "global");
  EXPECT_EQ(name("2a00:1:2:3:0:5eff:203.0.113.1"), "global");
  EXPECT_EQ(name("2a00:1:2:3:0:5dfe:203.0.113.1"), "global");
  // Narrower than what the prefix says already.
  EXPECT_EQ(name("fe80::5efe:203.0.113.1"), "link-local");
  EXPECT_EQ(name("fd00::200:5efe:203.0.113.1"), "unique-local");
}

// --- IPv4 addresses inside.

std::vector<std::string> inside(std::string_view text,
                                std::initializer_list<const char*> nat64 = {}) {
  std::vector<Prefix> prefixes;
  for (const char* prefix : nat64) prefixes.push_back(parse_prefix(prefix).value_or({}));
  std::vector<std::string> found;
  for (const TransportAddress& ipv4 : embedded_ipv4(address(text, 3478), prefixes)) {
    EXPECT_EQ(ipv4.family, Family::IPv4);
    EXPECT_EQ(ipv4.port, 3478);
    EXPECT_TRUE(
        std::all_of(ipv4.bytes.begin() + 4, ipv4.bytes.end(), [](auto b) { return b == 0; }));
    found.push_back(text_of(ipv4));
  }
  return found;
}

using Found = std::vector<std::string>;

TEST(EmbeddedIpv4Test, TheLast32Bits) {
  EXPECT_EQ(inside("::ffff:203.0.113.77"), Found{"203.0.113.77"});
  EXPECT_EQ(inside("::203.0.113.77"), Found{"203.0.113.77"});
  EXPECT_EQ(inside("::ffff:0:203.0.113.77"), Found{"203.0.113.77"});
  EXPECT_EQ(inside("64:ff9b::203.0.113.77"), Found{"203.0.113.77"});
  EXPECT_EQ(inside("::ffff:0.0.0.0"), Found{"0.0.0.0"});
  EXPECT_EQ(inside("::0.0.0.2"), Found{"0.0.0.2"});
}

TEST(EmbeddedIpv4Test, AddressesOfTheirOwn) {
  for (const char* text : {"::", "::1", "2001:db8::203.0.113.77", "64:ff9b:1::203.0.113.77",
                           "fe80::203.0.113.77", "1::ffff:203.0.113.77", "2003:cb00:714d::",
                           "2001:1:cb00:714d::", "ff0e::1", "10.0.0.1", "203.0.113.77"}) {
    EXPECT_EQ(inside(text), Found{}) << text;
  }
  EXPECT_EQ(embedded_ipv4(TransportAddress()).size(), 0U);
}

TEST(EmbeddedIpv4Test, SixToFour) {
  EXPECT_EQ(inside("2002:cb00:714d::1"), Found{"203.0.113.77"});
  EXPECT_EQ(inside("2002:7f00:1:ffff:ffff:ffff:ffff:ffff"), Found{"127.0.0.1"});
}

// The example of RFC 4380: server 65.54.227.120, client 192.0.2.45.
TEST(EmbeddedIpv4Test, TeredoHasServerAndClient) {
  EXPECT_EQ(inside("2001:0:4136:e378:8000:63bf:3fff:fdd2"), (Found{"65.54.227.120", "192.0.2.45"}));
}

TEST(EmbeddedIpv4Test, IsatapUnderAnyPrefix) {
  EXPECT_EQ(inside("2a00:1:2:3:0:5efe:10.0.0.1"), Found{"10.0.0.1"});
  EXPECT_EQ(inside("2a00:1:2:3:200:5efe:10.0.0.1"), Found{"10.0.0.1"});
  EXPECT_EQ(inside("fe80::5efe:10.0.0.1"), Found{"10.0.0.1"});
  EXPECT_EQ(inside("2002:cb00:714d:1:0:5efe:10.0.0.1"), (Found{"203.0.113.77", "10.0.0.1"}));
  // The flags and the port of a Teredo address can look like one.
  EXPECT_EQ(inside("2001:0:cb00:714d:0:5efe:10.0.0.1"),
            (Found{"203.0.113.77", "245.255.255.254", "10.0.0.1"}));
}

// The examples of RFC 6052 section 2.4.
TEST(EmbeddedIpv4Test, Nat64OfEveryLength) {
  EXPECT_EQ(inside("2001:db8:c000:221::", {"2001:db8::/32"}), Found{"192.0.2.33"});
  EXPECT_EQ(inside("2001:db8:1c0:2:21::", {"2001:db8:100::/40"}), Found{"192.0.2.33"});
  EXPECT_EQ(inside("2001:db8:122:c000:2:2100::", {"2001:db8:122::/48"}), Found{"192.0.2.33"});
  EXPECT_EQ(inside("2001:db8:122:3c0:0:221::", {"2001:db8:122:300::/56"}), Found{"192.0.2.33"});
  EXPECT_EQ(inside("2001:db8:122:344:c0:2:2100::", {"2001:db8:122:344::/64"}), Found{"192.0.2.33"});
  EXPECT_EQ(inside("2001:db8:122:344::192.0.2.33", {"2001:db8:122:344::/96"}), Found{"192.0.2.33"});
  EXPECT_EQ(inside("64:ff9b:1:fffe::192.0.2.33", {"64:ff9b:1:fffe::/96"}), Found{"192.0.2.33"});
}

TEST(EmbeddedIpv4Test, Nat64IgnoresWhatIsToBeZero) {
  EXPECT_EQ(inside("2001:db8:122:c000:ff02:21ff:ffff:ffff", {"2001:db8:122::/48"}),
            Found{"192.0.2.33"});
}

TEST(EmbeddedIpv4Test, EveryTranslatorThatMayBeMeant) {
  EXPECT_EQ(inside("2001:db8:c000:221:c0:2:2100:0",
                   {"2001:db8::/32", "2001:db8:c000::/48", "2a00::/32", "2001:db8:c000:221::/64"}),
            (Found{"192.0.2.33", "2.33.192.0", "192.0.2.33"}));
  EXPECT_EQ(inside("2001:db9::1", {"2001:db8::/32"}), Found{});
  // What looks like ISATAP as well.
  EXPECT_EQ(
      inside("2001:1::5efe:10.0.0.1", {"2001:1::/32", "2001:1::/40", "2001:1::/48", "2001:1::/64"})
          .size(),
      5U);
}

TEST(EmbeddedIpv4Test, PrefixesOfTranslators) {
  const auto is_one = [](std::string_view text) {
    return is_nat64_prefix(parse_prefix(text).value_or({}));
  };
  std::set<int> lengths;
  for (int bits = 0; bits <= 128; ++bits) {
    if (is_nat64_prefix({.base = address("2a00::"), .bits = static_cast<uint8_t>(bits)})) {
      lengths.insert(bits);
    }
  }
  EXPECT_EQ(lengths, (std::set<int>{32, 40, 48, 56, 64, 96}));
  EXPECT_TRUE(is_one("64:ff9b::/96"));
  EXPECT_TRUE(is_one("64:ff9b:1::/48"));
  EXPECT_TRUE(is_one("fd00:64::/96"));
  EXPECT_FALSE(is_one("10.0.0.0/32"));
  // Not a way around what is never relayed to.
  EXPECT_FALSE(is_one("::ffff:0:0/96"));
  EXPECT_FALSE(is_one("::/96"));
  EXPECT_FALSE(is_one("2001::/32"));
  EXPECT_FALSE(is_one("2002:a00::/32"));
}

}  // namespace
}  // namespace postern::server
