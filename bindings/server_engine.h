// ServerEngine: a TurnServer as JavaScript reaches it, in the way of Engine: what happens often
// goes through the mailbox, what happens seldom are calls of their own. It cuts the streams of the
// connections into messages too. No Emscripten: it runs natively in tests.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/instant.h"
#include "bindings/address_port.h"
#include "bindings/mailbox.h"
#include "bindings/server_mailbox.h"
#include "server/turn_server.h"
#include "wire/stream_deframer.h"

namespace postern::bindings {

class ServerEngine {
 public:
  // What is not authentic says little: a longer message on a stream of a client without allocation
  // ends the stream, so that nobody makes us hold more for the asking.
  static constexpr size_t kMaxStrangersFrame = 2048;

  ServerEngine();
  ~ServerEngine();
  ServerEngine(const ServerEngine&) = delete;
  ServerEngine& operator=(const ServerEngine&) = delete;

  [[nodiscard]] std::span<uint8_t> inbox() { return inbox_; }
  [[nodiscard]] Bytes outbox() const { return outbox_.bytes(); }
  [[nodiscard]] const ServerStatus& status() const { return status_; }
  [[nodiscard]] AddressPort& address() { return address_; }

  // 0 or -Errc. The inbox holds an OpenServerRequest; it is wiped. Whatever was there is gone.
  int32_t open(double now_milliseconds, uint32_t bytes);
  // What the command says, 0, or -Errc. The inbox holds its arguments; it is wiped.
  int32_t command(uint32_t command, double now_milliseconds, uint32_t bytes);
  // As Engine::process().
  uint32_t process(uint32_t bytes, double now_milliseconds);
  [[nodiscard]] bool has_more() const { return status_.has_more != 0; }
  // Counters in the order of SERVER_STATS in js/server/layout.js, as 64-bit floats in the outbox;
  // returns how many.
  uint32_t stats();

 private:
  struct Connection {
    std::vector<uint8_t> buffer = std::vector<uint8_t>(wire::kFrameHeadBytes);
    wire::StreamDeframer deframer{buffer, wire::kMaxFrameBytes};
    TransportAddress remote{};
    bool is_stream = false;
    bool has_allocation = false;
    bool is_joined = false;
  };
  // An InputRecord, read.
  struct Incoming {
    uint32_t handle = 0;
    uint32_t index = 0;
    TransportAddress address{};
    Bytes bytes{};
  };

  int32_t run(ServerCommand command, Instant now, Bytes arguments);
  int32_t run_texts(ServerCommand command, Bytes arguments);
  int32_t run_number(ServerCommand command, Instant now, uint32_t number);
  int32_t set_token_keys(Bytes arguments);
  int32_t set_policy(Bytes arguments);
  int32_t add_link(Bytes arguments);
  int32_t run_relay(ServerCommand command, Instant now, Bytes arguments);

  // These return false where the outbox is full: they go on at the next call.
  [[nodiscard]] bool work_off_inbox(Instant now);
  [[nodiscard]] bool handle_input(ServerInput input, const Incoming& incoming, Instant now);
  [[nodiscard]] bool handle_message(const Incoming& incoming, const TransportAddress& source,
                                    Instant now, Bytes message);
  [[nodiscard]] bool handle_stream(const Incoming& incoming, Instant now);
  [[nodiscard]] bool handle_peer_data(const Incoming& incoming, Instant now);
  [[nodiscard]] bool drain();
  // Gives the deframer what it asks for; false where it asks in vain, or has given up.
  [[nodiscard]] static bool may_go_on(Connection& connection);
  // There has to be room for these.
  void write_transmit(const server::FiveTuple& to, size_t bytes);
  void write_data(ServerOutput output, ToPeerRecord record, const TransportAddress& to, Bytes data,
                  const Incoming& incoming);
  void write_event(const server::ServerEvent& event);
  // What the streams have to know of it.
  void heed(const server::ServerEvent& event);

  std::unique_ptr<server::TurnServer> server_;
  std::unordered_map<server::Link, Connection> connections_;
  bool is_in_stream_ = false;
  uint64_t broken_streams_ = 0;
  uint32_t inbox_at_ = 0;
  uint32_t inbox_end_ = 0;
  uint32_t input_index_ = 0;
  ServerStatus status_{.next_timeout = -1, .has_more = 0, .accepted = 0};
  AddressPort address_;
  alignas(8) std::array<uint8_t, kInboxBytes> inbox_{};
  Outbox outbox_;
};

}  // namespace postern::bindings
