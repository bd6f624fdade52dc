#include "base/transport_address.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <utility>

#include "support/bytes.h"
#include "support/names.h"

namespace postern {
namespace {

using testing::hex;

std::string format(const TransportAddress& address) {
  std::array<char, kMaxAddressText> text;
  return {text.data(), format_address(address, text)};
}

std::string reformat(std::string_view text) {
  const auto address = parse_address(text, 0);
  return address ? format(*address) : "refused";
}

TEST(TransportAddressTest, ParsesIpv4) {
  const auto address = parse_address("192.0.2.255", 3478);
  ASSERT_TRUE(address);
  EXPECT_EQ(address->family, Family::IPv4);
  EXPECT_EQ(address->port, 3478);
  EXPECT_EQ(hex(address->address_bytes()), "c00002ff");
  EXPECT_EQ(*address, TransportAddress::ipv4(192, 0, 2, 255, 3478));
}

TEST(TransportAddressTest, ParsesIpv6) {
  const auto address = parse_address("2001:db8:1234:5678:11:2233:4455:6677", 32853);
  ASSERT_TRUE(address);
  EXPECT_EQ(address->family, Family::IPv6);
  EXPECT_EQ(address->port, 32853);
  EXPECT_EQ(hex(address->address_bytes()), "20010db8123456780011223344556677");
}

TEST(TransportAddressTest, HasNoBytesWithoutAFamily) {
  EXPECT_TRUE(TransportAddress().address_bytes().empty());
  EXPECT_EQ(format(TransportAddress()), "");
}

TEST(TransportAddressTest, DiffersByEachPart) {
  const auto address = TransportAddress::ipv4(192, 0, 2, 1, 1);
  EXPECT_EQ(address, TransportAddress::ipv4(192, 0, 2, 1, 1));
  EXPECT_NE(address, TransportAddress::ipv4(192, 0, 2, 1, 2));
  EXPECT_NE(address, TransportAddress::ipv4(192, 0, 2, 2, 1));
  // The same first bytes in the other family.
  std::array<uint8_t, 16> bytes{192, 0, 2, 1};
  EXPECT_NE(address, TransportAddress::ipv6(bytes, 1));
}

TEST(TransportAddressTest, FormsOfRfc4291) {
  // Section 2.2, with what RFC 5952 makes of them.
  EXPECT_EQ(reformat("ABCD:EF01:2345:6789:ABCD:EF01:2345:6789"),
            "abcd:ef01:2345:6789:abcd:ef01:2345:6789");
  EXPECT_EQ(reformat("2001:DB8:0:0:8:800:200C:417A"), "2001:db8::8:800:200c:417a");
  EXPECT_EQ(reformat("FF01:0:0:0:0:0:0:101"), "ff01::101");
  EXPECT_EQ(reformat("0:0:0:0:0:0:0:1"), "::1");
  EXPECT_EQ(reformat("0:0:0:0:0:0:0:0"), "::");
  EXPECT_EQ(reformat("2001:DB8::8:800:200C:417A"), "2001:db8::8:800:200c:417a");
  EXPECT_EQ(reformat("FF01::101"), "ff01::101");
  EXPECT_EQ(reformat("::1"), "::1");
  EXPECT_EQ(reformat("::"), "::");
  EXPECT_EQ(reformat("0:0:0:0:0:0:13.1.68.3"), "::d01:4403");
  EXPECT_EQ(reformat("0:0:0:0:0:FFFF:129.144.52.38"), "::ffff:129.144.52.38");
  EXPECT_EQ(reformat("::13.1.68.3"), "::d01:4403");
  EXPECT_EQ(reformat("::FFFF:129.144.52.38"), "::ffff:129.144.52.38");
  EXPECT_EQ(reformat("64:ff9b::192.0.2.33"), "64:ff9b::c000:221");
  EXPECT_EQ(reformat("1:2:3:4:5:6:1.2.3.4"), "1:2:3:4:5:6:102:304");
}

TEST(TransportAddressTest, FormsOfRfc5952) {
  // Section 4.1: no leading zeros. 4.2.1: as short as can be. 4.2.2: not for one group.
  EXPECT_EQ(reformat("2001:0db8::0001"), "2001:db8::1");
  EXPECT_EQ(reformat("2001:db8:0:0:0:0:2:1"), "2001:db8::2:1");
  EXPECT_EQ(reformat("2001:db8::0:1"), "2001:db8::1");
  EXPECT_EQ(reformat("2001:db8::1:1:1:1:1"), "2001:db8:0:1:1:1:1:1");
  // Section 4.2.3: the longest run; of equal ones the first.
  EXPECT_EQ(reformat("2001:0:0:1:0:0:0:1"), "2001:0:0:1::1");
  EXPECT_EQ(reformat("2001:db8:0:0:1:0:0:1"), "2001:db8::1:0:0:1");
  EXPECT_EQ(reformat("1:0:0:2:3:0:0:0"), "1:0:0:2:3::");
  EXPECT_EQ(reformat("0:0:1:2:3:4:0:0"), "::1:2:3:4:0:0");
  EXPECT_EQ(reformat("0:1:0:1:0:1:0:1"), "0:1:0:1:0:1:0:1");
  EXPECT_EQ(reformat("1:2:3:4:5:6:7::"), "1:2:3:4:5:6:7:0");
  EXPECT_EQ(reformat("::2:3:4:5:6:7:8"), "0:2:3:4:5:6:7:8");
  // Section 4.3: lower case.
  EXPECT_EQ(reformat("2001:DB8::AaAa"), "2001:db8::aaaa");
  // Section 5: dotted only where the prefix says that there is an IPv4 address.
  EXPECT_EQ(reformat("::ffff:0:0"), "::ffff:0.0.0.0");
  EXPECT_EQ(reformat("::fffe:1:2"), "::fffe:1:2");
  EXPECT_EQ(reformat("0:0:0:0:1:ffff:102:304"), "::1:ffff:102:304");
}

TEST(TransportAddressTest, TheLongestTextFits) {
  const std::string longest = "1111:2222:3333:4444:5555:6666:7777:8888";
  EXPECT_EQ(longest.size(), kMaxAddressText);
  EXPECT_EQ(reformat(longest), longest);
}

TEST(TransportAddressTest, RefusesWhatIsNoAddress) {
  for (const std::string_view text : {"",          " ",         ".",
                                      ":",         ":::",       "1",
                                      "1.2.3",     "1.2.3.",    ".1.2.3.4",
                                      "1.2.3.4.",  "1.2.3.4.5", "1..2.3",
                                      "256.0.0.1", "1.2.3.256", "1.2.3.1000",
                                      "01.2.3.4",  "1.2.3.00",  "0x1.2.3.4",
                                      "1.2.3.a",   " 1.2.3.4",  "1.2.3.4 ",
                                      "1.2.3.4:5", "-1.2.3.4",  "+1.2.3.4",
                                      "1,2,3,4",   "1.2.3.4\n", "999999999999.1.1.1"}) {
    EXPECT_EQ(parse_address(text, 0).error(), Errc::AttributeValue) << text;
  }
  for (const std::string_view text : {":1",
                                      "1:",
                                      "1:2:3:4:5:6:7",
                                      "1:2:3:4:5:6:7:",
                                      ":1:2:3:4:5:6:7",
                                      "1:2:3:4:5:6:7:8:",
                                      "1:2:3:4:5:6:7:8:9",
                                      "1:2:3:4:5:6:7:8::",
                                      "::1:2:3:4:5:6:7:8",
                                      "1::2:3:4:5:6:7:8",
                                      "1::2::3",
                                      "::1::",
                                      ":::1",
                                      "1:::2",
                                      "12345::",
                                      "::12345",
                                      "g::",
                                      "::g",
                                      "::1%eth0",
                                      "[::1]",
                                      "::1 ",
                                      " ::1",
                                      "::1/64",
                                      "1:2:3:4:5:6:7:1.2.3.4",
                                      "1.2.3.4::",
                                      "::1.2.3.4:5",
                                      "::1.2.3",
                                      "::1.2.3.",
                                      "::01.2.3.4",
                                      "::256.1.1.1",
                                      "::a.2.3.4",
                                      "1:2:3:4:5:1.2.3.4",
                                      "::.2.3.4",
                                      "::-1"}) {
    EXPECT_EQ(parse_address(text, 0).error(), Errc::AttributeValue) << text;
  }
  EXPECT_FALSE(parse_address(std::string_view("1.2.3.4\0", 8), 0));
  EXPECT_FALSE(parse_address(std::string_view("::1\0", 4), 0));
}

// The characters behind a text, valid ones too, are not its own.
TEST(TransportAddressTest, ReadsNothingBehindTheText) {
  const auto readable_prefixes = [](std::string_view whole) {
    size_t count = 0;
    for (size_t size = 0; size <= whole.size(); ++size) {
      const testing::Exact exact(testing::as_bytes(whole.substr(0, size)));
      const auto* const text = reinterpret_cast<const char*>(exact.view().data());
      if (parse_address({text, size}, 0)) ++count;
    }
    return count;
  };
  EXPECT_EQ(readable_prefixes("255.255.255.255"), 3U);
  EXPECT_EQ(readable_prefixes("1:2:3:4:5:6:7:8"), 1U);
  EXPECT_EQ(readable_prefixes("2001:db8::ffff:192.0.2.255"), 11U);
}

TEST(TransportAddressTest, WhatIsFormattedParsesToTheSame) {
  std::mt19937 random(1);
  for (int i = 0; i < 20'000; ++i) {
    std::array<uint8_t, 16> bytes{};
    // Groups are often zero, so that runs of every length and place occur.
    const auto zeros = random();
    for (size_t group = 0; group < 8; ++group) {
      if ((zeros >> group & 1) != 0) continue;
      const auto value = random() >> (random() % 32);
      bytes[group * 2] = static_cast<uint8_t>(value >> 8);
      bytes[group * 2 + 1] = static_cast<uint8_t>(value);
    }
    const auto port = static_cast<uint16_t>(random());
    for (const auto& address :
         {TransportAddress::ipv6(bytes, port),
          TransportAddress::ipv4(bytes[0], bytes[1], bytes[2], bytes[3], port)}) {
      const std::string text = format(address);
      const auto again = parse_address(text, port);
      ASSERT_TRUE(again) << text;
      ASSERT_EQ(*again, address) << text;
      // RFC 5952 sections 4.2 and 4.3, as far as they can be seen without the algorithm.
      ASSERT_EQ(text.find(":::"), std::string::npos) << text;
      ASSERT_EQ(text.find("::"), text.rfind("::")) << text;
      ASSERT_EQ(text.find_first_of("ABCDEF"), std::string::npos) << text;
      ASSERT_TRUE(text.find("::") != std::string::npos || text.find(":0:0") == std::string::npos)
          << text;
    }
  }
}

}  // namespace
}  // namespace postern
