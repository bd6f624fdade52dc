// A message that parses, written again from the values read out of it, reads the same.
#include <vector>

#include "arbitrary.h"
#include "require.h"
#include "stun/message_view.h"
#include "stun/message_writer.h"

namespace postern::fuzz {
namespace {

using namespace stun;  // NOLINT(google-build-using-namespace)

MessageWriter header_of(const MessageView& view, std::vector<uint8_t>& buffer) {
  const Bytes id = view.transaction_id();
  if (view.is_classic()) return MessageWriter::classic(buffer, view.type(), id.first<16>());
  return {buffer, view.type(), id.first<kTransactionIdBytes>()};
}

// By value where it can be read and written, else as it stands.
void copy(const MessageView& from, const AttributeView& attribute, MessageWriter& to) {
  visit_kind(attribute.type, [&]<typename Kind>() {
    const auto value = Kind::read(attribute.value, from.cookie_and_id());
    if (value && Kind::size(*value) < kTooLong) {
      to.add_value<Kind>(attribute.type, *value);
    } else {
      to.add_raw(attribute.type, attribute.value);
    }
  });
}

void require_same_value(const MessageView& a, const AttributeView& in_a, const MessageView& b,
                        const AttributeView& in_b) {
  require(in_a.type == in_b.type && a.counts(in_a) == b.counts(in_b));
  visit_kind(in_a.type, [&]<typename Kind>() {
    const auto value_a = Kind::read(in_a.value, a.cookie_and_id());
    const auto value_b = Kind::read(in_b.value, b.cookie_and_id());
    require(value_a.error() == value_b.error());
    require(!value_a || survives<Kind>(*value_a, *value_b));
  });
}

void rebuild(Bytes bytes) {
  MessageView before;
  if (MessageView::parse(bytes, {.allow_classic = true}, before).errc != Errc::Ok) return;
  std::vector<uint8_t> buffer(kMaxMessageBytes, 0xEE);
  MessageWriter writer = header_of(before, buffer);
  for (auto attribute = before.at(kHeaderBytes); attribute.offset != 0;
       attribute = before.at(MessageView::next_offset(attribute))) {
    copy(before, attribute, writer);
  }
  const auto message = writer.finish();
  // PASSWORD-ALGORITHM may grow by the padding that its writer left out.
  if (!message) return require(message.error() == Errc::MessageTooLong);

  MessageView after;
  require(MessageView::parse(*message, {.allow_classic = true}, after).errc == Errc::Ok);
  require(after.type() == before.type() && after.is_classic() == before.is_classic());
  require(same(after.transaction_id(), before.transaction_id()));
  require(after.unknown_required({}) == before.unknown_required({}));
  AttributeView in_before = before.at(kHeaderBytes);
  AttributeView in_after = after.at(kHeaderBytes);
  while (in_before.offset != 0 && in_after.offset != 0) {
    require_same_value(before, in_before, after, in_after);
    in_before = before.at(MessageView::next_offset(in_before));
    in_after = after.at(MessageView::next_offset(in_after));
  }
  require(in_before.offset == 0 && in_after.offset == 0);
}

}  // namespace
}  // namespace postern::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  postern::fuzz::rebuild({data, size});
  return 0;
}
