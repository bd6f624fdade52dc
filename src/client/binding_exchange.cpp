#include "client/binding_exchange.h"

#include <utility>

namespace postern::client {

void BindingExchange::open(TransactionHandle handle, const BindingRequest& request) {
  handle_ = handle;
  request_ = request;
  rounds_ = 0;
  requests_before_ = 0;
  ignored_error_code_ = 0;
  saw_violation_ = false;
}

Errc BindingExchange::send(Instant now, EntropyPool& entropy, const Authenticator& authenticator,
                           stun::Bytes software, const RetransmissionSchedule& schedule) {
  stun::TransactionId id;
  if (const Errc errc = entropy.take(id); errc != Errc::Ok) return errc;
  Protection protection;
  const auto size = encode_binding_request(transaction_.buffer(), id, request_, software,
                                           authenticator, protection);
  if (!size) return size.error();
  if (rounds_++ > 0) requests_before_ += transaction_.requests_sent();
  transaction_.start(now, id, *size, protection, schedule);
  return Errc::Ok;
}

void BindingExchange::handle_timeout(Instant now) {
  if (transaction_.handle_timeout(now) != Transaction::Tick::TimesOut) return;
  // RFC 8489 sections 9.1.4 and 9.2.5: where all that came was dropped for its integrity, that is
  // what happened.
  fail(saw_violation_ ? Errc::IntegrityMismatch : Errc::Timeout);
}

void BindingExchange::note_ignored(const Response& response) {
  if (response.error_code != 0) ignored_error_code_ = response.error_code;
  if (response.kind == Response::Kind::Unprotected) saw_violation_ = true;
}

Exchange BindingExchange::exchange_at(Instant now, const TransportAddress& source,
                                      const Response& response) const {
  return {.transaction = handle_,
          .requests_sent = requests_before_ + transaction_.requests_sent(),
          .round_trip = transaction_.round_trip(now),
          .source = source,
          .authenticated = response.judgement == Judgement::Authenticated};
}

void BindingExchange::finish(const stun::MessageView& message, const Response& response,
                             const Exchange& exchange) {
  const TextStore texts(transaction_.buffer());
  if (response.kind == Response::Kind::Error) {
    ErrorResponse event{.exchange = exchange};
    read_error_response(message, texts, event);
    event.may_redirect = event.alternate_servers[0].family != Family::None &&
                         Authenticator::may_redirect(transaction_.protection(), response.judgement);
    return end(event);
  }
  MappedAddress event{.exchange = exchange};
  const Errc errc = read_mapped_address(message, texts, event);
  if (errc != Errc::Ok) return fail(errc, message, exchange);
  end(event);
}

void BindingExchange::fail(Errc errc) {
  const Exchange exchange{.transaction = handle_,
                          .requests_sent = requests_before_ + transaction_.requests_sent()};
  end(Failed{.exchange = exchange, .errc = errc, .error_code = ignored_error_code_});
}

void BindingExchange::fail(Errc errc, const stun::MessageView& message, const Exchange& exchange) {
  Failed event{.exchange = exchange, .errc = errc};
  read_failure(message, TextStore(transaction_.buffer()), event);
  end(event);
}

void BindingExchange::end(const Event& event) {
  transaction_.end();
  event_ = event;
}

std::optional<Event> BindingExchange::take_event() { return std::exchange(event_, std::nullopt); }

}  // namespace postern::client
