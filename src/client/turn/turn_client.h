// TurnClient: one allocation at one TURN server over one transport (RFC 8656, RFC 6062, RFC 8016),
// as a machine without I/O. Time, bytes and randomness come in as arguments; bytes, events and the
// next deadline are polled out:
//
//   client.allocate(now, request);           // any command or input, and then, in any order,
//   while (n = client.poll_transmit(out)) send(out, n);
//   while (event = client.poll_event()) use(*event);
//   wake_at(client.poll_timeout());          // then handle_timeout(now); early or twice does no
//                                            // harm
//
// It answers challenges, and keeps the allocation, its permissions and its channels alive by
// itself: in time, several peers to a request, and not all relays of a process at the same moment.
// Resolving names, connecting, TLS, following a redirection and taking a new 5-tuple after 437 are
// the caller's work.
//
// Data of peers takes a way of its own, which allocates nothing: out by write_data() and
// write_channel_data(), in as the result of handle_datagram() or next_from_stream().
//
// Bytes from the network can neither end the client nor grow it, but for one thing: an error
// response to a request of its own, authenticated where that can be asked, may end the allocation.
// What is malformed, foreign or forged is counted and dropped.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/entropy_pool.h"
#include "base/fixed_bytes.h"
#include "base/instant.h"
#include "base/result.h"
#include "base/transport_address.h"
#include "client/authenticator.h"
#include "client/recent_ids.h"
#include "client/response.h"
#include "client/rto.h"
#include "client/rtt_estimator.h"
#include "client/stun_client.h"
#include "client/turn/allocation.h"
#include "client/turn/channels.h"
#include "client/turn/connects.h"
#include "client/turn/jitter.h"
#include "client/turn/permissions.h"
#include "client/turn/turn_event.h"
#include "client/turn/turn_exchange.h"
#include "client/turn/turn_request.h"
#include "turn/lifetimes.h"
#include "wire/stream_deframer.h"

namespace postern::client {

// Ours: RFC 8489 section 6.2 allows ten, but each keeps a whole request, and permissions of many
// peers share one.
inline constexpr size_t kMaxTurnExchanges = 4;
// Ours: of these, for Connect requests.
inline constexpr size_t kMaxConnectExchanges = kMaxTurnExchanges - 2;
// Ours: events that come unasked wait for the caller; of ConnectionAttempt and Icmp, the surplus is
// counted and dropped.
inline constexpr size_t kMaxQueuedEvents = 16;
// Ours: what a stream's unfinished frame gets at first; it grows with longer ones.
inline constexpr size_t kFirstStreamBufferBytes = 2304;
// What a Send indication adds to its data: header, XOR-PEER-ADDRESS of IPv6, DONT-FRAGMENT, the
// head and the padding of DATA. ChannelData adds less.
inline constexpr size_t kMaxDataOverhead =
    stun::kHeaderBytes + attribute_bytes(20) + attribute_bytes(0) + attribute_bytes(0) + 3;

struct TurnClientOptions {
  // The transport delivers all or fails: TCP, TLS, WebSocket.
  bool is_reliable = false;
  // ChannelData goes out padded to a multiple of 4: a must on streams (RFC 8656 section 12.5).
  bool pads_channel_data = false;
  // FINGERPRINT in requests.
  bool fingerprint = false;
  // Where datagrams have to come from.
  TransportAddress server{};
  RetransmissionOptions retransmission{};
  AuthenticatorOptions authentication{};
  // For servers that are set to shorter lives than the RFC's; nothing on the wire tells them.
  Duration permission_lifetime = turn::kPermissionLifetime;
  Duration channel_lifetime = turn::kChannelLifetime;
  // Refreshes the allocation at least so often, to notice a dead server sooner; zero: in time for
  // its lifetime.
  Duration refresh_every{};
  // A Binding indication when nothing was sent for so long, so that NATs keep the 5-tuple; zero:
  // none.
  Duration keep_alive{};
};

struct TurnClientStats {
  uint64_t malformed = 0;            // not STUN, or not well-formed
  uint64_t unexpected = 0;           // requests, other indications, data without an allocation
  uint64_t wrong_source = 0;         // from another address than the server's
  uint64_t unknown_transaction = 0;  // an answer to what was not asked
  uint64_t late = 0;                 // an answer after the end, or the same answer again
  uint64_t bad_fingerprint = 0;
  uint64_t bad_integrity = 0;    // missing or wrong
  uint64_t ignored = 0;          // answers of our own transactions that the RFC tells to overlook
  uint64_t unknown_channel = 0;  // ChannelData on a channel that was not bound
  uint64_t unpermitted = 0;      // Data indications of peers without permission
  uint64_t dropped_events = 0;
};

class TurnClient {
 public:
  explicit TurnClient(const TurnClientOptions& options);
  // The deframer holds on to a member.
  TurnClient(const TurnClient&) = delete;
  TurnClient& operator=(const TurnClient&) = delete;

