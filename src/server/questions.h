// Questions: requests of users whose password only the caller can find out. They wait here until it
// is answered; what is not lapses.
//
// Strangers can make such requests, so all of this is bounded: how many wait, how many of them are
// of one source, and how long each is and waits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/instant.h"
#include "server/five_tuple.h"
#include "stun/message_view.h"

namespace postern::server {

// Ours: less than after what a client that gets no answer sends its request for the sixth time (RFC
// 8489 section 6.2.1). On a connection it does not come again, and the client gives up.
inline constexpr Duration kQuestionTimeout = Duration::seconds(10);
// Ours: an Allocate with all that it can have, and a long name.
inline constexpr size_t kMaxQuestionBytes = 1280;
// Ours: of all places, what one source may hold.
inline constexpr size_t kShareOfQuestions = 4;

struct Question {
  uint32_t id = 0;
  FiveTuple tuple{};
  std::vector<uint8_t> request{};
  std::string username{};
  Instant expires_at{};
};

class Questions {
 public:
  explicit Questions(size_t limit) : limit_(limit) {}

  // Whether the request waits already.
  [[nodiscard]] bool has(const FiveTuple& tuple, const stun::MessageView& request) const;
  // Whether there is room for one more of the client's source.
  [[nodiscard]] bool has_room(const FiveTuple& tuple, const stun::MessageView& request) const;
  // Its number, which is not 0.
  uint32_t add(Instant now, const FiveTuple& tuple, const stun::MessageView& request,
               std::string_view username);
  // nullptr where it was answered or has lapsed.
  [[nodiscard]] const Question* find(uint32_t id) const;
  [[nodiscard]] std::optional<Question> take(uint32_t id);

  // Forgets those that have waited too long, and tells how many they were.
  size_t lapse(Instant now);
  // A connection is gone.
  void forget(Link link);
  void clear() { waiting_.clear(); }
  // When the next one lapses.
  [[nodiscard]] Instant deadline() const {
    return waiting_.empty() ? Instant::never() : waiting_.front().expires_at;
  }

 private:
  size_t limit_;
  uint32_t last_id_ = 0;
  std::deque<Question> waiting_;  // in the order of their coming, which is that of their deadlines
};

}  // namespace postern::server
