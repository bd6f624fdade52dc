#include "sim/messages.h"

#include <gtest/gtest.h>

namespace postern::sim {

stun::MessageView parse(const Message& message) {
  stun::MessageView view;
  const auto failure = stun::MessageView::parse(message, {}, view);
  EXPECT_EQ(code_of(failure.errc), "OK");
  return view;
}

ResponseBuilder::ResponseBuilder(const Request& request, stun::Class message_class)
    : writer_(buffer_, stun::make_message_type(message_class, request.method()),
              request.transaction_id().first<stun::kTransactionIdBytes>()) {}

ResponseBuilder& ResponseBuilder::add_raw(uint16_t type, stun::Bytes value) {
  writer_.add_raw(type, value);
  return *this;
}

ResponseBuilder& ResponseBuilder::error(uint16_t code, std::string_view reason) {
  return add<stun::AttributeType::ErrorCode>({.code = code, .reason = as_bytes(reason)});
}

ResponseBuilder& ResponseBuilder::sign_sha1(const stun::PreparedKey& key) {
  writer_.add_integrity(key);
  return *this;
}

ResponseBuilder& ResponseBuilder::sign_sha256(const stun::PreparedKey& key, size_t bytes) {
  writer_.add_integrity_sha256(key, bytes);
  return *this;
}

ResponseBuilder& ResponseBuilder::fingerprint() {
  writer_.add_fingerprint();
  return *this;
}

Message ResponseBuilder::build() const {
  const auto message = writer_.finish();
  EXPECT_TRUE(message.has_value()) << code_of(message.error());
  return message ? Message(message->begin(), message->end()) : Message{};
}

Message success(const Request& request, const TransportAddress& address) {
  return ResponseBuilder(request, stun::Class::Success)
      .add<stun::AttributeType::XorMappedAddress>(address)
      .build();
}

Message error(const Request& request, uint16_t code, std::string_view reason) {
  return ResponseBuilder(request, stun::Class::Error).error(code, reason).build();
}

Message corrupted(Message message) {
  message.back() ^= 1;
  return message;
}

}  // namespace postern::sim
