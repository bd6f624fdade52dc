// The forms that attribute values take. One struct a form, with the same three members in each:
//   Value                       what it means
//   read(bytes, cookie_and_id)  bytes of the value, without padding -> Value, or why not
//   size(value), write(...)     the other way; size is 0xFFFF + 1 or more where the value is too
//   long
// `cookie_and_id` points at the 16 bytes that follow the length in the header: XOR addresses need
// them (RFC 8489 section 14.2). The table in registry/attributes.def says which attribute has which
// form.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

#include "base/byte_order.h"
#include "base/result.h"
#include "base/transport_address.h"

namespace postern::stun {

using Bytes = std::span<const uint8_t>;

inline constexpr size_t kTooLong = 0x10000;

// RFC 8489 sections 14.9, 14.10, 14.14: fewer than 128 characters, which is at most 509 bytes when
// written; 763 are to be expected from writers of RFC 5389.
inline constexpr size_t kMaxTextWritten = 509;
inline constexpr size_t kMaxTextRead = 763;
// RFC 8489 section 14.3: fewer than 509 bytes; as many as of the texts above are to be read.
inline constexpr size_t kMaxUsername = 508;
// RFC 8489 section 14.16.
inline constexpr size_t kMaxDomainName = 255;

// A reason phrase or software name as people should see it: some servers count NUL padding in.
[[nodiscard]] inline Bytes without_trailing_nul(Bytes text) {
  while (!text.empty() && text.back() == 0) text = text.first(text.size() - 1);
  return text;
}

namespace kind {

// One function for all of them, because their limits are all that differs.
struct ByteLimits {
  size_t least;
  size_t most_read;
  size_t most_written;
  size_t step;

