// The server that we ship: permissions, channels and data (RFC 8656 sections 9 to 12).
#include <gtest/gtest.h>

#include <functional>
#include <iostream>
#include <string>

#include "sim/allocation_counter.h"
#include "sim/server_fixture.h"

namespace postern::sim {
namespace {

using stun::AttributeType;
using stun::MessageWriter;
using stun::Method;

class Peers : public ServerTest {
 protected:
  Peers() { EXPECT_TRUE(client.allocate().is_success()); }
};

TEST_F(Peers, AreHeardWithPermissionOnly) {
  EXPECT_FALSE(hears(kPeer));
  ASSERT_TRUE(client.permit(kPeer).is_success());
  TransportAddress other_port = kPeer;
  other_port.port += 1;
  EXPECT_TRUE(hears(other_port));
  EXPECT_FALSE(hears(kOther));
  wait(300);
  EXPECT_FALSE(hears(kPeer));
}

TEST_F(Peers, SeveralInOneRequest) {
  const Reply reply = client.ask(Method::CreatePermission, [](MessageWriter& writer) {
    writer.add<AttributeType::XorPeerAddress>(kPeer);
    writer.add<AttributeType::XorPeerAddress>(kOther);
  });
  EXPECT_TRUE(reply.is_success());
  EXPECT_TRUE(hears(kPeer) && hears(kOther));
  // All or none.
  const auto third = TransportAddress::ipv4(198, 51, 100, 77, 1);
  const Reply refused = client.ask(Method::CreatePermission, [&](MessageWriter& writer) {
    writer.add<AttributeType::XorPeerAddress>(third);
    writer.add<AttributeType::XorPeerAddress>(TransportAddress::ipv4(127, 0, 0, 1, 1));
  });
  EXPECT_EQ(refused.code(), 403);
  EXPECT_FALSE(hears(third));
}

TEST_F(Peers, ThatPolicyForbids) {
  for (const auto& address :
       {TransportAddress::ipv4(127, 0, 0, 1, 80), TransportAddress::ipv4(10, 0, 0, 1, 80),
        TransportAddress::ipv4(169, 254, 169, 254, 80), TransportAddress::ipv4(0, 0, 0, 0, 80),
        TransportAddress::ipv4(224, 0, 0, 1, 80)}) {
    EXPECT_EQ(client.permit(address).code(), 403);
    EXPECT_EQ(client.bind(0x4000, address).code(), 403);
    EXPECT_FALSE(hears(address));
  }
  EXPECT_EQ(host.core.stats().forbidden_peers, 10U);
}

TEST_F(Peers, BadRequests) {
  EXPECT_EQ(client.ask(Method::CreatePermission).code(), 400);
  EXPECT_EQ(client.permit(kFarPeer).code(), 443);
  EXPECT_EQ(client.bind(0x4000, kFarPeer).code(), 443);
  EXPECT_EQ(client.bind(0x3FFF, kPeer).code(), 400);
  EXPECT_EQ(client.bind(0x5000, kPeer).code(), 400);
  EXPECT_EQ(client.ask(Method::ChannelBind).code(), 400);
  ASSERT_TRUE(client.bind(0x4000, kPeer).is_success());
  EXPECT_TRUE(client.bind(0x4000, kPeer).is_success());
  EXPECT_EQ(client.bind(0x4000, kOther).code(), 400);
  EXPECT_EQ(client.bind(0x4001, kPeer).code(), 400);
}

TEST_F(Peers, DataByIndication) {
  ASSERT_TRUE(client.permit(kPeer).is_success());
  send(kPeer, "hello");
  ASSERT_EQ(host.to_peers.size(), 1U);
  EXPECT_EQ(host.to_peers[0].peer, kPeer);
  EXPECT_EQ(host.to_peers[0].relayed, client.relayed());
  EXPECT_EQ(host.to_peers[0].data, text("hello"));
  const Reply data(from_peer(kPeer, "and back").bytes);
  EXPECT_TRUE(data.view().is(stun::Class::Indication, Method::Data));
  EXPECT_EQ(*data.get<AttributeType::XorPeerAddress>(), kPeer);
  EXPECT_EQ(as_text(*data.get<AttributeType::Data>()), "and back");
  // Without permission, on nobody's allocation, and of the wrong form: dropped and counted.
  send(kOther, "no");
  client.tell(client.indication(Method::Send));
  client.tuple.client.port += 1;
  send(kPeer, "no");
  EXPECT_EQ(host.to_peers.size(), 1U);
  EXPECT_EQ(host.core.stats().without_permission, 1U);
  EXPECT_EQ(host.core.stats().bad_indication, 1U);
  EXPECT_EQ(host.core.stats().without_allocation, 1U);
}

TEST_F(Peers, DataByChannel) {
  ASSERT_TRUE(client.bind(0x4001, kPeer).is_success());
  client.tell(HandClient::channel_data(0x4001, as_bytes("out")));
  ASSERT_EQ(host.to_peers.size(), 1U);
  EXPECT_EQ(host.to_peers[0].data, text("out"));
  EXPECT_EQ(from_peer(kPeer, "in").bytes, HandClient::channel_data(0x4001, as_bytes("in")));
  // Padding that UDP does not need is not data.
  Message padded = HandClient::channel_data(0x4001, as_bytes("abc"));
  padded.push_back(0);
  client.tell(padded);
  EXPECT_EQ(host.to_peers[1].data, text("abc"));
  client.tell(HandClient::channel_data(0x4002, as_bytes("no")));
  EXPECT_EQ(host.core.stats().unknown_channel, 1U);
  Message cut = HandClient::channel_data(0x4001, as_bytes("abc"));
  cut.pop_back();
  client.tell(cut);
  client.tell(Message{0x40});
  EXPECT_EQ(host.core.stats().malformed, 2U);
  EXPECT_EQ(host.to_peers.size(), 2U);
}

TEST_F(Peers, ChannelsLapseAndKeepTheirNumbersForAWhile) {
  ASSERT_TRUE(client.bind(0x4001, kPeer).is_success());
  ASSERT_TRUE(client.refresh(3600).is_success());
  wait(299);
  EXPECT_TRUE(hears(kPeer));
  wait(2);
  EXPECT_FALSE(hears(kPeer));  // the permission has lapsed, the channel has not
  client.tell(HandClient::channel_data(0x4001, as_bytes("no")));
  EXPECT_EQ(host.core.stats().without_permission, 1U);
  wait(300);
  client.tell(HandClient::channel_data(0x4001, as_bytes("no")));
  EXPECT_EQ(host.core.stats().unknown_channel, 1U);
  EXPECT_EQ(client.refresh(3600).code(), 438);
  EXPECT_EQ(client.bind(0x4001, kOther).code(), 400);
  EXPECT_EQ(client.bind(0x4002, kPeer).code(), 400);
  wait(300);
  EXPECT_TRUE(client.bind(0x4001, kOther).is_success());
  EXPECT_TRUE(client.bind(0x4002, kPeer).is_success());
}

TEST_F(Peers, LargeDatagramsFitOrAreDropped) {
  ASSERT_TRUE(client.bind(0x4001, kPeer).is_success());
  ASSERT_TRUE(client.permit(kOther).is_success());
  const Message most(65507, 1);
  const auto by_channel = host.peer_send(client.now, kPeer, client.relayed(), most);
  EXPECT_EQ(by_channel->bytes.size(), most.size() + 4);
  EXPECT_FALSE(host.peer_send(client.now, kOther, client.relayed(), Message(65536, 1)));
  const auto empty = host.peer_send(client.now, kOther, client.relayed(), {});
  ASSERT_TRUE(empty);
  EXPECT_EQ(Reply(empty->bytes).get<AttributeType::Data>()->size(), 0U);
}

TEST_F(Peers, Icmp) {
  ASSERT_TRUE(client.permit(kPeer).is_success());
  std::array<uint8_t, 128> out;
  const stun::kind::IcmpErrorValue icmp = {.type = 3, .code = 4, .data = 1400};
  const auto relay = *host.relay_at(client.relayed());
  const auto told = host.core.handle_icmp(client.now, relay, kPeer, icmp, out);
  ASSERT_TRUE(told);
  const Reply data(Message(out.begin(), out.begin() + static_cast<ptrdiff_t>(told->bytes)));
  EXPECT_EQ(*data.get<AttributeType::Icmp>(), icmp);
  EXPECT_FALSE(data.has(AttributeType::Data));
  EXPECT_FALSE(host.core.handle_icmp(client.now, relay, kOther, icmp, out));
}

TEST_F(Peers, TwoClientsThroughTheirRelays) {
  HandClient other(host);
  other.tuple.client.port += 1;
  ASSERT_TRUE(other.allocate().is_success());
  ASSERT_TRUE(client.bind(0x4001, other.relayed()).is_success());
  ASSERT_TRUE(other.bind(0x4002, client.relayed()).is_success());
  const auto there =
      host.handle(client.now, HandClient::channel_data(0x4001, as_bytes("hi")), client.tuple);
  ASSERT_EQ(there.size(), 1U);
  EXPECT_EQ(there[0].to, other.tuple);
  EXPECT_EQ(there[0].bytes, HandClient::channel_data(0x4002, as_bytes("hi")));
}

TransportAddress host_number(uint8_t number) {
  return TransportAddress::ipv4(198, 51, 100, number, 1000);
}

// The way of data takes no memory.
TEST_F(Peers, DataTakesNoMemory) {
  ASSERT_TRUE(client.bind(0x4001, kPeer).is_success());
  ASSERT_TRUE(client.permit(kOther).is_success());
  const Message data(1200, 0xDA);
  const Message by_channel = HandClient::channel_data(0x4001, data);
  const Message by_indication = client.indication(Method::Send, [&](MessageWriter& writer) {
    writer.add<AttributeType::XorPeerAddress>(kOther);
    writer.add<AttributeType::Data>(data);
  });
  const server::FiveTuple tuple = ServerHost::tuple_of(client.tuple);
  const server::RelayId relay = *host.relay_at(client.relayed());
  std::array<uint8_t, 1500> out{};
  unsigned relayed = 0;
  const uint64_t before = allocations_so_far();
  for (unsigned i = 0; i < 10'000; ++i) {
    for (const Message& message : {std::cref(by_channel), std::cref(by_indication)}) {
      const auto outcome = host.core.handle_message(client.now, tuple, message, out);
      relayed += outcome.kind == server::Outcome::Kind::ToPeer ? 1 : 0;
    }
    for (const TransportAddress& peer : {kPeer, kOther}) {
      relayed += host.core.handle_peer_data(client.now, relay, peer, data, out) ? 1 : 0;
    }
  }
  EXPECT_EQ(allocations_so_far(), before);
  EXPECT_EQ(relayed, 40'000U);
}

TEST_F(Peers, AnAllocationTakesLittleMemory) {
  constexpr unsigned kAllocations = 1000;
  const auto allocate_all = [this](uint16_t first_port) {
    for (unsigned i = 0; i < kAllocations; ++i) {
      HandClient other(host);
      other.tuple.client = TransportAddress::ipv4(203, 0, 113, static_cast<uint8_t>(i % 250),
                                                  static_cast<uint16_t>(first_port + i));
      ASSERT_TRUE(other.allocate().is_success());
      for (uint16_t k = 0; k < 4; ++k) {
        TransportAddress peer = kPeer;
        peer.port = static_cast<uint16_t>(peer.port + k);
        ASSERT_TRUE(other.bind(static_cast<uint16_t>(0x4000 + k), peer).is_success());
      }
      host.events.clear();
    }
  };
  const int64_t before = bytes_in_use();
  allocate_all(10'000);
  const int64_t each = (bytes_in_use() - before) / kAllocations;
  EXPECT_LE(each, 8 * 1024);  // the host's table included
  RecordProperty("bytes_per_allocation", std::to_string(each));
  std::cout << "bytes per allocation with four channels: " << each << "\n";
}

class FewPeers : public ServerTest {
 protected:
  FewPeers() : ServerTest(few()) { EXPECT_TRUE(client.allocate().is_success()); }
  static server::ServerOptions few() {
    server::ServerOptions options = default_options();
    options.limits.peers = {.permissions = 3, .channels = 2};
    return options;
  }
};

TEST_F(FewPeers, AreLimited) {
  for (uint8_t i = 1; i <= 3; ++i) EXPECT_TRUE(client.permit(host_number(i)).is_success());
  EXPECT_EQ(client.permit(host_number(9)).code(), 508);
  wait(301);
  EXPECT_TRUE(client.permit(host_number(9)).is_success());
  EXPECT_TRUE(client.bind(0x4000, host_number(4)).is_success());
  EXPECT_TRUE(client.bind(0x4001, host_number(5)).is_success());
  EXPECT_EQ(client.bind(0x4002, host_number(6)).code(), 508);
}

TEST_F(FewPeers, AreRenewedWhereThereIsNoRoomForMore) {
  for (uint8_t i = 1; i <= 3; ++i) EXPECT_TRUE(client.permit(host_number(i)).is_success());
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(client.permit(host_number(1)).is_success());
    EXPECT_TRUE(client.bind(0x4000, host_number(2)).is_success());
    wait(200);
  }
  EXPECT_TRUE(hears(host_number(1)));
  EXPECT_TRUE(hears(host_number(2)));
  EXPECT_FALSE(hears(host_number(3)));
}

}  // namespace
}  // namespace postern::sim
