#include "client/stun_client.h"

#include <algorithm>

namespace postern::client {

namespace {

using stun::Bytes;
using stun::MessageView;

bool is_answer_to_binding(const MessageView& message) {
  return message.is(stun::Class::Success, stun::Method::Binding) ||
         message.is(stun::Class::Error, stun::Method::Binding);
}

}  // namespace

StunClient::StunClient(const StunClientOptions& options)
    : options_(options),
      authenticator_(options.authentication),
      rtt_(std::clamp(options.retransmission.rto, kLeastRto, kMaxRto)),
      deframer_(stream_buffer_) {}

void StunClient::advance(Instant now) { now_ = std::max(now_, now); }

// --- Commands

Result<TransactionHandle> StunClient::start_binding(Instant now, const BindingRequest& request) {
  advance(now);
  if (closed_ != Errc::Ok) return closed_;
  BindingExchange* const exchange = find_free();
  if (exchange == nullptr) return Errc::TooManyTransactions;
  // 0 names no transaction.
  last_handle_ = std::max(last_handle_ + 1, 1U);
  exchange->open({last_handle_}, request);
  const Errc errc = exchange->send(now_, entropy_, authenticator_, software_.view(), schedule());
  if (errc != Errc::Ok) return errc;
  return exchange->handle();
}

Errc StunClient::send_indication(Instant now) {
  advance(now);
  if (closed_ != Errc::Ok) return closed_;
  stun::TransactionId id;
  if (const Errc errc = entropy_.take(id); errc != Errc::Ok) return errc;
  encode_binding_indication(indication_, id);
  indication_is_due_ = true;
  return Errc::Ok;
}

Errc StunClient::cancel(Instant now, TransactionHandle transaction) {
  advance(now);
  for (BindingExchange& exchange : exchanges_) {
    if (exchange.handle() != transaction || !exchange.is_in_flight()) continue;
    exchange.fail(Errc::Cancelled);
    queue_event(exchange);
    return Errc::Ok;
  }
  return Errc::NoSuchHandle;
}

RetransmissionSchedule StunClient::schedule() const {
  return options_.is_reliable
             ? RetransmissionSchedule::reliable(options_.retransmission)
             : RetransmissionSchedule::unreliable(rtt_.rto(now_), options_.retransmission);
}

// --- Input

void StunClient::handle_datagram(Instant now, Bytes bytes, const TransportAddress& source) {
  advance(now);
  handle_message(bytes, source);
}

void StunClient::handle_stream(Instant now, Bytes bytes) {
  advance(now);
  if (closed_ != Errc::Ok) return;
  deframer_.feed(bytes);
  for (wire::Frame frame; deframer_.next(frame);) {
    if (frame.type == wire::FrameType::Stun) {
      handle_message(frame.bytes, options_.server);
    } else {
      ++stats_.unexpected;
    }
  }
  if (deframer_.error() == Errc::Ok) return;
  ++stats_.malformed;
  closed_ = deframer_.error();
  fail_all(closed_);
}

void StunClient::handle_timeout(Instant now) {
  advance(now);
  for (BindingExchange& exchange : exchanges_) {
    if (!exchange.is_in_flight()) continue;
    exchange.handle_timeout(now_);
    queue_event(exchange);
  }
}

void StunClient::handle_transport_error(Instant now, TransportError error) {
  advance(now);
  if (error == TransportError::Hard) fail_all(Errc::TransportClosed);
}

void StunClient::handle_transport_closed(Instant now) {
  advance(now);
  if (closed_ == Errc::Ok) closed_ = Errc::TransportClosed;
  indication_is_due_ = false;
  fail_all(closed_);
}

void StunClient::handle_message(Bytes bytes, const TransportAddress& source) {
  const bool from_server = source == options_.server;
  if (!from_server && std::none_of(exchanges_.begin(), exchanges_.end(), [](const auto& exchange) {
        return exchange.takes_any_source();
      })) {
    ++stats_.wrong_source;
    return;
  }
  MessageView message;
  if (MessageView::parse(bytes, {}, message).errc != Errc::Ok) {
    ++stats_.malformed;
    return;
  }
  if (!is_answer_to_binding(message)) {
    ++stats_.unexpected;
    return;
  }
  BindingExchange* const exchange = find(message.transaction_id());
  if (exchange == nullptr) {
    ++(recent_ids_.contains(message.transaction_id()) ? stats_.late : stats_.unknown_transaction);
  } else if (!from_server && !exchange->takes_any_source()) {
    ++stats_.wrong_source;
  } else if (message.fingerprint() == stun::FingerprintState::Invalid) {
    // RFC 8489 section 7 also wants it to be there where the request had it; servers that leave it
    // out are many, and on a port that STUN has for itself its absence tells nothing.
    ++stats_.bad_fingerprint;
  } else {
    handle_response(*exchange, message, source);
    queue_event(*exchange);
  }
}

void StunClient::handle_response(BindingExchange& exchange, const MessageView& message,
                                 const TransportAddress& source) {
  const Response response =
      classify_response(message, exchange.transaction().protection(), authenticator_);
  const Exchange so_far = exchange.exchange_at(now_, source, response);
  switch (response.kind) {
    case Response::Kind::Ignored:
      ++stats_.ignored;
      exchange.note_ignored(response);
      break;
    case Response::Kind::Unprotected:
      ++stats_.bad_integrity;
      exchange.note_ignored(response);
      if (options_.is_reliable) exchange.fail(Errc::IntegrityMismatch);
      break;
    case Response::Kind::Challenge: {
      learn_round_trip(exchange.transaction());
      const Errc errc = answer_challenge(exchange, message, response);
      if (errc != Errc::Ok) exchange.fail(errc, message, so_far);
      break;
    }
    case Response::Kind::Success:
    case Response::Kind::Error:
      learn_round_trip(exchange.transaction());
      if (so_far.authenticated) authenticator_.learn_from(message);
      exchange.finish(message, response, so_far);
      break;
    case Response::Kind::Unusable:
      exchange.fail(response.errc, message, so_far);
      break;
  }
}

Errc StunClient::answer_challenge(BindingExchange& exchange, const MessageView& message,
                                  const Response& response) {
  const Transaction& transaction = exchange.transaction();
  const Errc errc =
      authenticator_.answer_challenge(message, response.error_code, transaction.protection());
  if (errc != Errc::Ok) return errc;
  if (!exchange.may_answer_challenge()) {
    const bool is_stale = response.error_code == static_cast<uint16_t>(stun::ErrorCode::StaleNonce);
    return is_stale ? Errc::StaleNonceLimit : Errc::Unauthenticated;
  }
  const stun::TransactionId answered = transaction.id();
  const Errc sent = exchange.send(now_, entropy_, authenticator_, software_.view(), schedule());
  if (sent == Errc::Ok) recent_ids_.add(answered);
  return sent;
}

void StunClient::learn_round_trip(const Transaction& transaction) {
  if (options_.is_reliable) return;
  if (const auto round_trip = transaction.round_trip(now_)) {
    rtt_.add_sample(now_, *round_trip);
  } else {
    rtt_.add_ambiguous(now_, transaction.backed_off_rto());
  }
}

void StunClient::fail_all(Errc errc) {
  for (BindingExchange& exchange : exchanges_) {
    if (!exchange.is_in_flight()) continue;
    exchange.fail(errc);
    queue_event(exchange);
  }
}

void StunClient::queue_event(const BindingExchange& exchange) {
  if (exchange.is_in_flight()) return;
  recent_ids_.add(exchange.transaction().id());
  ended_[ended_count_++] = static_cast<uint8_t>(&exchange - exchanges_.data());
}

BindingExchange* StunClient::find_free() {
  for (BindingExchange& exchange : exchanges_) {
    if (exchange.is_free()) return &exchange;
  }
  return nullptr;
}

BindingExchange* StunClient::find(Bytes transaction_id) {
  for (BindingExchange& exchange : exchanges_) {
    const stun::TransactionId& id = exchange.transaction().id();
    if (exchange.is_in_flight() &&
        std::equal(id.begin(), id.end(), transaction_id.begin(), transaction_id.end())) {
      return &exchange;
    }
  }
  return nullptr;
}

// --- Output

size_t StunClient::poll_transmit(std::span<uint8_t> out) {
  for (BindingExchange& exchange : exchanges_) {
    if (const size_t size = exchange.poll_transmit(out); size > 0) return size;
  }
  if (!indication_is_due_ || out.size() < indication_.size()) return 0;
  std::copy(indication_.begin(), indication_.end(), out.begin());
  indication_is_due_ = false;
  return indication_.size();
}

std::optional<Event> StunClient::poll_event() {
  if (ended_count_ == 0) return std::nullopt;
  BindingExchange& exchange = exchanges_[ended_[0]];
  std::copy(ended_.begin() + 1, ended_.begin() + static_cast<ptrdiff_t>(ended_count_),
            ended_.begin());
  --ended_count_;
  return exchange.take_event();
}

Instant StunClient::poll_timeout() const {
  Instant next = Instant::never();
  for (const BindingExchange& exchange : exchanges_) {
    next = std::min(next, exchange.transaction().deadline());
  }
  return next;
}

}  // namespace postern::client
