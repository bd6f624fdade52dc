#include "bindings/cross_value.h"

#include <string_view>

namespace postern::bindings {

using namespace stun::kind;  // NOLINT(google-build-using-namespace): every name below is one of its
                             // values

namespace {

template <typename T>
bool narrow(uint32_t number, T& value) {
  value = static_cast<T>(number);
  return value == number;
}

}  // namespace

void to_cross(const TransportAddress& value, CrossValue& out) {
  out.numbers = {value.port, static_cast<uint32_t>(value.family), load_be32(value.bytes.data())};
}

void to_cross(const stun::Bytes& value, CrossValue& out) { out.bytes = value; }
void to_cross(bool value, CrossValue& out) { out.numbers[0] = value ? 1 : 0; }
void to_cross(uint8_t value, CrossValue& out) { out.numbers[0] = value; }
void to_cross(uint16_t value, CrossValue& out) { out.numbers[0] = value; }
void to_cross(uint32_t value, CrossValue& out) { out.numbers[0] = value; }

void to_cross(uint64_t value, CrossValue& out) {
  out.numbers[0] = static_cast<uint32_t>(value >> 32);
  out.numbers[1] = static_cast<uint32_t>(value);
}

void to_cross(Family value, CrossValue& out) { out.numbers[0] = static_cast<uint32_t>(value); }

void to_cross(const ChangeFlagsValue& value, CrossValue& out) {
  out.numbers = {value.change_ip ? 1U : 0U, value.change_port ? 1U : 0U};
}

void to_cross(const ErrorReasonValue& value, CrossValue& out) {
  out.numbers[0] = value.code;
  out.bytes = value.reason;
}

void to_cross(const FamilyErrorReasonValue& value, CrossValue& out) {
  to_cross(value.error, out);
  out.numbers[1] = static_cast<uint32_t>(value.family);
}

void to_cross(const AlgorithmValue& value, CrossValue& out) {
  out.numbers[0] = value.algorithm;
  out.bytes = value.parameters;
}

void to_cross(const IcmpErrorValue& value, CrossValue& out) {
  out.numbers = {value.type, value.code, value.data};
}
void to_cross(const TransmitCounterValue& value, CrossValue& out) {
  out.numbers = {value.request, value.response};
}
void to_cross(const EcnCheckValue& value, CrossValue& out) {
  out.numbers = {value.ecn, value.valid ? 1U : 0U};
}
void to_cross(const NetworkInfoValue& value, CrossValue& out) {
  out.numbers = {value.id, value.cost};
}

bool from_cross(const CrossValue& in, TransportAddress& value) {
  uint16_t port = 0;
  if (!narrow(in.numbers[0], port)) return false;
  const auto parsed =
      parse_address({reinterpret_cast<const char*>(in.bytes.data()), in.bytes.size()}, port);
  if (parsed) value = *parsed;
  return parsed.has_value();
}

bool from_cross(const CrossValue& in, stun::Bytes& value) {
  value = in.bytes;
  return true;
}

bool from_cross(const CrossValue& in, bool& value) {
  value = in.numbers[0] != 0;
  return true;
}

bool from_cross(const CrossValue& in, uint8_t& value) { return narrow(in.numbers[0], value); }
bool from_cross(const CrossValue& in, uint16_t& value) { return narrow(in.numbers[0], value); }
bool from_cross(const CrossValue& in, uint32_t& value) { return narrow(in.numbers[0], value); }

bool from_cross(const CrossValue& in, uint64_t& value) {
  value = (uint64_t{in.numbers[0]} << 32) | in.numbers[1];
  return true;
}

bool from_cross(const CrossValue& in, Family& value) {
  value = in.numbers[0] == 4 ? Family::IPv4 : in.numbers[0] == 6 ? Family::IPv6 : Family::None;
  return value != Family::None;
}

bool from_cross(const CrossValue& in, ChangeFlagsValue& value) {
  value = {.change_ip = in.numbers[0] != 0, .change_port = in.numbers[1] != 0};
  return true;
}

bool from_cross(const CrossValue& in, ErrorReasonValue& value) {
  value.reason = in.bytes;
  return narrow(in.numbers[0], value.code);
}

bool from_cross(const CrossValue& in, FamilyErrorReasonValue& value) {
  CrossValue family;
  family.numbers[0] = in.numbers[1];
  return from_cross(in, value.error) && from_cross(family, value.family);
}

bool from_cross(const CrossValue& in, AlgorithmValue& value) {
  value.parameters = in.bytes;
  return narrow(in.numbers[0], value.algorithm);
}

bool from_cross(const CrossValue& in, IcmpErrorValue& value) {
  value.data = in.numbers[2];
  return narrow(in.numbers[0], value.type) && narrow(in.numbers[1], value.code);
}

bool from_cross(const CrossValue& in, TransmitCounterValue& value) {
  return narrow(in.numbers[0], value.request) && narrow(in.numbers[1], value.response);
}

bool from_cross(const CrossValue& in, EcnCheckValue& value) {
  value.valid = in.numbers[1] != 0;
  return narrow(in.numbers[0], value.ecn);
}

bool from_cross(const CrossValue& in, NetworkInfoValue& value) {
  return narrow(in.numbers[0], value.id) && narrow(in.numbers[1], value.cost);
}

}  // namespace postern::bindings
