#include <gtest/gtest.h>

#include <limits>

#include "bindings/codec_port.h"
#include "support/codec_jobs.h"
#include "support/names.h"
#include "support/vectors.h"
#include "wire/frame.h"

namespace postern::bindings {
namespace {

using namespace postern::testing;  // NOLINT(google-build-using-namespace)

constexpr uint32_t kHuge = std::numeric_limits<uint32_t>::max();
const ByteVector kMessage = unhex("000100042112a442b7e7a701bc34d686fa87dfae80220000");
const ByteVector kChannelData = unhex("4abc000161ffffff");

class CodecPortSplitTest : public ::testing::Test {
 protected:
  int32_t split(const ByteVector& bytes, uint32_t limit = wire::kMaxFrameBytes) {
    fill_input(*port_, bytes);
    return port_->split(static_cast<uint32_t>(bytes.size()), limit);
  }
  [[nodiscard]] int32_t offset(size_t frame) { return port_->words().batch[frame * 2]; }
  [[nodiscard]] int32_t content(size_t frame) { return port_->words().batch[frame * 2 + 1]; }
  [[nodiscard]] uint32_t used() { return port_->words().numbers[0]; }
  [[nodiscard]] uint32_t needed() { return port_->words().numbers[1]; }

  std::unique_ptr<CodecPort> port_ = make_port();
};

TEST_F(CodecPortSplitTest, FramesOfBothKinds) {
  ByteVector bytes = kMessage;
  append(bytes, kChannelData);
  append(bytes, kMessage);
  EXPECT_EQ(split(bytes), 3);
  EXPECT_EQ(offset(0), 0);
  EXPECT_EQ(content(0), 24);
  EXPECT_EQ(offset(1), 24);
  EXPECT_EQ(content(1), -5);
  EXPECT_EQ(offset(2), 32);
  EXPECT_EQ(content(2), 24);
  EXPECT_EQ(used(), 56U);
  EXPECT_EQ(needed(), 0U);
}

TEST_F(CodecPortSplitTest, TellsWhatTheNextFrameNeeds) {
  for (size_t size = 0; size < kMessage.size(); ++size) {
    ByteVector bytes = kChannelData;
    append(bytes, std::span(kMessage).first(size));
    EXPECT_EQ(split(bytes), 1) << size;
    EXPECT_EQ(used(), kChannelData.size());
    EXPECT_EQ(needed(), size < 4 ? 0 : kMessage.size());
  }
}

// Called again and again with what is left, as JavaScript does.
TEST_F(CodecPortSplitTest, TheStreamsOfTheVectors) {
  const Json vectors = read_vectors("streams.json");
  for (const Json& vector : vectors["streams"]) {
    SCOPED_TRACE(vector["id"]);
    ByteVector rest = bytes_of(vector);
    const auto limit = vector.value("maxFrameBytes", uint32_t{wire::kMaxFrameBytes});
    Json frames = Json::array();
    size_t at = 0;
    int32_t result = 0;
    do {
      result = split(rest, limit);
      for (int32_t i = 0; i < result; ++i) {
        const auto frame = static_cast<size_t>(i);
        frames.push_back({{"type", content(frame) > 0 ? "stun" : "channel-data"},
                          {"offset", at + static_cast<size_t>(offset(frame))},
                          {"length", std::abs(content(frame))}});
      }
      if (result > 0) {
        at += used();
        rest.erase(rest.begin(), rest.begin() + static_cast<ptrdiff_t>(used()));
      }
    } while (result > 0);
    EXPECT_EQ(frames, vector["frames"]);
    if (vector.contains("error")) {
      EXPECT_EQ(code_of(failure_of(result).errc), vector["error"]["code"]);
      EXPECT_EQ(at + failure_of(result).detail, vector["error"]["offset"]);
    } else {
      EXPECT_EQ(result, 0);
      EXPECT_EQ(rest.size(), vector["pending"]);
    }
  }
}

TEST_F(CodecPortSplitTest, AtMostHalfABatch) {
  ByteVector bytes;
  for (int i = 0; i < 40; ++i) append(bytes, kChannelData);
  EXPECT_EQ(split(bytes), 32);
  EXPECT_EQ(used(), 32U * 8);
  EXPECT_EQ(needed(), 0U);
  EXPECT_EQ(offset(31), 31 * 8);
}

TEST_F(CodecPortSplitTest, AFaultWaitsForTheFramesBeforeIt) {
  ByteVector bytes = kChannelData;
  append(bytes, unhex("ff000000"));
  EXPECT_EQ(split(bytes), 1);
  EXPECT_EQ(used(), 8U);
  EXPECT_EQ(failure_of(split(unhex("ff000000"))), (PortFailure{Errc::StreamDesynchronised, 0}));
  EXPECT_EQ(failure_of(split(unhex("ff"))), (PortFailure{Errc::StreamDesynchronised, 0}));
}

TEST_F(CodecPortSplitTest, HostileNumbers) {
  for (const uint32_t limit : {0U, 3U}) {
    EXPECT_EQ(failure_of(split(kChannelData, limit)), (PortFailure{Errc::FrameTooLong, 0}));
  }
  EXPECT_EQ(split(kChannelData, kHuge), 1);
  EXPECT_EQ(split({}, kHuge), 0);
  EXPECT_EQ(used(), 0U);
  // The arena is full of 0xFF behind the frame.
  fill_input(*port_, kChannelData);
  EXPECT_EQ(port_->split(kHuge, kHuge), 1);
  EXPECT_EQ(used(), kChannelData.size());
  // As long as the arena, then one byte more than it.
  const ByteVector longest = unhex("4000ffff");
  fill_input(*port_, longest);
  EXPECT_EQ(port_->split(CodecPort::kInputBytes, kHuge), 1);
  EXPECT_EQ(content(0), -65539);
}

}  // namespace
}  // namespace postern::bindings
