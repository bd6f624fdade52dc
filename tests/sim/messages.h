// Messages for tests: a response builder and the addresses that everybody uses.
#pragma once

#include <array>
#include <cstdint>
#include <span>
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

inline const TransportAddress kServer = TransportAddress::ipv4(192, 0, 2, 1, 3478);
inline const TransportAddress kStranger = TransportAddress::ipv4(198, 51, 100, 66, 3478);
inline const TransportAddress kMapped = TransportAddress::ipv4(203, 0, 113, 7, 40000);
inline const TransportAddress kForged = TransportAddress::ipv4(198, 51, 100, 99, 666);

[[nodiscard]] inline stun::Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}
[[nodiscard]] inline std::string as_text(stun::Bytes bytes) { return {bytes.begin(), bytes.end()}; }

// The message must be well-formed; the test fails if it is not.
[[nodiscard]] stun::MessageView parse(const Message& message);

// A response to a request, attribute by attribute.
class ResponseBuilder {
 public:
  ResponseBuilder(const Request& request, stun::Class message_class);
  ResponseBuilder(const ResponseBuilder&) = delete;

  template <stun::AttributeType kType>
  ResponseBuilder& add(const stun::ValueOf<kType>& value) {
    writer_.add<kType>(value);
    return *this;
  }
  ResponseBuilder& add_raw(uint16_t type, stun::Bytes value);
  ResponseBuilder& error(uint16_t code, std::string_view reason);
  ResponseBuilder& sign_sha1(const stun::PreparedKey& key);
  ResponseBuilder& sign_sha256(const stun::PreparedKey& key, size_t bytes = 32);
  ResponseBuilder& fingerprint();
  [[nodiscard]] Message build() const;

 private:
  std::array<uint8_t, 4096> buffer_{};
  stun::MessageWriter writer_;
};

// Success with XOR-MAPPED-ADDRESS; error with ERROR-CODE. Neither is signed.
[[nodiscard]] Message success(const Request& request, const TransportAddress& address = kMapped);
[[nodiscard]] Message error(const Request& request, uint16_t code, std::string_view reason = "");

// The message with one bit of its last byte flipped.
[[nodiscard]] Message corrupted(Message message);

}  // namespace postern::sim
