#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <limits>
#include <map>
#include <string>

#include "support/attribute_json.h"
#include "support/codec_port_fixture.h"
#include "support/names.h"
#include "support/raw_message.h"
#include "support/vectors.h"

namespace postern::bindings {
namespace {

using namespace postern::testing;  // NOLINT(google-build-using-namespace)

using CodecPortDecodeTest = CodecPortTest;

TEST_F(CodecPortDecodeTest, TellsWhatTheViewTells) {
  const Json vectors = read_vectors("stun-messages.json");
  for (const Json& vector : vectors["messages"]) {
    if (vector.contains("error")) continue;
    SCOPED_TRACE(vector["id"]);
    const ByteVector bytes = bytes_of(vector);
    const bool classic = vector.value("allowClassic", false);
    const int32_t result = decode(bytes, classic ? kAllowClassic : 0);
    stun::MessageView view;
    ASSERT_EQ(stun::MessageView::parse(bytes, {.allow_classic = classic}, view).errc, Errc::Ok);
    ASSERT_GE(result, 0);
    const auto bits = static_cast<uint32_t>(result);
    EXPECT_EQ(bits & 0xFFFF, view.type());
    EXPECT_EQ(bits >> CodecPort::kFingerprintShift & 3, static_cast<uint32_t>(view.fingerprint()));
    EXPECT_EQ((bits & CodecPort::kClassicBit) != 0, view.is_classic());
    EXPECT_EQ((bits & CodecPort::kUnknownRequiredBit) != 0, view.unknown_required({}) > 0);
    EXPECT_EQ(bits >> 20, 0U);
  }
}

TEST_F(CodecPortDecodeTest, FailuresHaveCodeAndOffset) {
  const Json vectors = read_vectors("malformed.json");
  for (const Json& vector : vectors["messages"]) {
    SCOPED_TRACE(vector["id"]);
    int32_t result =
        decode(bytes_of(vector), vector.value("allowClassic", false) ? kAllowClassic : 0);
    if (vector.contains("get")) {
      ASSERT_GE(result, 0);
      result = port_->read(0, attribute_type(vector["get"].get<std::string>()), 0);
    }
    ASSERT_LT(result, 0);
    EXPECT_EQ(code_of(failure_of(result).errc), vector["error"]["code"]);
    EXPECT_EQ(failure_of(result).detail, vector["error"]["offset"]);
  }
}

TEST_F(CodecPortDecodeTest, AFailureEmptiesTheSlot) {
  ASSERT_GT(decode(raw_message("8022 0000")), 0);
  EXPECT_EQ(port_->read(0, 0x8022, 0), 1);
  EXPECT_LT(decode(unhex("00")), 0);
  EXPECT_EQ(port_->read(0, 0x8022, 0), 0);
  EXPECT_EQ(port_->walk(0, 20), -1);
  EXPECT_EQ(port_->verify(0, 0, 32), static_cast<uint32_t>(Errc::IntegrityMissing));
}

TEST_F(CodecPortDecodeTest, LengthsBeyondTheArenaAreCutToIt) {
  fill_input(*port_, raw_message(""));
  for (const uint32_t bytes : {CodecPort::kInputBytes, CodecPort::kInputBytes + 1, kHuge}) {
    EXPECT_EQ(failure_of(port_->decode(bytes, 0)), (PortFailure{Errc::TrailingBytes, 20}));
  }
}

// --- Batches.

TEST_F(CodecPortDecodeTest, ABatch) {
  const std::array<ByteVector, 3> messages = {raw_message("8022 0001 61000000"), unhex("ffffff"),
                                              raw_message("0020 0008 0001a147e112a643")};
  ByteVector arena;
  for (size_t slot = 0; slot < messages.size(); ++slot) {
    append(arena, messages[slot]);
    arena.resize((arena.size() + 3) / 4 * 4);
    words().batch[slot] = static_cast<int32_t>(messages[slot].size());
  }
  fill_input(*port_, arena);
  port_->decode_batch(3, 0);
  EXPECT_EQ(words().batch[0], kBindingSuccess);
  EXPECT_EQ(failure_of(words().batch[1]), (PortFailure{Errc::TooShort, 3}));
  EXPECT_EQ(words().batch[2], kBindingSuccess);
  EXPECT_EQ(port_->read(0, 0x8022, 0), 1);
  EXPECT_EQ(port_->read(1, 0x8022, 0), 0);
  EXPECT_EQ(port_->read(2, 0x8022, 0), 0);
  EXPECT_EQ(port_->read(2, 0x0020, 0), 1);
  EXPECT_EQ(words().numbers[0], 32853U);
}

TEST_F(CodecPortDecodeTest, AFullBatch) {
  ByteVector arena;
  for (uint32_t slot = 0; slot < CodecPort::kMaxBatch; ++slot) {
    append(arena, raw_message("000d 0004 0000000" + std::string(1, "0123456789abcdef"[slot % 16])));
    words().batch[slot] = 28;
  }
  fill_input(*port_, arena);
  port_->decode_batch(CodecPort::kMaxBatch, 0);
  for (uint32_t slot = 0; slot < CodecPort::kMaxBatch; ++slot) {
    EXPECT_EQ(words().batch[slot], kBindingSuccess);
    EXPECT_EQ(port_->read(slot, 0x000D, 0), 1);
    EXPECT_EQ(words().numbers[0], slot % 16);
  }
}

TEST_F(CodecPortDecodeTest, HostileBatches) {
  for (const uint32_t count : kHugeNumbers) {
    for (const int32_t length : {0, -1, 1, 3, 73728, 73729, std::numeric_limits<int32_t>::max(),
                                 std::numeric_limits<int32_t>::min()}) {
      fill_input(*port_, raw_message(""));
      words().batch.fill(length);
      port_->decode_batch(count, kHuge);
      for (const int32_t result : words().batch) EXPECT_LT(result, 0) << length;
    }
  }
  words().batch.fill(7);
  port_->decode_batch(0, 0);
  EXPECT_EQ(words().batch[0], 7);
}

// --- Values.

TEST_F(CodecPortDecodeTest, Addresses) {
  ASSERT_GT(decode(raw_message("0020 0008 0001a147e112a643"
                               "0020 0014 0002a1470113a9faa5d3f179bc25f4b5bed2b9d9")),
            0);
  ASSERT_EQ(port_->read(0, 0x0020, 0), 1);
  EXPECT_EQ(words().numbers, (std::array<uint32_t, 4>{32853, 4, 0xC0000201, 0}));
  ASSERT_EQ(port_->read(0, 0x0020, 1), 1);
  EXPECT_EQ(words().numbers[0], 32853U);
  EXPECT_EQ(words().numbers[1], 6U);
  EXPECT_EQ(text(), "2001:db8:1234:5678:11:2233:4455:6677");
  EXPECT_EQ(port_->read(0, 0x0020, 2), 0);
}

TEST_F(CodecPortDecodeTest, BytesAndNumbers) {
  ASSERT_GT(decode(raw_message("8022 0003 61620000"
                               "0009 0007 000004266e6f7000"
                               "8029 0008 0123456789abcdef"
                               "beef 0002 aabb0000")),
            0);
  ASSERT_EQ(port_->read(0, 0x8022, 0), 1);
  EXPECT_EQ(value_digits(), "6162") << "SOFTWARE without its trailing NUL";
  ASSERT_EQ(port_->read(0, 0x0009, 0), 1);
  EXPECT_EQ(words().numbers[0], 438U);
  EXPECT_EQ(value_digits(), "6e6f70");
  ASSERT_EQ(port_->read(0, 0x8029, 0), 1);
  EXPECT_EQ(words().numbers[0], 0x01234567U);
  EXPECT_EQ(words().numbers[1], 0x89ABCDEFU);
  ASSERT_EQ(port_->read(0, 0xBEEF, 0), 1);
  EXPECT_EQ(value_digits(), "aabb");
}

TEST_F(CodecPortDecodeTest, ListsComeAsBytes) {
  ASSERT_GT(decode(raw_message("000a 0006 001a8000 7fff0000"
                               "c071 0008 deadbeef 00000001"
                               "8002 000d 00020000 00070005 0102030405000000")),
            0);
  ASSERT_EQ(port_->read(0, 0x000A, 0), 1);
  EXPECT_EQ(value_digits(), "001a80007fff");
  ASSERT_EQ(port_->read(0, 0xC071, 0), 1);
  EXPECT_EQ(value_digits(), "deadbeef00000001");
  ASSERT_EQ(port_->read(0, 0x8002, 0), 1);
  EXPECT_EQ(value_digits(), "00020000000700050102030405");
}

TEST_F(CodecPortDecodeTest, TheLongestValue) {
  ByteVector bytes = raw_message("000a 0000");
  bytes.resize(stun::kMaxMessageBytes, 0xAA);
  store_be16(&bytes[2], 0xFFFC);
  store_be16(&bytes[22], 0xFFF8);
  ASSERT_GT(decode(bytes), 0);
  ASSERT_EQ(port_->read(0, 0x000A, 0), 1);
  EXPECT_EQ(words().value_offset, 24U);
  EXPECT_EQ(words().value_length, 0xFFF8U);
}

TEST_F(CodecPortDecodeTest, HostileReads) {
  ASSERT_GT(decode(raw_message("0001 0008 00010001c0000201")), 0);
  EXPECT_EQ(port_->read(0, 0x0001, 0), 1);
  EXPECT_EQ(port_->read(0, 0x10001, 0), 0) << "a type of more than 16 bits is none";
  for (const uint32_t number : kHugeNumbers) {
    EXPECT_EQ(port_->read(0, number, 0), 0);
    EXPECT_EQ(port_->read(0, 0x0001, number), 0);
    EXPECT_EQ(port_->read(number, 0x0001, 0), port_->read(number % 64, 0x0001, 0));
    EXPECT_EQ(port_->read_at(0, number), 0);
    EXPECT_EQ(port_->read_at(number | 63, 20), 0);
    EXPECT_EQ(port_->walk(number | 63, 20), -1);
    EXPECT_EQ(port_->unknown_required(number), 0U);
    EXPECT_EQ(port_->verify(number, number, number), static_cast<uint32_t>(Errc::IntegrityMissing));
  }
}

// As find() and as walk() come to it: the same values, the same failures.
TEST_F(CodecPortDecodeTest, ReadsByTypeAndByOffset) {
  const Json vectors = read_vectors("stun-messages.json");
  for (const Json& vector : vectors["messages"]) {
    if (vector.contains("error")) continue;
    SCOPED_TRACE(vector["id"]);
    ASSERT_GE(decode(bytes_of(vector), kAllowClassic), 0);
    std::map<uint32_t, uint32_t> seen;
    for (const Json& attribute : vector["message"]["attributes"]) {
      if (!attribute.value("counts", true)) continue;
      const auto type = attribute["type"].get<uint32_t>();
      words().numbers.fill(7);
      const int32_t by_type = port_->read(0, type, seen[type]++);
      const auto numbers = words().numbers;
      const auto span = std::pair(words().value_offset, words().value_length);
      EXPECT_EQ(by_type == 1, attribute.contains("value"));
      words().numbers.fill(7);
      EXPECT_EQ(port_->read_at(0, attribute["offset"].get<uint32_t>()), by_type);
      EXPECT_EQ(words().numbers, numbers);
      EXPECT_EQ(std::pair(words().value_offset, words().value_length), span);
    }
  }
}

// --- Walking.

TEST_F(CodecPortDecodeTest, Walks) {
  ASSERT_GT(decode(raw_message("8022 0003 61626300 0008 0014" + std::string(40, '1') +
                               "8022 0000 8028 0004 00000000")),
            0);
  struct Step {
    int32_t type;
    uint32_t offset, length, counts;
  };
  uint32_t next = 20;
  for (const Step& step : {Step{0x8022, 24, 3, 1}, Step{0x0008, 32, 20, 1}, Step{0x8022, 56, 0, 0},
                           Step{0x8028, 60, 4, 1}}) {
    EXPECT_EQ(port_->walk(0, next), step.type);
    EXPECT_EQ(words().value_offset, step.offset);
    EXPECT_EQ(words().value_length, step.length);
    EXPECT_EQ(words().numbers[0], step.counts);
    next = words().numbers[1];
  }
  EXPECT_EQ(next, 64U);
  EXPECT_EQ(port_->walk(0, next), -1);
}

TEST_F(CodecPortDecodeTest, HostileWalks) {
  const ByteVector bytes = raw_message("8022 0004 ffffffff 0013 0004 ffffffff");
  ASSERT_GT(decode(bytes), 0);
  for (uint32_t offset = 0; offset < 100; ++offset) {
    const bool is_outside = offset == 0 || offset > bytes.size() - 4;
    EXPECT_EQ(port_->walk(0, offset) < 0, is_outside) << offset;
    if (is_outside) {
      EXPECT_EQ(port_->read_at(0, offset), 0) << offset;
      continue;
    }
    EXPECT_LE(words().value_offset + words().value_length, bytes.size()) << offset;
    if (port_->read_at(0, offset) == 1) {
      EXPECT_LE(words().value_offset + words().value_length, bytes.size()) << offset;
    }
  }
  for (const uint32_t number : kHugeNumbers) EXPECT_EQ(port_->walk(0, number), -1);
}

TEST_F(CodecPortDecodeTest, UnknownRequired) {
  ASSERT_GT(decode(raw_message("7ffe 0000 8022 0000 7fff 0000")), 0);
  EXPECT_EQ(port_->unknown_required(0), 2U);
  std::array<uint16_t, 2> types;
  std::memcpy(types.data(), port_->output().data(), sizeof types);
  EXPECT_EQ(types, (std::array<uint16_t, 2>{0x7FFE, 0x7FFF}));

  ByteVector most = raw_message("");
  most.resize(stun::kMaxMessageBytes);
  store_be16(&most[2], 0xFFFC);
  ASSERT_GT(decode(most), 0);
  EXPECT_EQ(port_->unknown_required(0), 16'383U);
}

}  // namespace
}  // namespace postern::bindings
