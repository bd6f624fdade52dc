// Engine: the STUN clients of one process as JavaScript reaches them. Opening and starting are
// calls of their own; everything that comes often goes through a mailbox: JavaScript lays what
// happened down in the inbox, calls process() once a tick, and reads records of fixed size from the
// outbox. No Emscripten: it runs natively in tests too.
//
// Clients are named by handles that say which opening they mean, so that a stale one names nothing.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/instant.h"
#include "base/transport_address.h"
#include "client/stun_client.h"

namespace postern::bindings {

class Engine {
 public:
  // One datagram or one read of a stream, and its record.
  static constexpr uint32_t kInboxBytes = 72 * 1024;
  // A record and a request each for a few clients; what finds no room waits for the next process().
  static constexpr uint32_t kOutboxBytes = 32 * 1024;
  // Ours: a client takes some 15 KiB.
  static constexpr uint32_t kMaxClients = 4096;
  static constexpr uint32_t kMaxUnknown = client::UnknownTypes::kCapacity;

  // What open() finds at the start of the inbox; the texts follow in the order of their lengths.
  struct OpenRequest {
    uint32_t is_reliable;
    uint32_t server_port;
    uint32_t rto_microseconds;  // 0: the RFC's, as with those below
    uint32_t rc;
    uint32_t rm;
    uint32_t ti_microseconds;
    uint32_t mechanism;  // client::Mechanism
    uint32_t feature_bits_from_left;
    uint32_t server_bytes;  // address as text
    uint32_t software_bytes;
    uint32_t username_bytes;
    uint32_t password_bytes;
    uint32_t realm_bytes;
  };

  // What start_binding() finds there; random bytes follow.
  struct StartRequest {
    uint32_t fingerprint;
    uint32_t change_ip;
    uint32_t change_port;
    uint32_t response_port;  // 65,536 and above: none
    uint32_t padding_bytes;
    uint32_t entropy_bytes;
  };

  enum class Input : uint32_t { Datagram, DatagramFrom, Stream, SoftError, HardError, Closed };

  // One thing that happened; `bytes` of payload follow, padded to 4. DatagramFrom: the payload
  // begins with the source address as text, `source_bytes` long.
  struct InputRecord {
    uint32_t input;
    uint32_t handle;
    uint32_t bytes;
    uint32_t source_port;
    uint32_t source_bytes;
  };

  enum class Output : uint32_t { Transmit, MappedAddress, ErrorResponse, Failed };

  // An address in an OutputRecord: its text is part of the payload; no text, no address.
  struct OutputAddress {
    uint32_t port;
    uint32_t text_bytes;
  };

  // One thing to do or to know. The payload follows, padded to 4: for Transmit the message; else
  // the texts of `addresses` and then those of `text_bytes`, one behind the other.
  struct OutputRecord {
    uint32_t output;
    uint32_t handle;
    uint32_t payload_bytes;
    uint32_t transaction;
    uint32_t requests_sent;
    uint32_t round_trip_microseconds;  // kNoRoundTrip where there is none
    uint32_t is_authenticated;
    uint32_t may_redirect;
    uint32_t errc;
    uint32_t error_code;
    uint32_t attribute;  // MappedAddress: the one that told
    // MappedAddress: the address, source, response origin, other address.
    // ErrorResponse: none, source, alternate servers. Failed: none, source.
    std::array<OutputAddress, 4> addresses;
    // MappedAddress: software. ErrorResponse: reason, software, alternate domain. Failed: reason,
    // realm.
    std::array<uint32_t, 3> text_bytes;
    uint32_t unknown_count;
    std::array<uint32_t, kMaxUnknown> unknown;
  };
  static constexpr uint32_t kNoRoundTrip = 0xFFFFFFFF;

  [[nodiscard]] std::span<uint8_t> inbox() { return inbox_; }
  [[nodiscard]] std::span<const uint8_t> outbox() const { return outbox_; }

  // A handle, or -Errc. The inbox holds an OpenRequest; it is wiped, as it held a password.
  int32_t open(uint32_t bytes);
  // Ends the client without a word; its transactions are gone.
  void close(uint32_t handle);
  // The transaction, or -Errc. The inbox holds a StartRequest.
  int32_t start_binding(uint32_t handle, double now_milliseconds, uint32_t bytes);
  // 0 or -Errc. The inbox holds random bytes.
  int32_t send_indication(uint32_t handle, double now_milliseconds, uint32_t entropy_bytes);
  int32_t cancel(uint32_t handle, double now_milliseconds, uint32_t transaction);

  // Works off the inbox (`bytes` of InputRecords), then what is due, and fills the outbox. Returns
  // the number of records in it. Call it again, with an empty inbox, while `has_more()`.
  uint32_t process(uint32_t bytes, double now_milliseconds);
  [[nodiscard]] bool has_more() const { return !ready_.empty(); }
  // When process() is to be called at the latest, in milliseconds of the same clock; negative for
  // never.
  [[nodiscard]] double next_timeout() const;

  // Counters of a client (client::StunClientStats, in its order), as 64-bit floats in the outbox;
  // returns how many.
  uint32_t stats(uint32_t handle);

 private:
  struct Slot {
    std::unique_ptr<client::StunClient> client;
    TransportAddress server;
    uint32_t generation = 0;
    Instant deadline = Instant::never();
    bool is_ready = false;  // listed in ready_
  };

  [[nodiscard]] Slot* find(uint32_t handle);
  [[nodiscard]] uint32_t handle_of(const Slot& slot) const;
  void mark_ready(Slot& slot);
  void handle_input(const InputRecord& record, std::span<const uint8_t> payload, Instant now);
  // Moves what the client has to say to the outbox; false when that is full.
  bool drain(Slot& slot);
  void write_event(uint32_t handle, const client::Event& event);

  std::vector<Slot> slots_;
  std::vector<uint32_t> ready_;  // indices of slots that may have something to say
  uint32_t outbox_used_ = 0;
  uint32_t outbox_records_ = 0;
  alignas(8) std::array<uint8_t, kInboxBytes> inbox_{};
  alignas(8) std::array<uint8_t, kOutboxBytes> outbox_{};
};

}  // namespace postern::bindings
