// TurnClient: what the server's answers mean.
#include <algorithm>

#include "client/binding_exchange.h"
#include "client/turn/turn_client.h"

namespace postern::client {

namespace {

using stun::AttributeType;
using stun::Bytes;
using stun::ErrorCode;
using stun::MessageView;
using stun::Method;
using Purpose = TurnExchange::Purpose;

// One may be lost.
constexpr uint8_t kArrivals = 3;

Method method_of(Purpose purpose) {
  switch (purpose) {
    case Purpose::Allocate:
      return Method::Allocate;
    case Purpose::Refresh:
    case Purpose::Delete:
      return Method::Refresh;
    case Purpose::Permit:
      return Method::CreatePermission;
    case Purpose::BindChannel:
      return Method::ChannelBind;
    case Purpose::Connect:
      return Method::Connect;
  }
  return Method::Allocate;
}

bool is(uint16_t error_code, ErrorCode expected) {
  return error_code == static_cast<uint16_t>(expected);
}

bool is_answer(const MessageView& message) {
  return message.message_class() == stun::Class::Success ||
         message.message_class() == stun::Class::Error;
}

// RFC 8656 section 8.3: the server has no such allocation.
bool ends_allocation(const TurnEvent& event) {
  return event.errc == Errc::ErrorResponse && is(event.error_code, ErrorCode::AllocationMismatch);
}

// Nobody answers at this server any more, or nothing can be asked of it.
bool means_dead_server(Errc errc) {
  return errc == Errc::Timeout || errc == Errc::IntegrityMismatch || errc == Errc::TransportClosed;
}

// The server may be able to do later what it could not do now.
bool may_pass(const TurnEvent& event) {
  return event.errc == Errc::ErrorResponse &&
         (is(event.error_code, ErrorCode::ServerError) ||
          is(event.error_code, ErrorCode::InsufficientCapacity));
}

// Ours: how soon a Refresh is tried again that the server could not do.
constexpr Duration kRefreshRetry = Duration::seconds(5);

}  // namespace

std::optional<PeerData> TurnClient::handle_message(Bytes bytes) {
  MessageView message;
  if (MessageView::parse(bytes, {}, message).errc != Errc::Ok) {
    ++stats_.malformed;
    return std::nullopt;
  }
  if (message.message_class() == stun::Class::Indication) return handle_indication(message);
  const auto exchange =
      std::find_if(exchanges_.begin(), exchanges_.end(), [&message](const TurnExchange& candidate) {
        const stun::TransactionId& id = candidate.transaction().id();
        const Bytes answered = message.transaction_id();
        return candidate.is_in_flight() &&
               std::equal(id.begin(), id.end(), answered.begin(), answered.end());
      });
  if (!is_answer(message)) {
    ++stats_.unexpected;
  } else if (exchange == exchanges_.end()) {
    ++(recent_ids_.contains(message.transaction_id()) ? stats_.late : stats_.unknown_transaction);
  } else if (message.method() != static_cast<uint16_t>(method_of(exchange->purpose()))) {
    ++stats_.unexpected;
  } else if (message.fingerprint() == stun::FingerprintState::Invalid) {
    ++stats_.bad_fingerprint;
  } else {
    handle_answer(*exchange, message);
  }
  return std::nullopt;
}

void TurnClient::handle_answer(TurnExchange& exchange, const MessageView& message) {
  const Transaction& transaction = exchange.transaction();
  const Response response = classify_response(message, transaction.protection(), authenticator_);
  switch (response.kind) {
    case Response::Kind::Ignored:
      ++stats_.ignored;
      exchange.note_ignored(response);
      break;
    case Response::Kind::Unprotected:
      // A server may have no key to sign a 441 with, as it has none for 401. All that it can lead
      // to are credentials that were accepted before.
      if (is(response.error_code, ErrorCode::WrongCredentials) &&
          goes_on_with_old_credentials(exchange, Errc::ErrorResponse, response.error_code)) {
        break;
      }
      ++stats_.bad_integrity;
      exchange.note_ignored(response);
      if (options_.is_reliable) fail_unanswered(exchange);
      break;
    case Response::Kind::Challenge: {
      learn_round_trip(transaction);
      const Errc errc = answer_challenge(exchange, message, response);
      if (errc == Errc::EntropyNeeded && state_ == State::Allocated) {
        take_back(exchange);
      } else if (errc != Errc::Ok) {
        fail(exchange, event_of(exchange, message, response, errc));
      }
      break;
    }
    case Response::Kind::Success:
      learn_round_trip(transaction);
      succeed(exchange, message, event_of(exchange, message, response, Errc::Ok));
      break;
    case Response::Kind::Error:
      learn_round_trip(transaction);
      // RFC 8656 section 5: a server binds an allocation to the user who made it.
      if (is(response.error_code, ErrorCode::WrongCredentials) &&
          goes_on_with_old_credentials(exchange, Errc::ErrorResponse, response.error_code)) {
        break;
      }
      fail(exchange, event_of(exchange, message, response, Errc::ErrorResponse));
      break;
    case Response::Kind::Unusable:
      fail(exchange, event_of(exchange, message, response, response.errc));
      break;
  }
}

Errc TurnClient::answer_challenge(TurnExchange& exchange, const MessageView& message,
                                  const Response& response) {
  const stun::TransactionId answered = exchange.transaction().id();
  Errc errc = authenticator_.answer_challenge(message, response.error_code,
                                              exchange.transaction().protection());
  if (errc == Errc::Unauthenticated) {
    // A server that was started anew knows neither its old nonces nor the allocation, and says the
    // former first. What it thinks of the credentials, the new nonce will tell.
    const bool may_be_nonce = exchange.purpose() != Purpose::Allocate && exchange.rounds() == 1;
    if (may_be_nonce || fall_back_to_old_credentials(Errc::Unauthenticated, response.error_code)) {
      errc = Errc::Ok;
    }
  }
  if (errc != Errc::Ok) return errc;
  if (exchange.rounds() > kMaxChallenges) {
    return is(response.error_code, ErrorCode::StaleNonce) ? Errc::StaleNonceLimit
                                                          : Errc::Unauthenticated;
  }
  errc = send(exchange);
  if (errc == Errc::Ok) recent_ids_.add(answered);
  return errc;
}

// Of several requests with the new credentials, the first that is refused leads back to the old
// ones, and the others follow.
bool TurnClient::goes_on_with_old_credentials(TurnExchange& exchange, Errc errc,
                                              uint16_t error_code) {
  const bool is_outdated = !authenticator_.signs_like(exchange.transaction().protection());
  if (!is_outdated && !fall_back_to_old_credentials(errc, error_code)) return false;
  const Errc sent = send(exchange);
  if (sent == Errc::EntropyNeeded && state_ == State::Allocated) take_back(exchange);
  return sent == Errc::Ok || !exchange.is_in_flight();
}

bool TurnClient::fall_back_to_old_credentials(Errc errc, uint16_t error_code) {
  if (old_authenticator_ == nullptr) return false;
  authenticator_ = *old_authenticator_;
  old_authenticator_.reset();
  queue({.kind = TurnEventKind::CredentialsRefused, .errc = errc, .error_code = error_code});
  return true;
}

void TurnClient::fail_unanswered(TurnExchange& exchange) {
  const Errc errc = exchange.timeout_reason();
  const uint16_t error_code = exchange.ignored_error_code();
  // What came and did not count may have been about new credentials: some servers refuse them with
  // an unsigned 400, or sign for the user whose allocation it is.
  const bool was_heard = errc == Errc::IntegrityMismatch || error_code != 0;
  if (was_heard && state_ == State::Allocated &&
      goes_on_with_old_credentials(exchange, errc, error_code)) {
    return;
  }
  fail(exchange, event_of(exchange, errc));
}

void TurnClient::learn_round_trip(const Transaction& transaction) {
  if (options_.is_reliable) return;
  if (const auto round_trip = transaction.round_trip(now_)) {
    rtt_.add_sample(now_, *round_trip);
  } else {
    rtt_.add_ambiguous(now_, transaction.backed_off_rto());
  }
}

// --- Events

TurnEvent TurnClient::event_of(const TurnExchange& exchange, Errc errc) {
  return {.errc = errc,
          .error_code = exchange.ignored_error_code(),
          .requests_sent = exchange.requests_sent()};
}

TurnEvent TurnClient::event_of(TurnExchange& exchange, const MessageView& message,
                               const Response& response, Errc errc) const {
  TurnEvent event{.errc = errc,
                  .error_code = response.error_code,
                  .requests_sent = exchange.requests_sent(),
                  .round_trip = exchange.transaction().round_trip(now_),
                  .authenticated = response.judgement == Judgement::Authenticated};
  TextStore texts(exchange.transaction().buffer());
  event.software = texts.keep(message.get<AttributeType::Software>());
  if (errc == Errc::Ok) return event;
  if (const auto error = message.get<AttributeType::ErrorCode>()) {
    event.reason = texts.keep(error->reason);
  }
  if (response.kind == Response::Kind::Challenge) {
    event.realm = texts.keep(message.get<AttributeType::Realm>());
    event.third_party = texts.keep(message.get<AttributeType::ThirdPartyAuthorization>());
  }
  UnknownTypes& unknown = event.unknown_attributes;
  if (errc == Errc::UnknownAttributes) {
    unknown.count = std::min(message.unknown_required(unknown.types), UnknownTypes::kCapacity);
  } else if (const auto list = message.get<AttributeType::UnknownAttributes>()) {
    unknown.count = std::min(list->size() / 2, UnknownTypes::kCapacity);
    for (size_t i = 0; i < unknown.count; ++i) unknown.types[i] = load_be16(&(*list)[2 * i]);
  }
  if (is(response.error_code, ErrorCode::TryAlternate) &&
      Authenticator::may_redirect_allocation(exchange.transaction().protection(),
                                             response.judgement)) {
    for (size_t i = 0; i < event.alternates.size(); ++i) {
      event.alternates[i] = message.get<AttributeType::AlternateServer>(i).value_or({});
    }
    event.alternate_domain = texts.keep(message.get<AttributeType::AlternateDomain>());
  }
  return event;
}

void TurnClient::finish(TurnExchange& exchange, const TurnEvent& event) {
  recent_ids_.add(exchange.transaction().id());
  exchange.end(event);
  ended_[ended_count_++] = static_cast<uint8_t>(&exchange - exchanges_.data());
}

void TurnClient::queue(const TurnEvent& event) { queued_.push_back(event); }

// --- Success

void TurnClient::succeed(TurnExchange& exchange, const MessageView& message, TurnEvent event) {
  has_work_ = true;
  event.error_code = 0;
  switch (exchange.purpose()) {
    case Purpose::Allocate:
      accept_allocation(exchange, message, event);
      break;
    case Purpose::Refresh:
      accept_refresh(exchange, message, event);
      break;
    case Purpose::Delete:
      end_deletion(exchange, event);
      break;
    case Purpose::Permit:
      choose_told(exchange);
      permissions_.granted(
          exchange.peers(), now_ + options_.permission_lifetime,
          asked_at(exchange) + jitter_.refresh_after(options_.permission_lifetime));
      event.kind = TurnEventKind::Permitted;
      finish(exchange, event);
      break;
    case Purpose::BindChannel:
      accept_channel(exchange, event);
      break;
    case Purpose::Connect: {
      const auto connection = message.get<AttributeType::ConnectionId>();
      if (!connection) {
        event.errc = connection.error();
        return fail(exchange, event);
      }
      event.kind = TurnEventKind::Connected;
      event.token = exchange.subject();
      event.number = *connection;
      event.peer = connects_.peer(exchange.subject());
      connects_.end(exchange.subject());
      finish(exchange, event);
      break;
    }
  }
}

void TurnClient::accept_allocation(TurnExchange& exchange, const MessageView& message,
                                   TurnEvent event) {
  event.errc = read_allocation(message, request_, allocation_);
  if (event.errc != Errc::Ok) {
    fail(exchange, event);
    // It is of no use to anybody: the server need not keep it.
    TurnExchange* const other = find_free();
    if (other == nullptr) return;
    other->open(Purpose::Delete);
    static_cast<void>(send(*other));
    return;
  }
  state_ = State::Allocated;
  schedule_refresh(exchange, allocation_.lifetime_seconds);
  if (options_.keep_alive > Duration{} && !options_.is_reliable) {
    keep_alive_at_ = now_ + options_.keep_alive;
  }
  event.kind = TurnEventKind::Allocated;
  event.number = allocation_.lifetime_seconds;
  finish(exchange, event);
}

void TurnClient::end_deletion(TurnExchange& exchange, TurnEvent event) {
  if (state_ != State::Closing) {
    // Of an allocation that was of no use: see accept_allocation().
    recent_ids_.add(exchange.transaction().id());
    return exchange.end();
  }
  state_ = State::Ended;
  event.kind = TurnEventKind::Closed;
  finish(exchange, event);
}

// When the request went out for the first time. A server counts from when it came, and who asks for
// more has to count from before that; who takes a life for over, from after it.
Instant TurnClient::asked_at(const TurnExchange& exchange) {
  return exchange.transaction().started_at();
}

void TurnClient::schedule_refresh(const TurnExchange& exchange, uint32_t lifetime_seconds) {
  const Duration lifetime = Duration::seconds(lifetime_seconds);
  expires_at_ = now_ + lifetime;
  Duration wait = jitter_.refresh_after(lifetime);
  if (options_.refresh_every > Duration{}) wait = std::min(wait, options_.refresh_every);
  refresh_at_ = asked_at(exchange) + wait;
}

void TurnClient::accept_refresh(TurnExchange& exchange, const MessageView& message,
                                TurnEvent event) {
  const auto lifetime = message.get<AttributeType::Lifetime>();
  if (!lifetime) {
    event.errc = lifetime.error();
    return fail(exchange, event);
  }
  is_refreshing_ = false;
  allocation_.lifetime_seconds = *lifetime;
  schedule_refresh(exchange, *lifetime);
  event.number = *lifetime;
  if (is_moving_) {
    is_moving_ = false;
    previous_stream_.reset();
    if (const auto ticket = message.get<AttributeType::MobilityTicket>()) {
      static_cast<void>(allocation_.ticket.assign(*ticket));
    }
    if (const auto mapped = message.get<AttributeType::XorMappedAddress>()) {
      allocation_.mapped = *mapped;
    }
    // A stream that is closed says the same.
    if (!options_.is_reliable) arrivals_due_ = kArrivals;
    event.kind = TurnEventKind::Moved;
    return finish(exchange, event);
  }
  // New credentials that are accepted are to be told of, too.
  const bool is_told = refresh_is_told_ || old_authenticator_ != nullptr;
  old_authenticator_.reset();
  if (is_told) {
    event.kind = TurnEventKind::Refreshed;
    return finish(exchange, event);
  }
  recent_ids_.add(exchange.transaction().id());
  exchange.end();
}

void TurnClient::choose_told(TurnExchange& exchange) const {
  for (size_t i = 0; i < exchange.peers().size(); ++i) {
    exchange.tell(i, permissions_.told_of(exchange.peers()[i]));
  }
}

void TurnClient::accept_channel(TurnExchange& exchange, TurnEvent event) {
  const auto channel = static_cast<uint16_t>(exchange.subject());
  const bool is_renewal = channels_.is_bound(channel);
  event.peer = channels_.peer(channel);
  // RFC 8656 section 12.2: the binding brings, or renews, the permission.
  permissions_.extend(event.peer, now_ + options_.permission_lifetime,
                      asked_at(exchange) + jitter_.refresh_after(options_.permission_lifetime));
  const bool is_wanted =
      channels_.bound(channel, now_ + options_.channel_lifetime,
                      asked_at(exchange) + jitter_.refresh_after(options_.channel_lifetime));
  if (is_wanted && !is_renewal) {
    event.kind = TurnEventKind::ChannelBound;
    event.number = channel;
    return finish(exchange, event);
  }
  recent_ids_.add(exchange.transaction().id());
  exchange.end();
}

// --- Failure

void TurnClient::fail(TurnExchange& exchange, TurnEvent event) {
  has_work_ = true;
  switch (exchange.purpose()) {
    case Purpose::Allocate:
      if (state_ == State::Allocating) state_ = State::Idle;
      event.kind = TurnEventKind::AllocateFailed;
      return finish(exchange, event);
    case Purpose::Delete:
      // RFC 8656 section 8.3: 437 says that it was gone already; whatever else was said, the
      // allocation will end by itself.
      event.errc = Errc::Ok;
      return end_deletion(exchange, event);
    case Purpose::Refresh:
      return fail_refresh(exchange, event);
    case Purpose::Permit:
      return fail_permissions(exchange, event);
    case Purpose::BindChannel:
      return fail_channel(exchange, event);
    case Purpose::Connect:
      // No answer for so long may also be the peer's fault: the server waits for that.
      if (ends_allocation(event) || event.errc == Errc::TransportClosed) {
        return lose(event, &exchange);
      }
      event.kind = TurnEventKind::ConnectFailed;
      event.token = exchange.subject();
      event.peer = connects_.peer(exchange.subject());
      connects_.end(exchange.subject());
      return finish(exchange, event);
  }
}

void TurnClient::fail_refresh(TurnExchange& exchange, TurnEvent event) {
  is_refreshing_ = false;
  if (is_moving_) {
    // The old 5-tuple still has the allocation; whether the caller does is the caller's to know.
    is_moving_ = false;
    goes_back_ = true;
    event.kind = TurnEventKind::MoveFailed;
    return finish(exchange, event);
  }
  if (!may_pass(event)) return lose(event, &exchange);
  // Until the allocation ends there is time to try again.
  refresh_at_ = now_ + kRefreshRetry;
  if (refresh_is_told_) {
    event.kind = TurnEventKind::RefreshFailed;
    return finish(exchange, event);
  }
  recent_ids_.add(exchange.transaction().id());
  exchange.end();
}

void TurnClient::fail_permissions(TurnExchange& exchange, TurnEvent event) {
  if (ends_allocation(event) || means_dead_server(event.errc)) return lose(event, &exchange);
  if (exchange.peers().size() > 1) {
    // RFC 8656 section 10.2: one peer that is not allowed spoils it for all.
    permissions_.ask_one_by_one(exchange.peers());
    recent_ids_.add(exchange.transaction().id());
    return exchange.end();
  }
  choose_told(exchange);
  for (const TransportAddress& peer : exchange.peers()) permissions_.refuse(peer);
  event.kind = TurnEventKind::PermissionFailed;
  finish(exchange, event);
}

void TurnClient::fail_channel(TurnExchange& exchange, TurnEvent event) {
  if (ends_allocation(event) || means_dead_server(event.errc)) return lose(event, &exchange);
  const auto channel = static_cast<uint16_t>(exchange.subject());
  const bool is_released = channels_.is_released(channel);
  event.peer = channels_.peer(channel);
  event.number = channel;
  // Of a request that was sent twice, the first may have been granted.
  const bool may_be_bound = exchange.requests_sent() > exchange.rounds();
  const auto until = may_be_bound ? std::optional(now_ + options_.channel_lifetime) : std::nullopt;
  event.kind =
      channels_.refused(channel, until) ? TurnEventKind::ChannelLost : TurnEventKind::ChannelFailed;
  if (!channels_.serves(event.peer)) permissions_.unreserve(event.peer);
  if (!is_released) return finish(exchange, event);
  recent_ids_.add(exchange.transaction().id());
  exchange.end();
}

void TurnClient::lose(TurnEvent event, TurnExchange* exchange) {
  abandon_exchanges(exchange);
  state_ = State::Ended;
  event.kind = TurnEventKind::Lost;
  if (exchange != nullptr) return finish(*exchange, event);
  queue(event);
}

}  // namespace postern::client
