// The registries of STUN as enums: methods, attributes, error codes, password algorithms, security
// features. Each is made from one table in registry/; JavaScript's names come from the same tables.
#pragma once

#include <cstddef>
#include <cstdint>

namespace postern::stun {

// RFC 8489 section 5.
inline constexpr size_t kHeaderBytes = 20;
inline constexpr uint32_t kMagicCookie = 0x2112A442;
inline constexpr size_t kTransactionIdBytes = 12;
// The length field has 16 bits and counts in steps of 4.
inline constexpr size_t kMaxMessageBytes = kHeaderBytes + 0xFFFC;

// RFC 8489 section 5: the two class bits.
enum class Class : uint8_t { Request = 0, Indication = 1, Success = 2, Error = 3 };

enum class Method : uint16_t {
#define POSTERN_METHOD(enumerator, name, number, reference) enumerator = number,
#include "stun/registry/methods.def"
#undef POSTERN_METHOD
};

enum class AttributeType : uint16_t {
#define POSTERN_ATTRIBUTE(enumerator, name, number, kind, status, reference) enumerator = number,
#include "stun/registry/attributes.def"
#undef POSTERN_ATTRIBUTE
};

enum class AttributeStatus : uint8_t { Current, Classic, Unregistered };

enum class ErrorCode : uint16_t {
#define POSTERN_ERROR_CODE(enumerator, number, reason, hint, reference) enumerator = number,
#include "stun/registry/error_codes.def"
#undef POSTERN_ERROR_CODE
};

enum class PasswordAlgorithm : uint16_t {
#define POSTERN_PASSWORD_ALGORITHM(enumerator, name, number, key_bytes) enumerator = number,
#include "stun/registry/password_algorithms.def"
#undef POSTERN_PASSWORD_ALGORITHM
};

enum class SecurityFeature : uint32_t {
#define POSTERN_SECURITY_FEATURE(enumerator, name, bit) enumerator = 1U << (bit),
#include "stun/registry/security_features.def"
#undef POSTERN_SECURITY_FEATURE
};

// RFC 8489 section 14: the upper half of the type space may be ignored by who does not know it.
[[nodiscard]] constexpr bool is_comprehension_required(uint16_t type) { return type < 0x8000; }

// Whether this implementation understands the attribute (RFC 8489 section 6.3).
[[nodiscard]] constexpr bool is_understood(uint16_t type) {
  switch (type) {
#define POSTERN_ATTRIBUTE(enumerator, name, number, kind, status, reference) \
  case number:                                                               \
    return AttributeStatus::status != AttributeStatus::Unregistered;
#include "stun/registry/attributes.def"
#undef POSTERN_ATTRIBUTE
    default:
      return false;
  }
}

}  // namespace postern::stun
