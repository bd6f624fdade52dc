// Passwords that only the caller can find out: AskKey, and the requests that wait for it.
#include "server/turn_server.h"

namespace postern::server {

void TurnServer::ask_key(const Caller& caller, std::string_view username) {
  if (questions_.has(caller.tuple, caller.request)) return;
  // On connections too: an answer costs them nothing, but the caller a search.
  if (!limiter_.may_answer(caller.now, caller.tuple.client)) {
    ++stats_.rate_limited;
    return;
  }
  if (!questions_.has_room(caller.tuple, caller.request)) {
    ++stats_.questions_dropped;
    return;
  }
  ++stats_.questions_asked;
  ServerEvent event;
  event.kind = ServerEventKind::AskKey;
  event.question = questions_.add(caller.now, caller.tuple, caller.request, username);
  event.tuple = caller.tuple;
  events_.push_back(event);
}

std::string_view TurnServer::asked_name(uint32_t question) const {
  const Question* const found = questions_.find(question);
  return found == nullptr ? std::string_view() : found->username;
}

void TurnServer::key_answer(Instant now, uint32_t question, Bytes password) {
  advance(now);
  const auto asked = questions_.take(question);
  const LinkInfo* const link = asked ? find_link(asked->tuple.link) : nullptr;
  if (link == nullptr) return;
  stun::MessageView request;
  const auto failure = stun::MessageView::parse(asked->request, {.allow_classic = true}, request);
  if (failure.errc != Errc::Ok) return;
  std::array<uint8_t, kMaxAnswerBytes> out;
  Caller caller{.now = now_,
                .tuple = asked->tuple,
                .request = request,
                .out = out,
                .link = *link,
                .to = asked->tuple,
                .password = password};
  const Outcome outcome = handle_request(caller);
  if (outcome.kind != Outcome::Kind::Reply) return;
  const auto answer = std::span(out).first(outcome.bytes);
  waiting_.push_back({.to = outcome.to, .bytes = {answer.begin(), answer.end()}});
}

}  // namespace postern::server
