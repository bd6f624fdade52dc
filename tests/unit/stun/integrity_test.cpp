#include "stun/integrity.h"

#include <gtest/gtest.h>

#include <string>

#include "stun/message_view.h"
#include "stun/message_writer.h"
#include "support/bytes.h"
#include "support/names.h"
#include "support/raw_message.h"

namespace postern::stun {
namespace {

using testing::as_bytes;
using testing::ByteVector;
using testing::copy;
using testing::kTransactionId;
using testing::unhex;

const PreparedKey kKey(as_bytes("VOkJxbRl1RmTxUk/WvJxBt"));
const PreparedKey kWrongKey(as_bytes("VOkJxbRl1RmTxUk/WvJxBT"));

// RFC 5769 section 2.2.
const char* const kRfc5769Response =
    "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000080001a147e112a6"
    "43000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96";

enum Signature : unsigned { kSha1 = 1, kSha256 = 2 };

ByteVector signed_message(unsigned signatures, size_t sha256_bytes = 32) {
  ByteVector buffer(256);
  MessageWriter writer(buffer, testing::kBindingSuccess, kTransactionId);
  writer.add<AttributeType::Software>(as_bytes("test"));
  if (signatures & kSha1) writer.add_integrity(kKey);
  if (signatures & kSha256) writer.add_integrity_sha256(kKey, sha256_bytes);
  return copy(*writer.finish());
}

MessageView parse(const ByteVector& bytes) {
  MessageView view;
  EXPECT_EQ(MessageView::parse(bytes, {}, view).errc, Errc::Ok);
  return view;
}

TEST(IntegrityTest, Rfc5769) {
  const ByteVector bytes = unhex(kRfc5769Response);
  const MessageView view = parse(bytes);
  EXPECT_EQ(check_integrity(view, kKey), Errc::Ok);
  EXPECT_EQ(check_best_integrity(view, kKey), Errc::Ok);
  EXPECT_EQ(check_integrity_sha256(view, kKey), Errc::IntegrityMissing);
  EXPECT_EQ(check_integrity(view, kWrongKey), Errc::IntegrityMismatch);
  EXPECT_EQ(check_integrity(view, PreparedKey()), Errc::IntegrityMismatch);
}

// The message is checked in place: the length in its header is not to be touched.
TEST(IntegrityTest, LeavesTheMessageAsItIs) {
  const ByteVector bytes = unhex(kRfc5769Response);
  ASSERT_EQ(check_integrity(parse(bytes), kKey), Errc::Ok);
  EXPECT_EQ(bytes, unhex(kRfc5769Response));
}

TEST(IntegrityTest, NoneToCheck) {
  const ByteVector bytes = signed_message(0);
  const MessageView view = parse(bytes);
  EXPECT_EQ(check_integrity(view, kKey), Errc::IntegrityMissing);
  EXPECT_EQ(check_integrity_sha256(view, kKey), Errc::IntegrityMissing);
  EXPECT_EQ(check_best_integrity(view, kKey), Errc::IntegrityMissing);
}

TEST(IntegrityTest, EachOfTheTwo) {
  for (const unsigned signatures : {1U, 2U, 3U}) {
    const ByteVector bytes = signed_message(signatures);
    const MessageView view = parse(bytes);
    EXPECT_EQ(check_integrity(view, kKey), signatures & kSha1 ? Errc::Ok : Errc::IntegrityMissing);
    EXPECT_EQ(check_integrity_sha256(view, kKey),
              signatures & kSha256 ? Errc::Ok : Errc::IntegrityMissing);
    EXPECT_EQ(check_best_integrity(view, kKey), Errc::Ok);
    EXPECT_EQ(check_best_integrity(view, kWrongKey), Errc::IntegrityMismatch);
  }
}

// RFC 8489 section 9.1.3: a good SHA-1 value does not make up for a bad SHA-256 value, or an
// attacker could break the weaker one and spoil the other.
TEST(IntegrityTest, TheStrongerOneDecides) {
  ByteVector bytes = signed_message(kSha1 | kSha256);
  bytes.back() = static_cast<uint8_t>(bytes.back() ^ 1);
  const MessageView view = parse(bytes);
  EXPECT_EQ(check_integrity(view, kKey), Errc::Ok);
  EXPECT_EQ(check_best_integrity(view, kKey), Errc::IntegrityMismatch);
}

TEST(IntegrityTest, TruncationHasToBeAccepted) {
  for (size_t bytes = 16; bytes <= 32; bytes += 4) {
    const ByteVector message = signed_message(kSha256, bytes);
    const MessageView view = parse(message);
    for (size_t least = 0; least <= 40; ++least) {
      const Errc expected = bytes >= least ? Errc::Ok : Errc::IntegrityLength;
      EXPECT_EQ(check_integrity_sha256(view, kKey, least), expected) << bytes << " " << least;
      EXPECT_EQ(check_best_integrity(view, kKey, least), expected) << bytes << " " << least;
    }
    EXPECT_EQ(check_integrity_sha256(view, kKey), bytes == 32 ? Errc::Ok : Errc::IntegrityLength);
    EXPECT_EQ(check_integrity_sha256(view, kWrongKey, 16), Errc::IntegrityMismatch);
  }
}

TEST(IntegrityTest, LengthsThatNeitherCanHave) {
  for (size_t bytes = 0; bytes <= 40; ++bytes) {
    ByteVector buffer(256);
    MessageWriter sha1(buffer, testing::kBindingSuccess, kTransactionId);
    sha1.add_raw(static_cast<uint16_t>(AttributeType::MessageIntegrity), ByteVector(bytes));
    EXPECT_EQ(check_integrity(parse(copy(*sha1.finish())), kKey),
              bytes == 20 ? Errc::IntegrityMismatch : Errc::IntegrityLength);
    MessageWriter sha256(buffer, testing::kBindingSuccess, kTransactionId);
    sha256.add_raw(static_cast<uint16_t>(AttributeType::MessageIntegritySha256), ByteVector(bytes));
    EXPECT_EQ(check_integrity_sha256(parse(copy(*sha256.finish())), kKey, 0),
              is_valid_sha256_length(bytes) ? Errc::IntegrityMismatch : Errc::IntegrityLength);
  }
}

// The HMAC ends before the attribute, so more may be put behind it without breaking it.
TEST(IntegrityTest, WhatStandsBehindIsNotCovered) {
  for (const unsigned signatures : {1U, 2U, 3U}) {
    ByteVector bytes = signed_message(signatures);
    testing::append(bytes, unhex("8022000461626364"));
    store_be16(&bytes[2], static_cast<uint16_t>(bytes.size() - kHeaderBytes));
    EXPECT_EQ(check_best_integrity(parse(bytes), kKey), Errc::Ok);
  }
}

TEST(IntegrityTest, TheSecondOneCoversTheFirst) {
  ByteVector bytes = signed_message(kSha1 | kSha256);
  const uint32_t sha1 = parse(bytes).integrity_offset();
  bytes[sha1 + 4] = static_cast<uint8_t>(bytes[sha1 + 4] ^ 1);
  EXPECT_EQ(check_integrity(parse(bytes), kKey), Errc::IntegrityMismatch);
  EXPECT_EQ(check_integrity_sha256(parse(bytes), kKey), Errc::IntegrityMismatch);
}

// A prepared key is used for many messages, of lengths on both sides of a hash block.
TEST(IntegrityTest, OneKeyForMessagesOfEveryLength) {
  ByteVector buffer(512);
  for (size_t size = 0; size <= 200; ++size) {
    MessageWriter writer(buffer, testing::kBindingSuccess, kTransactionId);
    writer.add<AttributeType::Data>(ByteVector(size, 0xAA));
    writer.add_integrity(kKey);
    writer.add_integrity_sha256(kKey);
    const ByteVector message = copy(*writer.finish());
    EXPECT_EQ(check_integrity(parse(message), kKey), Errc::Ok) << size;
    EXPECT_EQ(check_integrity_sha256(parse(message), kKey), Errc::Ok) << size;
    EXPECT_EQ(check_integrity(parse(message), kWrongKey), Errc::IntegrityMismatch) << size;
    EXPECT_EQ(check_integrity_sha256(parse(message), kWrongKey), Errc::IntegrityMismatch) << size;
  }
}

}  // namespace
}  // namespace postern::stun
