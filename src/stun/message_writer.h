// MessageWriter: lays a STUN message down in a buffer of the caller's, attribute after attribute,
// then integrity, then FINGERPRINT (RFC 8489 sections 5 and 14). The first failure sticks: write
// linearly, look once, at finish().
#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"
#include "stun/attribute_traits.h"
#include "stun/message_type.h"
#include "stun/prepared_key.h"
#include "stun/registry.h"

namespace postern::stun {

using TransactionId = std::array<uint8_t, kTransactionIdBytes>;

class MessageWriter {
 public:
  MessageWriter(std::span<uint8_t> buffer, uint16_t message_type,
                std::span<const uint8_t, kTransactionIdBytes> transaction_id);
  MessageWriter(std::span<uint8_t> buffer, Class message_class, Method method,
                const TransactionId& transaction_id)
      : MessageWriter(buffer, make_message_type(message_class, method), transaction_id) {}

  // RFC 3489: no cookie, 16 bytes of transaction ID. For answers to classic clients.
  [[nodiscard]] static MessageWriter classic(std::span<uint8_t> buffer, uint16_t message_type,
                                             std::span<const uint8_t, 16> transaction_id);

  template <AttributeType kType>
  void add(const ValueOf<kType>& value) {
    add_value<KindOf<kType>>(static_cast<uint16_t>(kType), value);
  }

  template <typename Kind>
  void add_value(uint16_t type, const typename Kind::Value& value) {
    uint8_t* const out = open_attribute(type, Kind::size(value));
    if (out != nullptr) Kind::write(out, value, buffer_.data() + 4);
  }

  // An attribute whose form is not known here.
  void add_raw(uint16_t type, Bytes value) { add_value<kind::Opaque>(type, value); }

  // MESSAGE-INTEGRITY and MESSAGE-INTEGRITY-SHA256 over what was written so far; `bytes` is a
  // truncated length of 16 to 32, for usages that permit it (RFC 8489 section 14.6).
  void add_integrity(const PreparedKey& key);
  void add_integrity_sha256(const PreparedKey& key, size_t bytes = 32);
  void add_fingerprint();

  [[nodiscard]] Errc error() const { return errc_; }
  [[nodiscard]] size_t size() const { return size_; }
  // The message, or the first failure.
  [[nodiscard]] Result<Bytes> finish() const;

 private:
  // What may still follow: integrity and FINGERPRINT have their order (RFC 8489 sections 14.5
  // to 14.7).
  enum class Stage : uint8_t { Attributes, Integrity, IntegritySha256, Fingerprint };

  MessageWriter() = default;

  uint8_t* open_attribute(uint16_t type, size_t value_bytes);
  uint8_t* advance(Stage stage, AttributeType type, size_t value_bytes);

  std::span<uint8_t> buffer_;
  size_t size_ = 0;
  Stage stage_ = Stage::Attributes;
  Errc errc_ = Errc::Ok;
};

}  // namespace postern::stun
