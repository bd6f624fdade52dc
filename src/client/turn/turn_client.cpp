#include "client/turn/turn_client.h"

#include <algorithm>

#include "base/byte_order.h"

namespace postern::client {

using stun::Bytes;

TurnClient::TurnClient(const TurnClientOptions& options)
    : options_(options),
      authenticator_(options.authentication),
      rtt_(std::clamp(options.retransmission.rto, kLeastRto, kMaxRto)),
      stream_(options.is_reliable ? kFirstStreamBufferBytes : 0) {}

void TurnClient::advance(Instant now) {
  now_ = std::max(now_, now);
  has_work_ = has_work_ || ends_shortage_;
  ends_shortage_ = false;
}

RetransmissionSchedule TurnClient::schedule() const {
  return options_.is_reliable
             ? RetransmissionSchedule::reliable(options_.retransmission)
             : RetransmissionSchedule::unreliable(rtt_.rto(now_), options_.retransmission);
}

// --- Commands

Errc TurnClient::allocate(Instant now, const AllocateRequest& request) {
  advance(now);
  if (closed_ != Errc::Ok) return closed_;
  if (state_ != State::Idle) return Errc::AllocationExists;
  std::array<uint8_t, 4> seed{};
  if (entropy_.take(seed) != Errc::Ok || entropy_.take(indication_id_) != Errc::Ok) {
    return Errc::EntropyNeeded;
  }
  jitter_.seed(load_be32(seed.data()));
  request_ = request;
  TurnExchange* const exchange = find_free();
  if (exchange == nullptr) return Errc::TooManyTransactions;
  exchange->open(TurnExchange::Purpose::Allocate);
  if (const Errc errc = send(*exchange); errc != Errc::Ok) return errc;
  state_ = State::Allocating;
  return Errc::Ok;
}

Errc TurnClient::permit(Instant now, const TransportAddress& peer) {
  advance(now);
  if (state_ != State::Allocated) return Errc::NoAllocation;
  if (!allocation_.reaches(peer)) return Errc::PeerFamilyMismatch;
  auto wish = Permissions::Wish::Pending;
  if (const Errc errc = permissions_.want(peer, now_, wish); errc != Errc::Ok) return errc;
  if (wish == Permissions::Wish::Granted) {
    queue({.kind = TurnEventKind::Permitted, .peer = host_of(peer)});
  }
  has_work_ = true;
  return Errc::Ok;
}

Errc TurnClient::release_permission(Instant now, const TransportAddress& peer) {
  advance(now);
  if (state_ != State::Allocated) return Errc::NoAllocation;
  if (!channels_.serves(peer)) permissions_.release(peer);
  return Errc::Ok;
}

Result<uint16_t> TurnClient::bind_channel(Instant now, const TransportAddress& peer) {
  advance(now);
  if (state_ != State::Allocated) return Errc::NoAllocation;
  if (!allocation_.reaches(peer)) return Errc::PeerFamilyMismatch;
  if (const Errc errc = permissions_.reserve(peer); errc != Errc::Ok) return errc;
  const auto binding = channels_.want(peer, now_);
  if (!binding) {
    permissions_.unreserve(peer);
    return binding.error();
  }
  if (binding->is_bound) {
    queue({.kind = TurnEventKind::ChannelBound, .number = binding->channel, .peer = peer});
  }
  has_work_ = true;
  return binding->channel;
}

Errc TurnClient::release_channel(Instant now, uint16_t channel) {
  advance(now);
  if (state_ != State::Allocated) return Errc::NoAllocation;
  return channels_.release(channel) ? Errc::Ok : Errc::NoSuchChannel;
}

Result<uint32_t> TurnClient::connect(Instant now, const TransportAddress& peer) {
  advance(now);
  if (state_ != State::Allocated) return Errc::NoAllocation;
  if (!allocation_.reaches(peer)) return Errc::PeerFamilyMismatch;
  has_work_ = true;
  return connects_.want(peer);
}

Errc TurnClient::refresh(Instant now, uint32_t lifetime_seconds) {
  advance(now);
  if (state_ != State::Allocated) return Errc::NoAllocation;
  if (lifetime_seconds != 0) request_.lifetime_seconds = lifetime_seconds;
  refresh_is_wanted_ = true;
  has_work_ = true;
  return Errc::Ok;
}

Errc TurnClient::move(Instant now) {
  advance(now);
  if (state_ != State::Allocated) return Errc::NoAllocation;
  if (!allocation_.has_ticket()) return Errc::NoMobilityTicket;
  // The server would take what comes by the new way for a stranger's, until the ticket is shown.
  for (TurnExchange& exchange : exchanges_) take_back(exchange);
  if (!previous_stream_) previous_stream_ = std::move(stream_);
  stream_ = StreamReader(options_.is_reliable ? kFirstStreamBufferBytes : 0);
  goes_back_ = false;
  move_is_wanted_ = true;
  is_moving_ = false;
  has_work_ = true;
  return Errc::Ok;
}

void TurnClient::close(Instant now) {
  advance(now);
  if (state_ == State::Closing || state_ == State::Ended) return;
  const bool has_allocation = state_ == State::Allocated && closed_ == Errc::Ok;
  abandon_exchanges();
  state_ = State::Closing;
  if (has_allocation) {
    exchanges_[0].open(TurnExchange::Purpose::Delete);
    if (send(exchanges_[0]) == Errc::Ok) return;
  }
  state_ = State::Ended;
  queue({.kind = TurnEventKind::Closed});
}

Errc TurnClient::set_credentials(Instant now, const Credentials& credentials) {
  advance(now);
  if (state_ != State::Allocated) return authenticator_.set_credentials(credentials);
  auto old = std::make_unique<Authenticator>(authenticator_);
  if (const Errc errc = authenticator_.change_credentials(credentials); errc != Errc::Ok) {
    return errc;
  }
  if (old_authenticator_ == nullptr) old_authenticator_ = std::move(old);
  // A Refresh with the old ones would not tell what the server thinks of the new.
  for (TurnExchange& exchange : exchanges_) {
    if (exchange.purpose() == TurnExchange::Purpose::Refresh) take_back(exchange);
  }
  check_is_wanted_ = true;
  has_work_ = true;
  return Errc::Ok;
}

// --- Input

std::optional<PeerData> TurnClient::handle_datagram(Instant now, Bytes bytes,
                                                    const TransportAddress& source) {
  advance(now);
  if (source != options_.server) {
    ++stats_.wrong_source;
    return std::nullopt;
  }
  if (!bytes.empty() && wire::classify(bytes[0]) == wire::Protocol::TurnChannel) {
    return handle_channel_data(bytes);
  }
  return handle_message(bytes);
}

void TurnClient::feed_stream(Instant now, Bytes bytes) {
  advance(now);
  if (goes_back_) {
    stream_ = std::move(*previous_stream_);
    previous_stream_.reset();
    goes_back_ = false;
  }
  if (closed_ == Errc::Ok) stream_.deframer.feed(bytes);
}

std::optional<PeerData> TurnClient::next_from_stream(Instant now) {
  advance(now);
  auto& [buffer, deframer] = stream_;
  for (;;) {
    wire::Frame frame;
    // What comes after a refused move, on the stream that the caller gives up, is nobody's.
    while (!goes_back_ && deframer.next(frame)) {
      const auto data = frame.type == wire::FrameType::ChannelData
                            ? handle_channel_data(frame.bytes)
                            : handle_message(frame.bytes);
      if (data) return data;
    }
    const size_t wanted = goes_back_ ? 0 : deframer.room_wanted();
    if (wanted == 0) break;
    // Doubled, so that ever longer frames do not copy it each time.
    std::vector<uint8_t> larger(
        std::min(wire::kMaxFrameBytes, std::max(wanted, 2 * buffer.size())));
    deframer.set_buffer(larger);
    buffer = std::move(larger);
  }
  if (!goes_back_ && deframer.error() != Errc::Ok && closed_ == Errc::Ok) {
    ++stats_.malformed;
    end_transport(deframer.error());
  }
  return std::nullopt;
}

void TurnClient::handle_timeout(Instant now) {
  advance(now);
  for (TurnExchange& exchange : exchanges_) {
    if (exchange.transaction().handle_timeout(now_) == Transaction::Tick::TimesOut) {
      fail_unanswered(exchange);
    }
  }
  if (state_ != State::Allocated) return;
  if (now_ >= expires_at_) {
    lose({.errc = Errc::AllocationExpired});
    return;
  }
  if (now_ >= keep_alive_at_) {
    keep_alive_at_ = sent_at_ + options_.keep_alive;
    keep_alive_is_due_ = now_ >= keep_alive_at_;
    if (keep_alive_is_due_) keep_alive_at_ = now_ + options_.keep_alive;
  }
  has_work_ = true;
}

void TurnClient::handle_transport_error(Instant now, TransportError error) {
  advance(now);
  if (error == TransportError::Soft) return;
  bool was_waiting = false;
  for (TurnExchange& exchange : exchanges_) {
    if (!exchange.is_in_flight()) continue;
    was_waiting = true;
    fail(exchange, event_of(exchange, Errc::TransportClosed));
  }
  // It may have been a datagram of some time ago that met the error: the server is asked.
  if (!was_waiting && state_ == State::Allocated && !refresh_is_wanted_) {
    refresh_at_ = now_;
    has_work_ = true;
  }
}

void TurnClient::handle_transport_closed(Instant now) {
  advance(now);
  if (closed_ == Errc::Ok) end_transport(Errc::TransportClosed);
}

void TurnClient::end_transport(Errc errc) {
  if (is_moving_ || move_is_wanted_) return fail_move(errc);
  closed_ = errc;
  if (state_ == State::Allocated) {
    lose({.errc = errc});
    return;
  }
  for (TurnExchange& exchange : exchanges_) {
    if (exchange.is_in_flight()) fail(exchange, event_of(exchange, errc));
  }
}

void TurnClient::fail_move(Errc errc) {
  for (TurnExchange& exchange : exchanges_) {
    if (exchange.is_in_flight()) fail(exchange, event_of(exchange, errc));
  }
  if (!move_is_wanted_) return;
  // The ticket was not shown yet.
  move_is_wanted_ = false;
  goes_back_ = true;
  queue({.kind = TurnEventKind::MoveFailed, .errc = errc});
}

// --- Output

size_t TurnClient::poll_transmit(std::span<uint8_t> out) {
  start_work();
  for (TurnExchange& exchange : exchanges_) {
    const size_t size = exchange.transaction().poll_transmit(out);
    if (size == 0) continue;
    sent_at_ = now_;
    return size;
  }
  if (arrivals_due_ > 0) return write_arrival(out);
  return write_keep_alive(out);
}

std::optional<TurnEvent> TurnClient::poll_event() {
  // These first: what an exchange ends with may be the last of all.
  if (!queued_.empty()) {
    const TurnEvent event = queued_.front();
    queued_.erase(queued_.begin());
    return event;
  }
  while (ended_count_ > 0) {
    TurnExchange& exchange = exchanges_[ended_[0]];
    const auto event = exchange.take_event();
    if (exchange.is_free()) {
      std::copy(ended_.begin() + 1, ended_.begin() + static_cast<ptrdiff_t>(ended_count_),
                ended_.begin());
      --ended_count_;
      has_work_ = true;
    }
    if (event) return event;
  }
  return std::nullopt;
}

Instant TurnClient::poll_timeout() const {
  Instant next = Instant::never();
  for (const TurnExchange& exchange : exchanges_) {
    next = std::min(next, exchange.transaction().deadline());
  }
  if (state_ != State::Allocated) return next;
  next = std::min({next, expires_at_, keep_alive_at_});
  // What is due while there is no room for a request waits for the end of another.
  if (!may_start_work()) return next;
  if (has_work_ || ends_shortage_ || keep_alive_is_due_ || arrivals_due_ > 0) {
    return std::min(next, now_);
  }
  if (!is_refreshing_) next = std::min(next, refresh_at_);
  return std::min({next, permissions_.next_refresh(), channels_.next_refresh()});
}

}  // namespace postern::client
