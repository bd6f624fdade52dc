// FINGERPRINT: CRC-32 of the message up to the attribute, XORed so that it differs from the CRC of
// other protocols in the same packet (RFC 8489 section 14.7).
#pragma once

#include <cstdint>
#include <span>

#include "crypto/crc32.h"

namespace postern::stun {

inline constexpr uint32_t kFingerprintXor = 0x5354554E;
inline constexpr size_t kFingerprintAttributeBytes = 8;

// `covered` is the message from its first byte to the one before FINGERPRINT; its length field
// already counts FINGERPRINT.
[[nodiscard]] inline uint32_t fingerprint_of(std::span<const uint8_t> covered) {
  return crypto::crc32(covered) ^ kFingerprintXor;
}

}  // namespace postern::stun
