// The mailbox between JavaScript and the engine: what is laid down in the inbox, and what is read
// from the outbox. Records are words of 32 bits; bytes follow them, padded to 4.
// js/engine/layout.js mirrors this file.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>

#include "base/errc.h"
#include "base/transport_address.h"
#include "client/event.h"

namespace postern::bindings {

using Bytes = std::span<const uint8_t>;

// Either holds the longest datagram with its records.
inline constexpr uint32_t kInboxBytes = 72 * 1024;
inline constexpr uint32_t kOutboxBytes = 72 * 1024;

inline constexpr uint32_t kMaxUnknown = client::UnknownTypes::kCapacity;

// --- Requests: what open() and command() find at the start of the inbox. Addresses are 4 or 16 raw
// bytes, `address_bytes` long; 0: none.

enum class Kind : uint32_t { Stun, Turn, Binder };

// Stun and Turn. Server address, software, user name, password, realm and access token follow.
struct OpenRequest {
  uint32_t is_reliable;
  uint32_t server_port;
  uint32_t rto_microseconds;  // 0: the RFC's, as with those below
  uint32_t rc;
  uint32_t rm;
  uint32_t ti_microseconds;
  uint32_t mechanism;  // client::Mechanism
  uint32_t feature_bits_from_left;
  uint32_t address_bytes;
  uint32_t software_bytes;
  uint32_t username_bytes;
  uint32_t password_bytes;
  uint32_t realm_bytes;
  uint32_t token_bytes;
  // Turn only.
  uint32_t fingerprint;
  uint32_t pads_channel_data;
  uint32_t permission_milliseconds;  // 0: the RFC's, as with the next
  uint32_t channel_milliseconds;
  uint32_t refresh_milliseconds;  // 0: none, as with the next
  uint32_t keep_alive_milliseconds;
};

struct OpenBinderRequest {
  uint32_t relay;  // handle of the Turn client
  uint32_t connection_id;
};

enum class Command : uint32_t {
  // Stun.
  StartBinding,
  SendIndication,
  Cancel,
  // Turn.
  Allocate,
  Permit,
  ReleasePermission,
  BindChannel,
  ReleaseChannel,
  Connect,
  Refresh,
  Move,
  SetCredentials,
  CloseAllocation
};

struct BindingCommand {
  uint32_t fingerprint;
  uint32_t change_ip;
  uint32_t change_port;
  uint32_t response_port;  // 65,536 and above: none
  uint32_t padding_bytes;
};

struct AllocateCommand {
  uint32_t transport;  // IP protocol
  uint32_t family;     // 0, 4 or 6
  uint32_t both_families;
  uint32_t even_port;  // client::EvenPort
  uint32_t dont_fragment;
  uint32_t lifetime_seconds;
  uint32_t mobility;
  uint32_t token_bytes;  // 0 or 8, which follow
};

// Permit, ReleasePermission, BindChannel, Connect: the address follows.
struct PeerCommand {
  uint32_t port;
  uint32_t address_bytes;
};

// Cancel: the transaction; ReleaseChannel: the channel; Refresh: the lifetime in seconds.
struct NumberCommand {
  uint32_t number;
};

// User name, password, realm and access token follow.
struct CredentialsCommand {
  uint32_t mechanism;
  uint32_t username_bytes;
  uint32_t password_bytes;
  uint32_t realm_bytes;
  uint32_t token_bytes;
};

// --- Inputs.

enum class Input : uint32_t {
  Datagram,
  DatagramFrom,  // the address of the source before the payload
  Stream,
  SoftError,
  HardError,
  Closed,
  Send,              // the address of the peer before the payload
  SendUnfragmented,  // the same, with DONT-FRAGMENT
  SendChannel        // `port` is the channel
};

// One thing that happened or is to be sent; `bytes` of payload follow, the address included.
struct InputRecord {
  uint32_t input;
  uint32_t handle;
  uint32_t bytes;
  uint32_t port;
  uint32_t address_bytes;
};

// --- Outputs. Each record begins with these three.

enum class Output : uint32_t {
  Transmit,
  Data,
  Leftover,
  MappedAddress,
  ErrorResponse,
  Failed,
  TurnEvent
};

// Transmit is no more than this; the payload is the message.
struct OutputHead {
  uint32_t output;
  uint32_t handle;
  uint32_t payload_bytes;
};

// Data of a peer's, or what lay on a stream behind the answer to a ConnectionBind (Leftover). It
// lies in the payload of an input of this batch, `input` counted from 0, so that JavaScript can
// hand out a part of the buffer it came in; or in the payload of this record, where `input` is
// kNoInput.
struct DataRecord {
  OutputHead head;
  uint32_t input;
  uint32_t offset;
  uint32_t length;
  uint32_t channel;
  uint32_t port;
  uint32_t address_bytes;
  std::array<uint32_t, 4> address;  // raw bytes
};
inline constexpr uint32_t kNoInput = 0xFFFFFFFF;

// An address in a record: its text is part of the payload; no text, no address.
struct OutputAddress {
  uint32_t port;
  uint32_t text_bytes;
};

// The end of a Binding transaction. The payload has the texts of `addresses` and then those of
// `text_bytes`, one behind the other.
struct BindingRecord {
  OutputHead head;
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
inline constexpr uint32_t kNoRoundTrip = 0xFFFFFFFF;

// client::TurnEvent, and the allocation where it was made or moved.
struct TurnEventRecord {
  OutputHead head;
  uint32_t event;  // client::TurnEventKind
  uint32_t errc;
  uint32_t error_code;
  uint32_t token;
  uint32_t number;
  uint32_t detail;
  uint32_t requests_sent;
  uint32_t round_trip_microseconds;
  uint32_t is_authenticated;
  uint32_t has_allocation;  // 0: the next six, and the last three addresses, say nothing
  uint32_t lifetime_seconds;
  uint32_t has_ticket;
  uint32_t refused_family;
  uint32_t refused_code;
  uint32_t has_reservation;
  std::array<uint32_t, 2> reservation;  // raw bytes
  // Peer, alternate servers, relayed addresses, mapped address.
  std::array<OutputAddress, 6> addresses;
  // Reason, realm, software, alternate domain, third party.
  std::array<uint32_t, 5> text_bytes;
  uint32_t unknown_count;
  std::array<uint32_t, kMaxUnknown> unknown;
};

// What JavaScript reads, without a call, after process() and the commands.
struct Status {
  // When process() is to be called at the latest, in milliseconds of the same clock; negative for
  // never.
  double next_timeout;
  // process(0) is to be called again, before anything else.
  uint32_t has_more;
  // Random bytes in the pool; JavaScript adds to them.
  uint32_t entropy_bytes;
};

[[nodiscard]] constexpr uint32_t padded(size_t bytes) {
  return static_cast<uint32_t>((bytes + 3) & ~size_t{3});
}

[[nodiscard]] constexpr int32_t failure(Errc errc) { return -static_cast<int32_t>(errc); }

template <typename T>
[[nodiscard]] bool take(Bytes& from, T& out) {
  if (from.size() < sizeof out) return false;
  std::memcpy(&out, from.data(), sizeof out);
  from = from.subspan(sizeof out);
  return true;
}

[[nodiscard]] inline bool take_bytes(Bytes& from, uint32_t count, Bytes& out) {
  if (from.size() < count) return false;
  out = from.first(count);
  from = from.subspan(count);
  return true;
}

// Family::None for none; false where `count` is of no family or there are not so many bytes.
[[nodiscard]] inline bool take_address(Bytes& from, uint32_t count, uint32_t port,
                                       TransportAddress& out) {
  Bytes raw;
  if ((count != 0 && count != 4 && count != 16) || !take_bytes(from, count, raw)) return false;
  out = {};
  if (count == 0) return true;
  out.family = count == 4 ? Family::IPv4 : Family::IPv6;
  out.port = static_cast<uint16_t>(port);
  std::copy(raw.begin(), raw.end(), out.bytes.begin());
  return true;
}

// Whether `part` is a view on `whole`.
[[nodiscard]] inline bool lies_within(Bytes part, Bytes whole) {
  // The one order of pointers that is defined between arrays.
  const std::less_equal<> at_most;
  return at_most(whole.data(), part.data()) &&
         at_most(part.data() + part.size(), whole.data() + whole.size());
}

// Where records are laid down one behind the other.
class Outbox {
 public:
  [[nodiscard]] Bytes bytes() const { return bytes_; }
  [[nodiscard]] uint32_t records() const { return records_; }
  void clear() { used_ = records_ = 0; }

  [[nodiscard]] bool has_room(size_t count) const { return kOutboxBytes - used_ >= count; }
  // Where the payload of a record of `record_bytes` goes; to be written before the record.
  [[nodiscard]] std::span<uint8_t> payload_room(size_t record_bytes) {
    return std::span(bytes_).subspan(used_ + record_bytes);
  }
  // `record`, whose payload is in place. There has to be room.
  template <typename Record>
  void add(const Record& record, size_t payload_bytes) {
    std::memcpy(&bytes_[used_], &record, sizeof record);
    used_ += static_cast<uint32_t>(sizeof record) + padded(payload_bytes);
    ++records_;
  }
  void add_transmit(uint32_t handle, size_t payload_bytes) {
    add(OutputHead{static_cast<uint32_t>(Output::Transmit), handle,
                   static_cast<uint32_t>(payload_bytes)},
        payload_bytes);
  }

  // For what is no record: counters.
  [[nodiscard]] std::span<uint8_t> whole() { return bytes_; }

 private:
  uint32_t used_ = 0;
  uint32_t records_ = 0;
  alignas(8) std::array<uint8_t, kOutboxBytes> bytes_{};
};

}  // namespace postern::bindings