  // --- Commands. `now` never runs backwards; if it does, it is held still. Errc::NoAllocation
  // where there is none (yet, or any more), unless said otherwise. Lost and Closed stand for the
  // outcome of all that was under way.

  // Once. Ends with Allocated or AllocateFailed; after the latter it may be called again.
  [[nodiscard]] Errc allocate(Instant now, const AllocateRequest& request = {});
  // Ends with Permitted or PermissionFailed. Asked for a peer that has permission, it answers at
  // once. The port does not count. Errc::TooManyPermissions.
  [[nodiscard]] Errc permit(Instant now, const TransportAddress& peer);
  // Lets the permission lapse, unless a channel needs it. Who waits for it hears nothing any more.
  [[nodiscard]] Errc release_permission(Instant now, const TransportAddress& peer);
  // The channel's number; ends with ChannelBound or ChannelFailed. Asked for a peer that has a
  // channel, it answers at once, with that. Errc::TooManyChannels.
  Result<uint16_t> bind_channel(Instant now, const TransportAddress& peer);
  // Lets the channel lapse; its peer's permission stays. Who waits for it hears nothing any more.
  [[nodiscard]] Errc release_channel(Instant now, uint16_t channel);
  // RFC 6062 section 5.2. A token; ends with Connected or ConnectFailed.
  // Errc::TooManyConnections.
  Result<uint32_t> connect(Instant now, const TransportAddress& peer);
  // Ends with Refreshed or RefreshFailed. 0 seconds: what was asked for before.
  [[nodiscard]] Errc refresh(Instant now, uint32_t lifetime_seconds = 0);
  // The transport is another one now, at another local address (RFC 8016). Ends with Moved or
  // MoveFailed. Errc::NoMobilityTicket where the server gave none.
  [[nodiscard]] Errc move(Instant now);
  // Gives the allocation back. Ends with Closed, whatever the server says.
  void close(Instant now);

  // Takes as many random bytes as there is room for, and returns how many. Without any, what the
  // client has to ask of the server waits; after a shortage, for the next command or input, which
  // poll_timeout() asks for.
  size_t provide_entropy(std::span<const uint8_t> bytes) {
    const bool was_short = entropy_.available() < stun::kTransactionIdBytes;
    const size_t taken = entropy_.provide(bytes);
    ends_shortage_ = ends_shortage_ || (was_short && taken > 0);
    return taken;
  }
  // For requests formed from now on. An allocation goes on with them, if the server accepts that
  // (Refreshed), or with the old ones (CredentialsRefused).
  [[nodiscard]] Errc set_credentials(Instant now, const Credentials& credentials);
  // The text of SOFTWARE in requests; empty for none. Errc::AttributeLength if it is too long.
  [[nodiscard]] Errc set_software(stun::Bytes text) {
    return software_.assign(text) ? Errc::Ok : Errc::AttributeLength;
  }

  // --- Data to peers. The size of what was written to `out`, which has room for
  // kMaxDataOverhead bytes more than the data.

