// The engine's mailbox as JavaScript uses it: requests and inputs laid down, records read.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bindings/engine.h"

namespace postern::bindings {

struct Record {
  OutputHead head{};
  std::vector<uint8_t> bytes;  // the record itself
  std::vector<uint8_t> payload;

  [[nodiscard]] bool is(Output output) const {
    return head.output == static_cast<uint32_t>(output);
  }
  template <typename T>
  [[nodiscard]] T as() const {
    EXPECT_EQ(bytes.size(), sizeof(T));
    T out{};
    if (bytes.size() == sizeof out) std::memcpy(&out, bytes.data(), sizeof out);
    return out;
  }
  [[nodiscard]] std::string text() const { return {payload.begin(), payload.end()}; }
};

struct Credentials {
  uint32_t mechanism = 0;
  std::string username{};
  std::string password{};
  std::string realm{};
  std::string token{};
};

class EngineTest : public ::testing::Test {
 protected:
  EngineTest() { refill(); }

  void refill() {
    for (uint32_t i = engine_->status().entropy_bytes; i < Engine::kEntropyBytes; ++i) {
      random_ = random_ * 1664525 + 1013904223;
      engine_->entropy()[i] = static_cast<uint8_t>(random_ >> 24);
    }
    engine_->status().entropy_bytes = Engine::kEntropyBytes;
  }

  // --- Laying down.

  uint32_t write(size_t at, const void* from, size_t count) {
    if (count > 0) std::memcpy(&engine_->inbox()[at], from, count);
    return static_cast<uint32_t>(at + count);
  }
  uint32_t write(size_t at, std::string_view text) { return write(at, text.data(), text.size()); }
  uint32_t write(size_t at, Bytes bytes) { return write(at, bytes.data(), bytes.size()); }

  static OpenRequest reliable() {
    OpenRequest request{};
    request.is_reliable = 1;
    return request;
  }

  int32_t open(Kind kind, OpenRequest request = {}, const Credentials& credentials = {},
               const TransportAddress& server = kServerAddress) {
    request.server_port = server.port;
    request.address_bytes = static_cast<uint32_t>(server.address_bytes().size());
    request.mechanism = credentials.mechanism;
    request.username_bytes = static_cast<uint32_t>(credentials.username.size());
    request.password_bytes = static_cast<uint32_t>(credentials.password.size());
    request.realm_bytes = static_cast<uint32_t>(credentials.realm.size());
    request.token_bytes = static_cast<uint32_t>(credentials.token.size());
    uint32_t at = write(write(0, &request, sizeof request), server.address_bytes());
    at = write(write(at, credentials.username), credentials.password);
    at = write(write(at, credentials.realm), credentials.token);
    return engine_->open(static_cast<uint32_t>(kind), 0, at);
  }

  template <typename Arguments>
  int32_t command(int32_t handle, Command command, double now, const Arguments& arguments,
                  Bytes tail = {}) {
    refill();
    const uint32_t end = write(write(0, &arguments, sizeof arguments), tail);
    return engine_->command(static_cast<uint32_t>(handle), static_cast<uint32_t>(command), now,
                            end);
  }
  int32_t command(int32_t handle, Command which, double now) {
    refill();
    return engine_->command(static_cast<uint32_t>(handle), static_cast<uint32_t>(which), now, 0);
  }
  int32_t command(int32_t handle, Command which, double now, const TransportAddress& peer) {
    const Bytes raw = peer.address_bytes();
    return command(handle, which, now, PeerCommand{peer.port, static_cast<uint32_t>(raw.size())},
                   raw);
  }

  int32_t start_binding(int32_t handle, double now) {
    return command(handle, Command::StartBinding, now,
                   BindingCommand{.fingerprint = 0,
                                  .change_ip = 0,
                                  .change_port = 0,
                                  .response_port = 0x10000,
                                  .padding_bytes = 0});
  }

  // Where the next record goes.
  uint32_t push(uint32_t at, Input input, int32_t handle, Bytes bytes, uint16_t port = 0,
                Bytes address = {}) {
    const InputRecord record{static_cast<uint32_t>(input), static_cast<uint32_t>(handle),
                             static_cast<uint32_t>(address.size() + bytes.size()), port,
                             static_cast<uint32_t>(address.size())};
    at = write(write(write(at, &record, sizeof record), address), bytes);
    return padded(at);
  }
  uint32_t push(uint32_t at, Input input, int32_t handle, Bytes bytes,
                const TransportAddress& address) {
    return push(at, input, handle, bytes, address.port, address.address_bytes());
  }

  // --- Reading.

  // One call, and what is in the outbox after it.
  std::vector<Record> process_once(uint32_t bytes, double now) {
    refill();
    const uint32_t count = engine_->process(bytes, now);
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
      records.push_back(record);
    }
    return records;
  }
  // All that there is.
  std::vector<Record> process(uint32_t bytes, double now) {
    std::vector<Record> all;
    calls_ = 0;
    do {
      for (Record& record : process_once(bytes, now)) all.push_back(std::move(record));
      bytes = 0;
      ++calls_;
    } while (engine_->has_more());
    return all;
  }

  static size_t size_of(const OutputHead& head) {
    switch (static_cast<Output>(head.output)) {
      case Output::Transmit:
        return sizeof(OutputHead);
      case Output::Data:
      case Output::Leftover:
        return sizeof(DataRecord);
      case Output::TurnEvent:
        return sizeof(TurnEventRecord);
      default:
        return sizeof(BindingRecord);
    }
  }

  [[nodiscard]] double counter(int32_t handle, size_t index) {
    const uint32_t count = engine_->stats(static_cast<uint32_t>(handle));
    double value = -1;
    if (index < count) {
      std::memcpy(&value, &engine_->outbox()[index * sizeof value], sizeof value);
    }
    return value;
  }

  static const TransportAddress kServerAddress;

  std::unique_ptr<Engine> engine_ = std::make_unique<Engine>();
  unsigned calls_ = 0;  // of process() that the last process() took
  uint32_t random_ = 1;
};

inline const TransportAddress EngineTest::kServerAddress =
    TransportAddress::ipv4(192, 0, 2, 1, 3478);

}  // namespace postern::bindings
