// ClientPort: one client of the engine, of whatever kind, between the mailbox and the machine in
// src/client that does the work.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/instant.h"
#include "base/transport_address.h"
#include "bindings/mailbox.h"

namespace postern::bindings {

// An InputRecord, read.
struct Incoming {
  Input input;
  uint32_t index;  // of the record in its batch
  uint32_t port;
  TransportAddress address;  // Family::None where there is none, or it is malformed
  Bytes bytes;
};

class ClientPort {
 public:
  virtual ~ClientPort() = default;
  ClientPort(const ClientPort&) = delete;
  ClientPort& operator=(const ClientPort&) = delete;

  // What the request began, 0, or -Errc; -Errc::NoSuchHandle for the commands of other kinds.
  virtual int32_t command(Command command, Instant now, Bytes request) = 0;
  // False where the outbox has no room for what may come of it: then it wants the same input again,
  // before anything else.
  [[nodiscard]] virtual bool handle_input(const Incoming& incoming, Instant now,
                                          Outbox& outbox) = 0;
  virtual void handle_timeout(Instant now) = 0;
  // Moves what the client has to say to the outbox; false when that is full.
  [[nodiscard]] virtual bool drain(Outbox& outbox) = 0;
  [[nodiscard]] virtual Instant poll_timeout() const = 0;
  // Returns how many counters there are.
  [[nodiscard]] virtual size_t stats(std::span<double> out) const = 0;

  [[nodiscard]] virtual size_t entropy_available() const = 0;
  // Returns how many were taken.
  virtual size_t provide_entropy(Bytes bytes) = 0;

 protected:
  explicit ClientPort(uint32_t handle) : handle_(handle) {}
  [[nodiscard]] uint32_t handle() const { return handle_; }

 private:
  uint32_t handle_;
};

// Counters in their order, as JavaScript's numbers.
template <typename... Counters>
size_t write_counters(std::span<double> out, Counters... counters) {
  size_t count = 0;
  ((out[count++] = static_cast<double>(counters)), ...);
  return count;
}

}  // namespace postern::bindings
