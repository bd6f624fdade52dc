// Long-term credentials: the key and the user hash (RFC 8489 sections 9.2.2, 14.4, 18.5). User
// name, realm and password come prepared (OpaqueString or SASLprep) and in UTF-8.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/result.h"
#include "stun/registry.h"

namespace postern::stun {

inline constexpr size_t kUserhashBytes = 32;

// MD5 gives 16 bytes, SHA-256 gives 32.
struct LongTermKey {
  std::array<uint8_t, 32> bytes{};
  size_t size = 0;

  [[nodiscard]] std::span<const uint8_t> view() const { return std::span(bytes).first(size); }
};

[[nodiscard]] LongTermKey long_term_key(PasswordAlgorithm algorithm,
                                        std::span<const uint8_t> username,
                                        std::span<const uint8_t> realm,
                                        std::span<const uint8_t> password);

[[nodiscard]] std::array<uint8_t, kUserhashBytes> userhash(std::span<const uint8_t> username,
                                                           std::span<const uint8_t> realm);

}  // namespace postern::stun
