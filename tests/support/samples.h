// A valid value of each kind of attribute, with every field away from its default.
#pragma once

#include <cstdint>

#include "stun/attribute_kinds.h"
#include "support/bytes.h"

namespace postern::testing {

inline constexpr uint8_t kSampleBytes[] = {
    0xd0, 0xd1, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xdb, 0xdc, 0xdd, 0xde, 0xdf,
    0xe0, 0xe1, 0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xeb, 0xec, 0xed, 0xee, 0xef};
// SHA-256, an unknown algorithm with five bytes of parameters, MD5.
inline constexpr uint8_t kSampleAlgorithms[] = {0, 2, 0, 0, 0, 7, 0, 5, 1, 2,
                                                3, 4, 5, 0, 0, 0, 0, 1, 0, 0};

[[nodiscard]] inline TransportAddress sample_ipv6() {
  return TransportAddress::ipv6(std::span(kSampleBytes).first<16>(), 0xBEEF);
}

inline void set_sample(bool& value) { value = true; }
inline void set_sample(uint8_t& value) { value = 0x8F; }
inline void set_sample(uint16_t& value) { value = 0x8FF1; }
inline void set_sample(uint32_t& value) { value = 0x8FF12345; }
inline void set_sample(uint64_t& value) { value = 0x8FF123456789ABCD; }
inline void set_sample(Family& value) { value = Family::IPv6; }
inline void set_sample(TransportAddress& value) {
  value = TransportAddress::ipv4(203, 0, 113, 9, 0xBEEF);
}
inline void set_sample(stun::kind::ChangeFlagsValue& value) { value = {false, true}; }
inline void set_sample(stun::kind::ErrorReasonValue& value) {
  value = {.code = 699, .reason = as_bytes("Reason")};
}
inline void set_sample(stun::kind::FamilyErrorReasonValue& value) {
  value.family = Family::IPv6;
  set_sample(value.error);
}
inline void set_sample(stun::kind::AlgorithmValue& value) {
  value = {.algorithm = 0x8002, .parameters = std::span(kSampleBytes).first(5)};
}
inline void set_sample(stun::kind::IcmpErrorValue& value) { value = {3, 4, 0x8FF12345}; }
inline void set_sample(stun::kind::TransmitCounterValue& value) { value = {7, 9}; }
inline void set_sample(stun::kind::EcnCheckValue& value) { value = {3, true}; }
inline void set_sample(stun::kind::NetworkInfoValue& value) { value = {0x8001, 0x8002}; }

// Lengths differ, so bytes need the kind.
template <typename Kind>
void set_sample_of(stun::Bytes& value) {
  using namespace stun::kind;  // NOLINT(google-build-using-namespace)
  if constexpr (std::is_same_v<Kind, AlgorithmList>) {
    value = kSampleAlgorithms;
  } else {
    // The longest that the kind takes, which tells kinds of a fixed length from each other.
    for (size_t size = sizeof kSampleBytes; size > 0; --size) {
      value = std::span(kSampleBytes).first(size);
      if (Kind::size(value) == size) return;
    }
  }
}

template <typename Kind>
[[nodiscard]] typename Kind::Value sample() {
  typename Kind::Value value{};
  if constexpr (std::is_same_v<typename Kind::Value, stun::Bytes>) {
    set_sample_of<Kind>(value);
  } else {
    set_sample(value);
  }
  return value;
}

}  // namespace postern::testing
