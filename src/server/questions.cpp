#include "server/questions.h"

#include <algorithm>

#include "server/source_limiter.h"

namespace postern::server {

namespace {

bool is_same(const Question& question, const FiveTuple& tuple, const stun::MessageView& request) {
  // A client that signs its request anew sends another one.
  const auto bytes = request.bytes();
  return question.tuple == tuple &&
         std::equal(bytes.begin(), bytes.end(), question.request.begin(), question.request.end());
}

}  // namespace

bool Questions::has(const FiveTuple& tuple, const stun::MessageView& request) const {
  return std::any_of(waiting_.begin(), waiting_.end(),
                     [&](const Question& question) { return is_same(question, tuple, request); });
}

bool Questions::has_room(const FiveTuple& tuple, const stun::MessageView& request) const {
  if (request.bytes().size() > kMaxQuestionBytes || waiting_.size() >= limit_) return false;
  const TransportAddress source = source_of(tuple.client);
  const auto count = std::count_if(
      waiting_.begin(), waiting_.end(),
      [&source](const Question& question) { return source_of(question.tuple.client) == source; });
  return static_cast<size_t>(count) < std::max<size_t>(1, limit_ / kShareOfQuestions);
}

uint32_t Questions::add(Instant now, const FiveTuple& tuple, const stun::MessageView& request,
                        std::string_view username) {
  if (++last_id_ == 0) ++last_id_;
  const auto bytes = request.bytes();
  waiting_.push_back({.id = last_id_,
                      .tuple = tuple,
                      .request = {bytes.begin(), bytes.end()},
                      .username = std::string(username),
                      .expires_at = now + kQuestionTimeout});
  return last_id_;
}

const Question* Questions::find(uint32_t id) const {
  const auto found = std::find_if(waiting_.begin(), waiting_.end(),
                                  [id](const Question& question) { return question.id == id; });
  return found == waiting_.end() ? nullptr : &*found;
}

std::optional<Question> Questions::take(uint32_t id) {
  const auto found = std::find_if(waiting_.begin(), waiting_.end(),
                                  [id](const Question& question) { return question.id == id; });
  if (found == waiting_.end()) return std::nullopt;
  std::optional<Question> taken = std::move(*found);
  waiting_.erase(found);
  return taken;
}

size_t Questions::lapse(Instant now) {
  size_t count = 0;
  for (; deadline() <= now; ++count) waiting_.pop_front();
  return count;
}

void Questions::forget(Link link) {
  std::erase_if(waiting_, [link](const Question& question) { return question.tuple.link == link; });
}

}  // namespace postern::server
