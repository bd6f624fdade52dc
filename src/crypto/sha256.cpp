#include "crypto/sha256.h"

#include <utility>

namespace postern::crypto {
namespace {

#define POSTERN_ALWAYS_INLINE [[gnu::always_inline]] inline

// K(t), RFC 6234 5.1: the first 32 bits of the fractional parts of the cube roots of the first 64
// primes.
constexpr std::array<uint32_t, 64> kRoundConstants{
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

// BSIG0, BSIG1, SSIG0 and SSIG1 of RFC 6234 5.1.
POSTERN_ALWAYS_INLINE uint32_t big_sigma0(uint32_t x) {
  return std::rotr(x, 2) ^ std::rotr(x, 13) ^ std::rotr(x, 22);
}
POSTERN_ALWAYS_INLINE uint32_t big_sigma1(uint32_t x) {
  return std::rotr(x, 6) ^ std::rotr(x, 11) ^ std::rotr(x, 25);
}
POSTERN_ALWAYS_INLINE uint32_t small_sigma0(uint32_t x) {
  return std::rotr(x, 7) ^ std::rotr(x, 18) ^ (x >> 3);
}
POSTERN_ALWAYS_INLINE uint32_t small_sigma1(uint32_t x) {
  return std::rotr(x, 17) ^ std::rotr(x, 19) ^ (x >> 10);
}

using Ring = std::array<uint32_t, 16>;  // the last sixteen W(t)

// Step 3 of RFC 6234 6.2; `word` is W(t) + K(t). Instead of moving a..h to the next letter after
// each round, the letters move: a is a different element of `v` in each of eight rounds.
template <size_t T>
POSTERN_ALWAYS_INLINE void round(Sha256Compression::State& v, uint32_t word) {
  const uint32_t a = v[(16 - T) % 8];
  const uint32_t b = v[(17 - T) % 8];
  const uint32_t c = v[(18 - T) % 8];
  uint32_t& d = v[(19 - T) % 8];
  const uint32_t e = v[(20 - T) % 8];
  const uint32_t f = v[(21 - T) % 8];
  const uint32_t g = v[(22 - T) % 8];
  uint32_t& h = v[(23 - T) % 8];
  h += big_sigma1(e) + (g ^ (e & (f ^ g))) + word;
  d += h;
  h += big_sigma0(a) + ((a & b) | (c & (a | b)));
}

template <size_t T>
POSTERN_ALWAYS_INLINE uint32_t load(Ring& ring, const uint8_t* block) {
  return ring[T] = load_be32(block + 4 * T);
}

template <size_t T>
POSTERN_ALWAYS_INLINE uint32_t schedule(Ring& ring) {
  return ring[T] +=
         small_sigma0(ring[(T + 1) % 16]) + ring[(T + 9) % 16] + small_sigma1(ring[(T + 14) % 16]);
}

// Sixteen rounds are expanded in place: after them the letters are where they began. Expanding all
// 64 is 50 % slower and twice the code.
template <size_t... T>
POSTERN_ALWAYS_INLINE void all_rounds(Sha256Compression::State& v, const uint8_t* block,
                                      std::index_sequence<T...>) {
  Ring ring;
  const uint32_t* k = kRoundConstants.data();
  (round<T>(v, load<T>(ring, block) + k[T]), ...);
  for (k += 16; k != kRoundConstants.data() + kRoundConstants.size(); k += 16) {
    (round<T>(v, schedule<T>(ring) + k[T]), ...);
  }
}

#undef POSTERN_ALWAYS_INLINE

}  // namespace

void Sha256Compression::compress(State& state, const uint8_t* blocks, size_t count) {
  for (const uint8_t* end = blocks + kBlockSize * count; blocks != end; blocks += kBlockSize) {
    State v = state;
    all_rounds(v, blocks, std::make_index_sequence<16>{});
    for (size_t i = 0; i < state.size(); ++i) state[i] += v[i];
  }
}

template class BlockHash<Sha256Compression>;

}  // namespace postern::crypto
