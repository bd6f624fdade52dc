// Errc: why something failed, as a number that crosses the wasm boundary. Made from errors.def,
// which also holds the stable code and the sentence of each.
#pragma once

#include <cstdint>
#include <string_view>

namespace postern {

enum class Errc : uint8_t {
  Ok = 0,
#define POSTERN_ERROR(enumerator, code, sentence) enumerator,
#define POSTERN_CLIENT_ERROR(enumerator, code, sentence) enumerator,
#define POSTERN_JS_ERROR(code, sentence)
#include "base/errors.def"
#undef POSTERN_ERROR
#undef POSTERN_CLIENT_ERROR
#undef POSTERN_JS_ERROR
};

// The stable code, such as "ERR_STUN_TRUNCATED"; "OK" for Errc::Ok.
[[nodiscard]] constexpr std::string_view code_of(Errc errc) {
  switch (errc) {
    case Errc::Ok:
      return "OK";
#define POSTERN_ERROR(enumerator, code, sentence) \
  case Errc::enumerator:                          \
    return code;
#define POSTERN_CLIENT_ERROR(enumerator, code, sentence) POSTERN_ERROR(enumerator, code, sentence)
#define POSTERN_JS_ERROR(code, sentence)
#include "base/errors.def"
#undef POSTERN_ERROR
#undef POSTERN_CLIENT_ERROR
#undef POSTERN_JS_ERROR
  }
  return "ERR_INTERNAL";
}

}  // namespace postern
