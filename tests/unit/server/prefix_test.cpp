#include "server/prefix.h"

#include <gtest/gtest.h>

#include "support/names.h"

namespace postern::server {
namespace {

TransportAddress address(std::string_view text) {
  const auto parsed = parse_address(text, 1);
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or({});
}

Prefix prefix(std::string_view text) {
  const auto parsed = parse_prefix(text);
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or({});
}

TEST(PrefixTest, ParsesBothFamilies) {
  EXPECT_EQ(prefix("10.0.0.0/8"),
            (Prefix{.base = TransportAddress::ipv4(10, 0, 0, 0, 0), .bits = 8}));
  EXPECT_EQ(prefix("192.0.2.1").bits, 32);
  EXPECT_EQ(prefix("192.0.2.1/32"), prefix("192.0.2.1"));
  EXPECT_EQ(prefix("0.0.0.0/0").bits, 0);
  EXPECT_EQ(prefix("2001:db8::/32").bits, 32);
  EXPECT_EQ(prefix("2001:db8::/32").base.family, Family::IPv6);
  EXPECT_EQ(prefix("::1").bits, 128);
  EXPECT_EQ(prefix("::ffff:10.0.0.0/104").bits, 104);
  EXPECT_EQ(prefix("::/0").base.family, Family::IPv6);
}

TEST(PrefixTest, RefusesEverythingElse) {
  for (const char* text : {"",
                           "/",
                           "/8",
                           "10.0.0.0/",
                           "10.0.0.0/33",
                           "10.0.0.0/08",
                           "10.0.0.0/+8",
                           "10.0.0.0/-1",
                           "10.0.0.0/ 8",
                           "10.0.0.0/8 ",
                           " 10.0.0.0/8",
                           "10.0.0.0/8/8",
                           "10.0.0.0/a",
                           "10.0.0.0/1a",
                           "10.0.0.0/4294967304",
                           "10.0.0/8",
                           "10/8",
                           "2001:db8::/129",
                           "2001:db8::/999",
                           "[2001:db8::]/32",
                           "fe80::1%eth0/64",
                           "example.com/8",
                           "2001:db8::/0x20"}) {
    EXPECT_EQ(parse_prefix(text).error(), Errc::AttributeValue) << text;
  }
}

// For each length: the address with only the last bit of the prefix set, and one bit further.
TEST(PrefixTest, RefusesBitsAfterThePrefix) {
  for (const auto& [family, most] : {std::pair{Family::IPv4, 32}, std::pair{Family::IPv6, 128}}) {
    for (int bits = 1; bits <= most; ++bits) {
      for (const int length : {bits - 1, bits}) {
        TransportAddress base{.family = family};
        const auto last = static_cast<size_t>(bits - 1);
        base.bytes[last / 8] = static_cast<uint8_t>(0x80 >> last % 8);
        std::array<char, kMaxAddressText> text;
        const size_t size = format_address(base, text);
        const std::string written = std::string(text.data(), size) + "/" + std::to_string(length);
        EXPECT_EQ(parse_prefix(written).has_value(), length == bits) << written;
      }
    }
  }
  EXPECT_FALSE(parse_prefix("10.0.0.1/8"));
  EXPECT_FALSE(parse_prefix("2001:db8::1/64"));
}

TEST(PrefixTest, ContainsItsFirstAndLastAddress) {
  const Prefix private_12 = prefix("172.16.0.0/12");
  EXPECT_FALSE(private_12.contains(address("172.15.255.255")));
  EXPECT_TRUE(private_12.contains(address("172.16.0.0")));
  EXPECT_TRUE(private_12.contains(address("172.31.255.255")));
  EXPECT_FALSE(private_12.contains(address("172.32.0.0")));
  const Prefix documentation = prefix("3fff::/20");
  EXPECT_FALSE(documentation.contains(address("3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff")));
  EXPECT_TRUE(documentation.contains(address("3fff::")));
  EXPECT_TRUE(documentation.contains(address("3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff")));
  EXPECT_FALSE(documentation.contains(address("3fff:1000::")));
  EXPECT_TRUE(prefix("::1").contains(address("::1")));
  EXPECT_FALSE(prefix("::1").contains(address("::")));
}

TEST(PrefixTest, FlippingABitLeavesItOnlyWithinTheLength) {
  for (const char* text : {"203.0.113.77", "2001:db8:1234:5678:9abc:def0:1234:5678"}) {
    const TransportAddress whole = address(text);
    const size_t most = whole.address_bytes().size() * 8;
    for (size_t bits = 0; bits <= most; ++bits) {
      Prefix around{.base = whole, .bits = static_cast<uint8_t>(bits)};
      for (size_t bit = 0; bit < most; ++bit) {
        TransportAddress other = whole;
        other.bytes[bit / 8] = static_cast<uint8_t>(other.bytes[bit / 8] ^ (0x80 >> bit % 8));
        EXPECT_EQ(around.contains(other), bit >= bits) << text << "/" << bits << " bit " << bit;
      }
    }
  }
}

TEST(PrefixTest, KeepsFamiliesApart) {
  EXPECT_TRUE(prefix("0.0.0.0/0").contains(address("203.0.113.1")));
  EXPECT_FALSE(prefix("0.0.0.0/0").contains(address("::")));
  EXPECT_FALSE(prefix("::/0").contains(address("0.0.0.0")));
  EXPECT_FALSE(prefix("10.0.0.0/8").contains(address("::ffff:10.0.0.1")));
  EXPECT_FALSE(Prefix().contains(TransportAddress()));
  EXPECT_FALSE(prefix("::/0").contains(TransportAddress()));
}

TEST(PrefixTest, PortsDoNotMatter) {
  TransportAddress peer = address("10.1.2.3");
  for (const uint16_t port : {uint16_t{0}, uint16_t{1}, uint16_t{65535}}) {
    peer.port = port;
    EXPECT_TRUE(prefix("10.0.0.0/8").contains(peer));
  }
}

}  // namespace
}  // namespace postern::server
