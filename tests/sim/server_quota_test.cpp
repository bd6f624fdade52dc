// The server that we ship: quotas, and its end in order.
#include <gtest/gtest.h>

#include "sim/server_fixture.h"
#include "sim/server_member.h"

namespace postern::sim {
namespace {

using stun::AttributeType;
using stun::MessageWriter;
using stun::Method;

TransportAddress ipv6_client(uint8_t site, uint8_t host) {
  std::array<uint8_t, 16> bytes = {0x20, 1, 0x0D, 0xB8, 0, 1, 0, site};
  bytes[15] = host;
  return TransportAddress::ipv6(bytes, 1000);
}

class Quota : public ServerTest {
 protected:
  Quota() : ServerTest(few()) {}
  static server::ServerOptions few() {
    server::ServerOptions options = default_options();
    options.limits.allocations = 6;
    options.limits.allocations_per_source = 2;
    return options;
  }
  // From another port each time.
  uint16_t allocate_from(TransportAddress address) {
    address.port = ++port_;
    client.tuple.client = address;
    return client.allocate().code();
  }

 private:
  uint16_t port_ = 2000;
};

TEST_F(Quota, OfASource) {
  const auto one = TransportAddress::ipv4(203, 0, 113, 1, 0);
  const auto other = TransportAddress::ipv4(203, 0, 113, 2, 0);
  EXPECT_EQ(allocate_from(one), 0);
  EXPECT_EQ(allocate_from(one), 0);
  const FiveTuple second = client.tuple;
  const std::string nonce = client.nonce;
  for (int i = 0; i < 50; ++i) EXPECT_EQ(allocate_from(one), 486);
  EXPECT_EQ(host.relays.size(), 2U);
  EXPECT_EQ(allocate_from(other), 0);
  // What is given back may be had again.
  client.tuple = second;
  client.nonce = nonce;
  EXPECT_TRUE(client.refresh(0).is_success());
  EXPECT_EQ(allocate_from(one), 0);
  EXPECT_EQ(allocate_from(one), 486);
}

TEST_F(Quota, OfAnIpv6Site) {
  EXPECT_EQ(allocate_from(ipv6_client(1, 1)), 0);
  EXPECT_EQ(allocate_from(ipv6_client(1, 2)), 0);
  EXPECT_EQ(allocate_from(ipv6_client(1, 3)), 486);
  EXPECT_EQ(allocate_from(ipv6_client(2, 3)), 0);
}

TEST_F(Quota, OfAllIsFullForOthersToo) {
  for (uint8_t source = 1; source <= 3; ++source) {
    EXPECT_EQ(allocate_from(TransportAddress::ipv4(203, 0, 113, source, 0)), 0);
    EXPECT_EQ(allocate_from(TransportAddress::ipv4(203, 0, 113, source, 0)), 0);
  }
  const FiveTuple there = client.tuple;
  const std::string nonce = client.nonce;
  EXPECT_EQ(allocate_from(TransportAddress::ipv4(203, 0, 113, 9, 0)), 508);
  // Who has an allocation goes on.
  client.tuple = there;
  client.nonce = nonce;
  EXPECT_TRUE(client.refresh().is_success());
  EXPECT_TRUE(client.permit(kPeer).is_success());
  EXPECT_TRUE(hears(kPeer));
}

TEST_F(Quota, CountsWhatFailsNoMore) {
  host.without_ports = {Family::IPv4};
  const auto one = TransportAddress::ipv4(203, 0, 113, 1, 0);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(allocate_from(one), 508);
  host.without_ports = {};
  EXPECT_EQ(allocate_from(one), 0);
  host.core.end_all();
  EXPECT_EQ(allocate_from(one), 0);
  EXPECT_EQ(allocate_from(one), 0);
  EXPECT_EQ(allocate_from(one), 486);
}

TEST_F(Quota, GoesWithWhoAllocated) {
  const auto one = TransportAddress::ipv4(203, 0, 113, 1, 0);
  const auto other = TransportAddress::ipv4(203, 0, 113, 2, 0);
  client.tuple.client = one;
  client.tuple.client.port = 1;
  const Reply reply =
      client.allocate([](MessageWriter& writer) { writer.add<AttributeType::MobilityTicket>({}); });
  const auto value = reply.get<AttributeType::MobilityTicket>();
  ASSERT_TRUE(value);
  const Message ticket(value->begin(), value->end());
  client.tuple.client = other;
  const Fill move = [&](MessageWriter& writer) {
    writer.add<AttributeType::MobilityTicket>(ticket);
  };
  static_cast<void>(client.ask(Method::Refresh, move));
  ASSERT_TRUE(client.ask(Method::Refresh, move).is_success());
  EXPECT_EQ(allocate_from(other), 0);
  EXPECT_EQ(allocate_from(other), 0);
  EXPECT_EQ(allocate_from(one), 0);
  EXPECT_EQ(allocate_from(one), 486);
}

const TransportAddress kAlternate = TransportAddress::ipv4(192, 0, 2, 99, 3478);

class Draining : public ServerTest {
 protected:
  Draining() : ServerTest(with_alternate()) {}
  static server::ServerOptions with_alternate() {
    server::ServerOptions options = default_options();
    options.alternates = {kAlternate};
    options.alternate_domain = "turn2.example.org";
    return options;
  }
};

TEST_F(Draining, SendsClientsOn) {
  ASSERT_TRUE(client.allocate().is_success());
  const FiveTuple there = client.tuple;
  const std::string nonce = client.nonce;
  host.core.set_draining(true);
  client.tuple.client.port += 1;
  const Reply reply = client.allocate();
  EXPECT_EQ(reply.code(), 300);
  EXPECT_TRUE(client.verifies(reply));
  EXPECT_EQ(*reply.get<AttributeType::AlternateServer>(), kAlternate);
  EXPECT_EQ(as_text(*reply.get<AttributeType::AlternateDomain>()), "turn2.example.org");
  EXPECT_EQ(host.relays.size(), 1U);
  // Of a family that the other server has no address of.
  client.tuple.client = ipv6_client(1, 1);
  EXPECT_EQ(client.allocate().code(), 508);

  // What is there goes on, until it ends.
  client.tuple = there;
  client.nonce = nonce;
  EXPECT_TRUE(client.refresh().is_success());
  EXPECT_TRUE(client.permit(kPeer).is_success());
  EXPECT_TRUE(hears(kPeer));
  EXPECT_TRUE(client.refresh(0).is_success());
  EXPECT_EQ(host.core.allocation_count(), 0U);
  EXPECT_EQ(client
                .ask(Method::Allocate,
                     [](MessageWriter& writer) {
                       writer.add<AttributeType::RequestedTransport>(kProtocolUdp);
                     })
                .code(),
            300);
  host.core.set_draining(false);
  EXPECT_TRUE(client.allocate().is_success());
}

TEST_F(Draining, OnlyTellsTheAuthentic) {
  host.core.set_draining(true);
  client.password = "wrong";
  EXPECT_EQ(client.allocate().code(), 401);
}

// The client that we ship follows, or says why not.
TEST_F(Draining, TellsClients) {
  host.core.set_draining(true);
  Member member(host);
  member.net.run_until(at_ms(20'000));
  ASSERT_TRUE(member.failure);
  EXPECT_EQ(member.failure->error_code, 300);
  EXPECT_EQ(member.failure->alternates[0], kAlternate);
}

TEST(DrainingAlone, HasNoCapacity) {
  server::ServerOptions options;
  options.realm = "example.org";
  ServerHost host(options);
  EXPECT_EQ(host.core.users().set_user(as_bytes("user"), as_bytes("pass")), Errc::Ok);
  host.core.set_draining(true);
  EXPECT_TRUE(host.core.is_draining());
  HandClient client(host);
  EXPECT_EQ(client.allocate().code(), 508);
  Member member(host);
  member.net.run_until(at_ms(20'000));
  ASSERT_TRUE(member.failure);
  EXPECT_EQ(member.failure->error_code, 508);
}

}  // namespace
}  // namespace postern::sim
