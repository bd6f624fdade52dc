// MessageView: a STUN message read in place (RFC 8489 section 5). It owns nothing and copies
// nothing: the caller's bytes must outlive it. Parsing checks the header and walks the attributes
// once; values are read on demand. Everything well-formed is accepted: what is welcome is for the
// state machines.
//
//      0                   1                   2                   3
//      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//     |0 0|     STUN Message Type     |         Message Length        |
//     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//     |                         Magic Cookie                          |
//     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//     |                     Transaction ID (96 bits)                  |
//     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"
#include "stun/attribute_kinds.h"
#include "stun/attribute_traits.h"
#include "stun/message_type.h"
#include "stun/registry.h"

namespace postern::stun {

struct ParseOptions {
  // Read messages of RFC 3489, whose 128-bit transaction ID stands where the cookie is now.
  bool allow_classic = false;
};

// One attribute where it stands. `value` excludes the padding; `offset` counts from the first byte
// of the message to the first of the attribute's type.
struct AttributeView {
  uint16_t type = 0;
  uint32_t offset = 0;
  Bytes value;
};

enum class FingerprintState : uint8_t { Absent, Valid, Invalid };

class MessageView {
 public:
  struct Failure {
    Errc errc = Errc::Ok;
    uint32_t offset = 0;  // of the byte where the message stops making sense
  };

  MessageView() = default;

  // Errc::Ok and `out` filled, or the failure.
  [[nodiscard]] static Failure parse(Bytes bytes, ParseOptions options, MessageView& out);

  [[nodiscard]] Bytes bytes() const { return bytes_; }
  [[nodiscard]] uint16_t type() const { return load_be16(bytes_.data()); }
  [[nodiscard]] uint16_t method() const { return method_of(type()); }
  [[nodiscard]] Class message_class() const { return class_of(type()); }
  [[nodiscard]] bool is(Class message_class, Method method) const {
    return type() == make_message_type(message_class, method);
  }
  [[nodiscard]] bool is_classic() const { return load_be32(&bytes_[4]) != kMagicCookie; }
  // 12 bytes; in a classic message the 16 that RFC 3489 defines.
  [[nodiscard]] Bytes transaction_id() const {
    return is_classic() ? bytes_.subspan(4, 16) : bytes_.subspan(8, kTransactionIdBytes);
  }
  // What XOR addresses are XORed with.
  [[nodiscard]] const uint8_t* cookie_and_id() const { return &bytes_[4]; }

  // The value of an attribute; Errc::AttributeMissing where there is none. `nth` counts attributes
  // of the same type from 0: the first is the one that counts unless the attribute is defined to
  // repeat (RFC 8489 section 14).
  template <AttributeType kType>
  [[nodiscard]] Result<ValueOf<kType>> get(size_t nth = 0) const {
    const AttributeView attribute = find(static_cast<uint16_t>(kType), nth);
    if (attribute.offset == 0) return Errc::AttributeMissing;
    return KindOf<kType>::read(attribute.value, cookie_and_id());
  }
  [[nodiscard]] bool has(AttributeType type) const {
    return find(static_cast<uint16_t>(type)).offset != 0;
  }

  // The nth attribute of a type; offset 0 where there is none. Attributes that stand behind an
  // integrity attribute are not found, but for those that may stand there (RFC 8489
  // sections 14.5, 14.6).
  [[nodiscard]] AttributeView find(uint16_t type, size_t nth = 0) const;

  // Every attribute in order, those to be ignored too. Start with offset kHeaderBytes; an attribute
  // with offset 0 marks the end. Any offset is safe: the value never reaches past the message.
  [[nodiscard]] AttributeView at(uint32_t offset) const;
  [[nodiscard]] static uint32_t next_offset(const AttributeView& attribute);
  // Whether the attribute stands where RFC 8489 says that it counts.
  [[nodiscard]] bool counts(const AttributeView& attribute) const;

  // Comprehension-required attributes that are not understood here (RFC 8489 section 6.3). Writes
  // as many of their types as fit and returns how many there are.
  [[nodiscard]] size_t unknown_required(std::span<uint16_t> out) const;

  // CRC-32 over all that comes before FINGERPRINT (RFC 8489 section 14.7). Invalid also where it is
  // not last.
  [[nodiscard]] FingerprintState fingerprint() const;

  // Offsets of the integrity attributes that count, 0 where there is none.
  [[nodiscard]] uint32_t integrity_offset() const { return integrity_offset_; }
  [[nodiscard]] uint32_t integrity_sha256_offset() const { return integrity_sha256_offset_; }

 private:
  Bytes bytes_;
  uint32_t integrity_offset_ = 0;
  uint32_t integrity_sha256_offset_ = 0;
  uint32_t fingerprint_offset_ = 0;
  uint32_t last_offset_ = 0;    // of the last attribute
  uint32_t protected_end_ = 0;  // where the attributes end that find() may return
};

}  // namespace postern::stun
