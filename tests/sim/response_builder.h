// ResponseBuilder: a server's answer, attribute by attribute. Free of GoogleTest, so that fuzzers
// can have servers too.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/transport_address.h"
#include "stun/message_view.h"
#include "stun/message_writer.h"

namespace postern::sim {

using Message = std::vector<uint8_t>;
using Messages = std::vector<Message>;
using Request = stun::MessageView;

[[nodiscard]] inline stun::Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}
[[nodiscard]] inline std::string as_text(stun::Bytes bytes) { return {bytes.begin(), bytes.end()}; }
[[nodiscard]] bool equal(stun::Bytes a, stun::Bytes b);

class ResponseBuilder {
 public:
  ResponseBuilder(const Request& request, stun::Class message_class);
  ResponseBuilder(const ResponseBuilder&) = delete;

  template <stun::AttributeType kType>
  ResponseBuilder& add(const stun::ValueOf<kType>& value) {
    writer_.add<kType>(value);
    return *this;
  }
  // For attribute types that other servers use for the same kind of value.
  template <typename Kind>
  ResponseBuilder& add_value(uint16_t type, const typename Kind::Value& value) {
    writer_.add_value<Kind>(type, value);
    return *this;
  }
  ResponseBuilder& add_raw(uint16_t type, stun::Bytes value);
  ResponseBuilder& error(uint16_t code, std::string_view reason);
  ResponseBuilder& sign_sha1(const stun::PreparedKey& key);
  ResponseBuilder& sign_sha256(const stun::PreparedKey& key, size_t bytes = 32);
  ResponseBuilder& fingerprint();
  // An answer that cannot be written is a mistake of the test, and ends the program.
  [[nodiscard]] Message build() const;

 private:
  std::array<uint8_t, 4096> buffer_{};
  stun::MessageWriter writer_;
};

// The finished message of a writer. One that cannot be written ends the program.
[[nodiscard]] Message take_message(const stun::MessageWriter& writer);

// ERROR-CODE and nothing else.
[[nodiscard]] Message error(const Request& request, uint16_t code, std::string_view reason = "");

// The message with one bit of its last byte flipped.
[[nodiscard]] Message corrupted(Message message);

}  // namespace postern::sim
