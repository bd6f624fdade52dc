#include "bindings/cross_value.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "support/attribute_json.h"
#include "support/samples.h"

namespace postern::bindings {
namespace {

using namespace postern::testing;  // NOLINT(google-build-using-namespace)

template <typename Value>
std::array<uint32_t, 4> numbers_of(const Value& value) {
  CrossValue cross;
  to_cross(value, cross);
  return cross.numbers;
}

// Whether a value comes of these numbers.
template <typename Value>
bool accepts(std::array<uint32_t, 4> numbers, std::string_view bytes = {}) {
  Value value{};
  return from_cross({.numbers = numbers, .bytes = as_bytes(bytes)}, value);
}

using Numbers = std::array<uint32_t, 4>;
constexpr uint32_t kMax = std::numeric_limits<uint32_t>::max();

// What crosses comes back, for every kind but addresses, which cross as numbers and come as text.
template <typename Kind>
void expect_round_trip() {
  using Value = typename Kind::Value;
  if constexpr (!std::is_same_v<Value, TransportAddress>) {
    const Value value = sample<Kind>();
    CrossValue cross;
    to_cross(value, cross);
    Value again{};
    ASSERT_TRUE(from_cross(cross, again));
    EXPECT_EQ(value_json<Kind>(again), value_json<Kind>(value));
  }
}

TEST(CrossValueTest, EveryKindRoundTrips) {
#define POSTERN_KIND(name) expect_round_trip<stun::kind::name>();
#include "stun/registry/kinds.def"
#undef POSTERN_KIND
}

TEST(CrossValueTest, WhatJavaScriptSees) {
  EXPECT_EQ(numbers_of(TransportAddress::ipv4(192, 0, 2, 1, 3478)), (Numbers{3478, 4, 0xC0000201}));
  EXPECT_EQ(numbers_of(sample_ipv6())[0], 0xBEEFU);
  EXPECT_EQ(numbers_of(sample_ipv6())[1], 6U);
  EXPECT_EQ(numbers_of(true), Numbers{1});
  EXPECT_EQ(numbers_of(false), Numbers{0});
  EXPECT_EQ(numbers_of(uint8_t{255}), Numbers{255});
  EXPECT_EQ(numbers_of(uint16_t{65535}), Numbers{65535});
  EXPECT_EQ(numbers_of(kMax), Numbers{kMax});
  EXPECT_EQ(numbers_of(uint64_t{0x0123456789ABCDEF}), (Numbers{0x01234567, 0x89ABCDEF}));
  EXPECT_EQ(numbers_of(Family::IPv4), Numbers{4});
  EXPECT_EQ(numbers_of(Family::IPv6), Numbers{6});
  EXPECT_EQ(numbers_of(stun::kind::ChangeFlagsValue{true, false}), (Numbers{1, 0}));
  EXPECT_EQ(numbers_of(stun::kind::ChangeFlagsValue{false, true}), (Numbers{0, 1}));
  EXPECT_EQ(numbers_of(stun::kind::ErrorReasonValue{438, {}}), Numbers{438});
  EXPECT_EQ(numbers_of(stun::kind::FamilyErrorReasonValue{Family::IPv6, {440, {}}}),
            (Numbers{440, 6}));
  EXPECT_EQ(numbers_of(stun::kind::IcmpErrorValue{3, 4, 5}), (Numbers{3, 4, 5}));
  EXPECT_EQ(numbers_of(stun::kind::EcnCheckValue{2, true}), (Numbers{2, 1}));
  EXPECT_EQ(numbers_of(stun::kind::EcnCheckValue{1, false}), (Numbers{1, 0}));
  EXPECT_EQ(numbers_of(stun::kind::TransmitCounterValue{7, 9}), (Numbers{7, 9}));
  EXPECT_EQ(numbers_of(stun::kind::NetworkInfoValue{2, 10}), (Numbers{2, 10}));
  EXPECT_EQ(numbers_of(stun::kind::AlgorithmValue{9, {}}), Numbers{9});
}

TEST(CrossValueTest, AddressesComeAsText) {
  for (const std::string_view text : {"192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"}) {
    TransportAddress address;
    ASSERT_TRUE(from_cross({.numbers = {65535}, .bytes = as_bytes(text)}, address));
    EXPECT_EQ(address_text(address), text);
    EXPECT_EQ(address.port, 65535);
  }
  EXPECT_FALSE(accepts<TransportAddress>({65536}, "192.0.2.1"));
  EXPECT_FALSE(accepts<TransportAddress>({kMax}, "192.0.2.1"));
  EXPECT_FALSE(accepts<TransportAddress>({1}, "host.example"));
  EXPECT_FALSE(accepts<TransportAddress>({1}, ""));
}

TEST(CrossValueTest, ANumberBeyondItsFieldIsRefused) {
  EXPECT_TRUE(accepts<uint8_t>({255}));
  EXPECT_FALSE(accepts<uint8_t>({256}));
  EXPECT_TRUE(accepts<uint16_t>({65535}));
  EXPECT_FALSE(accepts<uint16_t>({65536}));
  EXPECT_TRUE(accepts<uint32_t>({kMax}));
  EXPECT_FALSE(accepts<Family>({0}));
  EXPECT_FALSE(accepts<Family>({1}));
  EXPECT_FALSE(accepts<Family>({260}));
  EXPECT_TRUE(accepts<stun::kind::ErrorReasonValue>({65535}));
  EXPECT_FALSE(accepts<stun::kind::ErrorReasonValue>({65536}));
  EXPECT_FALSE(accepts<stun::kind::FamilyErrorReasonValue>({440, 5}));
  EXPECT_FALSE(accepts<stun::kind::FamilyErrorReasonValue>({65536, 4}));
  EXPECT_FALSE(accepts<stun::kind::AlgorithmValue>({65536}));
  EXPECT_FALSE(accepts<stun::kind::IcmpErrorValue>({256, 0, 0}));
  EXPECT_FALSE(accepts<stun::kind::IcmpErrorValue>({0, 256, 0}));
  EXPECT_TRUE(accepts<stun::kind::IcmpErrorValue>({255, 255, kMax}));
  EXPECT_FALSE(accepts<stun::kind::TransmitCounterValue>({256, 0}));
  EXPECT_FALSE(accepts<stun::kind::TransmitCounterValue>({0, 256}));
  EXPECT_FALSE(accepts<stun::kind::EcnCheckValue>({256, 0}));
  EXPECT_FALSE(accepts<stun::kind::NetworkInfoValue>({65536, 0}));
  EXPECT_FALSE(accepts<stun::kind::NetworkInfoValue>({0, 65536}));
}

}  // namespace
}  // namespace postern::bindings
