// EventPayload: collects the texts that follow an event's record while that is filled.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>

#include "base/instant.h"
#include "base/transport_address.h"
#include "bindings/mailbox.h"
#include "stun/attribute_kinds.h"

namespace postern::bindings {

class EventPayload {
 public:
  // `room`: kMaxAddressText for each address, and stun::kMaxTextRead for each text.
  explicit EventPayload(std::span<uint8_t> room) : room_(room) {}

  void add(const TransportAddress& address, OutputAddress& out) {
    out.port = address.port;
    const std::span<uint8_t> at = room_.subspan(used_, kMaxAddressText);
    out.text_bytes = static_cast<uint32_t>(format_address(
        address,
        std::span<char, kMaxAddressText>(reinterpret_cast<char*>(at.data()), kMaxAddressText)));
    used_ += out.text_bytes;
  }
  void add(Bytes text, uint32_t& out) {
    text = text.first(std::min(text.size(), stun::kMaxTextRead));
    out = static_cast<uint32_t>(text.size());
    std::copy(text.begin(), text.end(), room_.subspan(used_).begin());
    used_ += out;
  }
  [[nodiscard]] uint32_t size() const { return used_; }

 private:
  std::span<uint8_t> room_;
  uint32_t used_ = 0;
};

// Room that the event takes at most.
template <typename Record>
inline constexpr size_t kMaxEventBytes =
    padded(sizeof(Record) + std::tuple_size_v<decltype(Record::addresses)> * kMaxAddressText +
           std::tuple_size_v<decltype(Record::text_bytes)> * stun::kMaxTextRead);

template <typename Record>
void set_unknown(const client::UnknownTypes& types, Record& record) {
  record.unknown_count = static_cast<uint32_t>(types.count);
  std::copy(types.view().begin(), types.view().end(), record.unknown.begin());
}

[[nodiscard]] inline uint32_t as_round_trip(const std::optional<Duration>& time) {
  if (!time) return kNoRoundTrip;
  return static_cast<uint32_t>(
      std::clamp(time->in_microseconds(), int64_t{0}, int64_t{kNoRoundTrip - 1}));
}

}  // namespace postern::bindings
