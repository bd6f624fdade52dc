#include "stun/message_writer.h"

#include <algorithm>
#include <cstring>

#include "stun/fingerprint.h"
#include "stun/integrity.h"

namespace postern::stun {

namespace {

constexpr size_t kAttributeHeaderBytes = 4;

}  // namespace

MessageWriter::MessageWriter(std::span<uint8_t> buffer, uint16_t message_type,
                             std::span<const uint8_t, kTransactionIdBytes> transaction_id)
    : buffer_(buffer.first(std::min(buffer.size(), kMaxMessageBytes))) {
  if (buffer_.size() < kHeaderBytes) {
    errc_ = Errc::MessageTooLong;
    return;
  }
  if (message_type > 0x3FFF) {
    errc_ = Errc::BadMessageType;
    return;
  }
  store_be16(buffer_.data(), message_type);
  store_be16(buffer_.data() + 2, 0);
  store_be32(buffer_.data() + 4, kMagicCookie);
  std::memcpy(buffer_.data() + 8, transaction_id.data(), transaction_id.size());
  size_ = kHeaderBytes;
}

MessageWriter MessageWriter::classic(std::span<uint8_t> buffer, uint16_t message_type,
                                     std::span<const uint8_t, 16> transaction_id) {
  MessageWriter writer(buffer, message_type, transaction_id.last<kTransactionIdBytes>());
  if (writer.errc_ == Errc::Ok) std::memcpy(buffer.data() + 4, transaction_id.data(), 4);
  return writer;
}

uint8_t* MessageWriter::open_attribute(uint16_t type, size_t value_bytes) {
  if (errc_ != Errc::Ok) return nullptr;
  if (stage_ != Stage::Attributes) {
    errc_ = Errc::AttributeOrder;
    return nullptr;
  }
  if (value_bytes >= kTooLong) {
    errc_ = Errc::AttributeValue;
    return nullptr;
  }
  return advance(Stage::Attributes, static_cast<AttributeType>(type), value_bytes);
}

uint8_t* MessageWriter::advance(Stage stage, AttributeType type, size_t value_bytes) {
  if (errc_ != Errc::Ok) return nullptr;
  if (stage != Stage::Attributes && stage <= stage_) {
    errc_ = Errc::AttributeOrder;
    return nullptr;
  }
  const size_t padded = (value_bytes + 3) & ~size_t{3};
  if (padded + kAttributeHeaderBytes > buffer_.size() - size_) {
    errc_ = Errc::MessageTooLong;
    return nullptr;
  }
  stage_ = stage;
  uint8_t* const attribute = buffer_.data() + size_;
  uint8_t* const value = attribute + kAttributeHeaderBytes;
  store_be16(attribute, static_cast<uint16_t>(type));
  store_be16(attribute + 2, static_cast<uint16_t>(value_bytes));
  // Zero padding: old bytes of the buffer must not leak (RFC 8489 section 14).
  if (padded != value_bytes) store_be32(value + padded - 4, 0);
  size_ += kAttributeHeaderBytes + padded;
  // The hashes below cover a length that counts their own attribute.
  store_be16(buffer_.data() + 2, static_cast<uint16_t>(size_ - kHeaderBytes));
  return value;
}

void MessageWriter::add_integrity(const PreparedKey& key) {
  const size_t covered = size_;
  uint8_t* const out =
      advance(Stage::Integrity, AttributeType::MessageIntegrity, crypto::Sha1::kDigestSize);
  if (out == nullptr) return;
  const auto mac = key.sha1.mac(buffer_.first(covered));
  std::copy(mac.begin(), mac.end(), out);
}

void MessageWriter::add_integrity_sha256(const PreparedKey& key, size_t bytes) {
  if (errc_ == Errc::Ok && !is_valid_sha256_length(bytes)) errc_ = Errc::IntegrityLength;
  const size_t covered = size_;
  uint8_t* const out =
      advance(Stage::IntegritySha256, AttributeType::MessageIntegritySha256, bytes);
  if (out == nullptr) return;
  const auto mac = key.sha256.mac(buffer_.first(covered));
  std::copy_n(mac.begin(), bytes, out);
}

void MessageWriter::add_fingerprint() {
  const size_t covered = size_;
  uint8_t* const out = advance(Stage::Fingerprint, AttributeType::Fingerprint, 4);
  if (out != nullptr) store_be32(out, fingerprint_of(buffer_.first(covered)));
}

Result<Bytes> MessageWriter::finish() const {
  if (errc_ != Errc::Ok) return errc_;
  return Bytes(buffer_.first(size_));
}

}  // namespace postern::stun
