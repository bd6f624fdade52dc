// RecentIds: the IDs of requests that need no answer any more, so that late and duplicate answers
// can be told from foreign ones in the statistics. Nothing else depends on it.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

#include "stun/attribute_kinds.h"
#include "stun/message_writer.h"

namespace postern::client {

class RecentIds {
 public:
  // Ours: a few exchanges, each of which may have taken a challenge or two.
  static constexpr size_t kCapacity = 8;

  void add(const stun::TransactionId& id) {
    ids_[next_] = id;
    next_ = (next_ + 1) % kCapacity;
    count_ = std::min(count_ + 1, kCapacity);
  }

  [[nodiscard]] bool contains(stun::Bytes id) const {
    return std::any_of(ids_.begin(), ids_.begin() + static_cast<ptrdiff_t>(count_),
                       [id](const auto& known) {
                         return std::equal(id.begin(), id.end(), known.begin(), known.end());
                       });
  }

 private:
  std::array<stun::TransactionId, kCapacity> ids_{};
  size_t next_ = 0;
  size_t count_ = 0;
};

}  // namespace postern::client
