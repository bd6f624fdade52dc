#include "client/turn/turn_exchange.h"

namespace postern::client {

void TurnExchange::open(Purpose purpose, uint32_t subject) {
  purpose_ = purpose;
  subject_ = subject;
  peer_count_ = 0;
  rounds_ = 0;
  requests_before_ = 0;
  ignored_error_code_ = 0;
  saw_violation_ = false;
  told_ = 0;
  is_telling_ = false;
}

bool TurnExchange::add_peer(const TransportAddress& peer) {
  if (peer_count_ == peers_.size()) return false;
  told_of_[peer_count_] = Told::Outcome;
  peers_[peer_count_++] = peer;
  return true;
}

void TurnExchange::start(Instant now, const stun::TransactionId& id, size_t bytes,
                         const Protection& protection, const RetransmissionSchedule& schedule) {
  if (rounds_++ > 0) requests_before_ += transaction_.requests_sent();
  transaction_.start(now, id, bytes, protection, schedule);
}

void TurnExchange::note_ignored(const Response& response) {
  if (response.error_code != 0) ignored_error_code_ = response.error_code;
  if (response.kind == Response::Kind::Unprotected) saw_violation_ = true;
}

void TurnExchange::end() {
  transaction_.end();
  is_telling_ = false;
}

void TurnExchange::end(const TurnEvent& event) {
  transaction_.end();
  event_ = event;
  told_ = 0;
  is_telling_ = true;
}

std::optional<TurnEvent> TurnExchange::take_event() {
  if (!is_telling_) return std::nullopt;
  if (purpose_ != Purpose::Permit || event_.kind == TurnEventKind::Lost) {
    is_telling_ = false;
    return event_;
  }
  const bool is_granted = event_.kind == TurnEventKind::Permitted;
  const auto is_silent = [&](Told told) {
    return told == Told::Nothing || (told == Told::Loss && is_granted);
  };
  while (told_ < peer_count_ && is_silent(told_of_[told_])) ++told_;
  if (told_ == peer_count_) {
    is_telling_ = false;
    return std::nullopt;
  }
  TurnEvent event = event_;
  event.peer = peers_[told_];
  if (told_of_[told_] == Told::Loss) event.kind = TurnEventKind::PermissionLost;
  ++told_;
  return event;
}

}  // namespace postern::client
