// Values of attributes, and whole messages, in the form of tests/vectors/stun-messages.json.
#pragma once

#include <array>
#include <cstdio>
#include <string>

#include "base/transport_address.h"
#include "stun/attribute_traits.h"
#include "stun/message_view.h"
#include "support/bytes.h"
#include "support/names.h"
#include "support/vectors.h"

namespace postern::testing {

[[nodiscard]] inline std::string family_name(Family family) {
  return family == Family::IPv4 ? "IPv4" : family == Family::IPv6 ? "IPv6" : "none";
}

[[nodiscard]] inline std::string address_text(const TransportAddress& address) {
  std::array<char, kMaxAddressText> text;
  return {text.data(), format_address(address, text)};
}

inline Json json_of(bool value) { return value; }
inline Json json_of(uint8_t value) { return value; }
inline Json json_of(uint16_t value) { return value; }
inline Json json_of(uint32_t value) { return value; }
inline Json json_of(uint64_t value) {
  std::array<char, 19> text;
  std::snprintf(text.data(), text.size(), "0x%016llx", static_cast<unsigned long long>(value));
  return text.data();
}
inline Json json_of(stun::Bytes value) { return hex(value); }
inline Json json_of(Family value) { return family_name(value); }
inline Json json_of(const TransportAddress& value) {
  return {{"address", address_text(value)},
          {"port", value.port},
          {"family", family_name(value.family)}};
}
inline Json json_of(const stun::kind::ChangeFlagsValue& value) {
  return {{"changeIp", value.change_ip}, {"changePort", value.change_port}};
}
inline Json json_of(const stun::kind::ErrorReasonValue& value) {
  return {{"code", value.code}, {"reason", as_text(value.reason)}};
}
inline Json json_of(const stun::kind::FamilyErrorReasonValue& value) {
  Json json = json_of(value.error);
  json["family"] = family_name(value.family);
  return json;
}
inline Json json_of(const stun::kind::AlgorithmValue& value) {
  Json json = {{"algorithm", value.algorithm}, {"parameters", hex(value.parameters)}};
#define POSTERN_PASSWORD_ALGORITHM(enumerator, name, number, key_bytes) \
  if (value.algorithm == (number)) json["algorithm"] = name;
#include "stun/registry/password_algorithms.def"
#undef POSTERN_PASSWORD_ALGORITHM
  return json;
}
inline Json json_of(const stun::kind::IcmpErrorValue& value) {
  return {{"type", value.type}, {"code", value.code}, {"data", value.data}};
}
inline Json json_of(const stun::kind::TransmitCounterValue& value) {
  return {{"request", value.request}, {"response", value.response}};
}
inline Json json_of(const stun::kind::EcnCheckValue& value) {
  return {{"ecn", value.ecn}, {"valid", value.valid}};
}
inline Json json_of(const stun::kind::NetworkInfoValue& value) {
  return {{"id", value.id}, {"cost", value.cost}};
}

// Bytes mean text, a list or just bytes: the kind tells.
template <typename Kind>
[[nodiscard]] Json value_json(const typename Kind::Value& value) {
  using namespace stun::kind;  // NOLINT(google-build-using-namespace)
  if constexpr (std::is_base_of_v<Text, Kind> || std::is_same_v<Kind, Username> ||
                std::is_same_v<Kind, DomainName>) {
    return as_text(value);
  } else if constexpr (std::is_same_v<Kind, Uint16List>) {
    Json list = Json::array();
    for (size_t i = 0; i < value.size(); i += 2) list.push_back(load_be16(&value[i]));
    return list;
  } else if constexpr (std::is_same_v<Kind, Uint32List>) {
    Json list = Json::array();
    for (size_t i = 0; i < value.size(); i += 4) list.push_back(load_be32(&value[i]));
    return list;
  } else if constexpr (std::is_same_v<Kind, AlgorithmList>) {
    Json list = Json::array();
    for (stun::Bytes rest = value; !rest.empty();) {
      const auto algorithm = take_algorithm(rest);
      if (!algorithm) break;
      list.push_back(json_of(*algorithm));
    }
    return list;
  } else {
    return json_of(value);
  }
}

[[nodiscard]] inline Json attribute_json(const stun::MessageView& message,
                                         const stun::AttributeView& attribute) {
  Json json = {
      {"offset", attribute.offset}, {"type", attribute.type}, {"length", attribute.value.size()}};
  const auto name = attribute_name(attribute.type);
  if (!name.empty()) json["name"] = name;
  const size_t end = attribute.offset + 4 + attribute.value.size();
  const auto padding =
      message.bytes().subspan(end, stun::MessageView::next_offset(attribute) - end);
  if (!padding.empty()) json["padding"] = hex(padding);
  if (!message.counts(attribute)) {
    json["counts"] = false;
    json["value"] = hex(attribute.value);
    return json;
  }
  stun::visit_kind(attribute.type, [&]<typename Kind>() {
    const auto value = Kind::read(attribute.value, message.cookie_and_id());
    if (value) {
      json["value"] = value_json<Kind>(*value);
    } else {
      json["valueError"] = code_of(value.error());
    }
  });
  return json;
}

[[nodiscard]] inline Json message_json(const stun::MessageView& message) {
  static constexpr std::array kClasses = {"request", "indication", "success", "error"};
  static constexpr std::array kFingerprints = {"absent", "valid", "invalid"};
  Json json = {{"type", message.type()},
               {"class", kClasses[static_cast<size_t>(message.message_class())]},
               {"method", message.method()},
               {"transactionId", hex(message.transaction_id())},
               {"isClassic", message.is_classic()},
               {"fingerprint", kFingerprints[static_cast<size_t>(message.fingerprint())]},
               {"attributes", Json::array()}};
  const auto name = method_name(message.method());
  if (!name.empty()) json["method"] = name;
  std::array<uint16_t, 8> unknown{};
  const size_t count = message.unknown_required(unknown);
  json["unknownRequired"] = std::vector(unknown.begin(), unknown.begin() + count);
  for (auto attribute = message.at(stun::kHeaderBytes); attribute.offset != 0;
       attribute = message.at(stun::MessageView::next_offset(attribute))) {
    json["attributes"].push_back(attribute_json(message, attribute));
  }
  return json;
}

}  // namespace postern::testing
