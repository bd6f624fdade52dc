// Transaction: one request on its way (RFC 8489 section 6.2): its ID, its bytes, which every
// retransmission repeats, its deadline, and how it was signed. After a challenge the request is
// encoded anew and starts again under a new ID; old bytes are never sent with a new answer in mind.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/instant.h"
#include "client/authenticator.h"
#include "client/rto.h"
#include "stun/fingerprint.h"
#include "stun/message_writer.h"

namespace postern::client {

// Header and padded value of an attribute.
[[nodiscard]] constexpr size_t attribute_bytes(size_t value_bytes) {
  return 4 + ((value_bytes + 3) & ~size_t{3});
}

// Room for the longest credentials that RFC 8489 lets a writer send, both integrity attributes and
// FINGERPRINT. A server whose realm and nonce are longer than that together gets no request.
inline constexpr size_t kMaxFrameworkBytes =
    stun::kHeaderBytes + attribute_bytes(stun::kMaxUsername) +
    2 * attribute_bytes(stun::kMaxTextWritten) + attribute_bytes(kMaxAlgorithmListBytes) +
    attribute_bytes(4) + attribute_bytes(crypto::Sha1::kDigestSize) +
    attribute_bytes(stun::kSha256IntegrityBytes) + stun::kFingerprintAttributeBytes;

// Ours: SOFTWARE and the attributes of Binding.
inline constexpr size_t kMaxMethodBytes = 256;
inline constexpr size_t kMaxRequestBytes = kMaxFrameworkBytes + kMaxMethodBytes;

class Transaction {
 public:
  enum class Tick : uint8_t { Waits, SendsAgain, TimesOut };

  // `buffer` is where requests are laid down; it outlives the transaction.
  explicit Transaction(std::span<uint8_t> buffer) : buffer_(buffer) {}
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  // Where the request is laid down before start(), and free for other use after end().
  [[nodiscard]] std::span<uint8_t> buffer() { return buffer_; }

  // The first `bytes` of the buffer go out, and the clock starts.
  void start(Instant now, const stun::TransactionId& id, size_t bytes, const Protection& protection,
             const RetransmissionSchedule& schedule);
  void end();

  // Before the deadline it does nothing.
  [[nodiscard]] Tick handle_timeout(Instant now);

  // Copies the request if it is due; 0 if it is not, or does not fit.
  [[nodiscard]] size_t poll_transmit(std::span<uint8_t> out);

  [[nodiscard]] bool is_in_flight() const { return !deadline_.is_never(); }
  [[nodiscard]] Instant deadline() const { return deadline_; }
  [[nodiscard]] Instant started_at() const { return sent_at_; }
  [[nodiscard]] const stun::TransactionId& id() const { return id_; }
  [[nodiscard]] const Protection& protection() const { return protection_; }
  // Requests sent under this ID.
  [[nodiscard]] unsigned requests_sent() const { return sent_; }

  // Karn: an answer to what was sent more than once does not tell the round-trip time.
  [[nodiscard]] std::optional<Duration> round_trip(Instant now) const;
  // The RTO as doubled by the retransmissions.
  [[nodiscard]] Duration backed_off_rto() const { return schedule_.rto_after(sent_); }

 private:
  std::span<uint8_t> buffer_;
  size_t size_ = 0;
  stun::TransactionId id_{};
  Protection protection_;
  RetransmissionSchedule schedule_;
  Instant sent_at_;
  Instant deadline_ = Instant::never();
  unsigned sent_ = 0;
  bool is_due_ = false;
};

}  // namespace postern::client
