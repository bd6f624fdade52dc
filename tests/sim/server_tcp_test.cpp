// The server that we ship: TCP relays (RFC 6062).
#include <gtest/gtest.h>

#include <utility>

#include "sim/server_fixture.h"

namespace postern::sim {
namespace {

using stun::AttributeType;
using stun::MessageWriter;
using stun::Method;

class TcpRelays : public ServerTest {
 protected:
  TcpRelays() {
    client.tuple.carrier = Carrier::Stream;
    const Fill tcp = [](MessageWriter& writer) {
      writer.add<AttributeType::RequestedTransport>(kProtocolTcp);
    };
    static_cast<void>(client.ask(Method::Allocate, tcp));
    EXPECT_TRUE(client.ask(Method::Allocate, tcp).is_success());
    data = client.tuple;
    data.client.port += 1;
  }
  Message connect(const TransportAddress& peer) {
    return client.signed_request(Method::Connect, [&peer](MessageWriter& writer) {
      writer.add<AttributeType::XorPeerAddress>(peer);
    });
  }
  // On a connection of its own, for which nonces are others.
  Reply bind(uint32_t id, const FiveTuple& on) {
    const FiveTuple control = std::exchange(client.tuple, on);
    const std::string nonce = client.nonce;
    const Fill fill = [id](MessageWriter& writer) { writer.add<AttributeType::ConnectionId>(id); };
    static_cast<void>(client.ask(Method::Refresh));  // learns one
    Reply reply = client.ask(Method::ConnectionBind, fill);
    client.tuple = control;
    client.nonce = nonce;
    return reply;
  }
  Reply only(const std::vector<Outgoing>& answers) {
    EXPECT_EQ(answers.size(), 1U);
    return Reply(answers.at(0).bytes);
  }
  // A connection to kPeer that waits to be bound.
  uint32_t connected() {
    client.tell(connect(kPeer));
    const uint32_t asked = host.connections.begin()->first;
    host.core.peer_connected(client.now, asked);
    const Reply reply = only(host.pass(client.now));
    EXPECT_TRUE(reply.is_success());
    EXPECT_TRUE(client.verifies(reply));
    EXPECT_EQ(*reply.get<AttributeType::ConnectionId>(), asked);
    return asked;
  }
  FiveTuple data;
};

TEST_F(TcpRelays, ConnectToAPeer) {
  const uint32_t id = connected();
  EXPECT_EQ(client.exchange(connect(kPeer)).code(), 446);
  EXPECT_EQ(bind(id + 1, data).code(), 400);
  ASSERT_TRUE(bind(id, data).is_success());
  EXPECT_TRUE(host.is_data_connection(data));
  wait(100);
  host.pass(client.now);
  EXPECT_TRUE(host.is_data_connection(data));
  // Twice is not possible.
  FiveTuple again = data;
  again.client.port += 1;
  EXPECT_EQ(bind(id, again).code(), 400);
  // Either side ends it.
  host.close(client.now, data);
  EXPECT_TRUE(host.connections.empty());
  EXPECT_TRUE(client.refresh().is_success());
}

TEST_F(TcpRelays, AreBoundOverWebSocketToo) {
  const uint32_t id = connected();
  EXPECT_EQ(bind(id + 1, data).code(), 400);
  // The same connection, as one that is reliable and cuts messages itself.
  host.core.add_link(ServerHost::tuple_of(data).link,
                     {.local = kServer, .remote = data.client, .is_reliable = true});
  EXPECT_TRUE(bind(id, data).is_success());
  EXPECT_TRUE(host.is_data_connection(data));
}

TEST_F(TcpRelays, AreAllocatedOverWebSocketToo) {
  // A connection of its own, which is reliable and cuts messages itself.
  client.tuple = data;
  static_cast<void>(client.exchange(client.unsigned_request(Method::Binding)));
  host.core.add_link(ServerHost::tuple_of(data).link,
                     {.local = kServer, .remote = data.client, .is_reliable = true});
  const Fill tcp = [](MessageWriter& writer) {
    writer.add<AttributeType::RequestedTransport>(kProtocolTcp);
  };
  static_cast<void>(client.ask(Method::Allocate, tcp));
  EXPECT_TRUE(client.ask(Method::Allocate, tcp).is_success());
}

TEST_F(TcpRelays, TellThatThePeerRefuses) {
  client.tell(connect(kPeer));
  host.core.peer_refused(client.now, host.connections.begin()->first);
  EXPECT_EQ(only(host.pass(client.now)).code(), 447);
  EXPECT_EQ(host.core.poll_timeout(), Instant() + Duration::seconds(600));
}

TEST_F(TcpRelays, DoNotWaitForEver) {
  client.tell(connect(kPeer));
  EXPECT_EQ(client.exchange(connect(kPeer)).code(), 446);
  wait(30);
  EXPECT_EQ(only(host.pass(client.now)).code(), 447);
  EXPECT_TRUE(host.connections.empty());
  connected();
  wait(30);
  EXPECT_TRUE(host.pass(client.now).empty());
  EXPECT_TRUE(host.connections.empty());
}

TEST_F(TcpRelays, TellOfPeersThatConnect) {
  const auto relay = *host.relay_at(client.relayed());
  EXPECT_FALSE(host.core.peer_accepted(client.now, relay, kPeer));
  ASSERT_TRUE(client.permit(kPeer).is_success());
  const auto id = host.core.peer_accepted(client.now, relay, kPeer);
  ASSERT_TRUE(id);
  const Reply attempt = only(host.pass(client.now));
  EXPECT_TRUE(attempt.view().is(stun::Class::Indication, Method::ConnectionAttempt));
  EXPECT_EQ(*attempt.get<AttributeType::ConnectionId>(), *id);
  EXPECT_EQ(*attempt.get<AttributeType::XorPeerAddress>(), kPeer);
  EXPECT_TRUE(bind(*id, data).is_success());
  host.core.peer_closed(*id);
  EXPECT_TRUE(client.refresh(0).is_success());
  EXPECT_TRUE(host.relays.empty());
}

TEST_F(TcpRelays, TakeTheirConnectionsAlong) {
  const uint32_t id = connected();
  ASSERT_TRUE(bind(id, data).is_success());
  client.tell(connect(kOther));
  EXPECT_EQ(host.connections.size(), 2U);
  EXPECT_TRUE(client.refresh(0).is_success());
  EXPECT_TRUE(host.connections.empty());
  EXPECT_FALSE(host.is_data_connection(data));
  EXPECT_TRUE(host.core.poll_timeout().is_never());
}

TEST_F(TcpRelays, RefuseWhatIsNotTheirs) {
  EXPECT_EQ(client.exchange(connect(TransportAddress::ipv4(127, 0, 0, 1, 80))).code(), 403);
  EXPECT_EQ(client.ask(Method::Connect).code(), 400);
  EXPECT_EQ(client.bind(0x4000, kPeer).code(), 400);
  const uint32_t id = connected();
  EXPECT_EQ(bind(id, client.tuple).code(), 400);  // the control connection itself
  FiveTuple datagrams = data;
  datagrams.carrier = Carrier::Datagram;
  EXPECT_EQ(bind(id, datagrams).code(), 400);
  EXPECT_EQ(host.core.users().set_user(as_bytes("other"), as_bytes("word")), Errc::Ok);
  client.username = "other";
  client.password = "word";
  EXPECT_EQ(bind(id, data).code(), 441);
}

}  // namespace
}  // namespace postern::sim
