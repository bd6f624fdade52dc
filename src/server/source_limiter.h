// SourceLimiter: how often those are answered who have not proven who they are. Their source may be
// forged, and then the answer goes to a victim; so each source gets a bounded number of them.
//
// A source is a host; with IPv6 a /64, of which one subscriber has at least one. Sources share a
// fixed number of buckets by a hash. What follows from that:
//   - Memory never grows, and all sources together get at most `buckets` times the rate.
//   - No source ever gets more than the rate: two that meet in a bucket share what is one's.
//   - A flood from one source harms one in `buckets` of the others. One from very many forged
//     sources can empty all buckets, and then nobody who has no credentials yet is answered; those
//     with an allocation are not concerned.
//   - Which sources meet depends on the seed, so that nobody can choose whom to meet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/instant.h"
#include "base/transport_address.h"

namespace postern::server {

// Ours. The smallest answers are as long as the requests, the largest some five times. Behind one
// address there may be a thousand clients, which all come at once when their network is back.
struct SourceLimits {
  uint32_t per_second = 50;  // from 1 to 1,000,000
  uint32_t burst = 200;      // at least 1
  size_t buckets = 4096;     // rounded up to a power of two; 8 bytes each
};

// What is one source, as an address without a port: a host; of IPv6 the first 64 bits.
[[nodiscard]] TransportAddress source_of(const TransportAddress& client);

class SourceLimiter {
 public:
  // `seed`: random, and secret.
  SourceLimiter(const SourceLimits& limits, uint64_t seed);

  // Takes one from the source's bucket. False where that is empty: then nothing is taken.
  [[nodiscard]] bool may_answer(Instant now, const TransportAddress& source);

 private:
  Duration interval_;   // between two answers at the rate
  Duration tolerance_;  // how far ahead of the rate a source may be
  uint64_t seed_;
  // By bucket: when it will be full again. This one number says what count and time of a token
  // bucket say (the "virtual scheduling" of ITU-T I.371).
  std::vector<Instant> full_at_;
};

}  // namespace postern::server
