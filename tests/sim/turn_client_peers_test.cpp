// Permissions and channels of a TURN client, and the data that goes by them.
#include "sim/allocation_counter.h"
#include "sim/hand_client.h"
#include "sim/turn_run.h"
#include "turn/lifetimes.h"

namespace postern::sim {
namespace {

using stun::Method;

class Peers : public ::testing::TestWithParam<Path> {};

TEST_P(Peers, SharePermissionRequests) {
  for (const unsigned count : {1U, 16U, 40U}) {
    TurnRun run(GetParam());
    ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
    for (const TransportAddress& peer : peers_up_to(count)) {
      ASSERT_EQ(run.client.permit(run.net.now, peer), Errc::Ok);
      ASSERT_EQ(run.client.permit(run.net.now, peer), Errc::Ok) << "as if once";
    }
    run.net.run_for(Duration::seconds(2));
    EXPECT_EQ(run.count(TurnEventKind::Permitted), count);
    EXPECT_EQ(run.requested(Method::CreatePermission), (count + 15) / 16);
    EXPECT_EQ(run.at_server()->permissions.size(), count);
    // The renewal, in time and together.
    run.net.run_for(Duration::seconds(1200));
    EXPECT_LE(run.requested(Method::CreatePermission), 7 * ((count + 15) / 16));
    EXPECT_GE(run.requested(Method::CreatePermission), 5 * ((count + 15) / 16));
    for (const TransportAddress& peer : peers_up_to(count)) {
      EXPECT_TRUE(run.at_server()->permits(run.net.now, peer));
    }
    EXPECT_EQ(run.count(TurnEventKind::Permitted), count) << "renewals are not told";
    EXPECT_TRUE(run.is_clean());
  }
}

TEST_P(Peers, OneThatIsRefusedSpoilsItForNoOther) {
  TurnRun run(GetParam(), {.server = {.forbidden_peers = {peer_number(7)}}});
  ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
  for (const TransportAddress& peer : peers_up_to(20)) {
    ASSERT_EQ(run.client.permit(run.net.now, peer), Errc::Ok);
  }
  run.net.run_for(Duration::seconds(5));
  EXPECT_EQ(run.count(TurnEventKind::Permitted), 19U);
  const TurnRecord failed = run.last(TurnEventKind::PermissionFailed);
  EXPECT_EQ(failed.error_code, 403);
  EXPECT_TRUE(failed.peer.is_same_host(peer_number(7)));
  EXPECT_EQ(run.events.size(), 21U);
  // ... nor later on, when the permissions are renewed.
  run.server.options.forbidden_peers = {peer_number(9)};
  run.net.run_for(Duration::seconds(300));
  EXPECT_EQ(run.events.size(), 22U);
  EXPECT_EQ(run.events.back().kind, TurnEventKind::PermissionLost);
  EXPECT_EQ(run.events.back().error_code, 403);
  EXPECT_TRUE(run.events.back().peer.is_same_host(peer_number(9)));
  std::array<uint8_t, 100> out{};
  EXPECT_EQ(run.client.write_data(run.net.now, peer_number(9), {}, false, out).error(),
            Errc::PermissionNeeded);
  // It may be asked for again.
  run.server.options.forbidden_peers.clear();
  run.permit(peer_number(9));
}

TEST_P(Peers, PermissionThatIsReleasedLapses) {
  TurnRun run(GetParam());
  ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
  run.permit(kPeer);
  ASSERT_EQ(run.client.release_permission(run.net.now, kPeer), Errc::Ok);
  std::array<uint8_t, 100> out{};
  EXPECT_EQ(run.client.write_data(run.net.now, kPeer, {}, false, out).error(),
            Errc::PermissionNeeded);
  run.peer_sends(kPeer, text("late"));
  run.net.run_for(Duration::seconds(301));
  EXPECT_TRUE(run.received.empty());
  EXPECT_EQ(run.client.stats().unpermitted, 1U);
  EXPECT_FALSE(run.at_server()->permits(run.net.now, kPeer));
  EXPECT_EQ(run.requested(Method::CreatePermission), 1U);
}

TEST_P(Peers, PermissionThatIsReleasedWhileItIsAskedForIsNotTold) {
  TurnRun run(GetParam());
  ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
  ASSERT_EQ(run.client.permit(run.net.now, kPeer), Errc::Ok);
  ASSERT_EQ(run.client.permit(run.net.now, kOther), Errc::Ok);
  run.net.drain();
  ASSERT_EQ(run.client.release_permission(run.net.now, kPeer), Errc::Ok);
  run.net.run_for(Duration::seconds(1));
  ASSERT_EQ(run.events.size(), 2U);
  EXPECT_TRUE(run.events[1].peer.is_same_host(kOther));
  // And when it is wanted after all, it is.
  run.server.options.forbidden_peers = {kPeer};
  ASSERT_EQ(run.client.permit(run.net.now, kPeer), Errc::Ok);
  run.net.drain();
  ASSERT_EQ(run.client.release_permission(run.net.now, kPeer), Errc::Ok);
  ASSERT_EQ(run.client.permit(run.net.now, kPeer), Errc::Ok);
  EXPECT_EQ(run.await(TurnEventKind::PermissionFailed).error_code, 403);
}

// A computer that slept: the permission has run out, and whoever asks for it hears of it when it
// is there again, not before.
TEST_P(Peers, PermissionThatHasRunOutIsAskedForAnew) {
  TurnRun run(GetParam());
  ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
  run.permit(kPeer);
  run.net.now = run.net.now + Duration::seconds(320);
  ASSERT_EQ(run.client.permit(run.net.now, kPeer), Errc::Ok);
  run.net.drain();
  EXPECT_EQ(run.count(TurnEventKind::Permitted), 1U);
  run.await(TurnEventKind::Permitted);
  run.send(kPeer, text("awake"));
}

TEST_P(Peers, AreLimited) {
  TurnRun run(GetParam());
  ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
  for (unsigned i = 0; i < client::kMaxPermissions; ++i) {
    ASSERT_EQ(run.client.permit(run.net.now, peer_number(i)), Errc::Ok);
  }
  EXPECT_EQ(run.client.permit(run.net.now, kPeer), Errc::TooManyPermissions);
  EXPECT_EQ(run.client.bind_channel(run.net.now, kPeer).error(), Errc::TooManyPermissions);
  run.net.run_for(Duration::seconds(5));
  EXPECT_EQ(run.count(TurnEventKind::Permitted), client::kMaxPermissions);
  EXPECT_EQ(run.requested(Method::CreatePermission), client::kMaxPermissions / 16);
  EXPECT_EQ(run.client.release_permission(run.net.now, peer_number(0)), Errc::Ok);
  run.permit(kPeer);
}

TEST_P(Peers, DataByIndication) {
  TurnRun run(GetParam());
  ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
  run.permit(kPeer);
  for (const size_t size : {0U, 1U, 2U, 3U, 4U, 1200U, 9000U}) {
    Message data(size, static_cast<uint8_t>(size));
    run.send(kPeer, data);
    run.peer_sends(kPeer, data);
    run.net.run_for(ms(100));
    ASSERT_FALSE(run.received.empty());
    EXPECT_EQ(run.received.back().data, data);
    EXPECT_EQ(run.received.back().peer, kPeer);
    EXPECT_EQ(run.received.back().channel, 0);
    EXPECT_EQ(run.server.to_peers.back().data, data);
    EXPECT_EQ(run.server.to_peers.back().peer, kPeer);
  }
  EXPECT_TRUE(run.is_clean());
}

TEST_P(Peers, DataByChannel) {
  for (const bool pads : {false, true}) {
    TurnRun run(GetParam(), {.server = {.pads_datagrams = pads}});
    ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
    const uint16_t channel = run.bind(kPeer);
    EXPECT_EQ(channel, 0x4000);
    EXPECT_EQ(run.bind(kOther), 0x4001);
    for (const size_t size : {0U, 1U, 2U, 3U, 4U, 1200U, 65'507U}) {
      Message data(size, static_cast<uint8_t>(size));
      run.send(channel, data);
      run.peer_sends(kPeer, data);
      run.net.run_for(ms(100));
      ASSERT_FALSE(run.received.empty());
      EXPECT_EQ(run.received.back().data, data);
      EXPECT_EQ(run.received.back().peer, kPeer);
      EXPECT_EQ(run.received.back().channel, channel);
      EXPECT_EQ(run.server.to_peers.back().data, data);
      EXPECT_EQ(run.server.to_peers.back().channel, channel);
    }
    EXPECT_TRUE(run.is_clean());
  }
}

TEST_P(Peers, DataThatIsTooLongIsNotWritten) {
  TurnRun run(GetParam());
  ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
  const uint16_t channel = run.bind(kPeer);
  std::vector<uint8_t> out(80'000);
  EXPECT_EQ(run.client.write_channel_data(run.net.now, channel, Message(0x10000), out).error(),
            Errc::PayloadTooLong);
  EXPECT_EQ(run.client.write_data(run.net.now, kPeer, Message(0x10000), false, out).error(),
            Errc::PayloadTooLong);
  const std::span<uint8_t> small = std::span(out).first(50);
  EXPECT_EQ(run.client.write_channel_data(run.net.now, channel, Message(60), small).error(),
            Errc::PayloadTooLong);
  EXPECT_EQ(run.client.write_data(run.net.now, kPeer, Message(60), false, small).error(),
            Errc::PayloadTooLong);
  EXPECT_EQ(run.client.write_channel_data(run.net.now, 0x4001, {}, out).error(),
            Errc::NoSuchChannel);
}

// The server may let the peer's data through before its answer has arrived.
TEST_P(Peers, DataBeforeTheAnswerToTheChannelBind) {
  TurnRun run(GetParam());
  ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
  const auto channel = run.client.bind_channel(run.net.now, kPeer);
  ASSERT_TRUE(channel.has_value());
  run.net.drain();
  run.net.inject(ms(1), HandClient::channel_data(*channel, text("soon")));
  run.net.run_for(ms(5));
  ASSERT_EQ(run.received.size(), 1U);
  EXPECT_EQ(run.received[0].data, text("soon"));
  EXPECT_EQ(run.received[0].peer, kPeer);
  EXPECT_EQ(run.count(TurnEventKind::ChannelBound), 0U);
  std::array<uint8_t, 100> out{};
  EXPECT_EQ(run.client.write_channel_data(run.net.now, *channel, {}, out).error(),
            Errc::NoSuchChannel);
}

TEST_P(Peers, ChannelIsRenewedAndItsPermissionToo) {
  TurnRun run(GetParam());
  ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
  const uint16_t channel = run.bind(kPeer);
  // The channel needs the permission, whoever releases it.
  ASSERT_EQ(run.client.release_permission(run.net.now, kPeer), Errc::Ok);
  for (int minute = 0; minute < 60; ++minute) {
    run.net.run_for(Duration::seconds(60));
    run.send(channel, text("out"));
    run.peer_sends(kPeer, text("in"));
  }
  run.net.run_for(Duration::seconds(1));
  EXPECT_EQ(run.received.size(), 60U);
  EXPECT_EQ(run.server.to_peers.size(), 60U);
  EXPECT_EQ(run.events.size(), 2U) << "renewals are not told";
  EXPECT_LE(run.requested(Method::ChannelBind), 8U);
  EXPECT_TRUE(run.is_clean());
  // Asked for again, it is the same.
  EXPECT_EQ(run.bind(kPeer), channel);
}

TEST_P(Peers, NumberOfAReleasedChannelWaitsForItsTime) {
  TurnRun run(GetParam());
  ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
  const uint16_t channel = run.bind(kPeer);
  ASSERT_EQ(run.client.release_channel(run.net.now, channel), Errc::Ok);
  EXPECT_EQ(run.client.release_channel(run.net.now, channel), Errc::NoSuchChannel);
  std::array<uint8_t, 100> out{};
  EXPECT_EQ(run.client.write_channel_data(run.net.now, channel, {}, out).error(),
            Errc::NoSuchChannel);
  // Data that comes by it is the peer's still, also while it is wanted again.
  run.peer_sends(kPeer, text("one"));
  run.net.run_for(ms(100));
  ASSERT_EQ(run.received.size(), 1U);
  const auto again = run.client.bind_channel(run.net.now, kPeer);
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(*again, channel) << "the peer keeps its number";
  static_cast<void>(run.client.handle_datagram(
      run.net.now, HandClient::channel_data(channel, text("two")), kServer));
  EXPECT_EQ(run.client.stats().unknown_channel, 0U);
  run.await(TurnEventKind::ChannelBound);
  ASSERT_EQ(run.client.release_channel(run.net.now, channel), Errc::Ok);

  EXPECT_NE(run.bind(kOther), channel);
  run.net.run_for(turn::kChannelLifetime + turn::kChannelReuseWait - Duration::seconds(2));
  EXPECT_NE(run.bind(peer_number(1)), channel);
  run.net.run_for(Duration::seconds(4));
  EXPECT_EQ(run.bind(peer_number(2)), channel);
  EXPECT_TRUE(run.is_clean());
}

TEST_P(Peers, ChannelThatIsReleasedWhileItIsAskedForIsNotTold) {
  for (const bool is_refused : {false, true}) {
    TurnRun run(GetParam());
    if (is_refused) run.server.options.forbidden_peers = {kPeer};
    ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
    const auto channel = run.client.bind_channel(run.net.now, kPeer);
    run.net.drain();
    ASSERT_EQ(run.client.release_channel(run.net.now, *channel), Errc::Ok);
    run.net.run_for(Duration::seconds(1));
    EXPECT_EQ(run.events.size(), 1U);
    EXPECT_EQ(run.bind(kOther), is_refused ? *channel : *channel + 1);
    EXPECT_TRUE(run.is_clean());
  }
}

TEST_P(Peers, ChannelThatIsRefused) {
  TurnRun run(GetParam(), {.server = {.forbidden_peers = {kPeer}}});
  ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
  const auto channel = run.client.bind_channel(run.net.now, kPeer);
  ASSERT_TRUE(channel.has_value());
  const TurnRecord failed = run.await(TurnEventKind::ChannelFailed);
  EXPECT_EQ(failed.error_code, 403);
  EXPECT_EQ(failed.number, *channel);
  EXPECT_EQ(failed.peer, kPeer);
  EXPECT_EQ(run.bind(kOther), *channel) << "nothing was bound";
  run.server.options.forbidden_peers = {kOther};
  run.net.run_for(Duration::seconds(600));
  const TurnRecord lost = run.last(TurnEventKind::ChannelLost);
  EXPECT_EQ(lost.number, *channel);
  EXPECT_EQ(lost.peer, kOther);
  EXPECT_EQ(run.count(TurnEventKind::ChannelLost), 1U);
}

TEST_P(Peers, ChannelsAreLimited) {
  // As many ports of one host, which has one permission.
  TurnRun run(GetParam());
  ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
  TransportAddress peer = kPeer;
  for (unsigned i = 0; i < client::kMaxChannels; ++i) {
    peer.port = static_cast<uint16_t>(i + 1);
    ASSERT_TRUE(run.client.bind_channel(run.net.now, peer).has_value());
  }
  peer.port = 60'000;
  EXPECT_EQ(run.client.bind_channel(run.net.now, peer).error(), Errc::TooManyChannels);
  EXPECT_EQ(run.client.bind_channel(run.net.now, kOther).error(), Errc::TooManyChannels);
  peer.port = 1024;
  EXPECT_EQ(*run.client.bind_channel(run.net.now, peer), 0x4000 + 1023);
  run.client.close(run.net.now);
}

TEST_P(Peers, WithoutPermissionAreNotHeard) {
  TurnRun run(GetParam());
  ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
  run.permit(kPeer);
  HandClient writer(run.server);
  const auto indication = [&](const TransportAddress& peer) {
    return writer.indication(Method::Data, [&](stun::MessageWriter& message) {
      message.add<stun::AttributeType::XorPeerAddress>(peer);
      message.add<stun::AttributeType::Data>(as_bytes("data"));
    });
  };
  run.net.inject(ms(1), indication(kOther));
  run.net.inject(ms(1), HandClient::channel_data(0x4000, text("data")));
  run.net.inject(ms(1), HandClient::channel_data(0x4FFF, text("data")));
  run.net.inject(ms(1), indication(kPeer));
  run.net.inject(ms(1), writer.indication(Method::Send));
  run.net.inject(ms(1), writer.indication(Method::Data));
  run.net.inject(ms(1), writer.unsigned_request(Method::Binding));
  run.net.run_for(ms(10));
  EXPECT_EQ(run.received.size(), 1U);
  EXPECT_EQ(run.client.stats().unpermitted, 1U);
  EXPECT_EQ(run.client.stats().unknown_channel, 2U);
  EXPECT_EQ(run.client.stats().unexpected, 2U);
  EXPECT_EQ(run.client.stats().malformed, 1U);
}

TEST_P(Peers, IcmpIsTold) {
  TurnRun run(GetParam());
  ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
  run.permit(kPeer);
  run.net.carry(run.server.peer_icmp(run.net.now, kPeer, run.relayed(),
                                     {.type = 3, .code = 4, .data = 1280}));
  const TurnRecord icmp = run.await(TurnEventKind::Icmp);
  EXPECT_EQ(icmp.number, 0x304U);
  EXPECT_EQ(icmp.detail, 1280U);
  EXPECT_EQ(icmp.peer, kPeer);
  // Nobody takes them: what does not fit is counted.
  run.takes_events = false;
  for (int i = 0; i < 100; ++i) {
    run.net.carry(run.server.peer_icmp(run.net.now, kPeer, run.relayed(), {.type = 3, .code = 1}));
  }
  run.net.run_for(ms(100));
  EXPECT_EQ(run.client.stats().dropped_events, 100 - client::kMaxQueuedEvents);
}

// The way of data takes no memory.
TEST_P(Peers, DataAllocatesNothing) {
  TurnRun run(GetParam());
  ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
  const uint16_t channel = run.bind(kPeer);
  run.permit(kOther);
  const Message data(1199, 0xDA);
  Message arriving = HandClient::channel_data(channel, data);
  HandClient writer(run.server);
  const Message indication = writer.indication(Method::Data, [&](stun::MessageWriter& message) {
    message.add<stun::AttributeType::XorPeerAddress>(kOther);
    message.add<stun::AttributeType::Data>(data);
  });
  if (GetParam().is_stream()) arriving.resize((arriving.size() + 3) / 4 * 4);
  arriving.insert(arriving.end(), indication.begin(), indication.end());
  std::array<uint8_t, 1500> out{};
  size_t heard = 0;
  const uint64_t before = allocations_so_far();
  for (int i = 0; i < 10'000; ++i) {
    ASSERT_TRUE(run.client.write_channel_data(run.net.now, channel, data, out).has_value());
    ASSERT_TRUE(run.client.write_data(run.net.now, kOther, data, false, out).has_value());
    if (!GetParam().is_stream()) {
      const stun::Bytes both = arriving;
      const size_t first = arriving.size() - indication.size();
      heard += run.client.handle_datagram(run.net.now, both.first(first), kServer) ? 1 : 0;
      heard += run.client.handle_datagram(run.net.now, both.subspan(first), kServer) ? 1 : 0;
      continue;
    }
    for (stun::Bytes rest = arriving; !rest.empty();) {
      const stun::Bytes piece = rest.first(std::min<size_t>(rest.size(), 1000));
      run.client.feed_stream(run.net.now, piece);
      while (run.client.next_from_stream(run.net.now)) ++heard;
      rest = rest.subspan(piece.size());
    }
  }
  EXPECT_EQ(allocations_so_far(), before);
  EXPECT_EQ(heard, 20'000U);
}

INSTANTIATE_TEST_SUITE_P(Paths, Peers, ::testing::Values(kDatagrams, kStream, kFramed), path_name);

// Data both ways over streams that are cut anywhere.
class Pieces : public ::testing::TestWithParam<Path> {};

TEST_P(Pieces, ArriveWhole) {
  TurnRun run(GetParam());
  ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
  const uint16_t channel = run.bind(kPeer);
  run.permit(kOther);
  for (const size_t size : {0U, 1U, 5U, 300U, 3000U}) {
    const Message data(size, static_cast<uint8_t>(size));
    run.send(channel, data);
    run.send(kOther, data);
    run.peer_sends(kPeer, data);
    run.peer_sends(kOther, data);
    run.net.run_for(ms(100));
    ASSERT_GE(run.received.size(), 2U);
    EXPECT_EQ(run.received[run.received.size() - 2].data, data);
    EXPECT_EQ(run.received.back().data, data);
    EXPECT_EQ(run.received.back().peer, kOther);
  }
  EXPECT_EQ(run.server.to_peers.size(), 10U);
  EXPECT_TRUE(run.is_clean());
}

INSTANTIATE_TEST_SUITE_P(Streams, Pieces, ::testing::ValuesIn(all_streams()), path_name);

}  // namespace
}  // namespace postern::sim
