// A message that parses, written again from the values read out of it, reads the same.
#include <vector>

#include "arbitrary.h"
#include "require.h"
#include "stun/message_view.h"
#include "stun/message_writer.h"

namespace postern::fuzz {

using namespace stun;  // NOLINT(google-build-using-namespace)

// By value where it can be read and written, else as it stands.
template <typename Kind>
void copy(const MessageView& from, const AttributeView& attribute, MessageWriter& to) {
  const auto value = Kind::read(attribute.value, from.cookie_and_id());
  if (value && Kind::size(*value) < kTooLong) return to.add_value<Kind>(attribute.type, *value);
  to.add_raw(attribute.type, attribute.value);
}

template <typename Kind>
void require_same(const MessageView& a, const AttributeView& in_a, const MessageView& b,
                  const AttributeView& in_b) {
  require(in_a.type == in_b.type && a.counts(in_a) == b.counts(in_b));
  const auto value_a = Kind::read(in_a.value, a.cookie_and_id());
  const auto value_b = Kind::read(in_b.value, b.cookie_and_id());
  require(value_a.error() == value_b.error());
  require(!value_a || survives<Kind>(*value_a, *value_b));
}

void rebuild(Bytes bytes) {
  MessageView before;
  if (MessageView::parse(bytes, {.allow_classic = true}, before).errc != Errc::Ok) return;
  std::vector<uint8_t> buffer(kMaxMessageBytes);
  const auto id = before.bytes().subspan<4, 16>();
  MessageWriter writer = MessageWriter::classic(buffer, before.type(), id);
  for (auto from = before.at(kHeaderBytes); from.offset != 0;
       from = before.at(MessageView::next_offset(from))) {
    visit_kind(from.type, [&]<typename Kind>() { copy<Kind>(before, from, writer); });
  }
  const auto message = writer.finish();
  // PASSWORD-ALGORITHM may grow by the padding that its writer left out.
  if (!message) return require(message.error() == Errc::MessageTooLong);

  MessageView after;
  require(MessageView::parse(*message, {.allow_classic = true}, after).errc == Errc::Ok);
  require(after.type() == before.type() && after.is_classic() == before.is_classic());
  require(same(after.transaction_id(), before.transaction_id()));
  require(after.unknown_required({}) == before.unknown_required({}));
  AttributeView a = before.at(kHeaderBytes);
  AttributeView b = after.at(kHeaderBytes);
  for (; a.offset != 0; a = before.at(MessageView::next_offset(a))) {
    visit_kind(a.type, [&]<typename Kind>() { require_same<Kind>(before, a, after, b); });
    b = after.at(MessageView::next_offset(b));
  }
  require(b.offset == 0);
}

}  // namespace postern::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  postern::fuzz::rebuild({data, size});
  return 0;
}