  // As a Send indication (RFC 8656 section 11.1). Errc::PermissionNeeded, PayloadTooLong.
  Result<size_t> write_data(Instant now, const TransportAddress& peer, stun::Bytes data,
                            bool dont_fragment, std::span<uint8_t> out);
  // As ChannelData (RFC 8656 section 12.5). Errc::NoSuchChannel while it is not bound.
  Result<size_t> write_channel_data(Instant now, uint16_t channel, stun::Bytes data,
                                    std::span<uint8_t> out);

  // --- Input.

  // One whole message, on whatever transport keeps the bounds of messages. What it carried of a
  // peer's.
  [[nodiscard]] std::optional<PeerData> handle_datagram(Instant now, stun::Bytes bytes,
                                                        const TransportAddress& source);
  // Bytes of a TCP or TLS stream, cut anywhere; then next_from_stream() until there is nothing.
  void feed_stream(Instant now, stun::Bytes bytes);
  [[nodiscard]] std::optional<PeerData> next_from_stream(Instant now);
  void handle_timeout(Instant now);
  void handle_transport_error(Instant now, TransportError error);
  // The allocation is lost.
  void handle_transport_closed(Instant now);

  // --- Output.

  // One message to send; 0 when there is none. `out` has room for kMaxTurnRequestBytes.
  [[nodiscard]] size_t poll_transmit(std::span<uint8_t> out);
  [[nodiscard]] std::optional<TurnEvent> poll_event();
  // When handle_timeout() is to be called; never() when nothing is under way.
  [[nodiscard]] Instant poll_timeout() const;

  // --- Queries.

  [[nodiscard]] bool is_allocated() const { return state_ == State::Allocated; }
  // What the server granted; of the last allocation once it is gone.
  [[nodiscard]] const Allocation& allocation() const { return allocation_; }
  [[nodiscard]] const Authenticator& authenticator() const { return authenticator_; }
  [[nodiscard]] const TurnClientStats& stats() const { return stats_; }
  [[nodiscard]] size_t entropy_available() const { return entropy_.available(); }

 private:
  enum class State : uint8_t { Idle, Allocating, Allocated, Closing, Ended };

  struct StreamReader {
    explicit StreamReader(size_t bytes) : buffer(bytes), deframer(buffer, wire::kMaxFrameBytes) {}

    std::vector<uint8_t> buffer;  // grows; it is moved, never copied
    wire::StreamDeframer deframer;
  };

  void advance(Instant now);
  [[nodiscard]] RetransmissionSchedule schedule() const;

  // Turns what is wanted into requests, as far as there is room (turn_client_requests.cpp).
  void start_work();
  [[nodiscard]] TurnExchange* find_free();
  [[nodiscard]] bool may_start_work() const;
  [[nodiscard]] bool start_next();
  [[nodiscard]] bool prepare_next(TurnExchange& exchange);
  [[nodiscard]] bool prepare_refresh(TurnExchange& exchange);
  [[nodiscard]] Errc encode(const TurnExchange& exchange, const RequestFrame& frame,
                            EncodedRequest& out) const;
  [[nodiscard]] Errc send(TurnExchange& exchange);
  // What was under way is wanted again.
  void take_back(TurnExchange& exchange);
  void abandon_exchanges(const TurnExchange* except = nullptr);

