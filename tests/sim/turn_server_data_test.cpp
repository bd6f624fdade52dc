// The test double itself: permissions, channels, data, mobility and TCP relays.
#include <gtest/gtest.h>

#include "sim/hand_client.h"
#include "sim/turn_server.h"
#include "turn/channel_data.h"

namespace postern::sim {
namespace {

using stun::AttributeType;
using stun::Class;
using stun::Method;

const TransportAddress kPeer = TransportAddress::ipv4(198, 51, 100, 7, 5000);
const TransportAddress kOtherPeer = TransportAddress::ipv4(198, 51, 100, 8, 5000);
constexpr uint16_t kChannel = 0x4000;

class TurnServerData : public testing::Test {
 protected:
  TurnServerData() {
    EXPECT_TRUE(client.allocate().is_success());
    relayed = client.relayed();
  }

  TurnServer server;
  HandClient client{server};
  TransportAddress relayed;

  void wait(int64_t seconds) {
    client.now = client.now + Duration::seconds(seconds);
    EXPECT_TRUE(client.refresh().is_success());
  }
  void send(const TransportAddress& peer, std::string_view data) {
    client.tell(client.indication(Method::Send, [&](stun::MessageWriter& writer) {
      writer.add<AttributeType::XorPeerAddress>(peer);
      writer.add<AttributeType::Data>(as_bytes(data));
    }));
  }
  std::optional<Outgoing> from_peer(std::string_view data) {
    return server.peer_send(client.now, kPeer, relayed, as_bytes(data));
  }
};

TEST_F(TurnServerData, BothWaysByIndication) {
  EXPECT_TRUE(client.permit(kPeer).is_success());
  send(kPeer, "there");
  ASSERT_EQ(server.to_peers.size(), 1U);
  EXPECT_EQ(server.to_peers[0].peer, kPeer);
  EXPECT_EQ(server.to_peers[0].relayed, relayed);
  EXPECT_EQ(as_text(server.to_peers[0].data), "there");

  const auto arrived = from_peer("back");
  ASSERT_TRUE(arrived.has_value());
  EXPECT_EQ(arrived->to, client.tuple);
  const Reply data(arrived->bytes);
  EXPECT_TRUE(data.view().is(Class::Indication, Method::Data));
  EXPECT_EQ(*data.get<AttributeType::XorPeerAddress>(), kPeer);
  EXPECT_EQ(as_text(*data.get<AttributeType::Data>()), "back");
}

TEST_F(TurnServerData, BothWaysByChannel) {
  EXPECT_TRUE(client.bind(kChannel, kPeer).is_success());
  client.tell(HandClient::channel_data(kChannel, as_bytes("there")));
  ASSERT_EQ(server.to_peers.size(), 1U);
  EXPECT_EQ(server.to_peers[0].channel, kChannel);
  EXPECT_EQ(as_text(server.to_peers[0].data), "there");
  EXPECT_EQ(from_peer("back")->bytes, HandClient::channel_data(kChannel, as_bytes("back")));

  server.options.pads_datagrams = true;
  EXPECT_EQ(from_peer("five5")->bytes.size(), 12U);
}

TEST_F(TurnServerData, LargestDatagram) {
  EXPECT_TRUE(client.permit(kPeer).is_success());
  const std::string data(65'000, 'x');
  const Reply arrived(from_peer(data)->bytes);
  EXPECT_EQ(arrived.get<AttributeType::Data>()->size(), data.size());
}

TEST_F(TurnServerData, MoreThanADatagramHolds) {
  EXPECT_TRUE(client.bind(kChannel, relayed).is_success());
  const std::string data(65'535, 'x');
  client.tell(HandClient::channel_data(kChannel, as_bytes(data)));
  EXPECT_EQ(server.violations.data_too_long, 1U);
  EXPECT_TRUE(client.permit(kPeer).is_success());
  EXPECT_FALSE(from_peer(data).has_value());
  EXPECT_EQ(server.tally.peer_data_dropped, 1U);
}

TEST_F(TurnServerData, PermissionLapses) {
  EXPECT_TRUE(client.permit(kPeer).is_success());
  wait(299);
  EXPECT_TRUE(from_peer("x").has_value());
  wait(1);
  EXPECT_FALSE(from_peer("x").has_value());
  EXPECT_EQ(server.tally.peer_data_dropped, 1U);
  send(kPeer, "x");
  EXPECT_EQ(server.violations.data_without_permission, 1U);
  EXPECT_TRUE(server.to_peers.empty());
  EXPECT_TRUE(client.permit(kPeer).is_success());
  EXPECT_TRUE(from_peer("x").has_value());
}

TEST_F(TurnServerData, ChannelLapses) {
  EXPECT_TRUE(client.bind(kChannel, kPeer).is_success());
  wait(300);
  client.tell(HandClient::channel_data(kChannel, as_bytes("x")));
  EXPECT_EQ(server.violations.data_without_permission, 1U) << "the permission went first";
  EXPECT_TRUE(client.permit(kPeer).is_success());
  EXPECT_EQ(from_peer("x")->bytes[0], 0x40);
  wait(299);
  EXPECT_EQ(from_peer("x")->bytes[0], 0x40);
  EXPECT_TRUE(client.permit(kPeer).is_success());
  wait(1);
  EXPECT_TRUE(Reply(from_peer("x")->bytes).view().is(Class::Indication, Method::Data));
  client.tell(HandClient::channel_data(kChannel, as_bytes("x")));
  EXPECT_EQ(server.violations.data_on_unbound_channel, 1U);
}

TEST_F(TurnServerData, ChannelIsInQuarantineAfterItsEnd) {
  EXPECT_TRUE(client.bind(kChannel, kPeer).is_success());
  EXPECT_EQ(client.bind(kChannel, kOtherPeer).code(), 400);
  EXPECT_EQ(client.bind(kChannel + 1, kPeer).code(), 400);
  EXPECT_EQ(server.violations.channel_conflict, 2U);
  wait(500);
  wait(399);
  EXPECT_EQ(client.bind(kChannel, kOtherPeer).code(), 400);
  EXPECT_EQ(client.bind(kChannel + 1, kPeer).code(), 400);
  EXPECT_EQ(server.violations.channel_reused_early, 2U);
  wait(1);
  EXPECT_TRUE(client.bind(kChannel, kOtherPeer).is_success());
  EXPECT_TRUE(client.bind(kChannel + 1, kPeer).is_success());
}

TEST_F(TurnServerData, RefusesBadChannelsAndPeers) {
  EXPECT_EQ(client.bind(0x5000, kPeer).code(), 400);
  EXPECT_EQ(server.violations.bad_channel_number, 1U);
  EXPECT_EQ(client.ask(Method::CreatePermission).code(), 400);
  EXPECT_EQ(client.ask(Method::ChannelBind).code(), 400);
  EXPECT_EQ(server.violations.bad_request, 2U);
  server.options.forbidden_peers = {kPeer};
  EXPECT_EQ(client.permit(kPeer).code(), 403);
  EXPECT_EQ(client.bind(kChannel, kPeer).code(), 403);
}

TEST_F(TurnServerData, CountsBadData) {
  client.tell(client.indication(Method::Send));
  EXPECT_EQ(server.violations.malformed_send, 1U);
  client.tell(HandClient::channel_data(kChannel, as_bytes("x")));
  EXPECT_EQ(server.violations.data_on_unbound_channel, 1U);
  client.tell({0x40, 0x00, 0x00, 0x09, 1});
  client.tell({0xFF});
  client.tell({});
  EXPECT_EQ(server.violations.malformed, 3U);
  client.tell(client.indication(Method::Data));
  EXPECT_EQ(server.violations.unexpected, 1U);
  client.tell(client.indication(Method::Binding));
  EXPECT_EQ(server.tally.binding_indications, 1U);
}

TEST_F(TurnServerData, Icmp) {
  const stun::kind::IcmpErrorValue unreachable{.type = 3, .code = 3};
  EXPECT_FALSE(server.peer_icmp(client.now, kPeer, relayed, unreachable).has_value());
  EXPECT_TRUE(client.bind(kChannel, kPeer).is_success());
  const Reply icmp(server.peer_icmp(client.now, kPeer, relayed, unreachable)->bytes);
  EXPECT_EQ(*icmp.get<AttributeType::Icmp>(), unreachable);
  EXPECT_FALSE(icmp.has(AttributeType::Data));
}

TEST_F(TurnServerData, ThroughTheRelayToItself) {
  EXPECT_TRUE(client.permit(relayed).is_success());
  const Message sent = client.indication(Method::Send, [&](stun::MessageWriter& writer) {
    writer.add<AttributeType::XorPeerAddress>(relayed);
    writer.add<AttributeType::Data>(as_bytes("round"));
  });
  const Reply back = client.exchange(sent);
  EXPECT_EQ(*back.get<AttributeType::XorPeerAddress>(), relayed);
  EXPECT_EQ(as_text(*back.get<AttributeType::Data>()), "round");
}

class TurnServerMobility : public testing::Test {
 protected:
  static Fill with_ticket(Message ticket) {
    return [ticket = std::move(ticket)](stun::MessageWriter& writer) {
      writer.add<AttributeType::MobilityTicket>(ticket);
    };
  }
  static Message ticket_of(const Reply& reply) {
    const auto ticket = reply.get<AttributeType::MobilityTicket>();
    EXPECT_TRUE(ticket.has_value());
    return {ticket->begin(), ticket->end()};
  }

  TurnServer server;
  HandClient client{server};
};

TEST_F(TurnServerMobility, MovesWhenTheClientSendsFromThere) {
  const Message ticket = ticket_of(client.allocate(with_ticket({})));
  const TransportAddress relayed = client.relayed();
  EXPECT_TRUE(client.bind(kChannel, kPeer).is_success());
  EXPECT_EQ(client.ask(Method::Refresh, with_ticket(ticket)).code(), 400) << "it has not moved";

  const FiveTuple old = client.tuple;
  client.tuple.client = TransportAddress::ipv4(203, 0, 113, 99, 41000);
  EXPECT_EQ(client.refresh().code(), 437);
  const Message request = client.signed_request(Method::Refresh, with_ticket(ticket));
  const Reply moved = client.exchange(request);
  EXPECT_TRUE(moved.is_success());
  EXPECT_NE(ticket_of(moved), ticket);
  EXPECT_EQ(client.exchange(request).bytes(), moved.bytes()) << "a retransmission";

  const auto destination = [&] {
    return server.peer_send(client.now, kPeer, relayed, as_bytes("x"))->to;
  };
  EXPECT_EQ(destination(), old);
  client.tell(HandClient::channel_data(kChannel, as_bytes("x")));
  EXPECT_EQ(server.to_peers.size(), 1U);
  EXPECT_EQ(destination(), client.tuple);
  EXPECT_EQ(server.allocation_of(old), nullptr);
  EXPECT_EQ(client.ask(Method::Refresh, with_ticket(ticket)).code(), 400) << "the ticket is old";
}

TEST_F(TurnServerMobility, ForbiddenOrUnknown) {
  server.options.mobility = Mobility::Forbidden;
  EXPECT_EQ(client.allocate(with_ticket({})).code(), 405);
  server.options.mobility = Mobility::Unknown;
  const Reply reply = client.allocate(with_ticket({}));
  EXPECT_TRUE(reply.is_success());
  EXPECT_FALSE(reply.has(AttributeType::MobilityTicket));
}

class TurnServerTcp : public testing::Test {
 protected:
  TurnServerTcp() {
    client.tuple.carrier = Carrier::Stream;
    const auto tcp = [](stun::MessageWriter& writer) {
      writer.add<AttributeType::RequestedTransport>(kProtocolTcp);
    };
    const Reply challenge = client.exchange(client.unsigned_request(Method::Allocate, tcp));
    client.realm = as_text(*challenge.get<AttributeType::Realm>());
    client.nonce = as_text(*challenge.get<AttributeType::Nonce>());
    EXPECT_TRUE(client.ask(Method::Allocate, tcp).is_success());
    relayed = client.relayed();
    control = client.tuple;
    data = control;
    data.client.port = 40001;
  }

  static Fill to(const TransportAddress& peer) {
    return [peer](stun::MessageWriter& w) { w.add<AttributeType::XorPeerAddress>(peer); };
  }
  Message connect(const TransportAddress& peer) {
    return client.signed_request(Method::Connect, to(peer));
  }
  Reply bind_data(uint32_t id) {
    client.tuple = data;
    Reply reply = client.ask(Method::ConnectionBind, [id](stun::MessageWriter& writer) {
      writer.add<AttributeType::ConnectionId>(id);
    });
    client.tuple = control;
    return reply;
  }

  TurnServer server;
  HandClient client{server};
  TransportAddress relayed;
  FiveTuple control;
  FiveTuple data;
};

TEST_F(TurnServerTcp, ConnectsAndCarriesBytes) {
  client.tell(connect(kPeer));
  EXPECT_EQ(client.exchange(connect(kPeer)).code(), 446) << "it is being connected";
  ASSERT_EQ(server.connections.size(), 1U);
  const uint32_t id = server.connections[0].id;
  const Reply connected(server.complete_connect(client.now, id)->bytes);
  EXPECT_TRUE(connected.is_success());
  EXPECT_TRUE(client.verifies(connected));
  EXPECT_EQ(*connected.get<AttributeType::ConnectionId>(), id);

  EXPECT_EQ(bind_data(id + 1).code(), 400);
  EXPECT_TRUE(bind_data(id).is_success());
  EXPECT_TRUE(server.is_data_connection(data));
  EXPECT_TRUE(server.handle(client.now, as_bytes("raw"), data).empty());
  EXPECT_EQ(as_text(server.connections[0].from_client), "raw");
  const auto arrived = server.peer_stream(id, as_bytes("answer"));
  ASSERT_TRUE(arrived.has_value());
  EXPECT_EQ(arrived->to, data);
  EXPECT_EQ(as_text(arrived->bytes), "answer");
  server.handle_closed(client.now, data);
  EXPECT_TRUE(server.connections.empty());
}

TEST_F(TurnServerTcp, ConnectFails) {
  client.tell(connect(kPeer));
  const Reply failed(server.complete_connect(client.now, server.connections[0].id, 447)->bytes);
  EXPECT_EQ(failed.code(), 447);
  EXPECT_TRUE(server.connections.empty());
}

TEST_F(TurnServerTcp, PeerConnects) {
  EXPECT_FALSE(server.peer_connect(client.now, kPeer, relayed).has_value()) << "not permitted";
  EXPECT_TRUE(client.permit(kPeer).is_success());
  const Reply attempt(server.peer_connect(client.now, kPeer, relayed)->bytes);
  EXPECT_TRUE(attempt.view().is(Class::Indication, Method::ConnectionAttempt));
  EXPECT_EQ(*attempt.get<AttributeType::XorPeerAddress>(), kPeer);
  const uint32_t id = *attempt.get<AttributeType::ConnectionId>();
  EXPECT_FALSE(server.peer_stream(id, as_bytes("early")).has_value());
  client.tuple = data;
  const auto replies = server.handle(
      client.now,
      client.signed_request(
          Method::ConnectionBind,
          [id](stun::MessageWriter& writer) { writer.add<AttributeType::ConnectionId>(id); }),
      data);
  ASSERT_EQ(replies.size(), 2U);
  EXPECT_EQ(as_text(replies[1].bytes), "early");
}

TEST_F(TurnServerTcp, NobodyBinds) {
  client.tell(connect(kPeer));
  const uint32_t id = server.connections[0].id;
  EXPECT_TRUE(server.complete_connect(client.now, id).has_value());
  client.now = client.now + Duration::seconds(30);
  EXPECT_EQ(bind_data(id).code(), 400);
}

TEST_F(TurnServerTcp, ClosedControlConnectionEndsTheAllocation) {
  server.handle_closed(client.now, control);
  EXPECT_TRUE(server.allocations().empty());
}

TEST(TurnServerTcpAllocation, NeedsAStream) {
  TurnServer server({.needs_authentication = false});
  HandClient client(server);
  const auto tcp = [](stun::MessageWriter& writer) {
    writer.add<AttributeType::RequestedTransport>(kProtocolTcp);
  };
  EXPECT_EQ(client.exchange(client.unsigned_request(Method::Allocate, tcp)).code(), 400);
  server.options.relays_tcp = false;
  client.tuple.carrier = Carrier::Stream;
  EXPECT_EQ(client.exchange(client.unsigned_request(Method::Allocate, tcp)).code(), 442);
}

}  // namespace
}  // namespace postern::sim
