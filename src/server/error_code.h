// ERROR-CODE with the recommended reason phrase.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/text.h"
#include "stun/attribute_kinds.h"
#include "stun/registry.h"

namespace postern::server {

[[nodiscard]] constexpr uint16_t code_of(stun::ErrorCode error) {
  return static_cast<uint16_t>(error);
}

[[nodiscard]] constexpr std::string_view reason_of(uint16_t code) {
  switch (code) {
#define POSTERN_ERROR_CODE(enumerator, number, reason, hint, reference) \
  case number:                                                          \
    return reason;
#include "stun/registry/error_codes.def"
#undef POSTERN_ERROR_CODE
    default:
      return {};
  }
}

[[nodiscard]] inline stun::kind::ErrorReasonValue error_value(uint16_t code) {
  return {.code = code, .reason = as_bytes(reason_of(code))};
}

}  // namespace postern::server
