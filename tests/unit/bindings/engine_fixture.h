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
#include "support/mailbox_test.h"

namespace postern::bindings {

using Record = MailboxRecord<Output>;

struct Credentials {
  uint32_t mechanism = 0;
  std::string username{};
  std::string password{};
  std::string realm{};
  std::string token{};
};

class EngineTest : public MailboxTest<Engine> {
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
    return read_outbox<Record>(engine_->process(bytes, now), size_of);
  }
  // All that there is.
  std::vector<Record> process(uint32_t bytes, double now) {
    return process_all(bytes, [&](uint32_t some) { return process_once(some, now); });
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

  uint32_t random_ = 1;
};

inline const TransportAddress EngineTest::kServerAddress =
    TransportAddress::ipv4(192, 0, 2, 1, 3478);

}  // namespace postern::bindings
