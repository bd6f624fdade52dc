// TurnClient: which request is due, and how it is made.
#include <algorithm>

#include "client/turn/turn_client.h"

namespace postern::client {

using Purpose = TurnExchange::Purpose;

TurnExchange* TurnClient::find_free() {
  const auto free = std::find_if(exchanges_.begin(), exchanges_.end(),
                                 [](const TurnExchange& exchange) { return exchange.is_free(); });
  return free == exchanges_.end() ? nullptr : &*free;
}

bool TurnClient::may_start_work() const {
  return state_ == State::Allocated && closed_ == Errc::Ok && !is_moving_ &&
         entropy_.available() >= stun::kTransactionIdBytes &&
         std::any_of(exchanges_.begin(), exchanges_.end(),
                     [](const TurnExchange& exchange) { return exchange.is_free(); });
}

void TurnClient::start_work() {
  if (!has_work_) return;
  has_work_ = false;
  while (start_next()) {
  }
}

bool TurnClient::start_next() {
  if (!may_start_work()) return false;
  TurnExchange& exchange = *find_free();
  if (!prepare_next(exchange)) return false;
  if (const Errc errc = send(exchange); errc != Errc::Ok) fail(exchange, event_of(exchange, errc));
  return true;
}

// The allocation first: without it the others are worth nothing.
bool TurnClient::prepare_next(TurnExchange& exchange) {
  if (prepare_refresh(exchange)) return true;
  exchange.open(Purpose::Permit);
  if (permissions_.take_batch(now_, exchange)) return true;
  if (const uint16_t channel = channels_.take_due(now_); channel != 0) {
    exchange.open(Purpose::BindChannel, channel);
    return true;
  }
  // A server answers a Connect when the peer has: meanwhile there has to be room for the others.
  const auto connecting =
      std::count_if(exchanges_.begin(), exchanges_.end(), [](const TurnExchange& candidate) {
        return candidate.is_in_flight() && candidate.purpose() == Purpose::Connect;
      });
  if (static_cast<size_t>(connecting) >= kMaxConnectExchanges) return false;
  if (const Connects::Entry* const connect = connects_.take(); connect != nullptr) {
    exchange.open(Purpose::Connect, connect->token);
    return true;
  }
  return false;
}

bool TurnClient::prepare_refresh(TurnExchange& exchange) {
  if (is_refreshing_) return false;
  const bool is_wanted = move_is_wanted_ || refresh_is_wanted_ || check_is_wanted_;
  if (!is_wanted && now_ < refresh_at_) return false;
  // A move does not stand for a refresh that is wanted as well: each is told of.
  is_moving_ = move_is_wanted_;
  move_is_wanted_ = false;
  refresh_is_told_ = !is_moving_ && refresh_is_wanted_;
  refresh_is_wanted_ = is_moving_ && refresh_is_wanted_;
  check_is_wanted_ = is_moving_ && check_is_wanted_;
  is_refreshing_ = true;
  exchange.open(Purpose::Refresh);
  return true;
}

Errc TurnClient::encode(const TurnExchange& exchange, const RequestFrame& frame,
                        EncodedRequest& out) const {
  switch (exchange.purpose()) {
    case Purpose::Allocate:
      return encode_allocate(frame, request_, out);
    case Purpose::Refresh: {
      // RFC 8016 section 3.2.1: the ticket is for another 5-tuple only.
      const stun::Bytes ticket = is_moving_ ? allocation_.ticket.view() : stun::Bytes{};
      const auto lifetime = request_.lifetime_seconds == 0
                                ? std::nullopt
                                : std::optional<uint32_t>(request_.lifetime_seconds);
      return encode_refresh(frame, lifetime, ticket, out);
    }
    case Purpose::Delete:
      return encode_refresh(frame, 0, {}, out);
    case Purpose::Permit:
      return encode_create_permission(frame, exchange.peers(), out);
    case Purpose::BindChannel: {
      const auto channel = static_cast<uint16_t>(exchange.subject());
      return encode_channel_bind(frame, channel, channels_.peer(channel), out);
    }
    case Purpose::Connect:
      return encode_connect(frame, connects_.peer(exchange.subject()), out);
  }
  return Errc::BadRecord;
}

Errc TurnClient::send(TurnExchange& exchange) {
  stun::TransactionId id;
  if (const Errc errc = entropy_.take(id); errc != Errc::Ok) return errc;
  const RequestFrame frame{.buffer = exchange.transaction().buffer(),
                           .id = id,
                           .software = software_.view(),
                           .authenticator = authenticator_,
                           .fingerprint = options_.fingerprint};
  EncodedRequest encoded;
  if (const Errc errc = encode(exchange, frame, encoded); errc != Errc::Ok) return errc;
  exchange.start(now_, id, encoded.bytes, encoded.protection, schedule());
  return Errc::Ok;
}

void TurnClient::take_back(TurnExchange& exchange) {
  if (!exchange.is_in_flight()) return;
  recent_ids_.add(exchange.transaction().id());
  switch (exchange.purpose()) {
    case Purpose::Allocate:
    case Purpose::Delete:
      return;
    case Purpose::Refresh:
      is_refreshing_ = false;
      move_is_wanted_ = move_is_wanted_ || is_moving_;
      is_moving_ = false;
      refresh_is_wanted_ = refresh_is_wanted_ || refresh_is_told_;
      check_is_wanted_ = check_is_wanted_ || old_authenticator_ != nullptr;
      break;
    case Purpose::Permit:
      permissions_.ask_again(exchange.peers());
      break;
    case Purpose::BindChannel:
      channels_.ask_again(static_cast<uint16_t>(exchange.subject()),
                          now_ + options_.channel_lifetime);
      break;
    case Purpose::Connect:
      connects_.ask_again(exchange.subject());
      break;
  }
  exchange.end();
}

void TurnClient::abandon_exchanges(const TurnExchange* except) {
  for (TurnExchange& exchange : exchanges_) {
    if (&exchange == except) continue;
    if (exchange.is_in_flight()) recent_ids_.add(exchange.transaction().id());
    exchange.end();
  }
  ended_count_ = 0;
  permissions_.clear();
  channels_.clear();
  connects_.clear();
  is_refreshing_ = false;
  is_moving_ = false;
  move_is_wanted_ = false;
  refresh_is_wanted_ = false;
  refresh_is_told_ = false;
  check_is_wanted_ = false;
  keep_alive_is_due_ = false;
  arrivals_due_ = 0;
}

}  // namespace postern::client
