#include "client/binding.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "base/byte_order.h"
#include "stun/message_writer.h"

namespace postern::client {

namespace {

using stun::AttributeType;
using stun::Bytes;
using stun::MessageView;

static_assert(kMaxRequestBytes >= 2 * stun::kMaxTextRead + stun::kMaxDomainName,
              "TextStore: reason, software and alternate domain; or reason and realm");
static_assert(kMaxMethodBytes >= attribute_bytes(kMaxSoftwareBytes) + 2 * attribute_bytes(4),
              "SOFTWARE, CHANGE-REQUEST, RESPONSE-PORT");

// The value of PADDING: its length counts, not its content.
struct Zeros {
  using Value = size_t;
  static size_t size(Value count) { return count; }
  static void write(uint8_t* out, Value count, const uint8_t* /*cookie_and_id*/) {
    std::memset(out, 0, count);
  }
};

template <AttributeType kType>
bool read_address(const MessageView& response, MappedAddress& out) {
  const auto address = response.get<kType>();
  if (!address) return false;
  out.address = *address;
  out.attribute = kType;
  return true;
}

}  // namespace

Result<size_t> encode_binding_request(std::span<uint8_t> buffer, const stun::TransactionId& id,
                                      const BindingRequest& request, Bytes software,
                                      const Authenticator& authenticator, Protection& protection) {
  stun::MessageWriter writer(buffer, stun::Class::Request, stun::Method::Binding, id);
  if (!software.empty()) writer.add<AttributeType::Software>(software);
  if (request.change_request != stun::kind::ChangeFlagsValue{}) {
    writer.add<AttributeType::ChangeRequest>(request.change_request);
  }
  if (request.response_port) writer.add<AttributeType::ResponsePort>(*request.response_port);
  if (request.padding_bytes > 0) {
    writer.add_value<Zeros>(static_cast<uint16_t>(AttributeType::Padding), request.padding_bytes);
  }
  protection = authenticator.sign(writer);
  if (request.fingerprint) writer.add_fingerprint();
  const auto message = writer.finish();
  if (!message) return message.error();
  return message->size();
}

void encode_binding_indication(std::span<uint8_t, kBindingIndicationBytes> out,
                               const stun::TransactionId& id) {
  stun::MessageWriter writer(out, stun::Class::Indication, stun::Method::Binding, id);
  writer.add_fingerprint();
  assert(writer.size() == kBindingIndicationBytes);
}

Bytes TextStore::keep(const Result<Bytes>& text) {
  if (!text || text->size() > space_.size()) return {};
  std::copy(text->begin(), text->end(), space_.begin());
  const Bytes kept = space_.first(text->size());
  space_ = space_.subspan(text->size());
  return kept;
}

Errc read_mapped_address(const MessageView& response, TextStore texts, MappedAddress& out) {
  // RFC 8489 section 6.3.3 knows the first only. The second is its number in drafts before RFC
  // 5389, the third is all that servers of RFC 3489 have.
  if (!read_address<AttributeType::XorMappedAddress>(response, out) &&
      !read_address<AttributeType::OldXorMappedAddress>(response, out) &&
      !read_address<AttributeType::MappedAddress>(response, out)) {
    return Errc::AttributeMissing;
  }
  out.response_origin = response.get<AttributeType::ResponseOrigin>().value_or({});
  out.other_address = response.get<AttributeType::OtherAddress>().value_or({});
  out.software = texts.keep(response.get<AttributeType::Software>());
  return Errc::Ok;
}

void read_error_response(const MessageView& response, TextStore texts, ErrorResponse& out) {
  if (const auto error = response.get<AttributeType::ErrorCode>()) {
    out.code = error->code;
    out.reason = texts.keep(error->reason);
  }
  out.software = texts.keep(response.get<AttributeType::Software>());
  if (out.code == static_cast<uint16_t>(stun::ErrorCode::TryAlternate)) {
    for (size_t i = 0; i < out.alternate_servers.size(); ++i) {
      out.alternate_servers[i] = response.get<AttributeType::AlternateServer>(i).value_or({});
    }
    out.alternate_domain = texts.keep(response.get<AttributeType::AlternateDomain>());
  }
  if (const auto list = response.get<AttributeType::UnknownAttributes>()) {
    UnknownTypes& unknown = out.unknown_attributes;
    unknown.count = std::min(list->size() / 2, UnknownTypes::kCapacity);
    for (size_t i = 0; i < unknown.count; ++i) unknown.types[i] = load_be16(&(*list)[2 * i]);
  }
}

void read_failure(const MessageView& response, TextStore texts, Failed& out) {
  if (const auto error = response.get<AttributeType::ErrorCode>()) {
    out.error_code = error->code;
    out.reason = texts.keep(error->reason);
  }
  out.realm = texts.keep(response.get<AttributeType::Realm>());
  UnknownTypes& unknown = out.unknown_attributes;
  unknown.count = std::min(response.unknown_required(unknown.types), UnknownTypes::kCapacity);
}

}  // namespace postern::client