  [[nodiscard]] Result<Bytes> read(Bytes bytes) const {
    if (bytes.size() < least || bytes.size() > most_read || bytes.size() % step != 0) {
      return Errc::AttributeLength;
    }
    return bytes;
  }
  [[nodiscard]] size_t size(Bytes value) const {
    const bool fits =
        value.size() >= least && value.size() <= most_written && value.size() % step == 0;
    return fits ? value.size() : kTooLong;
  }
};

template <size_t kMin, size_t kMaxRead, size_t kMaxWritten, size_t kStep = 1>
struct BoundedBytes {
  using Value = Bytes;
  static constexpr ByteLimits kLimits = {kMin, kMaxRead, kMaxWritten, kStep};
  static Result<Value> read(Bytes bytes, const uint8_t*) { return kLimits.read(bytes); }
  static size_t size(Value value) { return kLimits.size(value); }
  static void write(uint8_t* out, Value value, const uint8_t*) {
    if (!value.empty()) std::memcpy(out, value.data(), value.size());
  }
};

struct Opaque : BoundedBytes<0, 0xFFFF, 0xFFFF> {};
struct Text : BoundedBytes<0, kMaxTextRead, kMaxTextWritten> {};
struct Username : BoundedBytes<0, kMaxTextRead, kMaxUsername> {};
struct DomainName : BoundedBytes<0, kMaxDomainName, kMaxDomainName> {};
struct Token4 : BoundedBytes<4, 4, 4> {};
struct Token8 : BoundedBytes<8, 8, 8> {};
struct Sha1Mac : BoundedBytes<20, 20, 20> {};
struct Sha256Mac : BoundedBytes<16, 32, 32, 4> {};
struct Sha256Digest : BoundedBytes<32, 32, 32> {};
// Numbers in network byte order; read them with load_be16 and load_be32.
struct Uint16List : BoundedBytes<0, 0xFFFE, 0xFFFE, 2> {};
struct Uint32List : BoundedBytes<0, 0xFFFC, 0xFFFC, 4> {};

// Text for people, never sent back.
struct Label : Text {
  static Result<Value> read(Bytes bytes, const uint8_t* cookie_and_id) {
    return Text::read(without_trailing_nul(bytes), cookie_and_id);
  }
};

struct Flag {
  using Value = bool;  // present; absence is the absence of the attribute
  static Result<Value> read(Bytes bytes, const uint8_t*) {
    if (!bytes.empty()) return Errc::AttributeLength;
    return true;
  }
  static size_t size(Value) { return 0; }
  static void write(uint8_t*, Value, const uint8_t*) {}
};

struct Uint32 {
  using Value = uint32_t;
  static Result<Value> read(Bytes bytes, const uint8_t*) {
    if (bytes.size() != 4) return Errc::AttributeLength;
    return load_be32(bytes.data());
  }
  static size_t size(Value) { return 4; }
  static void write(uint8_t* out, Value value, const uint8_t*) { store_be32(out, value); }
};

struct Uint64 {
  using Value = uint64_t;
  static Result<Value> read(Bytes bytes, const uint8_t*) {
    if (bytes.size() != 8) return Errc::AttributeLength;
    return load_be64(bytes.data());
  }
  static size_t size(Value) { return 8; }
  static void write(uint8_t* out, Value value, const uint8_t*) { store_be64(out, value); }
};

// CHANNEL-NUMBER: the number and 16 reserved bits.
struct Channel {
  using Value = uint16_t;
  static Result<Value> read(Bytes bytes, const uint8_t*) {
    if (bytes.size() != 4) return Errc::AttributeLength;
    return load_be16(bytes.data());
  }
  static size_t size(Value) { return 4; }
  static void write(uint8_t* out, Value value, const uint8_t*) {
    store_be32(out, static_cast<uint32_t>(value) << 16);
  }
};

// RESPONSE-PORT: two bytes (RFC 5780 section 7.5); some writers count the padding in.
struct Port {
  using Value = uint16_t;
  static Result<Value> read(Bytes bytes, const uint8_t*) {
    if (bytes.size() != 2 && bytes.size() != 4) return Errc::AttributeLength;
    return load_be16(bytes.data());
  }
  static size_t size(Value) { return 2; }
  static void write(uint8_t* out, Value value, const uint8_t*) { store_be16(out, value); }
};

// REQUESTED-TRANSPORT: an IP protocol number and 24 reserved bits.
struct Protocol {
  using Value = uint8_t;
  static Result<Value> read(Bytes bytes, const uint8_t*) {
    if (bytes.size() != 4) return Errc::AttributeLength;
    return bytes[0];
  }
  static size_t size(Value) { return 4; }
  static void write(uint8_t* out, Value value, const uint8_t*) {
    store_be32(out, static_cast<uint32_t>(value) << 24);
  }
};

// EVEN-PORT: the R bit in one byte; writers that count the padding in are read too.
struct ReserveFlag {
  using Value = bool;
  static Result<Value> read(Bytes bytes, const uint8_t*) {
    if (bytes.size() != 1 && bytes.size() != 4) return Errc::AttributeLength;
    return (bytes[0] & 0x80) != 0;
  }
  static size_t size(Value) { return 1; }
  static void write(uint8_t* out, Value value, const uint8_t*) { out[0] = value ? 0x80 : 0; }
};

// How addresses name their family (RFC 8489 section 14.1).
inline constexpr uint8_t kFamilyIPv4 = 0x01;
inline constexpr uint8_t kFamilyIPv6 = 0x02;

[[nodiscard]] constexpr Family family_from_wire(uint8_t number) {
  return number == kFamilyIPv4 ? Family::IPv4 : number == kFamilyIPv6 ? Family::IPv6 : Family::None;
}
[[nodiscard]] constexpr uint8_t family_to_wire(Family family) {
  return family == Family::IPv6 ? kFamilyIPv6 : kFamilyIPv4;
}

// MAPPED-ADDRESS and its kin: a zero byte, family, port, address.
struct Address {
  using Value = TransportAddress;
  static Result<Value> read(Bytes bytes, const uint8_t*) {
    if (bytes.size() != 8 && bytes.size() != 20) return Errc::AttributeLength;
    Value value;
    value.family = family_from_wire(bytes[1]);
    if (value.family == Family::None) return Errc::AttributeValue;
    if ((value.family == Family::IPv4) != (bytes.size() == 8)) return Errc::AttributeLength;
    value.port = load_be16(&bytes[2]);
    std::memcpy(value.bytes.data(), &bytes[4], bytes.size() - 4);
    return value;
  }
  static size_t size(const Value& value) {
    return value.family == Family::IPv4 ? 8 : value.family == Family::IPv6 ? 20 : kTooLong;
  }
  static void write(uint8_t* out, const Value& value, const uint8_t*) {
    out[0] = 0;
    out[1] = family_to_wire(value.family);
    store_be16(out + 2, value.port);
    const auto address = value.address_bytes();
    std::memcpy(out + 4, address.data(), address.size());
  }
};

// XOR-MAPPED-ADDRESS and its kin: the same, with port and address XORed with what follows the
// length in the header (RFC 8489 section 14.2), so that NATs which rewrite addresses in payloads
// miss it.
struct XorAddress {
  using Value = TransportAddress;
  static Result<Value> read(Bytes bytes, const uint8_t* cookie_and_id) {
    Result<Value> result = Address::read(bytes, cookie_and_id);
    if (!result) return result;
    return flip(*result, cookie_and_id);
  }
  static size_t size(const Value& value) { return Address::size(value); }
  static void write(uint8_t* out, const Value& value, const uint8_t* cookie_and_id) {
    Address::write(out, flip(value, cookie_and_id), cookie_and_id);
  }

