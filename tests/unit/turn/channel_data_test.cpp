#include "turn/channel_data.h"

#include <gtest/gtest.h>

#include "support/bytes.h"

namespace postern::turn {
namespace {

TEST(ChannelDataTest, NumbersOfChannels) {
  // RFC 8656 section 12.
  for (unsigned number = 0; number <= 0xFFFF; ++number) {
    ASSERT_EQ(is_channel(static_cast<uint16_t>(number)), number >= 0x4000 && number <= 0x4FFF);
  }
}

TEST(ChannelDataTest, Header) {
  const auto header = read_channel_header(testing::unhex("4abcfffe").data());
  EXPECT_EQ(header.channel, 0x4ABC);
  EXPECT_EQ(header.length, 0xFFFE);
}

TEST(ChannelDataTest, LengthOnAStream) {
  EXPECT_EQ(channel_frame_bytes_on_stream(0), 4U);
  EXPECT_EQ(channel_frame_bytes_on_stream(1), 8U);
  EXPECT_EQ(channel_frame_bytes_on_stream(4), 8U);
  EXPECT_EQ(channel_frame_bytes_on_stream(5), 12U);
  EXPECT_EQ(channel_frame_bytes_on_stream(0xFFFC), 65536U);
  EXPECT_EQ(channel_frame_bytes_on_stream(0xFFFF), 65540U);
}

}  // namespace
}  // namespace postern::turn
