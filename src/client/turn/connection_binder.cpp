#include "client/turn/connection_binder.h"

#include <algorithm>
#include <limits>

#include "wire/frame.h"

namespace postern::client {

using stun::Bytes;
using stun::MessageView;

ConnectionBinder::ConnectionBinder(const Authenticator& authenticator,
                                   const RetransmissionOptions& options, Bytes software)
    : now_(Instant::from_microseconds(std::numeric_limits<int64_t>::min())),
      authenticator_(authenticator),
      options_(options) {
  // Measured when the control connection's client took it.
  static_cast<void>(software_.assign(software));
}

Errc ConnectionBinder::start(Instant now, uint32_t connection_id) {
  now_ = std::max(now_, now);
  connection_id_ = connection_id;
  exchange_.open(TurnExchange::Purpose::Connect, connection_id);
  return send();
}

Errc ConnectionBinder::send() {
  stun::TransactionId id;
  if (const Errc errc = entropy_.take(id); errc != Errc::Ok) return errc;
  const RequestFrame frame{.buffer = exchange_.transaction().buffer(),
                           .id = id,
                           .software = software_.view(),
                           .authenticator = authenticator_};
  EncodedRequest encoded;
  if (const Errc errc = encode_connection_bind(frame, connection_id_, encoded); errc != Errc::Ok) {
    return errc;
  }
  exchange_.start(now_, id, encoded.bytes, encoded.protection,
                  RetransmissionSchedule::reliable(options_));
  return Errc::Ok;
}

size_t ConnectionBinder::handle_stream(Instant now, Bytes bytes) {
  now_ = std::max(now_, now);
  size_t used = 0;
  // A message at a time, since behind the last one comes what is no message at all.
  while (exchange_.is_in_flight() && used < bytes.size()) {
    const auto take = [&](size_t until) {
      const size_t count = std::min(until - held_, bytes.size() - used);
      std::copy_n(bytes.begin() + static_cast<ptrdiff_t>(used), count,
                  buffer_.begin() + static_cast<ptrdiff_t>(held_));
      held_ += count;
      used += count;
      return held_ == until;
    };
    if (held_ < wire::kFrameHeadBytes && !take(wire::kFrameHeadBytes)) break;
    const auto extent = wire::measure_frame(buffer_.data(), buffer_.size());
    if (!extent || extent->type != wire::FrameType::Stun) {
      ++stats_.malformed;
      fail(extent ? Errc::StreamDesynchronised : extent.error(), nullptr, 0);
      break;
    }
    if (!take(extent->on_stream)) break;
    held_ = 0;
    handle_message(std::span(buffer_).first(extent->content));
  }
  return used;
}

void ConnectionBinder::handle_message(Bytes bytes) {
  MessageView message;
  if (MessageView::parse(bytes, {}, message).errc != Errc::Ok) {
    ++stats_.malformed;
    return;
  }
  const Transaction& transaction = exchange_.transaction();
  const Bytes id = message.transaction_id();
  const bool is_answer = message.is(stun::Class::Success, stun::Method::ConnectionBind) ||
                         message.is(stun::Class::Error, stun::Method::ConnectionBind);
  if (!is_answer) {
    ++stats_.unexpected;
    return;
  }
  if (!std::equal(id.begin(), id.end(), transaction.id().begin(), transaction.id().end())) {
    ++stats_.unknown_transaction;
    return;
  }
  const Response response = classify_response(message, transaction.protection(), authenticator_);
  switch (response.kind) {
    case Response::Kind::Ignored:
      ++stats_.ignored;
      break;
    case Response::Kind::Unprotected:
      ++stats_.bad_integrity;
      fail(Errc::IntegrityMismatch, nullptr, 0);
      break;
    case Response::Kind::Challenge: {
      Errc errc =
          authenticator_.answer_challenge(message, response.error_code, transaction.protection());
      // Servers that keep nonces for each connection know none of the control connection's.
      if (errc == Errc::Unauthenticated && exchange_.rounds() == 1) errc = Errc::Ok;
      if (errc == Errc::Ok && exchange_.rounds() > kMaxChallenges) errc = Errc::StaleNonceLimit;
      if (errc == Errc::Ok) errc = send();
      if (errc != Errc::Ok) fail(errc, &message, response.error_code);
      break;
    }
    case Response::Kind::Success: {
      is_bound_ = true;
      TurnEvent event{.kind = TurnEventKind::Connected, .number = connection_id_};
      event.requests_sent = exchange_.requests_sent();
      event.round_trip = transaction.round_trip(now_);
      event.authenticated = response.judgement == Judgement::Authenticated;
      exchange_.end(event);
      break;
    }
    case Response::Kind::Error:
      fail(Errc::ErrorResponse, &message, response.error_code);
      break;
    case Response::Kind::Unusable:
      fail(response.errc, &message, response.error_code);
      break;
  }
}

void ConnectionBinder::handle_timeout(Instant now) {
  now_ = std::max(now_, now);
  if (exchange_.transaction().handle_timeout(now_) == Transaction::Tick::TimesOut) {
    fail(Errc::Timeout, nullptr, 0);
  }
}

void ConnectionBinder::handle_transport_closed(Instant now) {
  now_ = std::max(now_, now);
  if (exchange_.is_in_flight()) fail(Errc::TransportClosed, nullptr, 0);
}

void ConnectionBinder::fail(Errc errc, const MessageView* response, uint16_t error_code) {
  TurnEvent event{.kind = TurnEventKind::ConnectFailed, .errc = errc, .error_code = error_code};
  event.number = connection_id_;
  event.requests_sent = exchange_.requests_sent();
  TextStore texts(exchange_.transaction().buffer());
  if (response != nullptr) {
    if (const auto error = response->get<stun::AttributeType::ErrorCode>()) {
      event.reason = texts.keep(error->reason);
    }
    event.realm = texts.keep(response->get<stun::AttributeType::Realm>());
  }
  exchange_.end(event);
}

size_t ConnectionBinder::poll_transmit(std::span<uint8_t> out) {
  return exchange_.transaction().poll_transmit(out);
}

std::optional<TurnEvent> ConnectionBinder::poll_event() { return exchange_.take_event(); }

}  // namespace postern::client
