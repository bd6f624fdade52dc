// TurnExchange: one request to the TURN server, from its start until the events that it ends with
// have been polled. Usually that is one transaction; a challenge (401, 438) ends it and begins the
// next, with the request encoded anew. The texts of its events stay in the transaction's buffer.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "client/response.h"
#include "client/transaction.h"
#include "client/turn/turn_event.h"
#include "client/turn/turn_request.h"

namespace postern::client {

class TurnExchange {
 public:
  enum class Purpose : uint8_t {
    Allocate,
    Refresh,
    Delete,  // Refresh with LIFETIME 0
    Permit,
    BindChannel,
    Connect
  };

  // For a new purpose. `subject`: the channel, or the token of a connect.
  void open(Purpose purpose, uint32_t subject = 0);
  // RFC 8656 section 10.1: the peers that one CreatePermission asks for. False when it is full.
  [[nodiscard]] bool add_peer(const TransportAddress& peer);
  // Who is to hear what became of a peer's permission: whoever has asked for it, of a renewal only
  // that it has failed, of one that was released nothing. Set before end().
  enum class Told : uint8_t { Outcome, Loss, Nothing };
  void tell(size_t peer, Told told) { told_of_[peer] = told; }

  [[nodiscard]] Purpose purpose() const { return purpose_; }
  [[nodiscard]] uint32_t subject() const { return subject_; }
  [[nodiscard]] std::span<const TransportAddress> peers() const {
    return std::span(peers_).first(peer_count_);
  }
  [[nodiscard]] Transaction& transaction() { return transaction_; }
  [[nodiscard]] const Transaction& transaction() const { return transaction_; }
  [[nodiscard]] bool is_in_flight() const { return transaction_.is_in_flight(); }
  [[nodiscard]] bool is_free() const { return !is_in_flight() && !is_telling_; }

  // The request goes out under a new ID.
  void start(Instant now, const stun::TransactionId& id, size_t bytes, const Protection& protection,
             const RetransmissionSchedule& schedule);
  [[nodiscard]] uint32_t requests_sent() const {
    return requests_before_ + transaction_.requests_sent();
  }
  [[nodiscard]] unsigned rounds() const { return rounds_; }

  // A response that changes nothing, but may explain a failure later on.
  void note_ignored(const Response& response);
  [[nodiscard]] uint16_t ignored_error_code() const { return ignored_error_code_; }
  // RFC 8489 sections 9.1.4 and 9.2.5: where all that came was dropped for its integrity, that is
  // what happened.
  [[nodiscard]] Errc timeout_reason() const {
    return saw_violation_ ? Errc::IntegrityMismatch : Errc::Timeout;
  }

  // The end. With `event`, take_event() gives it once, or once for each peer of Permit, and frees
  // the exchange after the last.
  void end();
  void end(const TurnEvent& event);
  [[nodiscard]] std::optional<TurnEvent> take_event();

 private:
  std::array<uint8_t, kMaxTurnRequestBytes> buffer_{};
  Transaction transaction_{buffer_};
  Purpose purpose_ = Purpose::Allocate;
  uint32_t subject_ = 0;
  std::array<TransportAddress, kMaxPeersPerRequest> peers_{};
  std::array<Told, kMaxPeersPerRequest> told_of_{};
  size_t peer_count_ = 0;
  unsigned rounds_ = 0;           // transactions so far
  uint32_t requests_before_ = 0;  // sent in those that are over
  uint16_t ignored_error_code_ = 0;
  bool saw_violation_ = false;
  TurnEvent event_;
  size_t told_ = 0;  // peers
  bool is_telling_ = false;
};

}  // namespace postern::client
