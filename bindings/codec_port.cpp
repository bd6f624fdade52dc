#include "bindings/codec_port.h"

#include <algorithm>
#include <cstring>

#include "stun/attribute_traits.h"
#include "stun/long_term.h"
#include "stun/message_writer.h"
#include "stun/nonce_cookie.h"
#include "wire/frame.h"

namespace postern::bindings {

namespace {

constexpr int32_t failure(Errc errc, uint32_t detail = 0) {
  return -static_cast<int32_t>(static_cast<uint32_t>(errc) | (detail << 8));
}

constexpr uint32_t padded(uint32_t bytes) { return (bytes + 3) & ~3U; }

// Takes a plain struct off the front of a run of bytes.
template <typename T>
bool take(std::span<const uint8_t>& from, T& out) {
  if (from.size() < sizeof out) return false;
  std::memcpy(&out, from.data(), sizeof out);
  from = from.subspan(sizeof out);
  return true;
}

}  // namespace

int32_t CodecPort::decode_into(uint32_t slot, std::span<const uint8_t> bytes, uint32_t flags) {
  stun::MessageView& view = views_[slot];
  const auto parsed =
      stun::MessageView::parse(bytes, {.allow_classic = (flags & kAllowClassic) != 0}, view);
  if (parsed.errc != Errc::Ok) {
    view = {};
    return failure(parsed.errc, parsed.offset);
  }
  uint32_t result = view.type();
  result |= static_cast<uint32_t>(view.fingerprint()) << kFingerprintShift;
  if (view.is_classic()) result |= kClassicBit;
  if (view.unknown_required({}) > 0) result |= kUnknownRequiredBit;
  return static_cast<int32_t>(result);
}

int32_t CodecPort::decode(uint32_t bytes, uint32_t flags) {
  return decode_into(0, std::span(input_).first(std::min(bytes, kInputBytes)), flags);
}

void CodecPort::decode_batch(uint32_t count, uint32_t flags) {
  std::span<const uint8_t> rest = input_;
  for (uint32_t slot = 0; slot < std::min(count, kMaxBatch); ++slot) {
    const auto bytes =
        std::min(static_cast<uint32_t>(words_.batch[slot]), static_cast<uint32_t>(rest.size()));
    words_.batch[slot] = decode_into(slot, rest.first(bytes), flags);
    rest = rest.subspan(std::min(size_t{padded(bytes)}, rest.size()));
  }
}

template <typename Kind>
int32_t CodecPort::read_value(const stun::MessageView& message,
                              const stun::AttributeView& attribute) {
  const auto value = Kind::read(attribute.value, message.cookie_and_id());
  if (!value) return failure(value.error(), attribute.offset);
  CrossValue cross;
  to_cross(*value, cross);
  if constexpr (std::is_same_v<typename Kind::Value, TransportAddress>) {
    if (value->family == Family::IPv6) {
      auto* const text = reinterpret_cast<char*>(words_.text.data());
      words_.value_length = static_cast<uint32_t>(
          format_address(*value, std::span<char, kMaxAddressText>(text, kMaxAddressText)));
    }
    words_.numbers = cross.numbers;
    return 1;
  }
  return publish(cross, message.bytes().data());
}

int32_t CodecPort::publish(const CrossValue& value, const uint8_t* message) {
  words_.value_offset =
      value.bytes.empty() ? 0 : static_cast<uint32_t>(value.bytes.data() - message);
  words_.value_length = static_cast<uint32_t>(value.bytes.size());
  words_.numbers = value.numbers;
  return 1;
}

// read_value() needs the object, which the linter does not see through the lambda.
// NOLINTNEXTLINE(readability-convert-member-functions-to-static)
int32_t CodecPort::read_attribute(const stun::MessageView& message,
                                  const stun::AttributeView& attribute) {
  if (attribute.offset == 0) return 0;
  return stun::visit_kind(attribute.type,
                          [&]<typename Kind>() { return read_value<Kind>(message, attribute); });
}

int32_t CodecPort::read(uint32_t slot, uint32_t type, uint32_t nth) {
  const stun::MessageView& message = views_[slot % kMaxBatch];
  if (type > 0xFFFF) return 0;
  return read_attribute(message, message.find(static_cast<uint16_t>(type), nth));
}

int32_t CodecPort::read_at(uint32_t slot, uint32_t offset) {
  const stun::MessageView& message = views_[slot % kMaxBatch];
  return read_attribute(message, message.at(offset));
}

int32_t CodecPort::walk(uint32_t slot, uint32_t offset) {
  const stun::MessageView& message = views_[slot % kMaxBatch];
  const stun::AttributeView attribute = message.at(offset);
  if (attribute.offset == 0) return -1;
  words_.value_offset = attribute.offset + 4;
  words_.value_length = static_cast<uint32_t>(attribute.value.size());
  words_.numbers = {message.counts(attribute) ? 1U : 0U, stun::MessageView::next_offset(attribute)};
  return attribute.type;
}

uint32_t CodecPort::unknown_required(uint32_t slot) {
  // The arena is longer than any message, and an attribute takes four bytes there.
  auto* const types = reinterpret_cast<uint16_t*>(output_.data());
  return static_cast<uint32_t>(
      views_[slot % kMaxBatch].unknown_required({types, output_.size() / 2}));
}

uint32_t CodecPort::verify(uint32_t slot, uint32_t integrity, uint32_t least_bytes) {
  const stun::MessageView& message = views_[slot % kMaxBatch];
  switch (integrity) {
    case 1:
      return static_cast<uint32_t>(check_integrity(message, words_.key));
    case 2:
      return static_cast<uint32_t>(check_integrity_sha256(message, words_.key, least_bytes));
    default:
      return static_cast<uint32_t>(check_best_integrity(message, words_.key, least_bytes));
  }
}

void CodecPort::verify_batch(uint32_t count, uint32_t integrity, uint32_t least_bytes) {
  for (uint32_t slot = 0; slot < std::min(count, kMaxBatch); ++slot) {
    words_.batch[slot] = static_cast<int32_t>(verify(slot, integrity, least_bytes));
  }
}

void CodecPort::prepare_short_term_key(uint32_t password_bytes) {
  words_.key = stun::PreparedKey(std::span(input_).first(std::min(password_bytes, kInputBytes)));
}

void CodecPort::prepare_long_term_key(uint32_t algorithm, uint32_t username_bytes,
                                      uint32_t realm_bytes, uint32_t password_bytes) {
  const std::span<const uint8_t> material = input_;
  if (uint64_t{username_bytes} + realm_bytes + password_bytes > material.size()) return;
  const auto key = stun::long_term_key(
      static_cast<stun::PasswordAlgorithm>(algorithm), material.first(username_bytes),
      material.subspan(username_bytes, realm_bytes),
      material.subspan(username_bytes + realm_bytes, password_bytes));
  words_.key = stun::PreparedKey(key.view());
}

void CodecPort::userhash(uint32_t username_bytes, uint32_t realm_bytes) {
  const std::span<const uint8_t> material = input_;
  if (uint64_t{username_bytes} + realm_bytes > material.size()) return;
  const auto hash =
      stun::userhash(material.first(username_bytes), material.subspan(username_bytes, realm_bytes));
  std::copy(hash.begin(), hash.end(), output_.begin());
}

int32_t CodecPort::nonce_features(uint32_t nonce_bytes) {
  const auto features =
      stun::read_nonce_cookie(std::span(input_).first(std::min(nonce_bytes, kInputBytes)));
  return features ? static_cast<int32_t>(features->bits) : -1;
}

int32_t CodecPort::encode_job(std::span<const uint8_t>& jobs, std::span<uint8_t> out) {
  JobHeader job;
  if (!take(jobs, job) || job.records_bytes > jobs.size()) return failure(Errc::BadRecord);
  std::span<const uint8_t> records = jobs.first(job.records_bytes);
  jobs = jobs.subspan(job.records_bytes);
  std::array<uint8_t, 16> id;
  std::memcpy(id.data(), job.transaction_id.data(), id.size());
  const auto type = static_cast<uint16_t>(std::min(job.message_type, uint32_t{0xFFFF}));
  stun::MessageWriter writer =
      (job.options & kClassic) != 0
          ? stun::MessageWriter::classic(out, type, id)
          : stun::MessageWriter(out, type, std::span(id).last<stun::kTransactionIdBytes>());
  for (uint32_t index = 0; !records.empty(); ++index) {
    RecordHeader record;
    if (!take(records, record) || record.bytes > records.size() || record.type > 0xFFFF ||
        record.form > kFormRaw)
      return failure(Errc::BadRecord, index);
    CrossValue cross{.numbers = record.numbers, .bytes = records.first(record.bytes)};
    records = records.subspan(std::min(size_t{padded(record.bytes)}, records.size()));
    const auto attribute = static_cast<uint16_t>(record.type);
    if (record.form == kFormRaw) {
      writer.add_raw(attribute, cross.bytes);
    } else {
      const bool in_range = stun::visit_kind(attribute, [&]<typename Kind>() {
        typename Kind::Value value{};
        if (!from_cross(cross, value)) return false;
        writer.add_value<Kind>(attribute, value);
        return true;
      });
      if (!in_range) return failure(Errc::AttributeValue, index);
    }
    if (writer.error() != Errc::Ok) return failure(writer.error(), index);
  }
  if ((job.options & kIntegritySha1) != 0) writer.add_integrity(words_.key);
  if ((job.options & kIntegritySha256) != 0)
    writer.add_integrity_sha256(words_.key, (job.options >> 8) & 0xFF);
  if ((job.options & kFingerprint) != 0) writer.add_fingerprint();
  if (writer.error() != Errc::Ok) return failure(writer.error());
  return static_cast<int32_t>(writer.size());
}

int32_t CodecPort::encode(uint32_t count) {
  std::span<const uint8_t> jobs = input_;
  std::span<uint8_t> out = output_;
  count = std::min(count, kMaxBatch);
  for (uint32_t i = 0; i < count; ++i) {
    const int32_t length = encode_job(jobs, out);
    words_.batch[i] = length;
    if (length > 0) out = out.subspan(static_cast<size_t>(length));
  }
  return words_.batch[0];
}

int32_t CodecPort::split(uint32_t bytes, uint32_t max_frame_bytes) {
  const std::span<const uint8_t> stream = std::span(input_).first(std::min(bytes, kInputBytes));
  uint32_t used = 0;
  uint32_t frames = 0;
  uint32_t needed = 0;
  while (frames < kMaxBatch / 2) {
    const auto left = static_cast<uint32_t>(stream.size()) - used;
    if (left < wire::kFrameHeadBytes) {
      if (left > 0 && frames == 0 && !wire::begins_frame(stream[0]))
        return failure(Errc::StreamDesynchronised);
      break;
    }
    const auto extent = wire::measure_frame(&stream[used], max_frame_bytes);
    if (!extent) {
      // Frames before the fault are good: the next call begins with it.
      if (frames > 0) break;
      return failure(extent.error(), used);
    }
    if (extent->on_stream > left) {
      needed = static_cast<uint32_t>(extent->on_stream);
      break;
    }
    const auto content = static_cast<int32_t>(extent->content);
    words_.batch[size_t{frames} * 2] = static_cast<int32_t>(used);
    words_.batch[size_t{frames} * 2 + 1] =
        extent->type == wire::FrameType::Stun ? content : -content;
    used += static_cast<uint32_t>(extent->on_stream);
    ++frames;
  }
  words_.numbers = {used, needed};
  return static_cast<int32_t>(frames);
}

}  // namespace postern::bindings
