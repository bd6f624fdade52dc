// Messages laid down byte by byte, so that what reads them is not tested against our own writer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/byte_order.h"
#include "stun/message_view.h"
#include "support/bytes.h"

namespace postern::testing {

// The transaction ID of RFC 5769 sections 2.1 to 2.3.
inline constexpr std::array<uint8_t, 12> kTransactionId = {0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34,
                                                           0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae};
inline constexpr uint16_t kBindingSuccess = 0x0101;

// `attributes` is what follows the header, in hexadecimal digits; blanks are skipped.
[[nodiscard]] inline ByteVector raw_message(std::string_view attributes,
                                            uint16_t type = kBindingSuccess) {
  std::string digits;
  for (const char c : attributes) {
    if (c != ' ') digits += c;
  }
  ByteVector bytes = unhex("000000002112a442");
  append(bytes, kTransactionId);
  append(bytes, unhex(digits));
  store_be16(&bytes[0], type);
  store_be16(&bytes[2], static_cast<uint16_t>(bytes.size() - stun::kHeaderBytes));
  return bytes;
}

}  // namespace postern::testing
