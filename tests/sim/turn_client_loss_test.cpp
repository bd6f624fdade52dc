// A TURN client on a network that loses, doubles, delays and reorders, and where somebody forges.
#include <functional>
#include <random>

#include "sim/forgery.h"
#include "sim/turn_run.h"

namespace postern::sim {
namespace {

using stun::Method;

// An exchange of each kind, from the allocation to its end.
void live_a_whole_life(TurnRun& run) {
  ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
  run.permit(kPeer);
  run.bind(kOther);
  ASSERT_EQ(run.client.refresh(run.net.now), Errc::Ok);
  run.await(TurnEventKind::Refreshed);
  run.client.close(run.net.now);
  run.await(TurnEventKind::Closed);
  run.net.run_for(Duration::seconds(10));
}
constexpr size_t kPacketsOfALife = 6;  // each way

TEST(Loss, OfAnyPacketIsMadeGood) {
  for (const Direction lossy : {Direction::ToServer, Direction::ToClient}) {
    for (size_t lost = 0; lost < kPacketsOfALife; ++lost) {
      TurnRun run;
      run.net.route = [&](Direction direction, size_t nth) {
        return direction == lossy && nth == lost ? Fate{} : Fate{kLatency};
      };
      live_a_whole_life(run);
      EXPECT_EQ(run.events.size(), 5U);
      EXPECT_EQ(run.requests.size(), kPacketsOfALife + 1);
      EXPECT_EQ(run.requests[lost], run.requests[lost + 1]) << "byte for byte the same";
      EXPECT_EQ(run.server.allocations().size(), 0U);
      const unsigned again = lossy == Direction::ToClient ? 1 : 0;
      EXPECT_EQ(run.server.violations.retransmissions, again);
      EXPECT_EQ(run.server.violations.unsigned_requests, 1U);
      EXPECT_EQ(run.server.violations.allocation_mismatch, 0U);
    }
  }
}

// A server that evaluates a retransmission anew may refuse what it has granted before, unheard.
TEST(Loss, AChannelThatMayBeBoundKeepsItsPeer) {
  TurnRun run;
  ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
  run.net.route = [&, first = true](Direction direction, size_t) mutable {
    if (direction == Direction::ToServer || !first) return Fate{kLatency};
    first = false;
    // Its memory of the answer is gone.
    run.server.refuse_next(Method::ChannelBind, {.code = 508});
    return Fate{};
  };
  const auto channel = run.client.bind_channel(run.net.now, kPeer);
  ASSERT_TRUE(channel.has_value());
  run.net.run_for(ms(100));
  EXPECT_EQ(run.at_server()->channels.size(), 1U);
  run.server.forget_answers();
  run.await(TurnEventKind::ChannelFailed);
  EXPECT_NE(run.bind(kOther), *channel);
  EXPECT_EQ(run.bind(kPeer), *channel);
  EXPECT_EQ(run.server.violations.channel_conflict, 0U);
}

TEST(Loss, DuplicatesChangeNothing) {
  TurnRun run;
  run.net.route = [](Direction, size_t) { return Fate{kLatency, kLatency + ms(5), ms(300)}; };
  live_a_whole_life(run);
  EXPECT_EQ(run.events.size(), 5U);
  EXPECT_EQ(run.requests.size(), kPacketsOfALife);
  // Each of the three copies of a request gets an answer, and of each three copies arrive.
  const client::TurnClientStats& stats = run.client.stats();
  EXPECT_EQ(stats.late + stats.unknown_transaction, 8 * kPacketsOfALife);
  EXPECT_EQ(stats.malformed + stats.bad_integrity + stats.unexpected, 0U);
}

TEST(Loss, AnswersThatAreLateComeToo) {
  TurnRun run;
  run.net.route = [](Direction direction, size_t) {
    return Fate{direction == Direction::ToClient ? ms(2000) : kLatency};
  };
  live_a_whole_life(run);
  EXPECT_EQ(run.events.size(), 5U);
  EXPECT_EQ(run.server.allocations().size(), 0U);
  EXPECT_GT(run.client.stats().late, 0U);
}

TEST(Loss, DataThatOvertakesTheAnswerComesThrough) {
  TurnRun run;
  ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
  size_t held = SIZE_MAX;
  run.net.route = [&](Direction direction, size_t nth) {
    if (direction == Direction::ToClient && held == SIZE_MAX) held = nth;
    return Fate{direction == Direction::ToClient && nth == held ? ms(400) : kLatency};
  };
  ASSERT_EQ(run.client.permit(run.net.now, kPeer), Errc::Ok);
  run.net.run_for(ms(25));
  run.peer_sends(kPeer, text("first"));
  run.net.run_for(ms(100));
  EXPECT_EQ(run.count(TurnEventKind::Permitted), 0U);
  EXPECT_EQ(run.received.size(), 1U);
  run.await(TurnEventKind::Permitted);
}

TEST(Loss, WhatComesFromElsewhereIsNotTheServers) {
  TurnRun run;
  ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
  ASSERT_EQ(run.client.permit(run.net.now, kPeer), Errc::Ok);
  run.net.drain();
  // The true answer, from the wrong place.
  const auto replies = run.server.handle(run.net.now, run.requests.back(), run.net.tuple);
  run.net.inject({}, replies[0].bytes, kStranger);
  run.net.inject({}, replies[0].bytes, TransportAddress::ipv4(192, 0, 2, 1, 3479));
  run.net.run_for(ms(5));
  EXPECT_EQ(run.client.stats().wrong_source, 2U);
  EXPECT_EQ(run.count(TurnEventKind::Permitted), 0U);
  run.await(TurnEventKind::Permitted);
}

struct Exchange {
  std::string name;
  std::function<void(TurnRun&)> start;
  TurnEventKind success;
};

TEST(Forged, AnswersChangeNothing) {
  const std::vector<Exchange> exchanges = {
      {"permit", [](TurnRun& run) { ASSERT_EQ(run.client.permit(run.net.now, kPeer), Errc::Ok); },
       TurnEventKind::Permitted},
      {"bind",
       [](TurnRun& run) { ASSERT_TRUE(run.client.bind_channel(run.net.now, kPeer).has_value()); },
       TurnEventKind::ChannelBound},
      {"refresh", [](TurnRun& run) { ASSERT_EQ(run.client.refresh(run.net.now), Errc::Ok); },
       TurnEventKind::Refreshed},
      {"close", [](TurnRun& run) { run.client.close(run.net.now); }, TurnEventKind::Closed},
  };
  for (const Exchange& exchange : exchanges) {
    TurnRun run;
    ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
    const size_t before = run.events.size();
    exchange.start(run);
    run.net.drain();
    const Message request = run.requests.back();
    unsigned sent = 0;
    for (const Forgery forgery : {Forgery::Unsigned, Forgery::Sha1, Forgery::Sha256}) {
      run.net.inject({}, forged_success(request, forgery));
      ++sent;
      for (const uint16_t code :
           std::initializer_list<uint16_t>{300, 403, 420, 437, 441, 486, 500, 508}) {
        run.net.inject({}, forged_error(request, code, forgery));
        ++sent;
      }
    }
    // An unsigned 400 may be an honest server's, and is no reason to believe it.
    run.net.inject({}, forged_error(request, 400, Forgery::Unsigned));
    run.net.run_for(ms(10));
    EXPECT_EQ(run.events.size(), before) << exchange.name;
    EXPECT_EQ(run.client.stats().bad_integrity, sent) << exchange.name;
    EXPECT_EQ(run.client.stats().ignored, 1U);
    EXPECT_EQ(run.await(exchange.success).errc, Errc::Ok);
    EXPECT_EQ(run.client.allocation().lifetime_seconds, 600U);
    EXPECT_NE(run.relayed(), kForged);
  }
}

TEST(Forged, AnswersToTheSignedAllocateChangeNothing) {
  TurnRun run;
  run.net.refill();
  ASSERT_EQ(run.client.allocate(run.net.now), Errc::Ok);
  run.net.run_for(ms(45));
  ASSERT_EQ(run.requests.size(), 2U);
  for (const Forgery forgery : {Forgery::Unsigned, Forgery::Sha1, Forgery::Sha256}) {
    run.net.inject({}, forged_success(run.requests[1], forgery));
    run.net.inject({}, forged_error(run.requests[1], 300, forgery));
  }
  run.net.run_for(ms(5));
  EXPECT_EQ(run.client.stats().bad_integrity, 6U);
  EXPECT_TRUE(run.events.empty());
  run.await(TurnEventKind::Allocated);
  EXPECT_NE(run.relayed(), kForged);
}

// A forged 401 or 438 without integrity cannot be told from a server's. It costs a round, no more.
TEST(Forged, ChallengesCostARoundAtMost) {
  for (const uint16_t code : std::initializer_list<uint16_t>{401, 438}) {
    TurnRun run;
    ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
    ASSERT_EQ(run.client.permit(run.net.now, kPeer), Errc::Ok);
    run.net.drain();
    ResponseBuilder builder(parse(run.requests.back()), stun::Class::Error);
    builder.error(code, "forged")
        .add<stun::AttributeType::Realm>(as_bytes("example.org"))
        .add<stun::AttributeType::Nonce>(as_bytes("forged"));
    run.net.inject(ms(1), builder.build());
    run.await(TurnEventKind::Permitted);
    EXPECT_TRUE(run.client.is_allocated());
  }
}

TEST(Garbage, IsCountedAndDropped) {
  for (const Path& path : {kDatagrams, kFramed}) {
    TurnRun run(path);
    ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
    run.permit(kPeer);
    std::mt19937 random(3);
    for (int i = 0; i < 5000; ++i) {
      Message bytes(random() % 100);
      for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
      // Half of them with a head that looks right.
      if (i % 2 == 0 && bytes.size() >= 20) {
        std::copy_n(run.requests.back().begin(), 20, bytes.begin());
        bytes[0] = static_cast<uint8_t>(random() % 2);
        store_be16(&bytes[2], static_cast<uint16_t>((bytes.size() - 20) & ~size_t{3}));
      }
      run.net.inject(Duration::microseconds(i), bytes);
    }
    run.net.inject(ms(6), {});
    run.net.run_for(ms(100));
    EXPECT_EQ(run.events.size(), 2U);
    EXPECT_TRUE(run.received.empty());
    EXPECT_GT(run.client.stats().malformed, 1000U);
    run.permit(kOther);
    EXPECT_TRUE(run.is_clean());
  }
}

}  // namespace
}  // namespace postern::sim
