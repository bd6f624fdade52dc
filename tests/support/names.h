// Names of registry entries by number, and errors by code. The core has no need of them: it hands
// out numbers.
#pragma once

#include <cstdint>
#include <ostream>
#include <string_view>

#include "base/errc.h"
#include "base/transport_address.h"
#include "stun/registry.h"

namespace postern {

// So that a failed comparison of errors or addresses can be read.
inline std::ostream& operator<<(std::ostream& out, Errc errc) { return out << code_of(errc); }

}  // namespace postern

namespace postern::testing {

// The RFC's name; empty where the registry has none.
[[nodiscard]] constexpr std::string_view attribute_name(uint16_t type) {
  switch (type) {
#define POSTERN_ATTRIBUTE(enumerator, name, number, kind, status, reference) \
  case number:                                                               \
    return name;
#include "stun/registry/attributes.def"
#undef POSTERN_ATTRIBUTE
    default:
      return {};
  }
}

// The other way; 0xFFFF where there is no such name.
[[nodiscard]] constexpr uint16_t attribute_type(std::string_view wanted) {
#define POSTERN_ATTRIBUTE(enumerator, name, number, kind, status, reference) \
  if (wanted == (name)) return number;
#include "stun/registry/attributes.def"
#undef POSTERN_ATTRIBUTE
  return 0xFFFF;
}

[[nodiscard]] constexpr std::string_view method_name(uint16_t method) {
  switch (method) {
#define POSTERN_METHOD(enumerator, name, number, reference) \
  case number:                                              \
    return name;
#include "stun/registry/methods.def"
#undef POSTERN_METHOD
    default:
      return {};
  }
}

}  // namespace postern::testing
