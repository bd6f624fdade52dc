#include "stun/message_view.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "support/bytes.h"
#include "support/names.h"
#include "support/raw_message.h"

namespace postern::stun {
namespace {

using testing::ByteVector;
using testing::hex;
using testing::raw_message;
using testing::unhex;

MessageView parse(const ByteVector& bytes, ParseOptions options = {}) {
  MessageView view;
  EXPECT_EQ(MessageView::parse(bytes, options, view).errc, Errc::Ok);
  return view;
}

// The types of the attributes that count, in order.
std::vector<uint16_t> counting(const MessageView& view) {
  std::vector<uint16_t> types;
  for (auto attribute = view.at(kHeaderBytes); attribute.offset != 0;
       attribute = view.at(MessageView::next_offset(attribute))) {
    if (view.counts(attribute)) types.push_back(attribute.type);
  }
  return types;
}

using Types = std::vector<uint16_t>;

// Attributes in hexadecimal; the hashes in them are wrong, which parsing does not look at.
const std::string kMapped1 = "0020 0008 0001a147e112a643";  // 192.0.2.1:32853
const std::string kMapped2 = "0020 0008 0001a147e112a640";  // 192.0.2.2:32853
const std::string kSoftware = "8022 0003 61626300";
const std::string kSha1 = "0008 0014" + std::string(40, '1');
const std::string kSha256 = "001c 0020" + std::string(64, '2');
const std::string kFingerprint = "8028 0004 01020304";

TEST(MessageViewTest, Header) {
  const ByteVector bytes = raw_message(kSoftware, 0x0113);
  const MessageView view = parse(bytes);
  EXPECT_EQ(view.type(), 0x0113);
  EXPECT_EQ(view.method(), 3);
  EXPECT_EQ(view.message_class(), Class::Error);
  EXPECT_TRUE(view.is(Class::Error, Method::Allocate));
  EXPECT_FALSE(view.is(Class::Success, Method::Allocate));
  EXPECT_FALSE(view.is(Class::Error, Method::Binding));
  EXPECT_FALSE(view.is_classic());
  EXPECT_EQ(hex(view.transaction_id()), hex(testing::kTransactionId));
  EXPECT_EQ(view.cookie_and_id(), bytes.data() + 4);
  EXPECT_EQ(view.bytes().data(), bytes.data());
  EXPECT_EQ(view.bytes().size(), bytes.size());
}

TEST(MessageViewTest, ClassicMessagesHaveALongerTransactionId) {
  const ByteVector bytes = unhex("0001000000112233445566778899aabbccddeeff");
  const MessageView view = parse(bytes, {.allow_classic = true});
  EXPECT_TRUE(view.is_classic());
  EXPECT_EQ(hex(view.transaction_id()), "00112233445566778899aabbccddeeff");
}

TEST(MessageViewTest, AViewOfNothingHasNothing) {
  const MessageView view;
  EXPECT_EQ(view.at(kHeaderBytes).offset, 0U);
  EXPECT_EQ(view.find(0x0001).offset, 0U);
  EXPECT_FALSE(view.has(AttributeType::Software));
  EXPECT_EQ(view.get<AttributeType::Software>().error(), Errc::AttributeMissing);
  EXPECT_EQ(view.unknown_required({}), 0U);
  EXPECT_EQ(view.fingerprint(), FingerprintState::Absent);
}

TEST(MessageViewTest, AFailureLeavesTheViewAsItWas) {
  const ByteVector good = raw_message(kSoftware);
  MessageView view = parse(good);
  const ByteVector bad = raw_message(kMapped1 + "8022 0001");
  EXPECT_EQ(MessageView::parse(bad, {}, view).errc, Errc::AttributeOverrun);
  EXPECT_EQ(view.bytes().data(), good.data());
  EXPECT_TRUE(view.has(AttributeType::Software));
  EXPECT_FALSE(view.has(AttributeType::XorMappedAddress));
}

TEST(MessageViewTest, WalksAttributesInOrder) {
  const ByteVector bytes = raw_message(kSoftware + kMapped1 + "7fff 0000" + kFingerprint);
  const MessageView view = parse(bytes);
  AttributeView attribute = view.at(kHeaderBytes);
  EXPECT_EQ(attribute.type, 0x8022);
  EXPECT_EQ(attribute.offset, 20U);
  EXPECT_EQ(hex(attribute.value), "616263");
  attribute = view.at(MessageView::next_offset(attribute));
  EXPECT_EQ(attribute.type, 0x0020);
  EXPECT_EQ(attribute.offset, 28U);
  EXPECT_EQ(hex(attribute.value), "0001a147e112a643");
  attribute = view.at(MessageView::next_offset(attribute));
  EXPECT_EQ(attribute.type, 0x7FFF);
  EXPECT_TRUE(attribute.value.empty());
  attribute = view.at(MessageView::next_offset(attribute));
  EXPECT_EQ(attribute.type, 0x8028);
  EXPECT_EQ(MessageView::next_offset(attribute), bytes.size());
  EXPECT_EQ(view.at(MessageView::next_offset(attribute)).offset, 0U);
}

// Offsets come back from JavaScript: none of them may lead out of the message.
TEST(MessageViewTest, AnyOffsetIsSafe) {
  const ByteVector bytes = raw_message(kSoftware + "0013 0004 ffffffff");
  const testing::Exact exact(bytes);
  MessageView view;
  ASSERT_EQ(MessageView::parse(exact.view(), {}, view).errc, Errc::Ok);
  for (uint32_t offset = 0; offset < bytes.size() + 8; ++offset) {
    const AttributeView attribute = view.at(offset);
    if (offset + 4 > bytes.size()) {
      EXPECT_EQ(attribute.offset, 0U);
    } else {
      EXPECT_LE(attribute.offset + 4 + attribute.value.size(), bytes.size());
    }
    EXPECT_EQ(hex(attribute.value).size(), attribute.value.size() * 2);  // reads all of it
  }
  EXPECT_EQ(view.at(0xFFFFFFFF).offset, 0U);
  EXPECT_EQ(view.at(0xFFFFFFFC).offset, 0U);
}

// The bytes are the caller's: they may have changed when a value is asked for.
TEST(MessageViewTest, BytesThatChangeAfterParsingAreNotReadPastTheirEnd) {
  const testing::Exact exact(raw_message(kSoftware + kSoftware + kFingerprint));
  MessageView view;
  ASSERT_EQ(MessageView::parse(exact.view(), {}, view).errc, Errc::Ok);
  store_be16(&exact.view()[22], 0xFFFF);
  EXPECT_EQ(view.at(20).value.size(), exact.view().size() - 24);
  EXPECT_EQ(view.get<AttributeType::Software>()->size(), exact.view().size() - 24);
  EXPECT_EQ(view.get<AttributeType::Software>(1).error(), Errc::AttributeMissing);
  EXPECT_EQ(view.unknown_required({}), 0U);
}

TEST(MessageViewTest, TheFirstOfDuplicatesCounts) {
  const ByteVector bytes = raw_message(kMapped1 + kMapped2);
  const MessageView view = parse(bytes);
  const auto first = TransportAddress::ipv4(192, 0, 2, 1, 32853);
  const auto second = TransportAddress::ipv4(192, 0, 2, 2, 32853);
  EXPECT_EQ(*view.get<AttributeType::XorMappedAddress>(), first);
  EXPECT_EQ(*view.get<AttributeType::XorMappedAddress>(0), first);
  EXPECT_EQ(*view.get<AttributeType::XorMappedAddress>(1), second);
  EXPECT_EQ(view.get<AttributeType::XorMappedAddress>(2).error(), Errc::AttributeMissing);
}

TEST(MessageViewTest, MissingAttributes) {
  const ByteVector bytes = raw_message(kMapped1);
  const MessageView view = parse(bytes);
  EXPECT_FALSE(view.has(AttributeType::Software));
  EXPECT_EQ(view.get<AttributeType::Software>().error(), Errc::AttributeMissing);
  EXPECT_EQ(view.get<AttributeType::MessageIntegritySha256>().error(), Errc::AttributeMissing);
  EXPECT_EQ(view.get<AttributeType::Fingerprint>().error(), Errc::AttributeMissing);
  EXPECT_EQ(view.integrity_offset(), 0U);
  EXPECT_EQ(view.integrity_sha256_offset(), 0U);
}

// RFC 8489 section 14.5: ignored, but for MESSAGE-INTEGRITY-SHA256 and FINGERPRINT.
TEST(MessageViewTest, WhatFollowsMessageIntegrityIsIgnored) {
  const ByteVector bytes =
      raw_message(kMapped1 + kSha1 + kMapped2 + kSoftware + "7fff 0000" + kSha256 + kFingerprint);
  const MessageView view = parse(bytes);
  EXPECT_EQ(counting(view), (Types{0x0020, 0x0008, 0x001C, 0x8028}));
  EXPECT_EQ(view.integrity_offset(), 32U);
  EXPECT_EQ(view.integrity_sha256_offset(), 32U + 24 + 12 + 8 + 4);
  EXPECT_EQ(view.get<AttributeType::XorMappedAddress>(1).error(), Errc::AttributeMissing);
  EXPECT_FALSE(view.has(AttributeType::Software));
  EXPECT_TRUE(view.has(AttributeType::MessageIntegrity));
  EXPECT_TRUE(view.has(AttributeType::MessageIntegritySha256));
  EXPECT_TRUE(view.has(AttributeType::Fingerprint));
  EXPECT_EQ(view.unknown_required({}), 0U);
}

// Section 14.6: MESSAGE-INTEGRITY too.
TEST(MessageViewTest, WhatFollowsMessageIntegritySha256IsIgnored) {
  const ByteVector bytes = raw_message(kSha256 + kSha1 + kSoftware + kFingerprint);
  const MessageView view = parse(bytes);
  EXPECT_EQ(counting(view), (Types{0x001C, 0x8028}));
  EXPECT_EQ(view.integrity_offset(), 0U);
  EXPECT_FALSE(view.has(AttributeType::MessageIntegrity));
}

TEST(MessageViewTest, OnlyTheFirstIntegrityAttributeOfAKindCounts) {
  const ByteVector bytes = raw_message(kSha1 + kSha1 + kSha256 + kSha256);
  const MessageView view = parse(bytes);
  EXPECT_EQ(counting(view), (Types{0x0008, 0x001C}));
  EXPECT_EQ(view.integrity_offset(), 20U);
  EXPECT_EQ(view.integrity_sha256_offset(), 68U);
  EXPECT_EQ(view.find(0x0008, 1).offset, 0U);
  EXPECT_EQ(view.find(0x001C, 1).offset, 0U);
}

TEST(MessageViewTest, IntegrityMayBeLast) {
  const ByteVector sha1 = raw_message(kMapped1 + kSha1);
  EXPECT_EQ(parse(sha1).integrity_offset(), 32U);
  EXPECT_EQ(counting(parse(sha1)), (Types{0x0020, 0x0008}));
  const ByteVector sha256 = raw_message(kMapped1 + kSha256);
  EXPECT_EQ(parse(sha256).integrity_sha256_offset(), 32U);
  EXPECT_EQ(counting(parse(sha256)), (Types{0x0020, 0x001C}));
}

TEST(MessageViewTest, WhatFollowsFingerprintIsRead) {
  // RFC 8489 section 14.7 says that it is last, not what to do where it is not.
  const ByteVector bytes = raw_message(kFingerprint + kSoftware);
  EXPECT_EQ(counting(parse(bytes)), (Types{0x8028, 0x8022}));
  EXPECT_EQ(parse(bytes).fingerprint(), FingerprintState::Invalid);
}

TEST(MessageViewTest, UnknownRequiredAttributes) {
  const ByteVector bytes =
      raw_message("7ffe 0000 7fff 0000 8fff 0000 000f 0000 0021 0000 7ffe 0000");
  const MessageView view = parse(bytes);
  std::array<uint16_t, 8> types{};
  EXPECT_EQ(view.unknown_required(types), 4U);
  EXPECT_EQ(types, (std::array<uint16_t, 8>{0x7FFE, 0x7FFF, 0x000F, 0x7FFE}));
  std::array<uint16_t, 2> few{};
  EXPECT_EQ(view.unknown_required(few), 4U);
  EXPECT_EQ(few, (std::array<uint16_t, 2>{0x7FFE, 0x7FFF}));
  EXPECT_EQ(view.unknown_required({}), 4U);
}

TEST(MessageViewTest, TheLongestMessage) {
  ByteVector bytes = raw_message("");
  bytes.resize(kMaxMessageBytes);
  store_be16(&bytes[2], 0xFFFC);
  // 16,383 attributes without a value, of type 0.
  EXPECT_EQ(parse(bytes).unknown_required({}), 16'383U);
  // One that takes all of it.
  store_be16(&bytes[20], 0x0013);
  store_be16(&bytes[22], 0xFFF8);
  EXPECT_EQ(parse(bytes).get<AttributeType::Data>()->size(), 0xFFF8U);
}

// Whatever parses can be walked: each byte behind the header belongs to one attribute.
TEST(MessageViewTest, AttributesOfRandomMessagesAreInBounds) {
  std::mt19937 random(1);
  size_t well_formed = 0;
  for (int i = 0; i < 20'000; ++i) {
    ByteVector bytes = raw_message(std::string(size_t{8} * (random() % 12), '0'));
    for (size_t at = kHeaderBytes; at < bytes.size(); ++at)
      bytes[at] = random() % 3 == 0 ? static_cast<uint8_t>(random() % 32) : 0;
    const testing::Exact exact(bytes);
    MessageView view;
    if (MessageView::parse(exact.view(), {}, view).errc != Errc::Ok) continue;
    ++well_formed;
    uint32_t expected = kHeaderBytes;
    for (auto attribute = view.at(kHeaderBytes); attribute.offset != 0;
         attribute = view.at(MessageView::next_offset(attribute))) {
      ASSERT_EQ(attribute.offset, expected);
      expected = MessageView::next_offset(attribute);
      ASSERT_LE(expected, bytes.size());
    }
    EXPECT_EQ(expected, bytes.size());
  }
  EXPECT_GT(well_formed, 2000U);
}

}  // namespace
}  // namespace postern::stun