  // Answers and what follows from them (turn_client_answers.cpp).
  [[nodiscard]] std::optional<PeerData> handle_message(stun::Bytes bytes);
  void handle_answer(TurnExchange& exchange, const stun::MessageView& message);
  [[nodiscard]] Errc answer_challenge(TurnExchange& exchange, const stun::MessageView& message,
                                      const Response& response);
  [[nodiscard]] bool fall_back_to_old_credentials(Errc errc, uint16_t error_code);
  [[nodiscard]] bool goes_on_with_old_credentials(TurnExchange& exchange, Errc errc,
                                                  uint16_t error_code);
  // Nothing came that counts, and nothing will.
  void fail_unanswered(TurnExchange& exchange);
  [[nodiscard]] static TurnEvent event_of(const TurnExchange& exchange, Errc errc);
  [[nodiscard]] TurnEvent event_of(TurnExchange& exchange, const stun::MessageView& message,
                                   const Response& response, Errc errc) const;
  void succeed(TurnExchange& exchange, const stun::MessageView& message, TurnEvent event);
  void accept_allocation(TurnExchange& exchange, const stun::MessageView& message, TurnEvent event);
  void end_deletion(TurnExchange& exchange, TurnEvent event);
  void accept_refresh(TurnExchange& exchange, const stun::MessageView& message, TurnEvent event);
  void accept_channel(TurnExchange& exchange, TurnEvent event);
  void fail(TurnExchange& exchange, TurnEvent event);
  void fail_refresh(TurnExchange& exchange, TurnEvent event);
  void fail_permissions(TurnExchange& exchange, TurnEvent event);
  void fail_channel(TurnExchange& exchange, TurnEvent event);
  void finish(TurnExchange& exchange, const TurnEvent& event);
  // The allocation is gone; `exchange` holds the texts of the event, if one does.
  void lose(TurnEvent event, TurnExchange* exchange = nullptr);
  void end_transport(Errc errc);
  void fail_move(Errc errc);
  void queue(const TurnEvent& event);
  void learn_round_trip(const Transaction& transaction);
  [[nodiscard]] static Instant asked_at(const TurnExchange& exchange);
  void schedule_refresh(const TurnExchange& exchange, uint32_t lifetime_seconds);
  void choose_told(TurnExchange& exchange) const;

  // Data of peers (turn_client_data.cpp).
  [[nodiscard]] std::optional<PeerData> handle_channel_data(stun::Bytes bytes);
  [[nodiscard]] std::optional<PeerData> handle_indication(const stun::MessageView& message);
  [[nodiscard]] size_t write_keep_alive(std::span<uint8_t> out);
  [[nodiscard]] size_t write_arrival(std::span<uint8_t> out);
  [[nodiscard]] const stun::TransactionId& next_indication_id();

  TurnClientOptions options_;
  Instant now_ = Instant::from_microseconds(std::numeric_limits<int64_t>::min());
  State state_ = State::Idle;
  Errc closed_ = Errc::Ok;  // why the transport takes nothing any more
  Authenticator authenticator_;
  // Those before set_credentials(), until the server has accepted the new ones.
  std::unique_ptr<Authenticator> old_authenticator_;
  RttEstimator rtt_;
  EntropyPool entropy_;
  Jitter jitter_;
  FixedBytes<kMaxSoftwareBytes> software_;

  AllocateRequest request_;
  Allocation allocation_;
  Instant expires_at_ = Instant::never();
  Instant refresh_at_ = Instant::never();
  bool refresh_is_wanted_ = false;  // by the caller
  bool refresh_is_told_ = false;    // the one under way is the caller's
  bool check_is_wanted_ = false;  // a Refresh that shows what the server thinks of new credentials
  bool is_refreshing_ = false;
  bool move_is_wanted_ = false;
  bool is_moving_ = false;
  // There may be something to ask for that no request was made of yet.
  bool has_work_ = false;
  // Randomness has come, without the time of day.
  bool ends_shortage_ = false;
  bool keep_alive_is_due_ = false;
  uint8_t arrivals_due_ = 0;  // messages that end the way of before a move
  bool goes_back_ = false;    // to previous_stream_
  Instant sent_at_;           // the last message to the server
  Instant keep_alive_at_ = Instant::never();

  Permissions permissions_;
  Channels channels_;
  Connects connects_;
  std::array<TurnExchange, kMaxTurnExchanges> exchanges_;
  std::array<uint8_t, kMaxTurnExchanges> ended_{};  // indices into exchanges_, the oldest end first
  size_t ended_count_ = 0;
  std::vector<TurnEvent> queued_;
  RecentIds recent_ids_;
  // Send indications are answered by nobody: their IDs have to differ, not to be unpredictable.
  stun::TransactionId indication_id_{};
  StreamReader stream_;
  // While the allocation moves: the stream to which a move that fails goes back, where it was.
  std::optional<StreamReader> previous_stream_;
  TurnClientStats stats_;
};

}  // namespace postern::client
