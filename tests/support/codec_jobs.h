// Jobs for CodecPort::encode(), as JavaScript lays them down in the input arena.
#pragma once

#include <array>
#include <cstring>
#include <memory>

#include "bindings/codec_port.h"
#include "support/bytes.h"

namespace postern::testing {

// It has two arenas in it: too large for a stack under the sanitizers.
[[nodiscard]] inline std::unique_ptr<bindings::CodecPort> make_port() {
  return std::make_unique<bindings::CodecPort>();
}

class Jobs {
 public:
  using JobHeader = bindings::CodecPort::JobHeader;
  using RecordHeader = bindings::CodecPort::RecordHeader;

  // Begins a message; records follow. The ID has 12 bytes, or 16 for a classic message.
  Jobs& job(uint32_t message_type, uint32_t options, std::span<const uint8_t> id) {
    JobHeader header{
        .message_type = message_type, .options = options, .records_bytes = 0, .transaction_id = {}};
    std::memcpy(reinterpret_cast<uint8_t*>(header.transaction_id.data()) + 16 - id.size(),
                id.data(), id.size());
    header_at_ = bytes_.size();
    put(header);
    return *this;
  }
  Jobs& record(uint32_t type, std::array<uint32_t, 4> numbers, std::span<const uint8_t> bytes,
               uint32_t form = bindings::CodecPort::kFormTyped) {
    put(RecordHeader{.type = type,
                     .form = form,
                     .bytes = static_cast<uint32_t>(bytes.size()),
                     .numbers = numbers});
    append(bytes_, bytes);
    bytes_.resize((bytes_.size() + 3) / 4 * 4, 0xEE);
    set_records_bytes(static_cast<uint32_t>(bytes_.size() - header_at_ - sizeof(JobHeader)));
    return *this;
  }
  Jobs& raw(uint32_t type, std::span<const uint8_t> bytes) {
    return record(type, {}, bytes, bindings::CodecPort::kFormRaw);
  }
  // A lie about the records of the last job.
  Jobs& set_records_bytes(uint32_t count) {
    std::memcpy(&bytes_[header_at_ + offsetof(JobHeader, records_bytes)], &count, sizeof count);
    return *this;
  }

  [[nodiscard]] ByteVector& bytes() { return bytes_; }

 private:
  template <typename T>
  void put(const T& value) {
    append(bytes_, {reinterpret_cast<const uint8_t*>(&value), sizeof value});
  }

  ByteVector bytes_;
  size_t header_at_ = 0;
};

// Puts bytes at the start of the input arena and something else behind them.
inline void fill_input(bindings::CodecPort& port, std::span<const uint8_t> bytes) {
  const auto input = port.input();
  std::fill(input.begin(), input.end(), uint8_t{0xFF});
  std::copy(bytes.begin(), bytes.end(), input.begin());
}

// What a negative result tells.
struct PortFailure {
  Errc errc;
  uint32_t detail;
  bool operator==(const PortFailure&) const = default;
};

[[nodiscard]] inline PortFailure failure_of(int32_t result) {
  const uint32_t bits = result < 0 ? static_cast<uint32_t>(-result) : 0;
  return {static_cast<Errc>(bits & 0xFF), bits >> 8};
}

inline void PrintTo(const PortFailure& failure, std::ostream* out) {
  *out << code_of(failure.errc) << " at " << failure.detail;
}

}  // namespace postern::testing
