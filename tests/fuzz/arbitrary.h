// Types and values of attributes made of a fuzzer's input, and whether two are the same.
#pragma once

#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <array>

#include "stun/attribute_kinds.h"
#include "stun/registry.h"

namespace postern::fuzz {

// Where the bytes of a value live while it is in use.
using Storage = std::array<uint8_t, 1024>;

// One of the registry as often as any other; none of those that the writer computes.
inline uint16_t arbitrary_type(FuzzedDataProvider& input) {
  static constexpr uint16_t kRegistered[] = {
#define POSTERN_ATTRIBUTE(enumerator, name, number, kind, status, reference) number,
#include "stun/registry/attributes.def"
#undef POSTERN_ATTRIBUTE
  };
  const uint16_t type =
      input.ConsumeBool() ? input.PickValueInArray(kRegistered) : input.ConsumeIntegral<uint16_t>();
  using enum stun::AttributeType;
  for (const auto computed : {MessageIntegrity, MessageIntegritySha256, Fingerprint}) {
    if (type == static_cast<uint16_t>(computed)) return 0;
  }
  return type;
}

inline stun::Bytes arbitrary_bytes(FuzzedDataProvider& input, Storage& storage) {
  const size_t size = input.ConsumeIntegralInRange<size_t>(0, storage.size());
  return {storage.data(), input.ConsumeData(storage.data(), size)};
}

inline void make(FuzzedDataProvider& input, Storage&, bool& value) { value = input.ConsumeBool(); }
template <typename T>
requires std::is_integral_v<T>
void make(FuzzedDataProvider& input, Storage&, T& value) { value = input.ConsumeIntegral<T>(); }
inline void make(FuzzedDataProvider& input, Storage& storage, stun::Bytes& value) {
  value = arbitrary_bytes(input, storage);
}
inline void make(FuzzedDataProvider& input, Storage&, Family& value) {
  value = input.PickValueInArray({Family::None, Family::IPv4, Family::IPv6});
}
inline void make(FuzzedDataProvider& input, Storage& storage, TransportAddress& value) {
  make(input, storage, value.family);
  value.port = input.ConsumeIntegral<uint16_t>();
  input.ConsumeData(value.bytes.data(), value.address_bytes().size());
}
inline void make(FuzzedDataProvider& input, Storage&, stun::kind::ChangeFlagsValue& value) {
  value = {input.ConsumeBool(), input.ConsumeBool()};
}
inline void make(FuzzedDataProvider& input, Storage& storage, stun::kind::ErrorReasonValue& value) {
  value.code = input.ConsumeIntegralInRange<uint16_t>(290, 710);
  value.reason = arbitrary_bytes(input, storage);
}
inline void make(FuzzedDataProvider& input, Storage& storage,
                 stun::kind::FamilyErrorReasonValue& value) {
  make(input, storage, value.family);
  make(input, storage, value.error);
}
inline void make(FuzzedDataProvider& input, Storage& storage, stun::kind::AlgorithmValue& value) {
  value = {input.ConsumeIntegral<uint16_t>(), arbitrary_bytes(input, storage)};
}
inline void make(FuzzedDataProvider& input, Storage&, stun::kind::IcmpErrorValue& value) {
  value = {input.ConsumeIntegral<uint8_t>(), input.ConsumeIntegral<uint8_t>(),
           input.ConsumeIntegral<uint32_t>()};
}
inline void make(FuzzedDataProvider& input, Storage&, stun::kind::TransmitCounterValue& value) {
  value = {input.ConsumeIntegral<uint8_t>(), input.ConsumeIntegral<uint8_t>()};
}
inline void make(FuzzedDataProvider& input, Storage&, stun::kind::EcnCheckValue& value) {
  value = {input.ConsumeIntegralInRange<uint8_t>(0, 5), input.ConsumeBool()};
}
inline void make(FuzzedDataProvider& input, Storage&, stun::kind::NetworkInfoValue& value) {
  value = {input.ConsumeIntegral<uint16_t>(), input.ConsumeIntegral<uint16_t>()};
}

template <typename T>
bool same(const T& a, const T& b) {
  return a == b;
}
inline bool same(const stun::Bytes& a, const stun::Bytes& b) { return std::ranges::equal(a, b); }
inline bool same(const stun::kind::ErrorReasonValue& a, const stun::kind::ErrorReasonValue& b) {
  return a.code == b.code && same(stun::without_trailing_nul(a.reason), b.reason);
}
inline bool same(const stun::kind::FamilyErrorReasonValue& a,
                 const stun::kind::FamilyErrorReasonValue& b) {
  return a.family == b.family && same(a.error, b.error);
}
inline bool same(const stun::kind::AlgorithmValue& a, const stun::kind::AlgorithmValue& b) {
  return a.algorithm == b.algorithm && same(a.parameters, b.parameters);
}

// Whether `read` is what a reader makes of `written`: labels lose trailing NULs, flags carry
// nothing.
template <typename Kind>
bool survives(const typename Kind::Value& written, const typename Kind::Value& read) {
  if constexpr (std::is_same_v<Kind, stun::kind::Label>) {
    return same(stun::without_trailing_nul(written), read);
  } else if constexpr (std::is_same_v<Kind, stun::kind::Flag>) {
    return read;
  } else {
    return same(written, read);
  }
}

}  // namespace postern::fuzz