 private:
  static Value flip(Value value, const uint8_t* cookie_and_id) {
    value.port = static_cast<uint16_t>(value.port ^ load_be16(cookie_and_id));
    const size_t count = value.family == Family::IPv4 ? 4 : 16;
    for (size_t i = 0; i < count; ++i)
      value.bytes[i] = static_cast<uint8_t>(value.bytes[i] ^ cookie_and_id[i]);
    return value;
  }
};

// REQUESTED-ADDRESS-FAMILY: family and 24 reserved bits.
struct AddressFamily {
  using Value = Family;
  static Result<Value> read(Bytes bytes, const uint8_t*) {
    if (bytes.size() != 4) return Errc::AttributeLength;
    const Family family = family_from_wire(bytes[0]);
    if (family == Family::None) return Errc::AttributeValue;
    return family;
  }
  static size_t size(Value value) { return value == Family::None ? kTooLong : 4; }
  static void write(uint8_t* out, Value value, const uint8_t*) {
    store_be32(out, static_cast<uint32_t>(family_to_wire(value)) << 24);
  }
};

struct ChangeFlagsValue {
  bool change_ip = false;
  bool change_port = false;
  bool operator==(const ChangeFlagsValue&) const = default;
};

// CHANGE-REQUEST (RFC 5780 section 7.2).
struct ChangeFlags {
  using Value = ChangeFlagsValue;
  static constexpr uint32_t kChangeIp = 0x4;
  static constexpr uint32_t kChangePort = 0x2;
  static Result<Value> read(Bytes bytes, const uint8_t*) {
    if (bytes.size() != 4) return Errc::AttributeLength;
    const uint32_t flags = load_be32(bytes.data());
    return Value{.change_ip = (flags & kChangeIp) != 0, .change_port = (flags & kChangePort) != 0};
  }
  static size_t size(Value) { return 4; }
  static void write(uint8_t* out, Value value, const uint8_t*) {
    store_be32(out, (value.change_ip ? kChangeIp : 0) | (value.change_port ? kChangePort : 0));
  }
};

struct ErrorReasonValue {
  uint16_t code = 0;  // 300 to 699
  Bytes reason;
};

// ERROR-CODE: 21 reserved bits, class (3), number (8), reason phrase (RFC 8489 section 14.8).
struct ErrorReason {
  using Value = ErrorReasonValue;
  static Result<Value> read(Bytes bytes, const uint8_t*) {
    if (bytes.size() < 4 || bytes.size() > 4 + kMaxTextRead) return Errc::AttributeLength;
    const unsigned hundreds = bytes[2] & 0x7U;
    const unsigned rest = bytes[3];
    if (hundreds < 3 || hundreds > 6 || rest > 99) return Errc::AttributeValue;
    return Value{.code = static_cast<uint16_t>(hundreds * 100 + rest),
                 .reason = without_trailing_nul(bytes.subspan(4))};
  }
  static size_t size(const Value& value) {
    const bool valid =
        value.code >= 300 && value.code < 700 && value.reason.size() <= kMaxTextWritten;
    return valid ? 4 + value.reason.size() : kTooLong;
  }
  static void write(uint8_t* out, const Value& value, const uint8_t*) {
    store_be16(out, 0);
    out[2] = static_cast<uint8_t>(value.code / 100);
    out[3] = static_cast<uint8_t>(value.code % 100);
    if (!value.reason.empty()) std::memcpy(out + 4, value.reason.data(), value.reason.size());
  }
};

struct FamilyErrorReasonValue {
  Family family = Family::None;
  ErrorReasonValue error;
};

// ADDRESS-ERROR-CODE: ERROR-CODE with a family in its first byte (RFC 8656 section 18.12).
struct FamilyErrorReason {
  using Value = FamilyErrorReasonValue;
  static Result<Value> read(Bytes bytes, const uint8_t* cookie_and_id) {
    const auto error = ErrorReason::read(bytes, cookie_and_id);
    if (!error) return error.error();
    const Family family = family_from_wire(bytes[0]);
    if (family == Family::None) return Errc::AttributeValue;
    return Value{.family = family, .error = *error};
  }
  static size_t size(const Value& value) {
    return value.family == Family::None ? kTooLong : ErrorReason::size(value.error);
  }
  static void write(uint8_t* out, const Value& value, const uint8_t* cookie_and_id) {
    ErrorReason::write(out, value.error, cookie_and_id);
    out[0] = family_to_wire(value.family);
  }
};

struct AlgorithmValue {
  uint16_t algorithm = 0;  // a PasswordAlgorithm, or a number that is unknown here
  Bytes parameters;
};

// Takes the first algorithm off a list: number (16), parameters length (16), parameters padded to 4
// (RFC 8489 section 14.11). Nothing where the list is malformed.
[[nodiscard]] inline std::optional<AlgorithmValue> take_algorithm(Bytes& list) {
  if (list.size() < 4) return std::nullopt;
  const size_t length = load_be16(&list[2]);
  if (length > list.size() - 4) return std::nullopt;
  const AlgorithmValue value{.algorithm = load_be16(list.data()),
                             .parameters = list.subspan(4, length)};
  const size_t padded = 4 + ((length + 3) & ~size_t{3});
  list =
      list.subspan(std::min(padded, list.size()));  // the last one's padding may be the attribute's
  return value;
}

// PASSWORD-ALGORITHM.
struct OneAlgorithm {
  using Value = AlgorithmValue;
  static Result<Value> read(Bytes bytes, const uint8_t*) {
    const auto value = take_algorithm(bytes);
    if (!value || !bytes.empty()) return Errc::AttributeLength;
    return *value;
  }
  static size_t size(const Value& value) {
    return value.parameters.size() > kTooLong - 8
               ? kTooLong
               : 4 + ((value.parameters.size() + 3) & ~size_t{3});
  }
  static void write(uint8_t* out, const Value& value, const uint8_t*) {
    std::memset(out, 0, size(value));
    store_be16(out, value.algorithm);
    store_be16(out + 2, static_cast<uint16_t>(value.parameters.size()));
    if (!value.parameters.empty())
      std::memcpy(out + 4, value.parameters.data(), value.parameters.size());
  }
};

// PASSWORD-ALGORITHMS: kept as bytes, because a client echoes the list byte for byte; walk it with
// take_algorithm.
struct AlgorithmList {
  using Value = Bytes;
  static Result<Value> read(Bytes bytes, const uint8_t*) {
    for (Bytes rest = bytes; !rest.empty();) {
      if (!take_algorithm(rest)) return Errc::AttributeLength;
    }
    return bytes;
  }
  static size_t size(Value value) { return read(value, nullptr) ? value.size() : kTooLong; }
  static void write(uint8_t* out, Value value, const uint8_t*) {
    if (!value.empty()) std::memcpy(out, value.data(), value.size());
  }
};

struct IcmpErrorValue {
  uint8_t type = 0;
  uint8_t code = 0;
  uint32_t data = 0;
  bool operator==(const IcmpErrorValue&) const = default;
};

// ICMP (RFC 8656 section 18.13; the text's 8-bit fields, not the figure's: erratum 8901).
struct IcmpError {
  using Value = IcmpErrorValue;
  static Result<Value> read(Bytes bytes, const uint8_t*) {
    if (bytes.size() != 8) return Errc::AttributeLength;
    return Value{.type = bytes[2], .code = bytes[3], .data = load_be32(&bytes[4])};
  }
  static size_t size(Value) { return 8; }
  static void write(uint8_t* out, Value value, const uint8_t*) {
    store_be16(out, 0);
    out[2] = value.type;
    out[3] = value.code;
    store_be32(out + 4, value.data);
  }
};

struct TransmitCounterValue {
  uint8_t request = 0;
  uint8_t response = 0;
  bool operator==(const TransmitCounterValue&) const = default;
};

// TRANSACTION_TRANSMIT_COUNTER (RFC 7982 section 3.1).
struct TransmitCounter {
  using Value = TransmitCounterValue;
  static Result<Value> read(Bytes bytes, const uint8_t*) {
    if (bytes.size() != 4) return Errc::AttributeLength;
    return Value{.request = bytes[2], .response = bytes[3]};
  }
  static size_t size(Value) { return 4; }
  static void write(uint8_t* out, Value value, const uint8_t*) {
    store_be16(out, 0);
    out[2] = value.request;
    out[3] = value.response;
  }
};

struct EcnCheckValue {
  uint8_t ecn = 0;  // two bits as received in the IP header
  bool valid = false;
  bool operator==(const EcnCheckValue&) const = default;
};

// ECN-CHECK STUN (RFC 6679 section 7.2.2).
struct EcnCheck {
  using Value = EcnCheckValue;
  static Result<Value> read(Bytes bytes, const uint8_t*) {
    if (bytes.size() != 4) return Errc::AttributeLength;
    return Value{.ecn = static_cast<uint8_t>((bytes[3] >> 1) & 3), .valid = (bytes[3] & 1) != 0};
  }
  static size_t size(Value value) { return value.ecn > 3 ? kTooLong : 4; }
  static void write(uint8_t* out, Value value, const uint8_t*) {
    store_be32(out, static_cast<uint32_t>(value.ecn << 1) | (value.valid ? 1U : 0U));
  }
};

struct NetworkInfoValue {
  uint16_t id = 0;
  uint16_t cost = 0;
  bool operator==(const NetworkInfoValue&) const = default;
};

// GOOG-NETWORK-INFO, as libwebrtc writes it.
struct NetworkInfo {
  using Value = NetworkInfoValue;
  static Result<Value> read(Bytes bytes, const uint8_t*) {
    if (bytes.size() != 4) return Errc::AttributeLength;
    return Value{.id = load_be16(bytes.data()), .cost = load_be16(&bytes[2])};
  }
  static size_t size(Value) { return 4; }
  static void write(uint8_t* out, Value value, const uint8_t*) {
    store_be16(out, value.id);
    store_be16(out + 2, value.cost);
  }
};

}  // namespace kind
}  // namespace postern::stun
