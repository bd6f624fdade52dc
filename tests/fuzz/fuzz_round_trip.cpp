// A message built of arbitrary values reads as it was written, verifies, and has zeros for padding.
#include <array>
#include <vector>

#include "arbitrary.h"
#include "require.h"
#include "stun/integrity.h"
#include "stun/message_view.h"
#include "stun/message_writer.h"

namespace postern::fuzz {
namespace {

using namespace stun;  // NOLINT(google-build-using-namespace)

constexpr uint16_t kAttributes[] = {
#define POSTERN_ATTRIBUTE(enumerator, name, number, kind, status, reference) number,
#include "stun/registry/attributes.def"
#undef POSTERN_ATTRIBUTE
};

bool is_computed(uint16_t type) {
  const auto attribute = static_cast<AttributeType>(type);
  return attribute == AttributeType::MessageIntegrity || attribute == AttributeType::Fingerprint ||
         attribute == AttributeType::MessageIntegritySha256;
}

// Writes one attribute and reads it back from the message so far.
template <typename Kind>
bool add(FuzzedDataProvider& input, MessageWriter& writer, uint16_t type) {
  Storage storage;
  typename Kind::Value value{};
  make(input, storage, value);
  const size_t at = writer.size();
  writer.add_value<Kind>(type, value);
  const auto message = writer.finish();
  if (!message) {
    require(message.error() == Errc::MessageTooLong || message.error() == Errc::AttributeValue);
    require((message.error() == Errc::AttributeValue) == (Kind::size(value) >= kTooLong));
    return false;
  }
  MessageView view;
  require(MessageView::parse(*message, {}, view).errc == Errc::Ok);
  const AttributeView attribute = view.at(static_cast<uint32_t>(at));
  require(attribute.type == type && MessageView::next_offset(attribute) == message->size());
  for (const uint8_t byte : message->subspan(at + 4 + attribute.value.size())) require(byte == 0);
  const auto read = Kind::read(attribute.value, view.cookie_and_id());
  require(read && survives<Kind>(value, *read));
  return true;
}

void round_trip(FuzzedDataProvider& input) {
  std::array<uint8_t, 20> password{};
  TransactionId id{};
  input.ConsumeData(password.data(), password.size());
  input.ConsumeData(id.data(), id.size());
  const PreparedKey key(password);
  std::vector<uint8_t> buffer(input.ConsumeIntegralInRange<size_t>(20, 4096), 0xEE);
  MessageWriter writer(buffer, input.ConsumeIntegral<uint16_t>() & 0x3FFF, id);
  while (input.remaining_bytes() > 4) {
    const uint16_t type =
        input.ConsumeBool() ? input.PickValueInArray(kAttributes) : input.ConsumeIntegral<uint16_t>();
    if (is_computed(type)) continue;
    const bool is_added =
        visit_kind(type, [&]<typename Kind>() { return add<Kind>(input, writer, type); });
    if (!is_added) return;
  }
  const unsigned parts = input.ConsumeIntegral<uint8_t>();
  if (parts & 1) writer.add_integrity(key);
  if (parts & 2) writer.add_integrity_sha256(key, 16 + (parts >> 3) % 5 * 4);
  if (parts & 4) writer.add_fingerprint();
  const auto message = writer.finish();
  if (!message) return require(message.error() == Errc::MessageTooLong);
  MessageView view;
  require(MessageView::parse(*message, {}, view).errc == Errc::Ok);
  require(check_integrity(view, key) == (parts & 1 ? Errc::Ok : Errc::IntegrityMissing));
  require(check_integrity_sha256(view, key, 16) == (parts & 2 ? Errc::Ok : Errc::IntegrityMissing));
  require(view.fingerprint() == (parts & 4 ? FingerprintState::Valid : FingerprintState::Absent));
}

}  // namespace
}  // namespace postern::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzedDataProvider input(data, size);
  postern::fuzz::round_trip(input);
  return 0;
}
