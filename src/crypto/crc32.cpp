#include "crypto/crc32.h"

#include <array>
#include <cstddef>

#include "crypto/little_endian.h"

namespace postern::crypto {
namespace {

// The generator polynomial with its bits reversed, the order in which the bits travel.
constexpr uint32_t kPolynomial = 0xedb88320;

// tables[n][byte]: what `byte` leaves in the CRC after n more bytes ("slicing by 8").
using Tables = std::array<std::array<uint32_t, 256>, 8>;

Tables make_tables() {
  Tables tables;
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
    tables[0][byte] = crc;
  }
  for (size_t n = 1; n < tables.size(); ++n) {
    for (size_t byte = 0; byte < 256; ++byte) {
      const uint32_t before = tables[n - 1][byte];
      tables[n][byte] = (before >> 8) ^ tables[0][before & 0xff];
    }
  }
  return tables;
}

// Made at first use: 8 KiB that do not compress would be a quarter of the download. The language
// makes the initialisation of a local static safe among threads.
const Tables& tables() {
  static const Tables kTables = make_tables();
  return kTables;
}

// What four bytes leave in the CRC when `kFollowing` bytes of the same step come after them.
template <size_t kFollowing>
uint32_t slice(const Tables& table, uint32_t word) {
  return table[kFollowing + 3][word & 0xff] ^ table[kFollowing + 2][(word >> 8) & 0xff] ^
         table[kFollowing + 1][(word >> 16) & 0xff] ^ table[kFollowing][word >> 24];
}

}  // namespace

uint32_t crc32(std::span<const uint8_t> bytes, uint32_t before) {
  const Tables& table = tables();
  const uint8_t* at = bytes.data();
  size_t left = bytes.size();
  uint32_t crc = ~before;
  for (; left >= 8; at += 8, left -= 8) {
    crc = slice<4>(table, crc ^ load_le32(at)) ^ slice<0>(table, load_le32(at + 4));
  }
  // STUN messages are multiples of four long.
  if (left >= 4) {
    crc = slice<0>(table, crc ^ load_le32(at));
    at += 4;
    left -= 4;
  }
  for (; left != 0; ++at, --left) crc = (crc >> 8) ^ table[0][(crc ^ *at) & 0xff];
  return ~crc;
}

}  // namespace postern::crypto
