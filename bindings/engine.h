// Engine: the clients of one process as JavaScript reaches them. Opening and commands are calls of
// their own; everything that comes often goes through a mailbox: JavaScript lays what happened down
// in the inbox, calls process() once a tick, and reads records from the outbox. No Emscripten: it
// runs natively in tests too.
//
// Clients are named by handles that say which opening they mean, so that a stale one names nothing.
// Each kind of client has a port of its own (client_port.h); here are the slots, the mailbox, the
// timers and the pool of random bytes that all share.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/instant.h"
#include "base/transport_address.h"
#include "bindings/address_port.h"
#include "bindings/client_port.h"
#include "bindings/mailbox.h"

namespace postern::bindings {

class Engine {
 public:
  // Ours: a client takes some 15 KiB.
  static constexpr uint32_t kMaxClients = 4096;
  // Ours: enough for a dozen clients between two calls; then process() waits for more.
  static constexpr uint32_t kEntropyBytes = 1024;

  Engine();
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  [[nodiscard]] std::span<uint8_t> inbox() { return inbox_; }
  [[nodiscard]] Bytes outbox() const { return outbox_.bytes(); }
  [[nodiscard]] Status& status() { return status_; }
  // The first Status::entropy_bytes of it are unused random bytes.
  [[nodiscard]] std::span<uint8_t> entropy() { return entropy_; }
  [[nodiscard]] AddressPort& address() { return address_; }

  // A handle, or -Errc. The inbox holds an OpenRequest, or an OpenBinderRequest; it is wiped, as it
  // may have held a password.
  int32_t open(uint32_t kind, double now_milliseconds, uint32_t bytes);
  // Ends the client without a word.
  void close(uint32_t handle);
  // What the command says, or -Errc. The inbox holds its arguments; it is wiped too.
  int32_t command(uint32_t handle, uint32_t command, double now_milliseconds, uint32_t bytes);

  // Works off the inbox (`bytes` of InputRecords), then what is due, and fills the outbox. Returns
  // the number of records in it. While Status::has_more, something is left, of the inbox or to
  // say: then it has to be called again, and goes on where it stopped, whatever `bytes` is.
  uint32_t process(uint32_t bytes, double now_milliseconds);
  [[nodiscard]] bool has_more() const { return status_.has_more != 0; }
  // When process() is to be called at the latest, in milliseconds of the same clock; negative for
  // never. It may be earlier than needed.
  [[nodiscard]] double next_timeout() const;

  // Counters of a client, in the order of its port, as 64-bit floats in the outbox; returns how
  // many.
  uint32_t stats(uint32_t handle);

 private:
  struct Slot {
    std::unique_ptr<ClientPort> port;
    Kind kind = Kind::Stun;
    uint32_t generation = 0;
    Instant deadline = Instant::never();
    bool is_ready = false;  // listed in ready_
  };

  [[nodiscard]] Slot* find(uint32_t handle);
  [[nodiscard]] Slot* find_free();
  [[nodiscard]] Errc make(Slot& slot, uint32_t handle, Kind kind, Instant now, Bytes request);
  void mark_ready(Slot& slot);
  void set_deadline(Slot& slot, Instant deadline);
  // False where the pool has too little left.
  [[nodiscard]] bool top_up(ClientPort& port);
  // These three return false where they could not go on.
  [[nodiscard]] bool work_off_inbox(Instant now);
  [[nodiscard]] bool handle_timeouts(Instant now);
  [[nodiscard]] bool drain_ready();

  std::vector<Slot> slots_;
  std::vector<uint32_t> ready_;  // indices of slots that may have something to say
  uint32_t armed_ = 0;           // slots with a deadline
  // No deadline is earlier. It is not moved when the slot that it came from gets a later one: that
  // happens with every packet, and waking for nothing once costs less.
  Instant earliest_ = Instant::never();
  // What is left of the inbox.
  uint32_t inbox_at_ = 0;
  uint32_t inbox_end_ = 0;
  uint32_t input_index_ = 0;
  Status status_{.next_timeout = -1, .has_more = 0, .entropy_bytes = 0};
  alignas(8) std::array<uint8_t, kEntropyBytes> entropy_{};
  AddressPort address_;
  alignas(8) std::array<uint8_t, kInboxBytes> inbox_{};
  Outbox outbox_;
};

}  // namespace postern::bindings
