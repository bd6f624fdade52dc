#include "crypto/aes.h"

#include <bit>
#include <cassert>

#include "base/byte_order.h"

namespace postern::crypto {

namespace {

// Eight elements of GF(2^8), each in a byte (FIPS 197 section 4).
using Elements = uint64_t;

constexpr Elements kOnes = 0x0101'0101'0101'0101;

constexpr Elements doubled(Elements a) {
  constexpr uint8_t kReduction = 0x1B;  // x^8 = x^4 + x^3 + x + 1
  return ((a & (kOnes * 0x7F)) << 1) ^ (((a >> 7) & kOnes) * kReduction);
}

constexpr Elements product(Elements a, Elements b) {
  Elements sum = 0;
  for (unsigned bit = 0; bit < 8; ++bit) {
    sum ^= a & (((b >> bit) & kOnes) * 0xFF);
    a = doubled(a);
  }
  return sum;
}

constexpr Elements rotated_left(Elements a, unsigned bits) {
  const Elements low = kOnes * (0xFFU >> (8 - bits));
  return ((a << bits) & ~low) | ((a >> (8 - bits)) & low);
}

// Section 5.1.1: the inverse, which is the 254th power, and an affine map.
constexpr Elements substituted(Elements a) {
  const Elements power2 = product(a, a);
  const Elements power3 = product(power2, a);
  const Elements power6 = product(power3, power3);
  const Elements power12 = product(power6, power6);
  const Elements power15 = product(power12, power3);
  Elements power240 = power15;
  for (int i = 0; i < 4; ++i) power240 = product(power240, power240);
  const Elements inverse = product(product(power240, power12), power2);
  return inverse ^ rotated_left(inverse, 1) ^ rotated_left(inverse, 2) ^ rotated_left(inverse, 3) ^
         rotated_left(inverse, 4) ^ (kOnes * 0x63);
}

uint32_t substituted_word(uint32_t word) { return static_cast<uint32_t>(substituted(word)); }

using State = std::array<uint32_t, 4>;

void substitute(State& state) {
  for (size_t i = 0; i < state.size(); i += 2) {
    const Elements both = substituted(Elements{state[i]} << 32 | state[i + 1]);
    state[i] = static_cast<uint32_t>(both >> 32);
    state[i + 1] = static_cast<uint32_t>(both);
  }
}

// Section 5.1.2.
State shifted_rows(const State& state) {
  State shifted{};
  for (size_t i = 0; i < state.size(); ++i) {
    shifted[i] = (state[i] & 0xFF00'0000) | (state[(i + 1) % 4] & 0x00FF'0000) |
                 (state[(i + 2) % 4] & 0x0000'FF00) | (state[(i + 3) % 4] & 0x0000'00FF);
  }
  return shifted;
}

// Section 5.1.3.
uint32_t mixed(uint32_t column) {
  const uint32_t next = std::rotl(column, 8);
  return static_cast<uint32_t>(doubled(column ^ next)) ^ next ^ std::rotl(column, 16) ^
         std::rotl(column, 24);
}

}  // namespace

// Section 5.2.
Aes::Aes(std::span<const uint8_t> key) : rounds_(key.size() == 16 ? 10 : kMostRounds) {
  assert(is_key_size(key.size()));
  const size_t words = key.size() == 16 ? 4 : 8;
  uint32_t round_constant = 1;
  for (size_t i = 0; i < 4 * (rounds_ + 1); ++i) {
    if (i < words) {
      round_keys_[i] = load_be32(&key[4 * i]);
      continue;
    }
    uint32_t word = round_keys_[i - 1];
    if (i % words == 0) {
      word = substituted_word(std::rotl(word, 8)) ^ round_constant << 24;
      round_constant = static_cast<uint32_t>(doubled(round_constant));
    } else if (words == 8 && i % words == 4) {
      word = substituted_word(word);
    }
    round_keys_[i] = round_keys_[i - words] ^ word;
  }
}

// Section 5.1.
Aes::Block Aes::encrypt(const Block& block) const {
  State state{};
  for (size_t i = 0; i < 4; ++i) state[i] = load_be32(&block[4 * i]) ^ round_keys_[i];
  for (size_t round = 1; round <= rounds_; ++round) {
    substitute(state);
    state = shifted_rows(state);
    for (size_t i = 0; i < 4; ++i) {
      const uint32_t column = round < rounds_ ? mixed(state[i]) : state[i];
      state[i] = column ^ round_keys_[4 * round + i];
    }
  }
  Block out{};
  for (size_t i = 0; i < 4; ++i) store_be32(&out[4 * i], state[i]);
  return out;
}

}  // namespace postern::crypto
