// StunClient: Binding transactions with one STUN server over one transport (RFC 8489), as a machine
// without I/O. Time, bytes and randomness come in as arguments; bytes, events and the next deadline
// are polled out:
//
//   client.start_binding(now);               // any command or input, and then, in any order,
//   while (n = client.poll_transmit(out)) send(out, n);
//   while (event = client.poll_event()) use(*event);
//   wake_at(client.poll_timeout());          // then handle_timeout(now); early or twice does no
//   harm
//
// Resolving names, connecting, TLS and following a redirection are the caller's work. Nothing is
// allocated. Bytes from the network can neither end the client nor grow it: what is malformed,
// foreign or forged is counted and dropped.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>

#include "base/entropy_pool.h"
#include "base/fixed_bytes.h"
#include "base/instant.h"
#include "base/result.h"
#include "base/transport_address.h"
#include "client/authenticator.h"
#include "client/binding_exchange.h"
#include "client/event.h"
#include "client/recent_ids.h"
#include "client/response.h"
#include "client/rto.h"
#include "client/rtt_estimator.h"
#include "client/transaction.h"
#include "wire/stream_deframer.h"

namespace postern::client {

// Ours: NAT discovery, which needs most, has four tests to run side by side. RFC 8489 section 6.2
// allows ten, but each keeps a whole request.
inline constexpr size_t kMaxTransactions = 4;
// Ours: more than an answer can hold whose texts keep to what RFC 8489 lets a writer send.
inline constexpr size_t kMaxStreamMessageBytes = 2304;

struct StunClientOptions {
  // The transport delivers all or fails: TCP, TLS, WebSocket.
  bool is_reliable = false;
  // Where datagrams have to come from.
  TransportAddress server{};
  RetransmissionOptions retransmission{};
  AuthenticatorOptions authentication{};
};

struct StunClientStats {
  uint64_t malformed = 0;            // not STUN, or not well-formed
  uint64_t unexpected = 0;           // requests, indications, other methods, ChannelData
  uint64_t wrong_source = 0;         // from another address than the server's
  uint64_t unknown_transaction = 0;  // an answer to what was not asked
  uint64_t late = 0;                 // an answer after the end, or the same answer again
  uint64_t bad_fingerprint = 0;
  uint64_t bad_integrity = 0;  // missing or wrong
  uint64_t ignored = 0;        // answers of our own transactions that the RFC tells to overlook
};

// RFC 8489 section 6.2.1 lets a hard ICMP error end a transaction. RFC 1122 section 4.2.3.9:
// protocol or port unreachable, fragmentation needed; network and host unreachable are soft: they
// may pass.
enum class TransportError : uint8_t { Soft, Hard };

class StunClient {
 public:
  explicit StunClient(const StunClientOptions& options);
  // The deframer holds on to a member.
  StunClient(const StunClient&) = delete;
  StunClient& operator=(const StunClient&) = delete;

  // --- Commands. `now` never runs backwards; if it does, it is held still.

  // Errc::TooManyTransactions (an event that waits to be polled keeps its place), EntropyNeeded,
  // MessageTooLong, or why the stream has ended.
  Result<TransactionHandle> start_binding(Instant now, const BindingRequest& request = {});
  // A Binding indication, to keep a NAT's binding alive. Nobody answers. One that has not been
  // polled is replaced.
  [[nodiscard]] Errc send_indication(Instant now);
  // Ends a transaction with the event Failed{Cancelled}. Errc::NoSuchHandle if it has ended
  // already.
  [[nodiscard]] Errc cancel(Instant now, TransactionHandle transaction);
  // Takes as many random bytes as there is room for, and returns how many.
  size_t provide_entropy(std::span<const uint8_t> bytes) { return entropy_.provide(bytes); }
  // For requests formed from now on, the answers to challenges included.
  [[nodiscard]] Errc set_credentials(const Credentials& credentials) {
    return authenticator_.set_credentials(credentials);
  }
  // The text of SOFTWARE in requests; empty for none. Errc::AttributeLength if it is too long.
  [[nodiscard]] Errc set_software(stun::Bytes text) {
    return software_.assign(text) ? Errc::Ok : Errc::AttributeLength;
  }

  // --- Input.

  // One whole message, on whatever transport keeps the bounds of messages.
  void handle_datagram(Instant now, stun::Bytes bytes, const TransportAddress& source);
  // Bytes of a TCP or TLS stream, cut anywhere.
  void handle_stream(Instant now, stun::Bytes bytes);
  void handle_timeout(Instant now);
  void handle_transport_error(Instant now, TransportError error);
  // Nothing can be started any more.
  void handle_transport_closed(Instant now);

  // --- Output.

  // One message to send; 0 when there is none. `out` has room for kMaxRequestBytes.
  [[nodiscard]] size_t poll_transmit(std::span<uint8_t> out);
  [[nodiscard]] std::optional<Event> poll_event();
  // When handle_timeout() is to be called; never() when nothing is under way.
  [[nodiscard]] Instant poll_timeout() const;

  // --- Queries.

  [[nodiscard]] const StunClientStats& stats() const { return stats_; }
  // Each start and each answer to a challenge takes stun::kTransactionIdBytes.
  [[nodiscard]] size_t entropy_available() const { return entropy_.available(); }

 private:
  void advance(Instant now);
  [[nodiscard]] RetransmissionSchedule schedule() const;
  void handle_message(stun::Bytes bytes, const TransportAddress& source);
  void handle_response(BindingExchange& exchange, const stun::MessageView& message,
                       const TransportAddress& source);
  [[nodiscard]] Errc answer_challenge(BindingExchange& exchange, const stun::MessageView& message,
                                      const Response& response);
  void learn_round_trip(const Transaction& transaction);
  void fail_all(Errc errc);
  // To be called where an exchange may have ended.
  void queue_event(const BindingExchange& exchange);
  [[nodiscard]] BindingExchange* find_free();
  [[nodiscard]] BindingExchange* find(stun::Bytes transaction_id);

  StunClientOptions options_;
  Instant now_ = Instant::from_microseconds(std::numeric_limits<int64_t>::min());
  Errc closed_ = Errc::Ok;  // why nothing can be started any more
  Authenticator authenticator_;
  RttEstimator rtt_;
  EntropyPool entropy_;
  FixedBytes<kMaxSoftwareBytes> software_;
  std::array<BindingExchange, kMaxTransactions> exchanges_;
  std::array<uint8_t, kMaxTransactions> ended_{};  // indices into exchanges_, the oldest end first
  size_t ended_count_ = 0;
  RecentIds recent_ids_;
  uint32_t last_handle_ = 0;
  std::array<uint8_t, kBindingIndicationBytes> indication_{};
  bool indication_is_due_ = false;
  std::array<uint8_t, kMaxStreamMessageBytes> stream_buffer_{};
  wire::StreamDeframer deframer_;
  StunClientStats stats_;
};

}  // namespace postern::client
