// What holds for every kind of attribute_kinds.h.
#include <gtest/gtest.h>

#include <array>
#include <string>

#include "stun/attribute_kinds.h"
#include "support/attribute_json.h"
#include "support/bytes.h"
#include "support/samples.h"

namespace postern::stun::kind {
namespace {

using testing::ByteVector;
using testing::Exact;

constexpr std::array<uint8_t, 16> kCookieAndId = {0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01,
                                                  0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae};
// Bytes to fill values with: families, classes of errors and lengths within a value among them.
constexpr std::array<uint8_t, 6> kFills = {0x00, 0x01, 0x02, 0x04, 0x7F, 0xFF};

template <typename Kind>
class EveryKindTest : public ::testing::Test {};

struct KindNames {
  template <typename Kind>
  static std::string GetName(int) {
#define POSTERN_KIND(name) \
  if (std::is_same_v<Kind, name>) return #name;
#include "stun/registry/kinds.def"
#undef POSTERN_KIND
    return "unknown";
  }
};

// kinds.def begins each row alike, so the list needs something before its first comma.
struct None {};
template <typename, typename... Kinds>
using TypesOf = ::testing::Types<Kinds...>;
#define POSTERN_KIND(name) , name
using AllKinds = TypesOf<None
#include "stun/registry/kinds.def"
                         >;
#undef POSTERN_KIND
TYPED_TEST_SUITE(EveryKindTest, AllKinds, KindNames);

TYPED_TEST(EveryKindTest, RoundTrips) {
  const auto value = testing::sample<TypeParam>();
  const size_t size = TypeParam::size(value);
  ASSERT_LT(size, kTooLong);
  const Exact bytes{ByteVector(size, 0xEE)};
  TypeParam::write(bytes.view().data(), value, kCookieAndId.data());
  const auto again = TypeParam::read(bytes.view(), kCookieAndId.data());
  ASSERT_TRUE(again);
  EXPECT_EQ(testing::value_json<TypeParam>(*again), testing::value_json<TypeParam>(value));
}

TYPED_TEST(EveryKindTest, RefusesOrReadsAnyLengthWithinItsBytes) {
  for (const uint8_t fill : kFills) {
    for (size_t size = 0; size <= 800; ++size) {
      const Exact bytes{ByteVector(size, fill)};
      const auto value = TypeParam::read(bytes.view(), kCookieAndId.data());
      if (!value) {
        EXPECT_TRUE(value.error() == Errc::AttributeLength ||
                    value.error() == Errc::AttributeValue);
        continue;
      }
      // Reads all that the value points at, under the sanitizer's eye.
      EXPECT_FALSE(testing::value_json<TypeParam>(*value).is_null());
    }
  }
}

// What a kind reads it can write, unless the writer's limits are tighter than the reader's.
TYPED_TEST(EveryKindTest, WritesWhatItReads) {
  for (const uint8_t fill : kFills) {
    for (size_t size = 0; size <= 255; ++size) {
      const Exact bytes{ByteVector(size, fill)};
      const auto value = TypeParam::read(bytes.view(), kCookieAndId.data());
      if (!value) continue;
      ASSERT_LT(TypeParam::size(*value), kTooLong) << size;
      const Exact out{ByteVector(TypeParam::size(*value), 0xEE)};
      TypeParam::write(out.view().data(), *value, kCookieAndId.data());
      const auto again = TypeParam::read(out.view(), kCookieAndId.data());
      ASSERT_TRUE(again) << size;
      EXPECT_EQ(testing::value_json<TypeParam>(*again), testing::value_json<TypeParam>(*value));
    }
  }
}

}  // namespace
}  // namespace postern::stun::kind
