#include "stun/message_view.h"

#include <algorithm>

#include "stun/fingerprint.h"

namespace postern::stun {

namespace {

constexpr uint32_t kAttributeHeaderBytes = 4;

constexpr uint32_t padded(uint32_t length) { return (length + 3) & ~uint32_t{3}; }

constexpr uint16_t kIntegrity = static_cast<uint16_t>(AttributeType::MessageIntegrity);
constexpr uint16_t kIntegritySha256 = static_cast<uint16_t>(AttributeType::MessageIntegritySha256);
constexpr uint16_t kFingerprint = static_cast<uint16_t>(AttributeType::Fingerprint);

}  // namespace

MessageView::Failure MessageView::parse(Bytes bytes, ParseOptions options, MessageView& out) {
  // RFC 8489 section 6.3.
  if (bytes.size() < kHeaderBytes) return {Errc::TooShort, static_cast<uint32_t>(bytes.size())};
  if ((bytes[0] & 0xC0) != 0) return {Errc::NotStun, 0};
  const uint32_t length = load_be16(&bytes[2]);
  if (length % 4 != 0) return {Errc::LengthUnaligned, 2};
  const size_t total = kHeaderBytes + length;
  if (total > bytes.size()) return {Errc::Truncated, 2};
  if (total < bytes.size()) return {Errc::TrailingBytes, static_cast<uint32_t>(total)};
  if (load_be32(&bytes[4]) != kMagicCookie && !options.allow_classic) return {Errc::BadCookie, 4};

  MessageView view;
  view.bytes_ = bytes;
  const uint8_t* const data = bytes.data();
  const auto end = static_cast<uint32_t>(total);
  view.protected_end_ = end;
  for (uint32_t offset = kHeaderBytes; offset < end;) {
    // Everything is a multiple of 4, so the four bytes of an attribute's header are always there.
    const uint16_t type = load_be16(data + offset);
    const uint32_t value_length = load_be16(data + offset + 2);
    const uint32_t value_space = end - offset - kAttributeHeaderBytes;
    if (value_length > value_space) return {Errc::AttributeOverrun, offset};
    const uint32_t next = offset + kAttributeHeaderBytes + padded(value_length);
    view.last_offset_ = offset;
    if (type == kFingerprint) {
      if (view.fingerprint_offset_ == 0) view.fingerprint_offset_ = offset;
    } else if (type == kIntegritySha256) {
      if (view.integrity_sha256_offset_ == 0) {
        view.integrity_sha256_offset_ = offset;
        if (view.protected_end_ == end) view.protected_end_ = next;
      }
    } else if (type == kIntegrity) {
      if (view.protected_end_ == end) {
        view.integrity_offset_ = offset;
        view.protected_end_ = next;
      }
    }
    offset = next;
  }
  out = view;
  return {};
}

AttributeView MessageView::at(uint32_t offset) const {
  const Bytes rest = bytes_.subspan(std::min<size_t>(offset, bytes_.size()));
  if (rest.size() < kAttributeHeaderBytes) return {};
  // Parsing has seen that the value fits. It may not if the caller's bytes have changed since, or
  // the offset is not one that next_offset() gave.
  const size_t length = std::min<size_t>(load_be16(&rest[2]), rest.size() - kAttributeHeaderBytes);
  return {.type = load_be16(rest.data()),
          .offset = offset,
          .value = rest.subspan(kAttributeHeaderBytes, length)};
}

uint32_t MessageView::next_offset(const AttributeView& attribute) {
  return attribute.offset + kAttributeHeaderBytes +
         padded(static_cast<uint32_t>(attribute.value.size()));
}

bool MessageView::counts(const AttributeView& attribute) const {
  if (attribute.offset < protected_end_) return true;
  if (attribute.type == kIntegritySha256) return attribute.offset == integrity_sha256_offset_;
  return attribute.type == kFingerprint && attribute.offset == fingerprint_offset_;
}

AttributeView MessageView::find(uint16_t type, size_t nth) const {
  if (nth == 0) {
    if (type == kIntegritySha256)
      return integrity_sha256_offset_ == 0 ? AttributeView{} : at(integrity_sha256_offset_);
    if (type == kFingerprint)
      return fingerprint_offset_ == 0 ? AttributeView{} : at(fingerprint_offset_);
  }
  const uint8_t* const data = bytes_.data();
  for (uint32_t offset = kHeaderBytes; offset < protected_end_;) {
    if (load_be16(data + offset) == type && nth-- == 0) return at(offset);
    offset += kAttributeHeaderBytes + padded(load_be16(data + offset + 2));
  }
  return {};
}

size_t MessageView::unknown_required(std::span<uint16_t> out) const {
  size_t count = 0;
  for (AttributeView attribute = at(kHeaderBytes);
       attribute.offset != 0 && attribute.offset < protected_end_;
       attribute = at(next_offset(attribute))) {
    if (!is_comprehension_required(attribute.type) || is_understood(attribute.type)) continue;
    if (count < out.size()) out[count] = attribute.type;
    ++count;
  }
  return count;
}

FingerprintState MessageView::fingerprint() const {
  if (fingerprint_offset_ == 0) return FingerprintState::Absent;
  const AttributeView attribute = at(fingerprint_offset_);
  if (fingerprint_offset_ != last_offset_ || attribute.value.size() != 4)
    return FingerprintState::Invalid;
  const uint32_t expected = fingerprint_of(bytes_.first(fingerprint_offset_));
  return load_be32(attribute.value.data()) == expected ? FingerprintState::Valid
                                                       : FingerprintState::Invalid;
}

}  // namespace postern::stun
