#include "base/result.h"

#include <gtest/gtest.h>

#include "support/names.h"

namespace postern {
namespace {

struct Pair {
  int a = 0;
  int b = 0;
};

Result<Pair> halves(int number) {
  if (number % 2 != 0) return Errc::AttributeValue;
  return Pair{.a = number / 2, .b = number / 2};
}

TEST(ResultTest, HoldsAValue) {
  const Result<Pair> result = halves(8);
  EXPECT_TRUE(result.has_value());
  EXPECT_TRUE(static_cast<bool>(result));
  EXPECT_EQ(result.error(), Errc::Ok);
  EXPECT_EQ((*result).a, 4);
  EXPECT_EQ(result->b, 4);
  EXPECT_EQ(result.value_or({.a = 1, .b = 1}).a, 4);
}

TEST(ResultTest, OrTheReasonWhyThereIsNone) {
  const Result<Pair> result = halves(7);
  EXPECT_FALSE(result.has_value());
  EXPECT_FALSE(static_cast<bool>(result));
  EXPECT_EQ(result.error(), Errc::AttributeValue);
  EXPECT_EQ(result.value_or({.a = 1, .b = 2}).b, 2);
}

TEST(ResultTest, WorksAtCompileTime) {
  static constexpr Result<int> kGood = 3;
  static constexpr Result<int> kBad = Errc::Timeout;
  static_assert(*kGood == 3 && !kBad && kBad.error() == Errc::Timeout);
  EXPECT_EQ(kBad.value_or(4), 4);
}

#ifndef NDEBUG
TEST(ResultDeathTest, TheValueOfAFailureIsABug) {
  const Result<int> failure = Errc::Timeout;
  EXPECT_DEATH((void)*failure, "has_value");
  EXPECT_DEATH((void)Result<int>(Errc::Ok), "Ok");
}
#endif

}  // namespace
}  // namespace postern
