// What fuzzers of engines behind a mailbox share: laying down what comes of the input, and reading
// records while requiring that they hold together.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <type_traits>

#include "arbitrary.h"
#include "bindings/mailbox.h"
#include "require.h"
#include "stun/message_view.h"

namespace postern::fuzz {

inline constexpr double kMostMilliseconds = 1e7;

// Zero, small, or arbitrary.
inline uint32_t number(FuzzedDataProvider& input) {
  const auto byte = input.ConsumeIntegral<uint8_t>();
  return byte < 0xF0 ? byte % 8 : input.ConsumeIntegral<uint32_t>();
}

template <typename AnyEngine>
class MailboxWorld {
 public:
  FuzzedDataProvider input;

 protected:
  MailboxWorld(const uint8_t* data, size_t size) : input(data, size) {}

  uint32_t write(uint32_t at, stun::Bytes bytes) {
    // What is not read yet stays, as JavaScript leaves it.
    if (engine_->has_more() || at > bindings::kInboxBytes) return at;
    const size_t count = std::min<size_t>(bytes.size(), bindings::kInboxBytes - at);
    if (count > 0) std::memcpy(&engine_->inbox()[at], bytes.data(), count);
    return static_cast<uint32_t>(at + count);
  }
  template <typename Record>
  requires std::is_standard_layout_v<Record> && std::has_unique_object_representations_v<Record>
      uint32_t write(uint32_t at, const Record& record) {
    return write(at, stun::Bytes(reinterpret_cast<const uint8_t*>(&record), sizeof record));
  }
  // Whether another input of so many bytes fits into the batch.
  [[nodiscard]] bool has_room(size_t payload_bytes) const {
    return !engine_->has_more() &&
           batch_ + sizeof(bindings::InputRecord) + payload_bytes <= bindings::kInboxBytes - 4;
  }

  static void require_result(int32_t result) {
    if (result < 0) require(code_of(static_cast<Errc>(-result)).starts_with("ERR_"));
  }

  // The records of the outbox: use(head, the record and what follows, its payload).
  template <typename SizeOf, typename Use>
  void read_outbox(uint32_t count, SizeOf size_of, Use use) {
    stun::Bytes rest = engine_->outbox();
    for (uint32_t i = 0; i < count; ++i) {
      bindings::OutputHead head;
      require(rest.size() >= sizeof head);
      std::memcpy(&head, rest.data(), sizeof head);
      const size_t record = size_of(head.output);
      require(rest.size() >= record + bindings::padded(head.payload_bytes));
      const stun::Bytes payload = rest.subspan(record, head.payload_bytes);
      touch(payload);
      use(head, rest, payload);
      rest = rest.subspan(record + bindings::padded(head.payload_bytes));
    }
  }
  template <typename Record>
  static Record read_record(stun::Bytes from) {
    Record record;
    std::memcpy(&record, from.data(), sizeof record);
    return record;
  }
  // Data is the payload, or a part of what was laid down.
  template <typename Record>
  void require_data(const Record& data, size_t payload_bytes) {
    if (data.input == bindings::kNoInput) return require(data.length == payload_bytes);
    require(payload_bytes == 0);
    require(uint64_t{data.offset} + data.length <= payload_bytes_of(data.input));
  }

  std::unique_ptr<AnyEngine> engine_ = std::make_unique<AnyEngine>();
  double now_ = 0;
  uint32_t batch_ = 0;  // bytes of it in the inbox

 private:
  // Of a record of the batch, without the address; whatever else lies in the inbox.
  size_t payload_bytes_of(uint32_t index) {
    const stun::Bytes batch = engine_->inbox().first(batch_);
    bindings::InputRecord record{};
    for (size_t at = 0; at + sizeof record <= batch.size(); --index) {
      std::memcpy(&record, &batch[at], sizeof record);
      if (index == 0) return record.bytes - record.address_bytes;
      at += sizeof record + bindings::padded(record.bytes);
    }
    require(false);
    return 0;
  }
};

}  // namespace postern::fuzz
