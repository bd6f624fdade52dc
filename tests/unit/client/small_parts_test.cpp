// EntropyPool, FixedBytes and RecentIds.
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "base/entropy_pool.h"
#include "base/fixed_bytes.h"
#include "client/recent_ids.h"

namespace postern::client {
namespace {

TEST(EntropyPool, GivesEachByteOnce) {
  EntropyPool pool;
  std::vector<uint8_t> bytes(EntropyPool::kCapacity);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i);
  EXPECT_EQ(pool.provide(bytes), bytes.size());
  std::array<uint8_t, 16> out{};
  std::array<int, 256> seen{};
  for (size_t i = 0; i < EntropyPool::kCapacity / out.size(); ++i) {
    ASSERT_EQ(pool.take(out), Errc::Ok);
    for (const uint8_t byte : out) ++seen[byte];
  }
  for (const int count : seen) EXPECT_EQ(count, 1);
  EXPECT_EQ(pool.available(), 0U);
  EXPECT_EQ(pool.take(out), Errc::EntropyNeeded);
}

TEST(EntropyPool, TakesNoMoreThanItHasRoomFor) {
  EntropyPool pool;
  EXPECT_EQ(pool.provide(std::vector<uint8_t>(200)), 200U);
  EXPECT_EQ(pool.provide(std::vector<uint8_t>(200)), 56U);
  EXPECT_EQ(pool.provide(std::vector<uint8_t>(1)), 0U);
  EXPECT_EQ(pool.provide({}), 0U);
}

TEST(EntropyPool, LeavesWhatIsTooLittle) {
  EntropyPool pool;
  EXPECT_EQ(pool.provide(std::vector<uint8_t>(11)), 11U);
  std::array<uint8_t, 12> out{};
  EXPECT_EQ(pool.take(out), Errc::EntropyNeeded);
  EXPECT_EQ(pool.available(), 11U);
}

TEST(FixedBytes, RefusesWhatDoesNotFit) {
  FixedBytes<4> bytes;
  const std::array<uint8_t, 5> five = {1, 2, 3, 4, 5};
  EXPECT_TRUE(bytes.assign(std::span(five).first(4)));
  EXPECT_FALSE(bytes.assign(five));
  EXPECT_TRUE(bytes.holds(std::span(five).first(4)));
  EXPECT_FALSE(bytes.holds(std::span(five).first(3)));
  EXPECT_TRUE(bytes.assign(std::span(five).first(1)));
  EXPECT_EQ(bytes.view().size(), 1U);
  bytes.clear();
  EXPECT_TRUE(bytes.empty());
}

TEST(FixedBytes, OverwritesWhatItForgets) {
  FixedBytes<4> bytes;
  const std::array<uint8_t, 4> secret = {1, 2, 3, 4};
  ASSERT_TRUE(bytes.assign(secret));
  const uint8_t* const place = bytes.view().data();
  bytes.clear();
  for (size_t i = 0; i < secret.size(); ++i) EXPECT_EQ(place[i], 0);
}

TEST(RecentIds, ForgetsTheOldestFirst) {
  RecentIds ids;
  const auto id = [](uint8_t n) {
    stun::TransactionId value{};
    value[11] = n;
    return value;
  };
  EXPECT_FALSE(ids.contains(id(0))) << "an empty set holds nothing, not even zeros";
  ids.add(id(0xFF));
  EXPECT_TRUE(ids.contains(id(0xFF)));
  EXPECT_FALSE(ids.contains(id(0)));
  for (uint8_t n = 0; n <= RecentIds::kCapacity; ++n) ids.add(id(n));
  EXPECT_FALSE(ids.contains(id(0)));
  for (uint8_t n = 1; n <= RecentIds::kCapacity; ++n) EXPECT_TRUE(ids.contains(id(n)));
}

}  // namespace
}  // namespace postern::client
