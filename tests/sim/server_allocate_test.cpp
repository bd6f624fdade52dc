// The server that we ship: Allocate and Refresh (RFC 8656 sections 7 and 8).
#include <gtest/gtest.h>

#include "sim/server_fixture.h"

namespace postern::sim {
namespace {

using server::ServerEventKind;
using stun::AttributeType;
using stun::MessageWriter;
using stun::Method;

template <AttributeType kType>
Fill with(const stun::ValueOf<kType>& value) {
  return [value](MessageWriter& writer) { writer.add<kType>(value); };
}

Fill both_families() { return with<AttributeType::AdditionalAddressFamily>(Family::IPv6); }

using Allocating = ServerTest;

TEST_F(Allocating, ChallengesFirst) {
  const Reply challenge = client.exchange(client.unsigned_request(Method::Allocate));
  EXPECT_EQ(challenge.code(), 401);
  EXPECT_FALSE(challenge.is_signed());
  EXPECT_EQ(as_text(*challenge.get<AttributeType::Realm>()), "example.org");
  EXPECT_TRUE(challenge.has(AttributeType::PasswordAlgorithms));
  EXPECT_TRUE(host.relays.empty());

  const Reply reply = client.allocate();
  ASSERT_TRUE(reply.is_success());
  EXPECT_TRUE(client.verifies(reply));
  EXPECT_EQ(*reply.get<AttributeType::XorMappedAddress>(), kMapped);
  EXPECT_EQ(*reply.get<AttributeType::Lifetime>(), 600U);
  ASSERT_EQ(host.relays.size(), 1U);
  EXPECT_EQ(*reply.get<AttributeType::XorRelayedAddress>(), host.relays.begin()->second);
  ASSERT_EQ(host.events.size(), 1U);
  EXPECT_EQ(host.events[0].kind, ServerEventKind::Allocated);
}

TEST_F(Allocating, WaitsForTheSocket) {
  host.opens_at_once = false;
  client.exchange(client.unsigned_request(Method::Allocate));
  const Fill udp = with<AttributeType::RequestedTransport>(kProtocolUdp);
  static_cast<void>(client.ask(Method::Refresh));  // learns the nonce
  const Message request = client.signed_request(Method::Allocate, udp);
  client.tell(request);
  // The same again, while the first waits: not a second allocation, and no 437.
  client.tell(request);
  const auto answers = host.open_relays(client.now);
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_TRUE(Reply(answers[0].bytes).is_success());
  EXPECT_EQ(host.relays.size(), 1U);
  // ... and after it, the same answer.
  EXPECT_EQ(client.exchange(request).bytes(), answers[0].bytes);
}

TEST_F(Allocating, WithoutAPort) {
  host.without_ports = {Family::IPv4};
  EXPECT_EQ(client.allocate().code(), 508);
  EXPECT_TRUE(host.relays.empty());
  EXPECT_EQ(host.core.allocation_count(), 0U);
  EXPECT_TRUE(host.events.empty());
  host.without_ports = {};
  EXPECT_TRUE(client.ask(Method::Allocate, with<AttributeType::RequestedTransport>(kProtocolUdp))
                  .is_success());
}

TEST_F(Allocating, TwiceOnOne5Tuple) {
  ASSERT_TRUE(client.allocate().is_success());
  EXPECT_EQ(
      client.ask(Method::Allocate, with<AttributeType::RequestedTransport>(kProtocolUdp)).code(),
      437);
}

TEST_F(Allocating, WhatIsRefused) {
  struct Case {
    Fill fill;
    uint16_t code;
  };
  const auto all = [](std::vector<Fill> fills) {
    return [fills](MessageWriter& writer) {
      for (const Fill& fill : fills) fill(writer);
    };
  };
  const Message token(8, 1);
  const Fill udp = with<AttributeType::RequestedTransport>(kProtocolUdp);
  const Fill tcp = with<AttributeType::RequestedTransport>(kProtocolTcp);
  const Fill even = with<AttributeType::EvenPort>(false);
  const Fill reserve = with<AttributeType::EvenPort>(true);
  const Fill with_token = with<AttributeType::ReservationToken>(token);
  const Fill six = with<AttributeType::RequestedAddressFamily>(Family::IPv6);
  const std::vector<Case> cases = {
      {[](MessageWriter&) {}, 400},
      {with<AttributeType::RequestedTransport>(132), 442},
      {tcp, 400},  // over UDP
      {all({udp, with_token, even}), 400},
      {all({udp, with_token, six}), 400},
      {all({udp, with_token, both_families()}), 400},
      {all({udp, six, both_families()}), 400},
      {all({udp, reserve, both_families()}), 400},
      {all({udp, with<AttributeType::AdditionalAddressFamily>(Family::IPv4)}), 400},
      {all({udp, with<AttributeType::MobilityTicket>(token)}), 400},
      {all({udp, with_token}), 508},
      {all({udp, [](MessageWriter& writer) { writer.add_raw(0x7ABC, {}); }}), 420},
  };
  client.exchange(client.unsigned_request(Method::Allocate));
  static_cast<void>(client.ask(Method::Refresh));
  for (size_t i = 0; i < cases.size(); ++i) {
    const Reply reply = client.ask(Method::Allocate, cases[i].fill);
    EXPECT_EQ(reply.code(), cases[i].code) << i;
    EXPECT_TRUE(client.verifies(reply)) << i;
  }
  EXPECT_TRUE(host.relays.empty());
  EXPECT_EQ(host.core.allocation_count(), 0U);
}

TEST_F(Allocating, Families) {
  const Reply six = client.allocate(with<AttributeType::RequestedAddressFamily>(Family::IPv6));
  EXPECT_EQ(six.get<AttributeType::XorRelayedAddress>()->family, Family::IPv6);
  client.tuple.client.port += 1;
  const Reply both = client.allocate(both_families());
  EXPECT_EQ(both.get<AttributeType::XorRelayedAddress>(0)->family, Family::IPv4);
  EXPECT_EQ(both.get<AttributeType::XorRelayedAddress>(1)->family, Family::IPv6);
  EXPECT_EQ(host.relays.size(), 3U);

  // One half is given back.
  const Reply half = client.ask(Method::Refresh, [](MessageWriter& writer) {
    writer.add<AttributeType::Lifetime>(0);
    writer.add<AttributeType::RequestedAddressFamily>(Family::IPv4);
  });
  EXPECT_TRUE(half.is_success());
  EXPECT_EQ(host.relays.size(), 2U);
  EXPECT_EQ(client.permit(kPeer).code(), 443);
  EXPECT_TRUE(client.permit(kFarPeer).is_success());
}

TEST_F(Allocating, OneFamilyOfTwoIsEnough) {
  host.without_ports = {Family::IPv6};
  const Reply one = client.allocate(both_families());
  ASSERT_TRUE(one.is_success());
  EXPECT_EQ(one.get<AttributeType::XorRelayedAddress>()->family, Family::IPv4);
  EXPECT_FALSE(one.get<AttributeType::XorRelayedAddress>(1));
  EXPECT_EQ(one.get<AttributeType::AddressErrorCode>()->family, Family::IPv6);
  EXPECT_EQ(one.get<AttributeType::AddressErrorCode>()->error.code, 508);
  client.tuple.client.port += 1;
  host.without_ports = {Family::IPv4};
  const Reply other = client.allocate(both_families());
  EXPECT_EQ(other.get<AttributeType::XorRelayedAddress>()->family, Family::IPv6);
  EXPECT_EQ(other.get<AttributeType::AddressErrorCode>()->family, Family::IPv4);
}

TEST_F(Allocating, EvenPortAndTheNext) {
  const Reply first = client.allocate(with<AttributeType::EvenPort>(true));
  ASSERT_TRUE(first.is_success());
  const auto token = first.get<AttributeType::ReservationToken>();
  ASSERT_TRUE(token);
  const TransportAddress even = client.relayed();
  EXPECT_EQ(even.port % 2, 0);
  EXPECT_EQ(host.relays.size(), 2U);

  client.tuple.client.port += 1;
  const Reply second = client.allocate(with<AttributeType::ReservationToken>(*token));
  ASSERT_TRUE(second.is_success());
  EXPECT_EQ(client.relayed().port, even.port + 1);
  // Once only.
  client.tuple.client.port += 1;
  EXPECT_EQ(client.allocate(with<AttributeType::ReservationToken>(*token)).code(), 508);
}

TEST_F(Allocating, AReservationLapses) {
  const Reply first = client.allocate(with<AttributeType::EvenPort>(true));
  EXPECT_EQ(host.relays.size(), 2U);
  wait(31);
  host.pass(client.now);
  EXPECT_EQ(host.relays.size(), 1U);
  client.tuple.client.port += 1;
  const auto token = *first.get<AttributeType::ReservationToken>();
  EXPECT_EQ(client.allocate(with<AttributeType::ReservationToken>(token)).code(), 508);
}

TEST_F(Allocating, LifetimesHaveLimits) {
  ASSERT_TRUE(client.allocate().is_success());
  EXPECT_EQ(*client.refresh(1).get<AttributeType::Lifetime>(), 600U);
  EXPECT_EQ(*client.refresh(1800).get<AttributeType::Lifetime>(), 1800U);
  EXPECT_EQ(*client.refresh(0xFFFFFFFF).get<AttributeType::Lifetime>(), 3600U);
  EXPECT_EQ(host.core.poll_timeout(), client.now + Duration::seconds(3600));
  wait(3599);
  EXPECT_EQ(client.refresh().code(), 438);  // the nonce is old
  EXPECT_TRUE(client.refresh().is_success());
  wait(601);
  host.pass(client.now);
  EXPECT_TRUE(host.relays.empty());
  EXPECT_EQ(host.events.back().kind, ServerEventKind::Ended);
  EXPECT_EQ(client.refresh().code(), 438);
  EXPECT_EQ(client.refresh().code(), 437);
  EXPECT_TRUE(host.core.poll_timeout().is_never());
}

TEST_F(Allocating, RefreshToZeroEndsIt) {
  ASSERT_TRUE(client.allocate().is_success());
  const Message request = client.signed_request(Method::Refresh, with<AttributeType::Lifetime>(0));
  const Reply reply = client.exchange(request);
  EXPECT_TRUE(reply.is_success());
  EXPECT_EQ(*reply.get<AttributeType::Lifetime>(), 0U);
  EXPECT_TRUE(host.relays.empty());
  EXPECT_EQ(client.exchange(request).bytes(), reply.bytes());
  EXPECT_TRUE(client.allocate().is_success());
}

TEST_F(Allocating, IsItsUsers) {
  ASSERT_TRUE(client.allocate().is_success());
  EXPECT_EQ(host.core.users().set_user(as_bytes("other"), as_bytes("word")), Errc::Ok);
  client.username = "other";
  client.password = "word";
  EXPECT_EQ(client.refresh(0).code(), 441);
  EXPECT_EQ(client.permit(kPeer).code(), 441);
  EXPECT_EQ(client.bind(0x4000, kPeer).code(), 441);
  EXPECT_EQ(host.relays.size(), 1U);
}

TEST_F(Allocating, EndsWithAll) {
  ASSERT_TRUE(client.allocate(with<AttributeType::EvenPort>(true)).is_success());
  host.core.end_all();
  host.pass(client.now);
  EXPECT_TRUE(host.relays.empty());
  EXPECT_TRUE(host.core.poll_timeout().is_never());
}

class Limited : public ServerTest {
 protected:
  Limited() : ServerTest(few()) {}
  static server::ServerOptions few() {
    server::ServerOptions options = default_options();
    options.limits.allocations = 3;
    options.limits.allocations_per_user = 2;
    return options;
  }
};

TEST_F(Limited, PortsThatAreKeptCount) {
  EXPECT_TRUE(client.allocate(with<AttributeType::EvenPort>(true)).is_success());
  EXPECT_TRUE(client.refresh(0).is_success());
  EXPECT_TRUE(client.allocate(with<AttributeType::EvenPort>(true)).is_success());
  EXPECT_TRUE(client.refresh(0).is_success());
  EXPECT_TRUE(client.allocate().is_success());
  EXPECT_EQ(host.relays.size(), 3U);
  EXPECT_TRUE(client.refresh(0).is_success());
  EXPECT_TRUE(client.allocate(with<AttributeType::EvenPort>(true)).is_success());
  EXPECT_TRUE(client.refresh(0).is_success());
  EXPECT_EQ(client.allocate().code(), 508);
  wait(30);
  host.pass(client.now);
  EXPECT_TRUE(client.allocate().is_success());
}

TEST_F(Limited, PerUserAndInAll) {
  EXPECT_EQ(host.core.users().set_user(as_bytes("other"), as_bytes("word")), Errc::Ok);
  for (const int code : {0, 0, 486}) {
    client.tuple.client.port += 1;
    EXPECT_EQ(client.allocate().code(), code);
  }
  client.username = "other";
  client.password = "word";
  for (const int code : {0, 508}) {
    client.tuple.client.port += 1;
    EXPECT_EQ(client.allocate().code(), code);
  }
  client.tuple.client.port -= 1;
  EXPECT_EQ(client.refresh(0).code(), 438);  // the nonce was for another 5-tuple
  EXPECT_TRUE(client.refresh(0).is_success());
  EXPECT_TRUE(client.allocate().is_success());
}

}  // namespace
}  // namespace postern::sim
