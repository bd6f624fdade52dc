#include "wire/frame.h"

#include <gtest/gtest.h>

#include <array>

#include "support/names.h"

namespace postern::wire {
namespace {

Result<FrameExtent> measure(unsigned first_byte, unsigned length, size_t limit = kMaxFrameBytes) {
  const std::array<uint8_t, kFrameHeadBytes> head = {static_cast<uint8_t>(first_byte), 0x01,
                                                     static_cast<uint8_t>(length >> 8),
                                                     static_cast<uint8_t>(length)};
  return measure_frame(head.data(), limit);
}

TEST(FrameTest, StunAndChannelDataBeginFrames) {
  for (unsigned byte = 0; byte < 256; ++byte) {
    const bool expected = byte <= 3 || (byte >= 64 && byte <= 79);
    EXPECT_EQ(begins_frame(static_cast<uint8_t>(byte)), expected) << byte;
    EXPECT_EQ(measure(byte, 0).error(), expected ? Errc::Ok : Errc::StreamDesynchronised) << byte;
  }
}

TEST(FrameTest, EveryLengthOfAMessage) {
  for (unsigned length = 0; length <= 0xFFFF; ++length) {
    const auto extent = measure(0, length);
    if (length % 4 != 0) {
      ASSERT_EQ(extent.error(), Errc::StreamDesynchronised);
      continue;
    }
    ASSERT_TRUE(extent);
    ASSERT_EQ(extent->type, FrameType::Stun);
    ASSERT_EQ(extent->content, 20 + length);
    ASSERT_EQ(extent->on_stream, 20 + length);
  }
}

TEST(FrameTest, EveryLengthOfChannelData) {
  for (unsigned length = 0; length <= 0xFFFF; ++length) {
    const auto extent = measure(0x40, length);
    ASSERT_TRUE(extent);
    ASSERT_EQ(extent->type, FrameType::ChannelData);
    ASSERT_EQ(extent->content, 4 + length);
    ASSERT_EQ(extent->on_stream, 4 + (length + 3) / 4 * 4);
    ASSERT_LE(extent->on_stream, kMaxFrameBytes);
  }
}

TEST(FrameTest, TheLimitCountsPadding) {
  EXPECT_EQ(measure(0, 4, 23).error(), Errc::FrameTooLong);
  EXPECT_TRUE(measure(0, 4, 24));
  EXPECT_EQ(measure(0x4F, 1, 7).error(), Errc::FrameTooLong);
  EXPECT_TRUE(measure(0x4F, 1, 8));
  EXPECT_EQ(measure(0x40, 0, 3).error(), Errc::FrameTooLong);
  EXPECT_TRUE(measure(0x40, 0, 4));
  EXPECT_EQ(measure(0, 0, 0).error(), Errc::FrameTooLong);
}

}  // namespace
}  // namespace postern::wire
