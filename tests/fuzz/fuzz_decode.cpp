// One packet from the network: parsed, walked, every attribute read, integrity checked.
#include "require.h"
#include "stun/integrity.h"
#include "stun/message_view.h"

namespace postern::fuzz {
namespace {

using namespace stun;  // NOLINT(google-build-using-namespace)

const PreparedKey kKey(std::span<const uint8_t>{});

// Bytes within a value, if there are any, lie within the message.
template <typename Value>
void read_all(const MessageView&, const Value&) {}
void read_all(const MessageView& view, const Bytes& bytes) {
  touch(bytes);
  if (bytes.empty()) return;
  require(bytes.data() >= view.bytes().data() + kHeaderBytes);
  require(bytes.data() + bytes.size() <= view.bytes().data() + view.bytes().size());
}
void read_all(const MessageView& view, const kind::ErrorReasonValue& value) {
  require(value.code >= 300 && value.code <= 699);
  read_all(view, value.reason);
}
void read_all(const MessageView& view, const kind::FamilyErrorReasonValue& value) {
  read_all(view, value.error);
}
void read_all(const MessageView& view, const kind::AlgorithmValue& value) {
  read_all(view, value.parameters);
}

template <AttributeType kType>
void get(const MessageView& view) {
  const auto value = view.get<kType>();
  require((value.error() == Errc::AttributeMissing) == !view.has(kType));
  if (value) read_all(view, *value);
}

void walk(const MessageView& view) {
  size_t required = 0;
  uint32_t expected = kHeaderBytes;
  for (auto attribute = view.at(kHeaderBytes); attribute.offset != 0;
       attribute = view.at(MessageView::next_offset(attribute))) {
    require(attribute.offset == expected);
    expected = MessageView::next_offset(attribute);
    read_all(view, attribute.value);
    const bool is_found = view.find(attribute.type).offset != 0;
    require(is_found || !view.counts(attribute));
    if (is_comprehension_required(attribute.type) && view.counts(attribute)) ++required;
  }
  require(expected == view.bytes().size());
  require(view.unknown_required({}) <= required);
}

void decode(Bytes bytes, ParseOptions options) {
  MessageView view;
  const auto failure = MessageView::parse(bytes, options, view);
  require(failure.offset <= bytes.size());
  if (failure.errc != Errc::Ok) return require(view.bytes().empty());
  require(view.transaction_id().size() == (view.is_classic() ? 16U : 12U));
  walk(view);
#define POSTERN_ATTRIBUTE(enumerator, name, number, kind, status, reference) \
  get<AttributeType::enumerator>(view);
#include "stun/registry/attributes.def"
#undef POSTERN_ATTRIBUTE
  require((view.fingerprint() == FingerprintState::Absent) == !view.has(AttributeType::Fingerprint));
  require((check_integrity(view, kKey) == Errc::IntegrityMissing) ==
          !view.has(AttributeType::MessageIntegrity));
  require((check_integrity_sha256(view, kKey, 16) == Errc::IntegrityMissing) ==
          !view.has(AttributeType::MessageIntegritySha256));
}

}  // namespace
}  // namespace postern::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  postern::fuzz::decode({data, size}, {.allow_classic = false});
  postern::fuzz::decode({data, size}, {.allow_classic = true});
  return 0;
}
