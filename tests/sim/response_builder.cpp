#include "sim/response_builder.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace postern::sim {

bool equal(stun::Bytes a, stun::Bytes b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
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

Message ResponseBuilder::build() const { return take_message(writer_); }

Message take_message(const stun::MessageWriter& writer) {
  const auto message = writer.finish();
  if (!message) {
    std::fprintf(stderr, "a test writes a message that cannot be: %.*s\n",
                 static_cast<int>(code_of(message.error()).size()),
                 code_of(message.error()).data());
    std::abort();
  }
  return {message->begin(), message->end()};
}

Message error(const Request& request, uint16_t code, std::string_view reason) {
  return ResponseBuilder(request, stun::Class::Error).error(code, reason).build();
}

Message corrupted(Message message) {
  message.back() ^= 1;
  return message;
}

}  // namespace postern::sim
