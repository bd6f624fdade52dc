// Every attribute of the registry, through its typed setter and getter.
#include "stun/attribute_traits.h"

#include <gtest/gtest.h>

#include <string>

#include "stun/message_view.h"
#include "stun/message_writer.h"
#include "support/attribute_json.h"
#include "support/raw_message.h"
#include "support/samples.h"

namespace postern::stun {
namespace {

using testing::ByteVector;
using testing::Exact;
using testing::kTransactionId;
using testing::value_json;

template <AttributeType kType>
void expect_round_trip(const ValueOf<kType>& value) {
  using Kind = KindOf<kType>;
  const auto type = static_cast<uint16_t>(kType);
  const size_t padded = (Kind::size(value) + 3) / 4 * 4;
  const Exact buffer{ByteVector(kHeaderBytes + 4 + padded, 0xEE)};
  MessageWriter writer(buffer.view(), testing::kBindingSuccess, kTransactionId);
  writer.add<kType>(value);
  ASSERT_EQ(writer.error(), Errc::Ok);

  MessageView view;
  ASSERT_EQ(MessageView::parse(*writer.finish(), {}, view).errc, Errc::Ok);
  EXPECT_TRUE(view.has(kType));
  const auto again = view.get<kType>();
  ASSERT_TRUE(again);
  EXPECT_EQ(value_json<Kind>(*again), value_json<Kind>(value));
  EXPECT_EQ(view.at(kHeaderBytes).type, type);
  EXPECT_EQ(view.at(kHeaderBytes).value.size(), Kind::size(value));
}

#define POSTERN_ATTRIBUTE(enumerator, name, number, kind_name, status, reference)     \
  TEST(EveryAttributeTest, enumerator) {                                              \
    expect_round_trip<AttributeType::enumerator>(testing::sample<kind::kind_name>()); \
  }
#include "stun/registry/attributes.def"
#undef POSTERN_ATTRIBUTE

template <AttributeType kType>
void expect_addresses_round_trip() {
  if constexpr (std::is_same_v<ValueOf<kType>, TransportAddress>) {
    expect_round_trip<kType>(testing::sample_ipv6());
    expect_round_trip<kType>(TransportAddress::ipv4(0, 0, 0, 0, 0));
  }
}

TEST(EveryAttributeTest, AddressesOfBothFamilies) {
#define POSTERN_ATTRIBUTE(enumerator, name, number, kind_name, status, reference) \
  expect_addresses_round_trip<AttributeType::enumerator>();
#include "stun/registry/attributes.def"
#undef POSTERN_ATTRIBUTE
}

// The kind at run time is the kind at compile time, for every type there can be.
TEST(AttributeTraitsTest, VisitsTheKindOfEachType) {
  for (unsigned type = 0; type <= 0xFFFF; ++type) {
    const KindId id = visit_kind(static_cast<uint16_t>(type), []<typename Kind>() {
#define POSTERN_KIND(name) \
  if (std::is_same_v<Kind, kind::name>) return KindId::name;
#include "stun/registry/kinds.def"
#undef POSTERN_KIND
      return KindId::Opaque;
    });
    KindId expected = KindId::Opaque;
    switch (type) {
#define POSTERN_ATTRIBUTE(enumerator, name, number, kind_name, status, reference) \
  case number:                                                                    \
    expected = KindId::kind_name;                                                 \
    break;
#include "stun/registry/attributes.def"
#undef POSTERN_ATTRIBUTE
      default:
        break;
    }
    ASSERT_EQ(id, expected) << type;
    ASSERT_EQ(kind_of(static_cast<uint16_t>(type)), expected) << type;
  }
}

}  // namespace
}  // namespace postern::stun
