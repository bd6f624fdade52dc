// The server that we ship: allocations that move (RFC 8016), and links that go.
#include <gtest/gtest.h>

#include <utility>

#include "sim/server_fixture.h"

namespace postern::sim {
namespace {

using stun::AttributeType;
using stun::MessageWriter;
using stun::Method;

class Moving : public ServerTest {
 protected:
  Moving() {
    const Reply reply = client.allocate(
        [](MessageWriter& writer) { writer.add<AttributeType::MobilityTicket>({}); });
    EXPECT_TRUE(reply.is_success());
    keep(reply);
    EXPECT_TRUE(client.permit(kPeer).is_success());
  }
  void keep(const Reply& reply) {
    const auto value = reply.get<AttributeType::MobilityTicket>();
    ASSERT_TRUE(value);
    ticket.assign(value->begin(), value->end());
  }
  Reply move() {
    return client.ask(Method::Refresh, [this](MessageWriter& writer) {
      writer.add<AttributeType::MobilityTicket>(ticket);
    });
  }
  Message ticket;
};

TEST_F(Moving, TakesTheAllocationAlong) {
  const FiveTuple before = client.tuple;
  client.tuple.client = TransportAddress::ipv4(203, 0, 113, 200, 999);
  EXPECT_EQ(move().code(), 438);  // the nonce is the old address's
  const Message old_ticket = ticket;
  const Reply moved = move();
  ASSERT_TRUE(moved.is_success());
  keep(moved);
  EXPECT_NE(ticket, old_ticket);
  // What peers send goes the old way until something has come by the new one.
  EXPECT_EQ(from_peer(kPeer, "x").to, before);
  send(kPeer, "here");
  EXPECT_EQ(host.to_peers.size(), 1U);
  EXPECT_EQ(from_peer(kPeer, "x").to, client.tuple);
  // The old ticket is nobody's.
  const Message current = std::exchange(ticket, old_ticket);
  client.tuple.client.port += 1;
  EXPECT_EQ(move().code(), 438);
  EXPECT_EQ(move().code(), 400);
  ticket = current;
  EXPECT_TRUE(move().is_success());
}

TEST_F(Moving, WhatGoesToNobodyShowsTheWayToo) {
  client.tuple.client.port += 1;
  static_cast<void>(move());
  ASSERT_TRUE(move().is_success());
  send(TransportAddress::ipv4(203, 0, 113, 9, 9), "");
  EXPECT_TRUE(host.to_peers.empty());
  EXPECT_EQ(from_peer(kPeer, "x").to, client.tuple);
}

TEST_F(Moving, AndBackBeforeAnythingWasSent) {
  const FiveTuple before = client.tuple;
  client.tuple.client.port += 1;
  static_cast<void>(move());
  keep(move());
  client.tuple = before;
  static_cast<void>(move());
  keep(move());
  EXPECT_EQ(from_peer(kPeer, "x").to, before);
  EXPECT_TRUE(client.refresh().is_success());
  client.tuple.client.port += 1;
  static_cast<void>(client.refresh());
  EXPECT_EQ(client.refresh().code(), 437);
}

TEST_F(Moving, IsTheUsersAndNotOntoAnother) {
  EXPECT_EQ(host.core.users().set_user(as_bytes("other"), as_bytes("word")), Errc::Ok);
  HandClient other(host);
  other.username = "other";
  other.password = "word";
  other.tuple.client.port += 1;
  ASSERT_TRUE(other.allocate().is_success());
  const auto steal = [&] {
    return other
        .ask(Method::Refresh,
             [this](MessageWriter& writer) { writer.add<AttributeType::MobilityTicket>(ticket); })
        .code();
  };
  EXPECT_EQ(steal(), 441);
  client.tuple = other.tuple;
  static_cast<void>(move());
  EXPECT_EQ(move().code(), 437);
}

TEST_F(Moving, KeepsWhatItsConnectionLeaves) {
  client.tuple.carrier = Carrier::Stream;
  client.tuple.client.port += 1;
  static_cast<void>(move());
  keep(move());
  send(kPeer, "x");
  host.close(client.now, client.tuple);
  EXPECT_EQ(host.relays.size(), 1U);
  client.tuple.client.port += 1;
  static_cast<void>(move());
  EXPECT_TRUE(move().is_success());
}

using Links = ServerTest;

TEST_F(Links, TakeTheirAllocationsAlong) {
  client.tuple.carrier = Carrier::Stream;
  ASSERT_TRUE(client.allocate().is_success());
  ASSERT_TRUE(client.bind(0x4000, kPeer).is_success());
  // On a stream ChannelData is padded.
  EXPECT_EQ(from_peer(kPeer, "abcde").bytes.size(), 12U);
  host.close(client.now, client.tuple);
  EXPECT_TRUE(host.relays.empty());
  EXPECT_EQ(host.core.allocation_count(), 0U);
}

class Immobile : public ServerTest {
 protected:
  Immobile() : ServerTest(fixed()) {}
  static server::ServerOptions fixed() {
    server::ServerOptions options = default_options();
    options.allows_mobility = false;
    return options;
  }
};

TEST_F(Immobile, SaysSo) {
  const Fill mobile = [](MessageWriter& writer) { writer.add<AttributeType::MobilityTicket>({}); };
  EXPECT_EQ(client.allocate(mobile).code(), 405);
  ASSERT_TRUE(client.allocate().is_success());
  EXPECT_EQ(client.ask(Method::Refresh, mobile).code(), 405);
}

}  // namespace
}  // namespace postern::sim
