#include "wire/demux.h"

#include <gtest/gtest.h>

#include <array>

namespace postern::wire {
namespace {

struct Range {
  int first;
  int last;
  Protocol rfc7983;
  Protocol quic;
  Protocol quic_and_turn_server;
};

using enum Protocol;

// RFC 7983 section 7 and RFC 8656 table 3; RFC 9443 section 3.
constexpr std::array kTable = {
    Range{0, 3, Stun, Stun, Stun},
    Range{4, 15, Unknown, Unknown, Unknown},
    Range{16, 19, Zrtp, Zrtp, Zrtp},
    Range{20, 63, Dtls, Dtls, Dtls},
    Range{64, 79, TurnChannel, Quic, TurnChannel},
    Range{80, 127, Unknown, Quic, Quic},
    Range{128, 191, Rtp, Rtp, Rtp},
    Range{192, 255, Unknown, Quic, Quic},
};

TEST(DemuxTest, EveryFirstByte) {
  int next = 0;
  for (const Range& range : kTable) {
    ASSERT_EQ(range.first, next);
    for (; next <= range.last; ++next) {
      const auto byte = static_cast<uint8_t>(next);
      EXPECT_EQ(classify(byte), range.rfc7983) << next;
      EXPECT_EQ(classify(byte, SharedWith::Rfc7983), range.rfc7983) << next;
      EXPECT_EQ(classify(byte, SharedWith::Quic), range.quic) << next;
      EXPECT_EQ(classify(byte, SharedWith::QuicAndTurnServer), range.quic_and_turn_server) << next;
    }
  }
  EXPECT_EQ(next, 256);
}

}  // namespace
}  // namespace postern::wire
