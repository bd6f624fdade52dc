// BindingExchange: one Binding request of the caller's, from its start until the event that it ends
// with has been polled. Usually that is one transaction; a challenge (401, 438) ends it and begins
// the next, with the request encoded anew. The event's text stays in the transaction's buffer.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/entropy_pool.h"
#include "client/authenticator.h"
#include "client/binding.h"
#include "client/event.h"
#include "client/response.h"
#include "client/transaction.h"

namespace postern::client {

// Ours: one 401 and a few 438, where nonces are short-lived. RFC 8489 sets no limit, and without
// one a server could keep the client busy for ever.
inline constexpr unsigned kMaxChallenges = 4;

class BindingExchange {
 public:
  void open(TransactionHandle handle, const BindingRequest& request);

  // Forms the request with the credentials as they are now and sends it under a new ID.
  [[nodiscard]] Errc send(Instant now, EntropyPool& entropy, const Authenticator& authenticator,
                          stun::Bytes software, const RetransmissionSchedule& schedule);

  [[nodiscard]] TransactionHandle handle() const { return handle_; }
  [[nodiscard]] bool is_in_flight() const { return transaction_.is_in_flight(); }
  [[nodiscard]] bool is_free() const { return !is_in_flight() && !event_; }
  [[nodiscard]] const Transaction& transaction() const { return transaction_; }
  [[nodiscard]] bool takes_any_source() const {
    return is_in_flight() && request_.change_request != stun::kind::ChangeFlagsValue{};
  }
  [[nodiscard]] bool may_answer_challenge() const { return rounds_ <= kMaxChallenges; }

  // Fails when the last deadline has passed.
  void handle_timeout(Instant now);
  [[nodiscard]] size_t poll_transmit(std::span<uint8_t> out) {
    return transaction_.poll_transmit(out);
  }

  // A response that changes nothing, but may explain a failure later on.
  void note_ignored(const Response& response);

  // The ends. `exchange_at` is asked before, since it is the transaction that knows.
  [[nodiscard]] Exchange exchange_at(Instant now, const TransportAddress& source,
                                     const Response& response) const;
  void finish(const stun::MessageView& message, const Response& response, const Exchange& exchange);
  void fail(Errc errc);
  void fail(Errc errc, const stun::MessageView& message, const Exchange& exchange);

  // Frees the place for another request.
  [[nodiscard]] std::optional<Event> take_event();

 private:
  void end(const Event& event);

  std::array<uint8_t, kMaxRequestBytes> buffer_{};
  Transaction transaction_{buffer_};
  TransactionHandle handle_;
  BindingRequest request_;
  unsigned rounds_ = 0;           // transactions so far
  uint32_t requests_before_ = 0;  // sent in those that are over
  uint16_t ignored_error_code_ = 0;
  bool saw_violation_ = false;
  std::optional<Event> event_;
};

}  // namespace postern::client
