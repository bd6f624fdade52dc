// NatEngine: one NAT discovery as JavaScript reaches it, through a mailbox like that of the engine
// (engine.h). An instance of the module is one discovery, and is thrown away with it. No
// Emscripten: it runs natively in tests too.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "bindings/address_port.h"
#include "bindings/event_payload.h"
#include "bindings/nat_mailbox.h"
#include "client/nat/nat_discovery.h"

namespace postern::bindings {

class NatEngine {
 public:
  // As many as the pool of the discovery holds.
  static constexpr uint32_t kEntropyBytes = EntropyPool::kCapacity;

  [[nodiscard]] std::span<uint8_t> inbox() { return inbox_; }
  [[nodiscard]] Bytes outbox() const { return outbox_.bytes(); }
  [[nodiscard]] Status& status() { return status_; }
  // JavaScript fills it with random bytes before each process().
  [[nodiscard]] std::span<uint8_t> entropy() { return entropy_; }
  [[nodiscard]] AddressPort& address() { return address_; }

  // 0, or -Errc. The inbox holds an OpenRequest; it is wiped, as it may have held a password. What
  // there is to do first comes out of process().
  int32_t open(double now_milliseconds, uint32_t bytes, uint32_t confirms,
               uint32_t longest_wait_milliseconds);
  // As Engine::process().
  uint32_t process(uint32_t bytes, double now_milliseconds);
  // Counters in the order of client::nat::NatStats, as 64-bit floats in the outbox.
  uint32_t stats();

 private:
  void handle_input(Instant now, const InputRecord& record, Bytes payload);
  // False where the outbox has no room left.
  [[nodiscard]] bool drain();
  void write_place(NatOutput output, client::nat::SocketId socket,
                   client::nat::SocketId same_port_as, const TransportAddress& place,
                   size_t payload_bytes);
  void write_test(client::nat::TestId id);
  void write_done();

  std::optional<client::nat::NatDiscovery> discovery_;
  uint32_t inbox_at_ = 0;
  uint32_t inbox_end_ = 0;
  Status status_{.next_timeout = -1, .has_more = 0, .entropy_bytes = 0};
  alignas(8) std::array<uint8_t, kEntropyBytes> entropy_{};
  AddressPort address_;
  alignas(8) std::array<uint8_t, kInboxBytes> inbox_{};
  Outbox outbox_;
};

}  // namespace postern::bindings
