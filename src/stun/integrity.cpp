#include "stun/integrity.h"

#include <array>
#include <cstring>

#include "base/byte_order.h"
#include "crypto/constant_time.h"

namespace postern::stun {

namespace {

// The hash covers the message before the attribute, with a length field that ends right behind it.
template <typename Hmac>
Errc check(const MessageView& message, uint32_t offset, const Hmac& hmac) {
  const AttributeView attribute = message.at(offset);
  const Bytes covered = message.bytes().first(offset);
  std::array<uint8_t, kHeaderBytes> header;
  std::memcpy(header.data(), covered.data(), header.size());
  store_be16(&header[2], static_cast<uint16_t>(MessageView::next_offset(attribute) - kHeaderBytes));
  const auto mac = hmac.mac(header, covered.subspan(kHeaderBytes));
  return crypto::equal_constant_time(Bytes(mac).first(attribute.value.size()), attribute.value)
             ? Errc::Ok
             : Errc::IntegrityMismatch;
}

}  // namespace

Errc check_integrity(const MessageView& message, const PreparedKey& key) {
  const uint32_t offset = message.integrity_offset();
  if (offset == 0) return Errc::IntegrityMissing;
  if (message.at(offset).value.size() != crypto::Sha1::kDigestSize) return Errc::IntegrityLength;
  return check(message, offset, key.sha1);
}

Errc check_integrity_sha256(const MessageView& message, const PreparedKey& key,
                            size_t least_bytes) {
  const uint32_t offset = message.integrity_sha256_offset();
  if (offset == 0) return Errc::IntegrityMissing;
  const size_t bytes = message.at(offset).value.size();
  if (!is_valid_sha256_length(bytes) || bytes < least_bytes) return Errc::IntegrityLength;
  return check(message, offset, key.sha256);
}

Errc check_best_integrity(const MessageView& message, const PreparedKey& key, size_t least_bytes) {
  if (message.integrity_sha256_offset() != 0)
    return check_integrity_sha256(message, key, least_bytes);
  return check_integrity(message, key);
}

}  // namespace postern::stun
