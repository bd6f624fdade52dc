// One packet from the network: parsed, walked, every attribute read, integrity checked.
#include "read_all.h"
#include "stun/integrity.h"
#include "stun/message_view.h"

namespace postern::fuzz {

using namespace stun;  // NOLINT(google-build-using-namespace)

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
    const uint32_t first = view.find(attribute.type).offset;
    require(view.counts(attribute) ? first != 0 && first <= attribute.offset : first < expected);
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
  const auto is_missing = [&](AttributeType type) { return !view.has(type); };
  const PreparedKey key;
  require((view.fingerprint() == FingerprintState::Absent) ==
          is_missing(AttributeType::Fingerprint));
  require((check_integrity(view, key) == Errc::IntegrityMissing) ==
          is_missing(AttributeType::MessageIntegrity));
  require((check_integrity_sha256(view, key, 16) == Errc::IntegrityMissing) ==
          is_missing(AttributeType::MessageIntegritySha256));
}

}  // namespace postern::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  postern::fuzz::decode({data, size}, {.allow_classic = false});
  postern::fuzz::decode({data, size}, {.allow_classic = true});
  return 0;
}
