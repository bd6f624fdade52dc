// The tables of a TURN client: permissions, channels, connections under way, and when to renew.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "client/turn/channels.h"
#include "client/turn/connects.h"
#include "client/turn/jitter.h"
#include "client/turn/permissions.h"
#include "support/names.h"
#include "turn/lifetimes.h"

namespace postern::client {
namespace {

using Told = TurnExchange::Told;
using Wish = Permissions::Wish;

constexpr Duration kLife = turn::kPermissionLifetime;

TransportAddress peer(unsigned number) {
  return TransportAddress::ipv4(10, 0, static_cast<uint8_t>(number >> 8),
                                static_cast<uint8_t>(number), 9);
}

Instant at(int64_t seconds) { return Instant() + Duration::seconds(seconds); }

class PermissionTable : public ::testing::Test {
 protected:
  PermissionTable() { exchange.open(TurnExchange::Purpose::Permit); }

  Wish want(unsigned number, Instant now = {}) {
    Wish wish = Wish::Pending;
    EXPECT_EQ(table.want(peer(number), now, wish), Errc::Ok);
    return wish;
  }
  std::vector<unsigned> take(Instant now = {}) {
    exchange.open(TurnExchange::Purpose::Permit);
    const bool is_taken = table.take_batch(now, exchange);
    std::vector<unsigned> numbers;
    for (const TransportAddress& host : exchange.peers()) {
      EXPECT_EQ(host.port, 0);
      numbers.push_back(host.bytes[3]);
    }
    EXPECT_EQ(is_taken, !numbers.empty());
    return numbers;
  }
  void grant(Instant now = {}) {
    table.granted(exchange.peers(), now + kLife, now + (kLife - Duration::seconds(60)));
  }

