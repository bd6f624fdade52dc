// AES (FIPS 197), encryption only, which is what counter mode needs, with keys of 128 or 256 bits.
// Nothing is looked up and nothing branches by secrets: the S-box is computed, for eight bytes at a
// time. That takes some microseconds for a block; tokens have five.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace postern::crypto {

class Aes {
 public:
  static constexpr size_t kBlockBytes = 16;
  using Block = std::array<uint8_t, kBlockBytes>;

  [[nodiscard]] static constexpr bool is_key_size(size_t bytes) {
    return bytes == 16 || bytes == 32;
  }

  // `key`: is_key_size() of its size.
  explicit Aes(std::span<const uint8_t> key);

  [[nodiscard]] Block encrypt(const Block& block) const;

 private:
  static constexpr size_t kMostRounds = 14;
  // One column of the state, or of a round key: its first byte is the highest.
  using Column = uint32_t;

  size_t rounds_;
  std::array<Column, 4 * (kMostRounds + 1)> round_keys_{};
};

}  // namespace postern::crypto
