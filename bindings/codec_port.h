// CodecPort: the codec as JavaScript reaches it. Bytes come in through one arena and leave through
// another; every call takes and returns numbers. No protocol knowledge, no Emscripten: it runs
// natively in tests and benchmarks too.
//
//   decode   JS copies messages into the input arena (each at a multiple of 4) and calls decode();
//   their
//            views stay, by slot, until the next decode(), and read() brings single values across
//   encode   JS writes jobs into the input arena: the words of `JobHeader`, then one record an
//   attribute,
//            the words of `RecordHeader` and its bytes padded to 4; the messages appear in the
//            output arena one behind the other
//
// A negative result is a failure: -(Errc | detail << 8), where detail is a byte offset when
// decoding and the number of a record when encoding.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "bindings/cross_value.h"
#include "stun/integrity.h"
#include "stun/message_view.h"

namespace postern::bindings {

class CodecPort {
 public:
  // The longest message (65,552 bytes) and room for the words around it.
  static constexpr uint32_t kInputBytes = 72 * 1024;
  static constexpr uint32_t kOutputBytes = 72 * 1024;
  static constexpr uint32_t kMaxBatch = 64;

  // Numbers that JavaScript reads and writes, as 32-bit words; it knows these places by name
  // (js/codec/layout.js).
  struct Words {
    uint32_t value_offset;                 // read(): of the value within its message, ...
    uint32_t value_length;                 // ... or of `text` for IPv6 addresses
    std::array<uint32_t, 4> numbers;       // read()
    std::array<uint32_t, 12> text;         // read(): IPv6 address, as characters
    std::array<int32_t, kMaxBatch> batch;  // lengths in, results out
    stun::PreparedKey key;                 // the key of verify() and encode()
  };

  // One message to encode; `records_bytes` of records follow.
  struct JobHeader {
    uint32_t message_type;
    uint32_t options;  // Option bits; bits 8 to 15: length of a truncated MESSAGE-INTEGRITY-SHA256
    uint32_t records_bytes;
    std::array<uint32_t, 4> transaction_id;  // bytes; the last 12 unless classic
  };
  struct RecordHeader {
    uint32_t type;
    uint32_t form;  // kFormTyped or kFormRaw
    uint32_t bytes;
    std::array<uint32_t, 4> numbers;
  };
  static constexpr uint32_t kFormTyped = 0;  // a value as the registry defines it: `numbers`, bytes
  static constexpr uint32_t kFormRaw = 1;    // the bytes as they are
  enum Option : uint32_t {
    kFingerprint = 1,
    kIntegritySha1 = 2,
    kIntegritySha256 = 4,
    kClassic = 8
  };

  enum DecodeFlag : uint32_t { kAllowClassic = 1 };
  // Result of decode(): the message type and these.
  static constexpr uint32_t kFingerprintShift = 16;  // two bits: FingerprintState
  static constexpr uint32_t kClassicBit = 1U << 18;
  static constexpr uint32_t kUnknownRequiredBit = 1U << 19;

  [[nodiscard]] std::span<uint8_t> input() { return input_; }
  [[nodiscard]] std::span<uint8_t> output() { return output_; }
  [[nodiscard]] Words& words() { return words_; }

  // One message of `bytes` bytes at the start of the input arena, into slot 0.
  int32_t decode(uint32_t bytes, uint32_t flags);
  // `count` messages whose lengths stand in words.batch, into slots 0 to count - 1. Results replace
  // the lengths.
  void decode_batch(uint32_t count, uint32_t flags);

  // The nth attribute of a type: 1 with words filled, 0 where there is none, or a failure. Lists
  // come across as their bytes.
  int32_t read(uint32_t slot, uint32_t type, uint32_t nth);
  // The attribute at an offset that walk() went by.
  int32_t read_at(uint32_t slot, uint32_t offset);
  // Walks all attributes: the type with words.value_* filled and, in numbers[0], whether it counts;
  // numbers[1] is the offset to pass next. Begin with offset 20; -1 at the end.
  int32_t walk(uint32_t slot, uint32_t offset);
  // Writes the types of comprehension-required attributes that are not understood to the output
  // arena, 16 bits each.
  uint32_t unknown_required(uint32_t slot);

  // Errc as a number, 0 for a good one. `integrity`: 0 the best there is, 1 SHA-1, 2 SHA-256.
  uint32_t verify(uint32_t slot, uint32_t integrity, uint32_t least_bytes);
  void verify_batch(uint32_t count, uint32_t integrity, uint32_t least_bytes);

  // Key material stands in the input arena; the prepared key is left in words.key.
  void prepare_short_term_key(uint32_t password_bytes);
  void prepare_long_term_key(uint32_t algorithm, uint32_t username_bytes, uint32_t realm_bytes,
                             uint32_t password_bytes);
  // SHA-256(username ":" realm) to the output arena.
  void userhash(uint32_t username_bytes, uint32_t realm_bytes);
  // The 24 feature bits of a nonce in the input arena, or -1.
  int32_t nonce_features(uint32_t nonce_bytes);

  // Encodes `count` jobs; lengths or failures are in words.batch. The first one's is returned.
  int32_t encode(uint32_t count);

  // Cuts the first `bytes` bytes of the input arena into frames; frame i is batch[2i] = offset,
  // batch[2i + 1] = content length, negative for ChannelData. Returns how many (at most kMaxBatch /
  // 2) or a failure; numbers[0] = bytes used up, numbers[1] = bytes that the next frame needs in
  // all, 0 where that is not known.
  int32_t split(uint32_t bytes, uint32_t max_frame_bytes);

 private:
  int32_t decode_into(uint32_t slot, std::span<const uint8_t> bytes, uint32_t flags);
  // Reads one job off `jobs` and writes its message to `out`; returns the length or a failure.
  int32_t encode_job(std::span<const uint8_t>& jobs, std::span<uint8_t> out);
  int32_t read_attribute(const stun::MessageView& message, const stun::AttributeView& attribute);
  // Leaves a value where JavaScript reads it.
  int32_t publish(const CrossValue& value, const uint8_t* message);
  template <typename Kind>
  int32_t read_value(const stun::MessageView& message, const stun::AttributeView& attribute);

  Words words_{};
  std::array<stun::MessageView, kMaxBatch> views_{};
  alignas(8) std::array<uint8_t, kInputBytes> input_{};
  alignas(8) std::array<uint8_t, kOutputBytes> output_{};
};

}  // namespace postern::bindings
