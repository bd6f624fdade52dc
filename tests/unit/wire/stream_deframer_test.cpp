#include "wire/stream_deframer.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "support/bytes.h"
#include "support/names.h"
#include "support/vectors.h"

namespace postern::wire {
namespace {

using testing::ByteVector;
using testing::copy;
using testing::Exact;
using testing::hex;
using testing::Json;
using testing::unhex;

struct Outcome {
  std::vector<std::pair<FrameType, std::string>> frames;
  Errc errc = Errc::Ok;
  size_t pending = 0;

  bool operator==(const Outcome&) const = default;
};

void PrintTo(const Outcome& outcome, std::ostream* out) {
  *out << outcome.errc << ", " << outcome.pending << " pending";
  for (const auto& [type, bytes] : outcome.frames)
    *out << "\n  " << (type == FrameType::Stun ? "stun " : "channel-data ") << bytes;
}

// Gives the stream in chunks that end at `cuts` (in order) and at its end. Each chunk is gone when
// the next one comes.
Outcome deframe(std::span<const uint8_t> stream, const std::vector<size_t>& cuts,
                size_t limit = kMaxFrameBytes) {
  const Exact buffer{ByteVector(limit, 0xEE)};
  StreamDeframer deframer(buffer.view());
  Outcome outcome;
  size_t at = 0;
  for (size_t i = 0; i <= cuts.size(); ++i) {
    const size_t end = i < cuts.size() ? cuts[i] : stream.size();
    const Exact chunk(stream.subspan(at, end - at));
    deframer.feed(chunk.view());
    for (Frame frame; deframer.next(frame);)
      outcome.frames.emplace_back(frame.type, hex(frame.bytes));
    at = end;
  }
  outcome.errc = deframer.error();
  outcome.pending = deframer.pending();
  return outcome;
}

std::vector<size_t> every(size_t step, size_t size) {
  std::vector<size_t> cuts;
  for (size_t cut = step; cut < size; cut += step) cuts.push_back(cut);
  return cuts;
}

struct Stream {
  std::string id;
  ByteVector bytes;
  size_t limit;
  Outcome expected;
};

std::vector<Stream> streams() {
  std::vector<Stream> all;
  const Json vectors = testing::read_vectors("streams.json");
  for (const Json& vector : vectors["streams"]) {
    Stream stream{.id = vector["id"].get<std::string>(),
                  .bytes = testing::bytes_of(vector),
                  .limit = vector.value("maxFrameBytes", kMaxFrameBytes),
                  .expected = {}};
    for (const Json& frame : vector["frames"]) {
      const auto bytes = std::span(stream.bytes).subspan(frame["offset"].get<size_t>());
      stream.expected.frames.emplace_back(
          frame["type"] == "stun" ? FrameType::Stun : FrameType::ChannelData,
          hex(bytes.first(frame["length"].get<size_t>())));
    }
    stream.expected.pending = vector["pending"].get<size_t>();
    if (vector.contains("error")) {
      const auto& code = vector["error"]["code"];
      stream.expected.errc =
          code == code_of(Errc::FrameTooLong) ? Errc::FrameTooLong : Errc::StreamDesynchronised;
    }
    all.push_back(stream);
  }
  return all;
}

TEST(StreamDeframerTest, StreamsInOnePiece) {
  for (const Stream& stream : streams()) {
    EXPECT_EQ(deframe(stream.bytes, {}, stream.limit), stream.expected) << stream.id;
  }
}

TEST(StreamDeframerTest, StreamsCutInTwoAtEachByte) {
  for (const Stream& stream : streams()) {
    const size_t size = stream.bytes.size();
    // The longest frames are cut near their ends only.
    for (size_t cut = 0; cut <= size;
         cut += cut > 100 && cut + 100 < size && size > 4000 ? 997 : 1) {
      ASSERT_EQ(deframe(stream.bytes, {cut}, stream.limit), stream.expected)
          << stream.id << " cut at " << cut;
    }
  }
}

TEST(StreamDeframerTest, StreamsInSmallChunks) {
  for (const Stream& stream : streams()) {
    for (const size_t step : std::vector<size_t>{1, 2, 3, 4, 5, 7, 19, 20, 21}) {
      ASSERT_EQ(deframe(stream.bytes, every(step, stream.bytes.size()), stream.limit),
                stream.expected)
          << stream.id << " in chunks of " << step;
    }
  }
}

TEST(StreamDeframerTest, StreamsInRandomChunks) {
  std::mt19937 random(1);
  for (const Stream& stream : streams()) {
    for (int i = 0; i < 50; ++i) {
      std::vector<size_t> cuts;
      for (size_t cut = random() % 40; cut < stream.bytes.size(); cut += random() % 40)
        cuts.push_back(cut);  // empty chunks too
      ASSERT_EQ(deframe(stream.bytes, cuts, stream.limit), stream.expected) << stream.id;
    }
  }
}

// --- Where frames lie.

const ByteVector kMessage = unhex("000100042112a442b7e7a701bc34d686fa87dfae80220000");

TEST(StreamDeframerTest, AFrameWithinAChunkIsNotCopied) {
  std::array<uint8_t, 64> buffer{};
  StreamDeframer deframer(buffer);
  ByteVector chunk = kMessage;
  testing::append(chunk, unhex("4000000161ffffff"));
  deframer.feed(chunk);
  Frame frame;
  ASSERT_TRUE(deframer.next(frame));
  EXPECT_EQ(frame.bytes.data(), chunk.data());
  ASSERT_TRUE(deframer.next(frame));
  EXPECT_EQ(frame.bytes.data(), chunk.data() + kMessage.size());
  EXPECT_EQ(frame.bytes.size(), 5U);
  EXPECT_FALSE(deframer.next(frame));
}

TEST(StreamDeframerTest, OnlyAFrameAcrossChunksIsCopied) {
  std::array<uint8_t, 64> buffer{};
  StreamDeframer deframer(buffer);
  Frame frame;
  deframer.feed(std::span(kMessage).first(10));
  EXPECT_FALSE(deframer.next(frame));
  EXPECT_EQ(deframer.pending(), 10U);
  ByteVector rest = copy(std::span(kMessage).subspan(10));
  testing::append(rest, kMessage);
  deframer.feed(rest);
  ASSERT_TRUE(deframer.next(frame));
  EXPECT_EQ(frame.bytes.data(), buffer.data());
  EXPECT_EQ(hex(frame.bytes), hex(kMessage));
  ASSERT_TRUE(deframer.next(frame));
  EXPECT_EQ(frame.bytes.data(), rest.data() + 14);
}

TEST(StreamDeframerTest, PendingCountsWhatIsNotHandedOut) {
  std::array<uint8_t, 64> buffer{};
  StreamDeframer deframer(buffer);
  Frame frame;
  EXPECT_EQ(deframer.pending(), 0U);
  ByteVector chunk = kMessage;
  testing::append(chunk, std::span(kMessage).first(3));
  deframer.feed(chunk);
  EXPECT_EQ(deframer.pending(), kMessage.size() + 3);
  ASSERT_TRUE(deframer.next(frame));
  EXPECT_EQ(deframer.pending(), 3U);
  EXPECT_FALSE(deframer.next(frame));
  EXPECT_EQ(deframer.pending(), 3U);
  deframer.feed(std::span(kMessage).subspan(3));
  ASSERT_TRUE(deframer.next(frame));
  EXPECT_EQ(deframer.pending(), 0U) << "the frame handed out is not pending";
  EXPECT_FALSE(deframer.next(frame));
  EXPECT_EQ(deframer.pending(), 0U);
}

// --- Errors.

TEST(StreamDeframerTest, AnErrorStays) {
  std::array<uint8_t, 64> buffer{};
  StreamDeframer deframer(buffer);
  Frame frame;
  const ByteVector garbage = unhex("ffffffffffff");
  deframer.feed(garbage);
  EXPECT_FALSE(deframer.next(frame));
  EXPECT_EQ(deframer.error(), Errc::StreamDesynchronised);
  EXPECT_EQ(deframer.pending(), 0U);
  deframer.feed(kMessage);
  EXPECT_FALSE(deframer.next(frame));
  EXPECT_EQ(deframer.error(), Errc::StreamDesynchronised);
}

TEST(StreamDeframerTest, ABufferOfTheFramesSizeIsEnough) {
  for (size_t limit = 0; limit <= kMessage.size(); ++limit) {
    const Errc expected = limit < kMessage.size() ? Errc::FrameTooLong : Errc::Ok;
    EXPECT_EQ(deframe(kMessage, {}, limit).errc, expected) << limit;
    EXPECT_EQ(deframe(kMessage, every(1, kMessage.size()), limit).errc, expected) << limit;
  }
}

// Not even the first four bytes of a frame find room.
TEST(StreamDeframerTest, BuffersTooSmallForAnyFrame) {
  const ByteVector smallest = unhex("40000000");
  for (size_t limit = 0; limit < 4; ++limit) {
    for (size_t step = 1; step <= 4; ++step) {
      EXPECT_EQ(deframe(smallest, every(step, 4), limit).errc, Errc::FrameTooLong);
    }
  }
  EXPECT_EQ(deframe(smallest, every(1, 4), 4).frames.size(), 1U);
}

// Frames that are longer than the buffer: room is asked for, and what came before is taken along.
TEST(StreamDeframerTest, GrowsWithTheFrames) {
  for (const size_t chunk : {size_t{1}, size_t{3}, size_t{7}, size_t{500}, size_t{5000}}) {
    ByteVector stream;
    for (const size_t length : {10, 100, 1000, 3000, 20}) {
      stream.insert(stream.end(),
                    {0x40, 0x01, static_cast<uint8_t>(length >> 8), static_cast<uint8_t>(length)});
      stream.insert(stream.end(), length, static_cast<uint8_t>(length));
      stream.insert(stream.end(), (0 - length) & 3, 0);
    }
    auto buffer = std::make_unique<ByteVector>(32);
    StreamDeframer deframer(*buffer, 4000);
    std::vector<size_t> lengths;
    size_t growths = 0;
    for (size_t at = 0; at < stream.size(); at += chunk) {
      const Exact piece(
          std::span<const uint8_t>(stream).subspan(at, std::min(chunk, stream.size() - at)));
      deframer.feed(piece.view());
      for (;;) {
        for (Frame frame; deframer.next(frame);) {
          lengths.push_back(frame.bytes.size() - 4);
          EXPECT_EQ(frame.bytes.back(), static_cast<uint8_t>(lengths.back()));
        }
        if (deframer.room_wanted() == 0) break;
        EXPECT_GT(deframer.room_wanted(), buffer->size());
        auto larger = std::make_unique<ByteVector>(deframer.room_wanted());
        deframer.set_buffer(*larger);
        buffer = std::move(larger);
        EXPECT_EQ(deframer.room_wanted(), 0U);
        ++growths;
      }
    }
    EXPECT_EQ(lengths, (std::vector<size_t>{10, 100, 1000, 3000, 20}));
    EXPECT_EQ(deframer.error(), Errc::Ok);
    EXPECT_EQ(deframer.pending(), 0U);
    EXPECT_EQ(growths, chunk == 5000 ? 0U : chunk == 500 ? 2U : 3U);
  }
}

TEST(StreamDeframerTest, GrowsToItsLimitOnly) {
  const ByteVector long_head = {0x40, 0x01, 0x10, 0x00, 0xEE};
  ByteVector buffer(32);
  StreamDeframer deframer(buffer, 4000);
  deframer.feed(long_head);
  Frame frame;
  EXPECT_FALSE(deframer.next(frame));
  EXPECT_EQ(deframer.room_wanted(), 0U);
  EXPECT_EQ(deframer.error(), Errc::FrameTooLong);
}

TEST(StreamDeframerTest, GivesNothingUntilItHasRoom) {
  ByteVector stream = {0x40, 0x01, 0x00, 60};
  stream.resize(40, 0xAA);
  ByteVector buffer(32);
  StreamDeframer deframer(buffer, 4000);
  deframer.feed(stream);
  Frame frame;
  EXPECT_FALSE(deframer.next(frame));
  EXPECT_EQ(deframer.room_wanted(), 64U);
  EXPECT_FALSE(deframer.next(frame));
  EXPECT_EQ(deframer.pending(), 40U);
  ByteVector larger(64);
  deframer.set_buffer(larger);
  EXPECT_FALSE(deframer.next(frame));
  EXPECT_EQ(deframer.pending(), 40U);
  const ByteVector rest(24, 0xBB);
  deframer.feed(rest);
  ASSERT_TRUE(deframer.next(frame));
  EXPECT_EQ(frame.bytes.size(), 64U);
  EXPECT_EQ(frame.bytes[39], 0xAA);
  EXPECT_EQ(frame.bytes[40], 0xBB);
}

}  // namespace
}  // namespace postern::wire
