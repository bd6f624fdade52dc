// Binding: the one method of STUN itself (RFC 8489 sections 2 and 6): forming the request, and
// reading what the responses say. No state, no time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/result.h"
#include "client/authenticator.h"
#include "client/event.h"
#include "client/transaction.h"
#include "stun/fingerprint.h"
#include "stun/message_view.h"

namespace postern::client {

// RFC 8489 section 14.14: fewer than 128 characters. Ours: of one byte each.
inline constexpr size_t kMaxSoftwareBytes = 127;

struct BindingRequest {
  // FINGERPRINT is for ports that STUN shares with other protocols (RFC 8489 section 7).
  bool fingerprint = false;
  // RFC 5780 section 7.2: the server answers from its other address, its other port, or both, so
  // that the answer is taken from any source; Exchange::source says which it was.
  stun::kind::ChangeFlagsValue change_request{};
  // RFC 5780 section 7.5: the server answers to this port of ours.
  std::optional<uint16_t> response_port{};
  // RFC 5780 section 7.6: so many bytes more, to see what becomes of IP fragments. Over UDP only.
  uint16_t padding_bytes = 0;
};

// Lays the request down in `buffer`. The size of the message, or Errc::MessageTooLong.
[[nodiscard]] Result<size_t> encode_binding_request(
    std::span<uint8_t> buffer, const stun::TransactionId& id, const BindingRequest& request,
    stun::Bytes software, const Authenticator& authenticator, Protection& protection);

// A keep-alive (RFC 8489 section 6.3.2): the way there is all its use.
inline constexpr size_t kBindingIndicationBytes =
    stun::kHeaderBytes + stun::kFingerprintAttributeBytes;
void encode_binding_indication(std::span<uint8_t, kBindingIndicationBytes> out,
                               const stun::TransactionId& id);

// Keeps the text of an event for as long as the event is waiting. Never runs out: each text has a
// limit of its own, and a transaction's buffer has room for all of them.
class TextStore {
 public:
  explicit TextStore(std::span<uint8_t> space) : space_(space) {}
  // A copy; empty where the attribute is missing or malformed.
  stun::Bytes keep(const Result<stun::Bytes>& text);

 private:
  std::span<uint8_t> space_;
};

// Fill what the message tells; `exchange` is left to the caller.
// Errc::AttributeMissing where there is no address in it that could be read.
[[nodiscard]] Errc read_mapped_address(const stun::MessageView& response, TextStore texts,
                                       MappedAddress& out);
void read_error_response(const stun::MessageView& response, TextStore texts, ErrorResponse& out);
void read_failure(const stun::MessageView& response, TextStore texts, Failed& out);

}  // namespace postern::client
