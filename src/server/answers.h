// Answers: what was said to requests that came by datagram, so that the same request gets the same
// answer (RFC 8489 section 6.3.1). A table of fixed size: where two requests fall on one place the
// older is forgotten, which costs a client whose answer was lost a second answer, to a request that
// mostly may be made twice.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/instant.h"
#include "server/five_tuple.h"
#include "stun/message_view.h"
#include "stun/message_writer.h"

namespace postern::server {

class Answers {
 public:
  // RFC 8489 section 6.3.1: as long as the request may come again.
  static constexpr Duration kLifetime = Duration::seconds(40);
  // Ours: what an answer to an authentic request takes, but for the longest names.
  static constexpr size_t kMaxBytes = 320;

  Answers(size_t places, uint64_t seed) : places_(places), seed_(seed) {}

  // The answer that was given; nothing where it is not known.
  [[nodiscard]] std::span<const uint8_t> find(Instant now, const FiveTuple& tuple,
                                              const stun::MessageView& request) const {
    if (request.is_classic()) return {};
    const auto id = request.transaction_id().first<stun::kTransactionIdBytes>();
    const Place& place = places_[index_of(tuple, id)];
    const bool is_this = place.size > 0 && now < place.forget_at && place.tuple == tuple &&
                         place.method == request.method() &&
                         std::equal(id.begin(), id.end(), place.id.begin());
    if (!is_this) return {};
    return std::span(place.bytes).first(place.size);
  }

  // `answer` is a message of RFC 8489.
  void keep(Instant now, const FiveTuple& tuple, std::span<const uint8_t> answer) {
    if (answer.size() > kMaxBytes) return;
    const auto id = answer.subspan(kIdOffset).first<stun::kTransactionIdBytes>();
    Place& place = places_[index_of(tuple, id)];
    place.tuple = tuple;
    place.method = stun::method_of(load_be16(answer.data()));
    std::copy(id.begin(), id.end(), place.id.begin());
    place.forget_at = now + kLifetime;
    place.size = answer.size();
    std::copy(answer.begin(), answer.end(), place.bytes.begin());
  }

 private:
  struct Place {
    FiveTuple tuple{};
    stun::TransactionId id{};
    uint16_t method = 0;
    Instant forget_at{};
    size_t size = 0;
    std::array<uint8_t, kMaxBytes> bytes{};
  };

  static constexpr size_t kIdOffset = 8;  // RFC 8489 section 5

  [[nodiscard]] size_t index_of(const FiveTuple& tuple,
                                std::span<const uint8_t, stun::kTransactionIdBytes> id) const {
    const uint64_t hash =
        mix(mix(hash_tuple(seed_, tuple), load_be64(id.data())), load_be32(&id[8]));
    return static_cast<size_t>(hash % places_.size());
  }

  std::vector<Place> places_;
  uint64_t seed_;
};

}  // namespace postern::server
