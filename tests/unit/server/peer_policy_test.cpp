#include "server/peer_policy.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/names.h"

namespace postern::server {
namespace {

using Reason = Verdict::Reason;
using Texts = std::initializer_list<const char*>;

TransportAddress peer(std::string_view text, uint16_t port = 9) {
  const auto parsed = parse_address(text, port);
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or({});
}

std::vector<Prefix> prefixes(Texts texts) {
  std::vector<Prefix> all;
  for (const char* text : texts) {
    const auto parsed = parse_prefix(text);
    EXPECT_TRUE(parsed) << text;
    all.push_back(parsed.value_or({}));
  }
  return all;
}

struct Rules {
  Texts allowed{};
  Texts denied{};
  Texts nat64{};
  bool only_allowed = false;
};

PeerPolicy policy(const Rules& rules = {}) {
  return PeerPolicy({.allowed = prefixes(rules.allowed),
                     .only_allowed = rules.only_allowed,
                     .denied = prefixes(rules.denied),
                     .nat64 = prefixes(rules.nat64)});
}

std::string_view judged(const PeerPolicy& policy, std::string_view text) {
  const Verdict verdict = policy.judge(peer(text));
  EXPECT_EQ(verdict.is_allowed(), name_of(verdict) == "allowed");
  return name_of(verdict);
}

std::string hex_groups(const TransportAddress& ipv4, unsigned flip = 0) {
  std::array<char, 10> text;
  const auto group = [&](size_t at) {
    return static_cast<unsigned>(ipv4.bytes[at] << 8 | ipv4.bytes[at + 1]) ^ flip;
  };
  const int size = std::snprintf(text.data(), text.size(), "%x:%x", group(0), group(2));
  return {text.data(), static_cast<size_t>(size)};
}

// Every form of IPv6 address that leads to `ipv4`, or to it and a harmless one.
std::vector<std::string> forms_of(const std::string& ipv4) {
  const TransportAddress address = peer(ipv4);
  return {
      "::ffff:" + ipv4,
      "::" + ipv4,
      "::ffff:0:" + ipv4,
      "64:ff9b::" + ipv4,
      "64:ff9b:1::" + ipv4,
      "2002:" + hex_groups(address) + "::1",
      "2001:0:" + hex_groups(address) + ":0:63bf:" + hex_groups(peer("8.8.8.8"), 0xFFFF),
      "2001:0:808:808:0:63bf:" + hex_groups(address, 0xFFFF),
      "2a00:1:2:3:0:5efe:" + ipv4,
      "2a00:1:2:3:200:5efe:" + ipv4,
      // Nested: ISATAP under 6to4, under Teredo, and under a translator's prefix.
      "2002:808:808:1:0:5efe:" + ipv4,
      "2002:" + hex_groups(address) + ":1:0:5efe:8.8.8.8",
      "2001:0:808:808:0:5efe:" + ipv4,
      "fe80::5efe:" + ipv4,
      "64:ff9b:1:1:0:5efe:" + ipv4,
  };
}

// One address of every IPv4 range that is not Global.
constexpr const char* kSpecialIpv4[] = {
    "0.0.0.0",      "0.0.0.2",         "10.0.0.1",        "100.64.0.1",  "127.0.0.1",
    "169.254.1.1",  "172.16.0.1",      "169.254.169.254", "192.0.0.1",   "192.0.2.1",
    "192.31.196.1", "192.52.193.1",    "192.88.99.1",     "192.168.0.1", "192.175.48.1",
    "198.18.0.1",   "198.51.100.1",    "203.0.113.1",     "224.0.0.1",   "239.255.255.250",
    "240.0.0.1",    "255.255.255.255", "168.63.129.16"};

constexpr const char* kSpecialIpv6[] = {
    "::",         "::1",        "64:ff9b:1::1", "100::1",          "100:0:0:1::1",
    "2001:1::1",  "2001:2::1",  "2001:3::1",    "2001:4:112::1",   "2001:10::1",
    "2001:20::1", "2001:30::1", "2001:db8::1",  "2620:4f:8000::1", "3fff::1",
    "4000::1",    "5f00::1",    "fc00::1",      "fd00:ec2::254",   "fe80::1",
    "fec0::1",    "ff02::1",    "ff0e::1"};

TEST(PeerPolicyTest, RelaysToThePublicInternet) {
  const PeerPolicy by_default;
  for (const char* text : {"1.1.1.1", "8.8.8.8", "100.63.255.255", "126.255.255.255", "128.0.0.1",
                           "172.32.0.1", "192.0.1.1", "223.255.255.255", "2001:4860:4860::8888",
                           "2606:4700:4700::1111", "2a00:1450::1", "64:ff9b::8.8.8.8"}) {
    EXPECT_EQ(judged(by_default, text), "allowed") << text;
    EXPECT_TRUE(by_default.judge_host(peer(text, 0)).is_allowed()) << text;
  }
}

TEST(PeerPolicyTest, RefusesEverySpecialRange) {
  const PeerPolicy by_default;
  for (const char* text : kSpecialIpv4) {
    const Verdict verdict = by_default.judge(peer(text));
    EXPECT_EQ(verdict.reason, Reason::Special) << text;
    EXPECT_EQ(verdict.range, range_of(peer(text))) << text;
    EXPECT_FALSE(verdict.is_embedded);
  }
  for (const char* text : kSpecialIpv6) {
    const Verdict verdict = by_default.judge(peer(text));
    EXPECT_EQ(verdict.reason, Reason::Special) << text;
    EXPECT_EQ(verdict.range, range_of(peer(text))) << text;
  }
}

TEST(PeerPolicyTest, RefusesEveryFormOfEverySpecialAddress) {
  const PeerPolicy by_default;
  // Opening the outer form does not open what is inside.
  const PeerPolicy open_ipv6 = policy({.allowed = {"::/0"}});
  for (const char* special : kSpecialIpv4) {
    for (const std::string& form : forms_of(special)) {
      EXPECT_FALSE(by_default.judge(peer(form)).is_allowed()) << form;
      EXPECT_FALSE(by_default.judge_host(peer(form, 0)).is_allowed()) << form;
      EXPECT_FALSE(open_ipv6.judge(peer(form)).is_allowed()) << form;
    }
  }
}

TEST(PeerPolicyTest, SaysThatItIsTheAddressInside) {
  const Verdict verdict = PeerPolicy().judge(peer("64:ff9b::127.0.0.1"));
  EXPECT_EQ(verdict.reason, Reason::Special);
  EXPECT_EQ(verdict.range, Range::Loopback);
  EXPECT_TRUE(verdict.is_embedded);
  const Verdict denied =
      policy({.denied = {"1.0.0.0/8", "8.8.8.0/24"}}).judge(peer("64:ff9b::8.8.8.8"));
  EXPECT_EQ(denied.reason, Reason::Denied);
  EXPECT_EQ(denied.rule, 1U);
  EXPECT_TRUE(denied.is_embedded);
  EXPECT_EQ(name_of(denied), "denied");
}

TEST(PeerPolicyTest, FormsThatAreNeverOnTheWire) {
  const PeerPolicy open = policy({.allowed = {"0.0.0.0/0", "::/0", "::ffff:0:0/96", "2002::/16"}});
  EXPECT_EQ(judged(open, "::ffff:8.8.8.8"), "ipv4-mapped");
  EXPECT_EQ(judged(open, "::8.8.8.8"), "ipv4-compatible");
  EXPECT_EQ(judged(open, "2002:808:808::1"), "6to4");
  EXPECT_EQ(judged(open, "2001:0:808:808:0:63bf:f7f7:f7f7"), "teredo");
  EXPECT_EQ(judged(open, "64:ff9b:1::8.8.8.8"), "local-nat64");
  EXPECT_EQ(judged(open, "::"), "unspecified");
  EXPECT_EQ(judged(open, "0.0.0.0"), "this-network");
  EXPECT_EQ(judged(open, "0.1.2.3"), "this-network");
}

TEST(PeerPolicyTest, EverythingElseCanBeOpened) {
  const PeerPolicy open = policy({.allowed = {"0.0.0.0/0", "::/0"}});
  for (const Texts texts :
       {Texts{"10.0.0.1", "127.0.0.1", "224.0.0.1", "255.255.255.255"},
        Texts{"::1", "fd00::1", "fe80::1", "ff02::1", "2001:db8::1", "4000::1"}}) {
    for (const char* text : texts) EXPECT_EQ(judged(open, text), "allowed") << text;
  }
}

TEST(PeerPolicyTest, OpensWhatItIsTold) {
  const PeerPolicy office = policy({.allowed = {"10.1.0.0/16", "fd00:1::/32"}});
  EXPECT_EQ(judged(office, "10.1.2.3"), "allowed");
  EXPECT_EQ(judged(office, "10.2.0.1"), "private");
  EXPECT_EQ(judged(office, "fd00:1::7"), "allowed");
  EXPECT_EQ(judged(office, "fd00:2::7"), "unique-local");
  EXPECT_EQ(judged(office, "8.8.8.8"), "allowed");
  // By IPv4 only.
  for (const std::string& form : forms_of("10.1.2.3")) {
    EXPECT_FALSE(office.judge(peer(form)).is_allowed()) << form;
  }
}

TEST(PeerPolicyTest, DenialsWin) {
  const PeerPolicy rules =
      policy({.allowed = {"10.0.0.0/8", "8.8.8.8"}, .denied = {"10.0.0.53", "8.8.0.0/16"}});
  EXPECT_EQ(judged(rules, "10.0.0.52"), "allowed");
  EXPECT_EQ(judged(rules, "10.0.0.53"), "denied");
  EXPECT_EQ(judged(rules, "8.8.8.8"), "denied");
  EXPECT_EQ(judged(rules, "8.9.8.8"), "allowed");
  EXPECT_EQ(judged(rules, "64:ff9b::8.8.8.8"), "denied");
  EXPECT_EQ(judged(rules, "64:ff9b::8.9.8.8"), "allowed");
  const PeerPolicy by_outer = policy({.denied = {"64:ff9b::/96"}});
  EXPECT_EQ(judged(by_outer, "64:ff9b::8.9.8.8"), "denied");
  EXPECT_FALSE(by_outer.judge(peer("64:ff9b::8.9.8.8")).is_embedded);
  const PeerPolicy nothing = policy({.denied = {"0.0.0.0/0", "::/0"}});
  EXPECT_EQ(judged(nothing, "8.8.8.8"), "denied");
  EXPECT_EQ(judged(nothing, "2a00::1"), "denied");
}

TEST(PeerPolicyTest, ADeniedAddressIsDeniedInEveryForm) {
  const PeerPolicy rules = policy({.allowed = {"::/0", "0.0.0.0/0"},
                                   .denied = {"9.9.9.9"},
                                   .nat64 = {"64:ff9b:1::/96", "2a00:64::/32"}});
  for (const std::string& form : forms_of("9.9.9.9")) {
    EXPECT_FALSE(rules.judge(peer(form)).is_allowed()) << form;
  }
  EXPECT_EQ(judged(rules, "2a00:64:909:909::"), "denied");
}

// RFC 6052 section 3.1: this prefix leads to no address that is not Global, and what is opened is
// opened here, not where the translator stands.
TEST(PeerPolicyTest, TheWellKnownPrefixLeadsToGlobalAddressesOnly) {
  const PeerPolicy rules = policy({.allowed = {"10.0.0.0/8", "::/0"}, .nat64 = {"64:ff9b::/96"}});
  EXPECT_EQ(judged(rules, "64:ff9b::10.0.0.1"), "private");
  EXPECT_EQ(judged(rules, "64:ff9b::8.8.8.8"), "allowed");
}

TEST(PeerPolicyTest, TranslatorsOfTheNetwork) {
  const PeerPolicy rules =
      policy({.allowed = {"10.0.0.0/8"}, .nat64 = {"64:ff9b:1::/96", "fd64::/96"}});
  EXPECT_EQ(judged(rules, "64:ff9b:1::8.8.8.8"), "allowed");
  EXPECT_EQ(judged(rules, "64:ff9b:1::10.0.0.1"), "allowed");
  EXPECT_EQ(judged(rules, "64:ff9b:1::192.168.0.1"), "private");
  EXPECT_EQ(judged(rules, "64:ff9b:1::127.0.0.1"), "loopback");
  EXPECT_EQ(judged(rules, "64:ff9b:1:1::8.8.8.8"), "local-nat64");
  EXPECT_EQ(judged(rules, "fd64::8.8.8.8"), "allowed");
  EXPECT_EQ(judged(rules, "fd64::127.0.0.1"), "loopback");
  EXPECT_EQ(judged(rules, "fd65::8.8.8.8"), "unique-local");
  // A prefix of public addresses is looked into as well.
  const PeerPolicy global = policy({.nat64 = {"2a00:64::/32"}});
  EXPECT_EQ(judged(global, "2a00:64:808:808::"), "allowed");
  EXPECT_EQ(judged(global, "2a00:64:a00:1::"), "private");
  EXPECT_EQ(judged(global, "2a00:64:7f00:1:ff:ffff:ffff:ffff"), "loopback");
}

// RFC 8656 section 21.4 recommends against tunnels; who opens one has the inner address judged,
// too.
TEST(PeerPolicyTest, TunnelsAndTranslatedAddressesAreOpenedTwice) {
  EXPECT_EQ(judged(PeerPolicy(), "2a00:1:2:3:0:5efe:8.8.8.8"), "isatap");
  EXPECT_EQ(judged(PeerPolicy(), "::ffff:0:8.8.8.8"), "ipv4-translated");
  const PeerPolicy outer = policy({.allowed = {"2a00:1:2:3::/64", "::ffff:0:0:0/96"}});
  EXPECT_EQ(judged(outer, "2a00:1:2:3:0:5efe:8.8.8.8"), "allowed");
  EXPECT_EQ(judged(outer, "2a00:1:2:3:0:5efe:10.0.0.1"), "private");
  EXPECT_EQ(judged(outer, "::ffff:0:8.8.8.8"), "allowed");
  EXPECT_EQ(judged(outer, "::ffff:0:10.0.0.1"), "private");
  const PeerPolicy both = policy({.allowed = {"2a00:1:2:3::/64", "10.0.0.0/8"}});
  EXPECT_EQ(judged(both, "2a00:1:2:3:0:5efe:10.0.0.1"), "allowed");
  const PeerPolicy site = policy({.allowed = {"fd00::/8"}});
  EXPECT_EQ(judged(site, "fd00::5efe:10.0.0.1"), "private");
  EXPECT_EQ(judged(site, "fd00::5eff:10.0.0.1"), "allowed");
}

TEST(PeerPolicyTest, OnlyWhatIsListed) {
  const PeerPolicy media =
      policy({.allowed = {"10.1.0.0/16", "9.9.9.0/24", "2a00:1::/32"}, .only_allowed = true});
  EXPECT_EQ(judged(media, "10.1.2.3"), "allowed");
  EXPECT_EQ(judged(media, "9.9.9.9"), "allowed");
  EXPECT_EQ(judged(media, "2a00:1::7"), "allowed");
  EXPECT_EQ(judged(media, "8.8.8.8"), "unlisted");
  EXPECT_EQ(judged(media, "2a00:2::7"), "unlisted");
  EXPECT_EQ(judged(media, "10.2.0.1"), "private");
  EXPECT_EQ(judged(media, "127.0.0.1"), "loopback");
  for (const std::string& form : forms_of("8.8.8.8")) {
    EXPECT_FALSE(media.judge(peer(form)).is_allowed()) << form;
  }
  EXPECT_EQ(media.judge_host(peer("8.8.8.8", 0)).reason, Reason::Unlisted);
  // A list does not open what cannot be opened, and denials win.
  const PeerPolicy all =
      policy({.allowed = {"0.0.0.0/0", "::/0"}, .denied = {"10.0.0.53"}, .only_allowed = true});
  EXPECT_EQ(judged(all, "8.8.8.8"), "allowed");
  EXPECT_EQ(judged(all, "10.0.0.53"), "denied");
  EXPECT_EQ(judged(all, "0.1.2.3"), "this-network");
  EXPECT_EQ(judged(all, "2002:808:808::1"), "6to4");
  // No list, no peers.
  EXPECT_EQ(judged(policy({.only_allowed = true}), "8.8.8.8"), "unlisted");
}

TEST(PeerPolicyTest, OnlyWhatIsListedInEachForm) {
  const PeerPolicy outer = policy({.allowed = {"64:ff9b::/96", "2a00:1:2:3::/64"},
                                   .nat64 = {"fd64::/96"},
                                   .only_allowed = true});
  EXPECT_EQ(judged(outer, "64:ff9b::9.9.9.9"), "unlisted");
  EXPECT_EQ(judged(outer, "2a00:1:2:3:0:5efe:9.9.9.9"), "unlisted");
  EXPECT_EQ(judged(outer, "fd64::9.9.9.9"), "unlisted");
  EXPECT_TRUE(outer.judge(peer("64:ff9b::9.9.9.9")).is_embedded);
  const PeerPolicy both = policy({.allowed = {"64:ff9b::/96", "2a00:1:2:3::/64", "9.9.9.0/24"},
                                  .nat64 = {"fd64::/96"},
                                  .only_allowed = true});
  EXPECT_EQ(judged(both, "64:ff9b::9.9.9.9"), "allowed");
  EXPECT_EQ(judged(both, "2a00:1:2:3:0:5efe:9.9.9.9"), "allowed");
  EXPECT_EQ(judged(both, "fd64::9.9.9.9"), "allowed") << "the translator is ours";
  const PeerPolicy inner = policy({.allowed = {"9.9.9.0/24"}, .only_allowed = true});
  EXPECT_EQ(judged(inner, "64:ff9b::9.9.9.9"), "unlisted");
}

// Where virtual machines find the secrets of their account.
TEST(PeerPolicyTest, PlatformsOfClouds) {
  const PeerPolicy by_default;
  EXPECT_EQ(judged(by_default, "168.63.129.16"), "cloud-platform");
  EXPECT_EQ(judged(by_default, "168.63.129.15"), "allowed");
  EXPECT_EQ(judged(by_default, "169.254.169.254"), "link-local");
  EXPECT_EQ(judged(by_default, "169.254.170.2"), "link-local");
  EXPECT_EQ(judged(by_default, "100.100.100.200"), "shared-address-space");
  EXPECT_EQ(judged(by_default, "192.0.0.192"), "ietf-protocol-assignments");
  EXPECT_EQ(judged(by_default, "fd00:ec2::254"), "unique-local");
  EXPECT_EQ(judged(by_default, "fd20:ce::254"), "unique-local");
  EXPECT_EQ(judged(policy({.allowed = {"168.63.129.16"}}), "168.63.129.16"), "allowed");
}

TEST(PeerPolicyTest, PortZeroIsNoPeer) {
  const PeerPolicy by_default;
  EXPECT_EQ(by_default.judge(peer("8.8.8.8", 0)).reason, Reason::PortZero);
  EXPECT_EQ(name_of(by_default.judge(peer("8.8.8.8", 0))), "port-zero");
  EXPECT_TRUE(by_default.judge(peer("8.8.8.8", 65535)).is_allowed());
  // A permission is for all ports.
  EXPECT_TRUE(by_default.judge_host(peer("8.8.8.8", 0)).is_allowed());
  EXPECT_FALSE(by_default.judge_host(peer("127.0.0.1", 0)).is_allowed());
}

TEST(PeerPolicyTest, NoAddressIsNoPeer) {
  TransportAddress none;
  none.port = 9;
  EXPECT_FALSE(PeerPolicy().judge(none).is_allowed());
  EXPECT_FALSE(policy({.allowed = {"0.0.0.0/0", "::/0"}}).judge(none).is_allowed());
}

}  // namespace
}  // namespace postern::server
