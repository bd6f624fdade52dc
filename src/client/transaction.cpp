#include "client/transaction.h"

#include <algorithm>

namespace postern::client {

void Transaction::start(Instant now, const stun::TransactionId& id, size_t bytes,
                        const Protection& protection, const RetransmissionSchedule& schedule) {
  id_ = id;
  size_ = bytes;
  protection_ = protection;
  schedule_ = schedule;
  sent_ = 1;
  sent_at_ = now;
  deadline_ = now + schedule_.wait_after(sent_);
  is_due_ = true;
}

void Transaction::end() {
  deadline_ = Instant::never();
  is_due_ = false;
}

Transaction::Tick Transaction::handle_timeout(Instant now) {
  if (now < deadline_) return Tick::Waits;
  if (sent_ == schedule_.requests()) return Tick::TimesOut;
  ++sent_;
  is_due_ = true;
  // Counted from now and not from the deadline: after a pause (a laptop asleep, a throttled page)
  // the requests that were missed must not follow all at once.
  deadline_ = now + schedule_.wait_after(sent_);
  return Tick::SendsAgain;
}

size_t Transaction::poll_transmit(std::span<uint8_t> out) {
  if (!is_due_ || out.size() < size_) return 0;
  std::copy_n(buffer_.begin(), size_, out.begin());
  is_due_ = false;
  return size_;
}

std::optional<Duration> Transaction::round_trip(Instant now) const {
  if (sent_ != 1) return std::nullopt;
  return now - sent_at_;
}

}  // namespace postern::client
