#include "stun/message_type.h"

#include <gtest/gtest.h>

#include <set>

namespace postern::stun {
namespace {

TEST(MessageTypeTest, ValuesOfTheRfcs) {
  // RFC 8489 section 5; RFC 8656 section 17; RFC 6062 section 6.1.
  EXPECT_EQ(make_message_type(Class::Request, Method::Binding), 0x0001);
  EXPECT_EQ(make_message_type(Class::Indication, Method::Binding), 0x0011);
  EXPECT_EQ(make_message_type(Class::Success, Method::Binding), 0x0101);
  EXPECT_EQ(make_message_type(Class::Error, Method::Binding), 0x0111);
  EXPECT_EQ(make_message_type(Class::Success, Method::Allocate), 0x0103);
  EXPECT_EQ(make_message_type(Class::Indication, Method::Send), 0x0016);
  EXPECT_EQ(make_message_type(Class::Indication, Method::Data), 0x0017);
  EXPECT_EQ(make_message_type(Class::Indication, Method::ConnectionAttempt), 0x001C);
  // Methods above 0x07F reach the bits on the other side of the class.
  EXPECT_EQ(make_message_type(Class::Request, Method::GoogPing), 0x0200);
  EXPECT_EQ(make_message_type(Class::Error, Method::GoogPing), 0x0310);
  EXPECT_EQ(make_message_type(Class::Error, kMaxMethod), 0x3FFF);
}

// Bit by bit as in the figure of RFC 8489 section 5.
TEST(MessageTypeTest, WeavesEachBitToItsPlace) {
  constexpr int kPlaceOfMethodBit[] = {0, 1, 2, 3, 5, 6, 7, 9, 10, 11, 12, 13};
  for (unsigned bit = 0; bit < 12; ++bit) {
    EXPECT_EQ(make_message_type(Class::Request, static_cast<uint16_t>(1U << bit)),
              1U << kPlaceOfMethodBit[bit]);
  }
  EXPECT_EQ(make_message_type(Class::Indication, 0), 1U << 4);
  EXPECT_EQ(make_message_type(Class::Success, 0), 1U << 8);
}

TEST(MessageTypeTest, All16384TypesRoundTrip) {
  std::set<uint16_t> types;
  for (uint16_t type = 0; type < 0x4000; ++type) {
    EXPECT_LE(method_of(type), kMaxMethod);
    EXPECT_EQ(make_message_type(class_of(type), method_of(type)), type);
  }
  for (const Class message_class :
       {Class::Request, Class::Indication, Class::Success, Class::Error}) {
    for (uint16_t method = 0; method <= kMaxMethod; ++method) {
      const uint16_t type = make_message_type(message_class, method);
      EXPECT_LT(type, 0x4000);
      EXPECT_EQ(class_of(type), message_class);
      EXPECT_EQ(method_of(type), method);
      types.insert(type);
    }
  }
  EXPECT_EQ(types.size(), 0x4000U);
}

TEST(MessageTypeTest, FirstTwoBitsOfATypeOnTheWireAreNotRead) {
  EXPECT_EQ(method_of(0xC001), method_of(0x0001));
  EXPECT_EQ(class_of(0xC111), Class::Error);
}

}  // namespace
}  // namespace postern::stun
