#include "stun/attribute_kinds.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "support/bytes.h"
#include "support/samples.h"

namespace postern::stun::kind {
namespace {

using testing::as_bytes;
using testing::as_text;
using testing::ByteVector;
using testing::Exact;
using testing::hex;
using testing::unhex;

constexpr std::array<uint8_t, 16> kCookieAndId = {0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01,
                                                  0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae};

template <typename Kind>
Result<typename Kind::Value> read(std::string_view digits) {
  static ByteVector bytes;  // values are views
  bytes = unhex(digits);
  return Kind::read(bytes, kCookieAndId.data());
}

template <typename Kind>
std::string written(const typename Kind::Value& value) {
  const size_t size = Kind::size(value);
  if (size >= kTooLong) return "too long";
  const Exact out{ByteVector(size, 0xEE)};
  Kind::write(out.view().data(), value, kCookieAndId.data());
  return hex(out.view());
}

// --- Bytes and text. Lengths that a reader accepts are compared with the registry in
// unit/registry/registry_test.cpp; here are those that a writer accepts.

template <typename Kind>
size_t longest_written() {
  const ByteVector bytes(kTooLong, 'a');
  size_t longest = 0;
  for (size_t size = 0; size < kTooLong; ++size) {
    if (Kind::size(std::span(bytes).first(size)) == size) longest = size;
  }
  return longest;
}

TEST(BytesKindsTest, LongestThatAreWritten) {
  EXPECT_EQ(longest_written<Opaque>(), 65535U);
  EXPECT_EQ(longest_written<Text>(), 509U);
  EXPECT_EQ(longest_written<Label>(), 509U);
  EXPECT_EQ(longest_written<Username>(), 508U);
  EXPECT_EQ(longest_written<DomainName>(), 255U);
  EXPECT_EQ(longest_written<Token4>(), 4U);
  EXPECT_EQ(longest_written<Token8>(), 8U);
  EXPECT_EQ(longest_written<Sha1Mac>(), 20U);
  EXPECT_EQ(longest_written<Sha256Mac>(), 32U);
  EXPECT_EQ(longest_written<Sha256Digest>(), 32U);
  EXPECT_EQ(longest_written<Uint16List>(), 65534U);
  EXPECT_EQ(longest_written<Uint32List>(), 65532U);
}

TEST(BytesKindsTest, LengthsThatAreNotWritten) {
  const ByteVector bytes(40);
  const auto fits = [&]<typename Kind>(size_t size) {
    return Kind::size(std::span(bytes).first(size)) == size;
  };
  for (size_t size = 0; size <= bytes.size(); ++size) {
    EXPECT_EQ(fits.template operator()<Token4>(size), size == 4);
    EXPECT_EQ(fits.template operator()<Token8>(size), size == 8);
    EXPECT_EQ(fits.template operator()<Sha1Mac>(size), size == 20);
    EXPECT_EQ(fits.template operator()<Sha256Mac>(size), size >= 16 && size <= 32 && size % 4 == 0);
    EXPECT_EQ(fits.template operator()<Sha256Digest>(size), size == 32);
    EXPECT_EQ(fits.template operator()<Uint16List>(size), size % 2 == 0);
    EXPECT_EQ(fits.template operator()<Uint32List>(size), size % 4 == 0);
  }
}

TEST(LabelTest, LosesTrailingNulsOnly) {
  EXPECT_EQ(as_text(*read<Label>("610062000000")), std::string("a\0b", 3));
  EXPECT_EQ(as_text(*read<Label>("0000")), "");
  EXPECT_EQ(as_text(*read<Text>("6100")), std::string("a\0", 2));
}

// --- Numbers and flags: exact bytes.

TEST(NumberKindsTest, ExactBytes) {
  EXPECT_EQ(written<Uint32>(0x01020304), "01020304");
  EXPECT_EQ(written<Uint64>(0x0102030405060708), "0102030405060708");
  EXPECT_EQ(written<Channel>(0x4ABC), "4abc0000");
  EXPECT_EQ(written<Port>(0x1267), "1267");
  EXPECT_EQ(written<Protocol>(17), "11000000");
  EXPECT_EQ(written<ReserveFlag>(true), "80");
  EXPECT_EQ(written<ReserveFlag>(false), "00");
  EXPECT_EQ(written<Flag>(true), "");
  EXPECT_EQ(written<AddressFamily>(Family::IPv4), "01000000");
  EXPECT_EQ(written<AddressFamily>(Family::IPv6), "02000000");
  EXPECT_EQ(written<AddressFamily>(Family::None), "too long");
  EXPECT_EQ(written<ChangeFlags>({.change_ip = true, .change_port = false}), "00000004");
  EXPECT_EQ(written<ChangeFlags>({.change_ip = false, .change_port = true}), "00000002");
  EXPECT_EQ(written<IcmpError>({.type = 3, .code = 4, .data = 0x05DC}), "00000304000005dc");
  EXPECT_EQ(written<TransmitCounter>({.request = 7, .response = 9}), "00000709");
  EXPECT_EQ(written<EcnCheck>({.ecn = 3, .valid = true}), "00000007");
  EXPECT_EQ(written<EcnCheck>({.ecn = 2, .valid = false}), "00000004");
  EXPECT_EQ(written<EcnCheck>({.ecn = 4, .valid = false}), "too long");
  EXPECT_EQ(written<NetworkInfo>({.id = 0x0102, .cost = 0x0304}), "01020304");
}

TEST(NumberKindsTest, ReservedBitsAreIgnored) {
  EXPECT_EQ(*read<Channel>("4abcffff"), 0x4ABC);
  EXPECT_EQ(*read<Port>("1267ffff"), 0x1267);
  EXPECT_EQ(*read<Protocol>("11ffffff"), 17);
  EXPECT_EQ(*read<ReserveFlag>("ff"), true);
  EXPECT_EQ(*read<ReserveFlag>("7fffffff"), false);
  EXPECT_EQ(*read<AddressFamily>("02ffffff"), Family::IPv6);
  EXPECT_EQ(*read<ChangeFlags>("fffffff9"), ChangeFlagsValue{});
  EXPECT_EQ(*read<ChangeFlags>("00000006"), (ChangeFlagsValue{true, true}));
  EXPECT_EQ(*read<IcmpError>("ffff0304000005dc"), (IcmpErrorValue{3, 4, 0x05DC}));
  EXPECT_EQ(*read<TransmitCounter>("ffff0709"), (TransmitCounterValue{7, 9}));
  EXPECT_EQ(*read<EcnCheck>("fffffffa"), (EcnCheckValue{1, false}));
}

// --- Addresses.

TEST(AddressKindsTest, ExactBytes) {
  const auto ipv4 = TransportAddress::ipv4(192, 0, 2, 1, 32853);
  const auto ipv6 = *parse_address("2001:db8:1234:5678:11:2233:4455:6677", 32853);
  EXPECT_EQ(written<Address>(ipv4), "00018055c0000201");
  EXPECT_EQ(written<Address>(ipv6), "0002805520010db8123456780011223344556677");
  // RFC 5769 sections 2.2 and 2.3.
  EXPECT_EQ(written<XorAddress>(ipv4), "0001a147e112a643");
  EXPECT_EQ(written<XorAddress>(ipv6), "0002a1470113a9faa5d3f179bc25f4b5bed2b9d9");
  EXPECT_EQ(*read<XorAddress>("0001a147e112a643"), ipv4);
  EXPECT_EQ(*read<XorAddress>("0002a1470113a9faa5d3f179bc25f4b5bed2b9d9"), ipv6);
  EXPECT_EQ(*read<Address>("ff018055c0000201"), ipv4) << "the first byte is to be ignored";
  EXPECT_EQ(written<Address>({}), "too long");
  EXPECT_EQ(written<XorAddress>({}), "too long");
}

TEST(AddressKindsTest, TheSecondXorGivesTheFirstBack) {
  const auto value = testing::sample_ipv6();
  EXPECT_EQ(written<XorAddress>(*read<XorAddress>(written<Address>(value))),
            written<Address>(value));
}

TEST(AddressKindsTest, FamilyAndLengthHaveToAgree) {
  for (unsigned family = 0; family < 256; ++family) {
    for (const size_t size : {size_t{8}, size_t{20}}) {
      ByteVector bytes(size);
      bytes[1] = static_cast<uint8_t>(family);
      const Errc expected = family != 1 && family != 2     ? Errc::AttributeValue
                            : (family == 1) == (size == 8) ? Errc::Ok
                                                           : Errc::AttributeLength;
      EXPECT_EQ(Address::read(bytes, kCookieAndId.data()).error(), expected);
      EXPECT_EQ(XorAddress::read(bytes, kCookieAndId.data()).error(), expected);
    }
  }
}

// --- Errors.

TEST(ErrorReasonTest, ExactBytes) {
  EXPECT_EQ(written<ErrorReason>({.code = 438, .reason = as_bytes("Stale")}), "000004265374616c65");
  EXPECT_EQ(written<ErrorReason>({.code = 300, .reason = {}}), "00000300");
  EXPECT_EQ(written<ErrorReason>({.code = 699, .reason = {}}), "00000663");
  EXPECT_EQ(written<FamilyErrorReason>({.family = Family::IPv6, .error = {440, as_bytes("No")}}),
            "020004284e6f");
}

TEST(ErrorReasonTest, CodesThatCannotBeWritten) {
  for (const int code : {0, 1, 299, 700, 65535}) {
    EXPECT_EQ(written<ErrorReason>({.code = static_cast<uint16_t>(code), .reason = {}}),
              "too long");
  }
  const ByteVector reason(510, 'a');
  EXPECT_EQ(ErrorReason::size({400, std::span(reason).first(509)}), 513U);
  EXPECT_EQ(ErrorReason::size({400, reason}), kTooLong);
  EXPECT_EQ(written<FamilyErrorReason>({.family = Family::None, .error = {400, {}}}), "too long");
  EXPECT_EQ(written<FamilyErrorReason>({.family = Family::IPv4, .error = {299, {}}}), "too long");
}

TEST(ErrorReasonTest, EachClassAndNumber) {
  for (unsigned hundreds = 0; hundreds < 256; ++hundreds) {
    for (unsigned rest = 0; rest < 256; ++rest) {
      const std::array<uint8_t, 4> bytes = {0xFF, 0xFF, static_cast<uint8_t>(hundreds),
                                            static_cast<uint8_t>(rest)};
      const auto value = ErrorReason::read(bytes, nullptr);
      const unsigned error_class = hundreds % 8;  // of three bits
      if (error_class >= 3 && error_class <= 6 && rest <= 99) {
        ASSERT_TRUE(value);
        EXPECT_EQ(value->code, error_class * 100 + rest);
      } else {
        EXPECT_EQ(value.error(), Errc::AttributeValue);
      }
    }
  }
}

TEST(ErrorReasonTest, TrailingNulsAreNotPartOfTheReason) {
  EXPECT_EQ(as_text(read<ErrorReason>("000004014e6f0000")->reason), "No");
}

// --- Password algorithms.

TEST(AlgorithmKindsTest, ExactBytes) {
  EXPECT_EQ(written<OneAlgorithm>({.algorithm = 2, .parameters = {}}), "00020000");
  const ByteVector parameters = unhex("0102030405");
  EXPECT_EQ(written<OneAlgorithm>({.algorithm = 9, .parameters = parameters}),
            "000900050102030405000000");
}

TEST(AlgorithmKindsTest, ParametersThatDoNotFit) {
  const ByteVector bytes(0x10000);
  EXPECT_EQ(OneAlgorithm::size({1, std::span(bytes).first(65528)}), 65532U);
  EXPECT_EQ(OneAlgorithm::size({1, std::span(bytes).first(65529)}), kTooLong);
  EXPECT_EQ(OneAlgorithm::size({1, bytes}), kTooLong);
}

TEST(AlgorithmKindsTest, PaddingOfTheLastOneMayBeTheAttributes) {
  EXPECT_EQ(hex(read<OneAlgorithm>("000900050102030405000000")->parameters), "0102030405");
  EXPECT_EQ(hex(read<OneAlgorithm>("000900050102030405")->parameters), "0102030405");
  EXPECT_EQ(hex(read<OneAlgorithm>("0009000501020304050000")->parameters), "0102030405");
  EXPECT_EQ(read<OneAlgorithm>("00090005010203040500000000").error(), Errc::AttributeLength);
}

TEST(AlgorithmKindsTest, AListIsTakenApart) {
  Bytes list = *read<AlgorithmList>("0002000000070005010203040500000000010000");
  auto algorithm = take_algorithm(list);
  ASSERT_TRUE(algorithm);
  EXPECT_EQ(algorithm->algorithm, 2);
  EXPECT_TRUE(algorithm->parameters.empty());
  algorithm = take_algorithm(list);
  ASSERT_TRUE(algorithm);
  EXPECT_EQ(algorithm->algorithm, 7);
  EXPECT_EQ(hex(algorithm->parameters), "0102030405");
  algorithm = take_algorithm(list);
  ASSERT_TRUE(algorithm);
  EXPECT_EQ(algorithm->algorithm, 1);
  EXPECT_TRUE(list.empty());
  EXPECT_FALSE(take_algorithm(list));
}

TEST(AlgorithmKindsTest, AMalformedListIsNotWritten) {
  EXPECT_EQ(written<AlgorithmList>(unhex("00020000")), "00020000");
  EXPECT_EQ(written<AlgorithmList>(unhex("000200")), "too long");
  EXPECT_EQ(written<AlgorithmList>(unhex("00020001")), "too long");
}

}  // namespace
}  // namespace postern::stun::kind