  Permissions table;
  TurnExchange exchange;
};

TEST_F(PermissionTable, AsksOnceForAPeer) {
  EXPECT_EQ(want(1), Wish::Unasked);
  EXPECT_EQ(want(1), Wish::Pending);
  EXPECT_TRUE(table.has_wanted());
  EXPECT_EQ(take(), std::vector<unsigned>{1});
  EXPECT_FALSE(table.has_wanted());
  EXPECT_EQ(want(1), Wish::Pending);
  EXPECT_TRUE(take().empty());
  EXPECT_FALSE(table.allows(peer(1), {}));
  EXPECT_TRUE(table.knows(peer(1)));
}

TEST_F(PermissionTable, GrantsUntilTheEnd) {
  want(1);
  take();
  EXPECT_EQ(table.told_of(peer(1)), Told::Outcome);
  grant();
  EXPECT_EQ(want(1), Wish::Granted);
  EXPECT_EQ(table.told_of(peer(1)), Told::Loss);
  EXPECT_EQ(table.told_of(peer(2)), Told::Nothing);
  EXPECT_TRUE(table.allows(peer(1), at(299)));
  EXPECT_FALSE(table.allows(peer(1), at(300)));
  EXPECT_EQ(table.next_refresh(), at(240));
  EXPECT_EQ(want(1, at(300)), Wish::Unasked);
}

TEST_F(PermissionTable, RenewsTogetherWhatIsDueSoon) {
  want(1);
  take();
  grant(at(0));
  want(2);
  take();
  grant(at(20));
  want(3);
  take();
  grant(at(100));
  EXPECT_TRUE(take(at(239)).empty());
  EXPECT_EQ(take(at(240)), (std::vector<unsigned>{1, 2}));
  EXPECT_EQ(table.next_refresh(), at(340));
}

TEST_F(PermissionTable, SplitsWhatIsTooMuchForOneRequest) {
  for (unsigned i = 0; i < 40; ++i) want(i);
  EXPECT_EQ(take().size(), kMaxPeersPerRequest);
  EXPECT_EQ(take().size(), kMaxPeersPerRequest);
  EXPECT_EQ(take().size(), 40 - 2 * kMaxPeersPerRequest);
  EXPECT_TRUE(take().empty());
}

TEST_F(PermissionTable, AsksOneByOneForThoseOfARefusedRequest) {
  for (unsigned i = 1; i <= 3; ++i) want(i);
  take();
  table.ask_one_by_one(exchange.peers());
  want(4);
  std::set<unsigned> alone;
  EXPECT_EQ(take(), std::vector<unsigned>{4});
  for (int i = 0; i < 3; ++i) {
    const auto batch = take();
    ASSERT_EQ(batch.size(), 1U);
    alone.insert(batch[0]);
    EXPECT_EQ(table.told_of(peer(batch[0])), Told::Outcome);
  }
  EXPECT_EQ(alone, (std::set<unsigned>{1, 2, 3}));
}

TEST_F(PermissionTable, ForgetsWhatWasReleasedWhileAskedFor) {
  want(1);
  take();
  table.release(peer(1));
  EXPECT_EQ(table.told_of(peer(1)), Told::Nothing);
  grant();
  EXPECT_EQ(table.size(), 0U);
  want(1);
  take();
  table.release(peer(1));
  table.ask_again(exchange.peers());
  EXPECT_EQ(table.size(), 0U);
  EXPECT_FALSE(table.has_wanted());
}

TEST_F(PermissionTable, TakesAChannelsWordForIt) {
  EXPECT_EQ(table.reserve(peer(1)), Errc::Ok);
  EXPECT_TRUE(take().empty());
  table.extend(peer(1), at(300), at(240));
  EXPECT_TRUE(table.allows(peer(1), at(0)));
  table.unreserve(peer(1));
  EXPECT_TRUE(table.allows(peer(1), at(0)));
  // A request for the same that is under way goes on.
  want(2);
  take();
  table.extend(peer(2), at(300), at(240));
  EXPECT_EQ(table.told_of(peer(2)), Told::Outcome);
  EXPECT_TRUE(take(at(240)) == std::vector<unsigned>{1}) << "2 is under way";
  EXPECT_EQ(table.reserve(peer(3)), Errc::Ok);
  table.unreserve(peer(3));
  EXPECT_FALSE(table.knows(peer(3)));
}

TEST_F(PermissionTable, IsLimited) {
  for (unsigned i = 0; i < kMaxPermissions; ++i) want(i);
  Wish wish = Wish::Pending;
  EXPECT_EQ(table.want(peer(kMaxPermissions), {}, wish), Errc::TooManyPermissions);
  EXPECT_EQ(table.reserve(peer(kMaxPermissions)), Errc::TooManyPermissions);
  EXPECT_EQ(table.reserve(peer(0)), Errc::Ok);
  table.refuse(peer(0));
  EXPECT_EQ(want(kMaxPermissions), Wish::Unasked);
  table.clear();
  EXPECT_FALSE(table.has_wanted());
  EXPECT_TRUE(table.next_refresh().is_never());
}

TEST(ChannelTable, GivesNumbersInOrder) {
  Channels table;
  for (unsigned i = 0; i < kMaxChannels; ++i) {
    EXPECT_EQ(table.want(peer(i), {})->channel, turn::kMinChannel + i);
  }
  EXPECT_EQ(table.want(peer(kMaxChannels), {}).error(), Errc::TooManyChannels);
  EXPECT_EQ(table.want(peer(7), {})->channel, turn::kMinChannel + 7);
  EXPECT_TRUE(table.release(turn::kMinChannel + 7));
  EXPECT_EQ(table.want(peer(kMaxChannels), {})->channel, turn::kMinChannel + 7)
      << "nothing was asked for yet";
}

TEST(ChannelTable, BindsAndRenews) {
  Channels table;
  const uint16_t channel = table.want(peer(1), {})->channel;
  EXPECT_TRUE(table.has_wanted());
  EXPECT_EQ(table.receivable(channel, {}), nullptr);
  EXPECT_EQ(table.take_due({}), channel);
  EXPECT_EQ(table.take_due({}), 0);
  EXPECT_EQ(table.sendable(channel, {}), nullptr);
  EXPECT_EQ(*table.receivable(channel, {}), peer(1));
  EXPECT_TRUE(table.bound(channel, at(600), at(540)));
  EXPECT_EQ(*table.sendable(channel, at(599)), peer(1));
  EXPECT_EQ(table.sendable(channel, at(600)), nullptr);
  EXPECT_EQ(table.next_refresh(), at(540));
  EXPECT_EQ(table.take_due(at(539)), 0);
  EXPECT_EQ(table.take_due(at(540)), channel);
  EXPECT_NE(table.sendable(channel, at(541)), nullptr) << "while it is renewed";
  EXPECT_TRUE(table.want(peer(1), at(541))->is_bound);
  EXPECT_TRUE(table.refused(channel, {})) << "it was bound";
  EXPECT_EQ(table.sendable(channel, at(542)), nullptr);
}

TEST(ChannelTable, KeepsNumberAndPeerTogetherWhileTheyCool) {
  Channels table;
  const uint16_t channel = table.want(peer(1), {})->channel;
  EXPECT_EQ(table.take_due({}), channel);
  EXPECT_TRUE(table.bound(channel, at(600), at(540)));
  EXPECT_TRUE(table.serves(peer(1)));
  EXPECT_TRUE(table.release(channel));
  EXPECT_FALSE(table.release(channel));
  EXPECT_FALSE(table.serves(peer(1)));
  EXPECT_NE(table.receivable(channel, at(599)), nullptr);
  EXPECT_EQ(table.receivable(channel, at(600)), nullptr);
  const uint16_t second = table.want(peer(2), at(899))->channel;
  EXPECT_NE(second, channel);
  EXPECT_EQ(table.want(peer(3), at(900))->channel, channel);
}

TEST(ChannelTable, ARefusalThatMayFollowAnUnheardGrantCoolsToo) {
  Channels table;
  const uint16_t channel = table.want(peer(1), {})->channel;
  EXPECT_EQ(table.take_due({}), channel);
  EXPECT_FALSE(table.refused(channel, at(600)));
  EXPECT_NE(table.want(peer(2), at(1))->channel, channel);
  EXPECT_EQ(table.want(peer(1), at(1))->channel, channel);
  EXPECT_FALSE(table.refused(table.take_due(at(1)), std::nullopt));
}

TEST(ChannelTable, IsReleasedWhileItIsAskedFor) {
  Channels table;
  const uint16_t channel = table.want(peer(1), {})->channel;
  EXPECT_EQ(table.take_due({}), channel);
  EXPECT_TRUE(table.release(channel));
  EXPECT_TRUE(table.is_released(channel));
  EXPECT_FALSE(table.serves(peer(1)));
  EXPECT_FALSE(table.bound(channel, at(600), at(540)));
  EXPECT_NE(table.want(peer(2), at(1))->channel, channel);
  table.clear();
  EXPECT_FALSE(table.has_wanted());
  EXPECT_FALSE(table.release(channel));
}

TEST(ConnectTable, GoesInOrder) {
  Connects table;
  const uint32_t first = *table.want(peer(1));
  const uint32_t second = *table.want(peer(2));
  EXPECT_NE(first, 0U);
  EXPECT_NE(first, second);
  EXPECT_EQ(table.take()->token, first);
  EXPECT_EQ(table.take()->token, second);
  EXPECT_EQ(table.take(), nullptr);
  table.ask_again(first);
  EXPECT_TRUE(table.has_wanted());
  EXPECT_EQ(table.take()->token, first);
  EXPECT_EQ(table.peer(second), peer(2));
  table.end(second);
  EXPECT_EQ(table.peer(second).family, Family::None);
  for (size_t i = 1; i < kMaxConnects; ++i) EXPECT_TRUE(table.want(peer(3)).has_value());
  EXPECT_EQ(table.want(peer(3)).error(), Errc::TooManyConnections);
}

TEST(JitterOfRefreshes, LeavesALeadAndSpreads) {
  Jitter jitter;
  jitter.seed(12345);
  Duration least = Duration::seconds(1000);
  Duration most;
  for (int i = 0; i < 1000; ++i) {
    const Duration wait = jitter.refresh_after(Duration::seconds(600));
    EXPECT_LE(wait, Duration::seconds(540));
    EXPECT_GE(wait, Duration::seconds(510));
    least = std::min(least, wait);
    most = std::max(most, wait);
  }
  EXPECT_LT(least, Duration::seconds(511));
  EXPECT_GT(most, Duration::seconds(539));
  for (const int64_t life : {0, 1, 3, 60, 119}) {
    const Duration wait = jitter.refresh_after(Duration::seconds(life));
    EXPECT_LE(wait, Duration::seconds(life) / 2);
    EXPECT_GE(wait, Duration::seconds(life) / 4);
  }
}

}  // namespace
}  // namespace postern::client
