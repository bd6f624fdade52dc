// A message built of arbitrary values reads as it was written, verifies, and has zeros for padding.
#include "arbitrary.h"
#include "require.h"
#include "stun/integrity.h"
#include "stun/message_view.h"
#include "stun/message_writer.h"

namespace postern::fuzz {

using namespace stun;  // NOLINT(google-build-using-namespace)

MessageView parse(Bytes message) {
  MessageView view;
  require(MessageView::parse(message, {}, view).errc == Errc::Ok);
  return view;
}

// Writes one attribute and reads it back from the message so far.
template <typename Kind>
void add(FuzzedDataProvider& input, MessageWriter& writer, uint16_t type) {
  Storage storage;
  typename Kind::Value value{};
  make(input, storage, value);
  const size_t at = writer.size();
  writer.add_value<Kind>(type, value);
  const Errc expected = Kind::size(value) >= kTooLong ? Errc::AttributeValue : Errc::MessageTooLong;
  const auto message = writer.finish();
  if (!message) return require(message.error() == expected);
  const MessageView view = parse(*message);
  const AttributeView attribute = view.at(static_cast<uint32_t>(at));
  require(attribute.type == type && MessageView::next_offset(attribute) == message->size());
  for (const uint8_t byte : message->subspan(at + 4 + attribute.value.size())) require(byte == 0);
  const auto read = Kind::read(attribute.value, view.cookie_and_id());
  require(read && survives<Kind>(value, *read));
}

void round_trip(FuzzedDataProvider& input) {
  std::array<uint8_t, 4096> buffer;
  buffer.fill(0xEE);
  TransactionId id{};
  input.ConsumeData(id.data(), id.size());
  const PreparedKey key(id);
  const size_t room = input.ConsumeIntegralInRange<size_t>(kHeaderBytes, buffer.size());
  MessageWriter writer(std::span(buffer).first(room), input.ConsumeIntegral<uint16_t>() & 0x3FFF,
                       id);
  while (input.remaining_bytes() > 4 && writer.error() == Errc::Ok) {
    const uint16_t type = arbitrary_type(input);
    visit_kind(type, [&]<typename Kind>() { add<Kind>(input, writer, type); });
  }
  if (writer.error() != Errc::Ok) return;
  const unsigned parts = input.ConsumeIntegral<uint8_t>();
  if (parts & 1) writer.add_integrity(key);
  if (parts & 2) writer.add_integrity_sha256(key, 16 + (parts >> 3) % 5 * 4);
  if (parts & 4) writer.add_fingerprint();
  const auto message = writer.finish();
  if (!message) return require(message.error() == Errc::MessageTooLong);
  const MessageView view = parse(*message);
  require(check_integrity(view, key) == (parts & 1 ? Errc::Ok : Errc::IntegrityMissing));
  require(check_integrity_sha256(view, key, 16) == (parts & 2 ? Errc::Ok : Errc::IntegrityMissing));
  require(view.fingerprint() == (parts & 4 ? FingerprintState::Valid : FingerprintState::Absent));
}

}  // namespace postern::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzedDataProvider input(data, size);
  postern::fuzz::round_trip(input);
  return 0;
}
