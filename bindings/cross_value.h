// CrossValue: how the value of an attribute crosses the wasm boundary, in both directions: four
// numbers and a run of bytes. One pair of functions for each type that attribute_kinds.h uses as a
// Value.
#pragma once

#include <array>
#include <cstdint>

#include "stun/attribute_kinds.h"

namespace postern::bindings {

struct CrossValue {
  std::array<uint32_t, 4> numbers{};
  stun::Bytes bytes;
};

// Family as JavaScript sees it, 4 or 6. An IPv4 address is one number; an IPv6 address becomes text
// elsewhere.
void to_cross(const TransportAddress& value, CrossValue& out);
void to_cross(const stun::Bytes& value, CrossValue& out);
void to_cross(bool value, CrossValue& out);
void to_cross(uint8_t value, CrossValue& out);
void to_cross(uint16_t value, CrossValue& out);
void to_cross(uint32_t value, CrossValue& out);
void to_cross(uint64_t value, CrossValue& out);
void to_cross(Family value, CrossValue& out);
void to_cross(const stun::kind::ChangeFlagsValue& value, CrossValue& out);
void to_cross(const stun::kind::ErrorReasonValue& value, CrossValue& out);
void to_cross(const stun::kind::FamilyErrorReasonValue& value, CrossValue& out);
void to_cross(const stun::kind::AlgorithmValue& value, CrossValue& out);
void to_cross(const stun::kind::IcmpErrorValue& value, CrossValue& out);
void to_cross(const stun::kind::TransmitCounterValue& value, CrossValue& out);
void to_cross(const stun::kind::EcnCheckValue& value, CrossValue& out);
void to_cross(const stun::kind::NetworkInfoValue& value, CrossValue& out);

// The other way; false where a number is out of the attribute's range. An address comes as text.
[[nodiscard]] bool from_cross(const CrossValue& in, TransportAddress& value);
[[nodiscard]] bool from_cross(const CrossValue& in, stun::Bytes& value);
[[nodiscard]] bool from_cross(const CrossValue& in, bool& value);
[[nodiscard]] bool from_cross(const CrossValue& in, uint8_t& value);
[[nodiscard]] bool from_cross(const CrossValue& in, uint16_t& value);
[[nodiscard]] bool from_cross(const CrossValue& in, uint32_t& value);
[[nodiscard]] bool from_cross(const CrossValue& in, uint64_t& value);
[[nodiscard]] bool from_cross(const CrossValue& in, Family& value);
[[nodiscard]] bool from_cross(const CrossValue& in, stun::kind::ChangeFlagsValue& value);
[[nodiscard]] bool from_cross(const CrossValue& in, stun::kind::ErrorReasonValue& value);
[[nodiscard]] bool from_cross(const CrossValue& in, stun::kind::FamilyErrorReasonValue& value);
[[nodiscard]] bool from_cross(const CrossValue& in, stun::kind::AlgorithmValue& value);
[[nodiscard]] bool from_cross(const CrossValue& in, stun::kind::IcmpErrorValue& value);
[[nodiscard]] bool from_cross(const CrossValue& in, stun::kind::TransmitCounterValue& value);
[[nodiscard]] bool from_cross(const CrossValue& in, stun::kind::EcnCheckValue& value);
[[nodiscard]] bool from_cross(const CrossValue& in, stun::kind::NetworkInfoValue& value);

}  // namespace postern::bindings
