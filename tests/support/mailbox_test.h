// What tests of engines behind a mailbox share: bytes laid down in the inbox, records read from the
// outbox as JavaScript reads them.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bindings/mailbox.h"

namespace postern::bindings {

// `Kind`: the enumeration of the outputs.
template <typename Kind>
struct MailboxRecord {
  OutputHead head{};
  std::vector<uint8_t> bytes;  // the record itself
  std::vector<uint8_t> payload;

  [[nodiscard]] bool is(Kind output) const { return head.output == static_cast<uint32_t>(output); }
  template <typename T>
  [[nodiscard]] T as() const {
    EXPECT_EQ(bytes.size(), sizeof(T));
    T out{};
    if (bytes.size() == sizeof out) std::memcpy(&out, bytes.data(), sizeof out);
    return out;
  }
  [[nodiscard]] std::string text() const { return {payload.begin(), payload.end()}; }
};

template <typename AnyEngine>
class MailboxTest : public ::testing::Test {
 protected:
  uint32_t write(size_t at, const void* from, size_t count) {
    if (count > 0) std::memcpy(&engine_->inbox()[at], from, count);
    return static_cast<uint32_t>(at + count);
  }
  uint32_t write(size_t at, std::string_view text) { return write(at, text.data(), text.size()); }
  uint32_t write(size_t at, Bytes bytes) { return write(at, bytes.data(), bytes.size()); }

  // The records that a call has left. `size_of`: of the record with this head.
  template <typename Record, typename SizeOf>
  std::vector<Record> read_outbox(uint32_t count, SizeOf size_of) const {
    std::vector<Record> records;
    size_t at = 0;
    for (uint32_t i = 0; i < count; ++i) {
      Record record;
      std::memcpy(&record.head, &engine_->outbox()[at], sizeof record.head);
      const Bytes fixed = engine_->outbox().subspan(at, size_of(record.head));
      record.bytes.assign(fixed.begin(), fixed.end());
      const Bytes payload = engine_->outbox().subspan(at + fixed.size(), record.head.payload_bytes);
      record.payload.assign(payload.begin(), payload.end());
      at += fixed.size() + padded(payload.size());
      records.push_back(std::move(record));
    }
    return records;
  }
  // All that there is: process_once(bytes) gives what one call leaves.
  template <typename ProcessOnce>
  auto process_all(uint32_t bytes, ProcessOnce process_once) {
    auto all = process_once(bytes);
    for (calls_ = 1; engine_->has_more(); ++calls_) {
      for (auto& record : process_once(0)) all.push_back(std::move(record));
    }
    return all;
  }

  std::unique_ptr<AnyEngine> engine_ = std::make_unique<AnyEngine>();
  unsigned calls_ = 0;  // of process() that the last process_all() took
};

}  // namespace postern::bindings
