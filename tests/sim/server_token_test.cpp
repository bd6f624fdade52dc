// The server that we ship: third-party authorization (RFC 7635).
#include <gtest/gtest.h>

#include <memory>

#include "sim/server_fixture.h"
#include "sim/server_member.h"
#include "stun/integrity.h"
#include "support/access_token.h"

namespace postern::sim {
namespace {

using stun::AttributeType;
using stun::MessageWriter;
using stun::Method;

constexpr int64_t kTimeOfDay = 1'800'000'000;
constexpr std::string_view kServerName = "turn.example.org";
const Message kKey(32, 0x11);
const Message kOtherKey(16, 0x22);

server::ServerOptions with_tokens(bool asks_for_keys = false) {
  server::ServerOptions options;
  options.realm = "example.org";
  options.server_name = kServerName;
  options.limits.allocations_per_user = 2;
  options.asks_for_keys = asks_for_keys;
  return options;
}

Message mac_key(uint8_t number) { return Message(20, number); }

// What the authorization server gives a client.
Message token(uint8_t number, int64_t made_after = 0, uint32_t lifetime = 1200,
              const Message& key = kKey) {
  return test::seal_access_token({.server_name = kServerName,
                                  .key = key,
                                  .mac_key = mac_key(number),
                                  .timestamp = static_cast<uint64_t>(kTimeOfDay + made_after) << 16,
                                  .lifetime = lifetime});
}

class Tokens : public ServerTest {
 protected:
  explicit Tokens(const server::ServerOptions& options = with_tokens()) : ServerTest(options) {
    EXPECT_EQ(host.core.token_keys().set({{.kid = "key-1", .key = kKey}}), Errc::Ok);
    host.core.set_time_of_day(client.now, kTimeOfDay);
  }
  void learn() {
    const Reply challenge = client.exchange(client.unsigned_request(Method::Allocate, udp));
    EXPECT_EQ(challenge.code(), 401);
    EXPECT_EQ(as_text(*challenge.get<AttributeType::ThirdPartyAuthorization>()), kServerName);
    client.nonce = as_text(*challenge.get<AttributeType::Nonce>());
  }
  static void udp(MessageWriter& writer) {
    writer.add<AttributeType::RequestedTransport>(kProtocolUdp);
  }
  static Fill lifetime(uint32_t seconds) {
    return [seconds](MessageWriter& writer) { writer.add<AttributeType::Lifetime>(seconds); };
  }
  // A request of a client that has a key, with or without the token.
  [[nodiscard]] Message request(Method method, uint8_t number, const Message& access_token,
                                const Fill& fill = {}) {
    return client.unsigned_request(method, [&](MessageWriter& writer) {
      if (fill) fill(writer);
      writer.add<AttributeType::Username>(as_bytes(kid));
      writer.add<AttributeType::Realm>(as_bytes("example.org"));
      writer.add<AttributeType::Nonce>(as_bytes(client.nonce));
      if (!access_token.empty()) writer.add<AttributeType::AccessToken>(access_token);
      writer.add_integrity(stun::PreparedKey(mac_key(number)));
    });
  }
  Reply ask(Method method, uint8_t number, const Message& access_token, const Fill& fill = {}) {
    const Reply reply = client.exchange(request(method, number, access_token, fill));
    if (reply.is_signed()) {
      EXPECT_EQ(stun::check_integrity(reply.view(), stun::PreparedKey(mac_key(number))), Errc::Ok);
    }
    return reply;
  }
  Reply allocate(uint8_t number, const Message& access_token, const Fill& fill = {}) {
    learn();
    return ask(Method::Allocate, number, access_token, [&](MessageWriter& writer) {
      udp(writer);
      if (fill) fill(writer);
    });
  }
  Reply permit(uint8_t number, const Message& access_token = {}) {
    return ask(Method::CreatePermission, number, access_token,
               [](MessageWriter& writer) { writer.add<AttributeType::XorPeerAddress>(kPeer); });
  }

  std::string kid = "key-1";
};

TEST_F(Tokens, LetIn) {
  const Reply reply = allocate(1, token(1));
  ASSERT_TRUE(reply.is_success());
  EXPECT_TRUE(reply.is_signed());
  // Section 9: other requests need no token.
  EXPECT_TRUE(permit(1).is_success());
  EXPECT_TRUE(ask(Method::Refresh, 1, token(1)).is_success());
  EXPECT_TRUE(ask(Method::Refresh, 1, {}, lifetime(0)).is_success());
  EXPECT_TRUE(host.relays.empty());
  // Users with passwords go on.
  EXPECT_TRUE(client.allocate().is_success());
}

TEST_F(Tokens, ThatAreWrong) {
  EXPECT_EQ(allocate(2, token(1)).code(), 401) << "signed with another key";
  EXPECT_EQ(allocate(1, token(1, 0, 1200, Message(32, 9))).code(), 401);
  EXPECT_EQ(allocate(1, Message(64, 0)).code(), 401);
  EXPECT_EQ(allocate(1, {}).code(), 401);
  EXPECT_EQ(allocate(1, Message(1, 0)).code(), 401);
  EXPECT_EQ(allocate(1, Message(1200, 0xFF)).code(), 401);
  Message cut = token(1);
  cut.pop_back();
  EXPECT_EQ(allocate(1, cut).code(), 401);
  kid = "key-2";
  EXPECT_EQ(allocate(1, token(1)).code(), 401);
  EXPECT_TRUE(host.relays.empty());
}

TEST_F(Tokens, HaveTheirTime) {
  EXPECT_TRUE(allocate(1, token(1, -1204)).is_success());
  client.tuple.client.port += 1;
  EXPECT_EQ(allocate(1, token(1, -1205)).code(), 401);
  EXPECT_EQ(allocate(1, token(1, 1205)).code(), 401) << "of the future";
  EXPECT_EQ(host.core.authenticator_stats().expired_user, 2U);
}

TEST_F(Tokens, AreForOneServer) {
  const Message other =
      test::seal_access_token({.server_name = "turn.example.com",
                               .key = kKey,
                               .mac_key = mac_key(1),
                               .timestamp = static_cast<uint64_t>(kTimeOfDay) << 16});
  EXPECT_EQ(allocate(1, other).code(), 401);
}

TEST_F(Tokens, NobodyHasAskedFor) {
  ASSERT_EQ(host.core.token_keys().set({}), Errc::Ok);
  const Reply challenge = client.exchange(client.unsigned_request(Method::Allocate, udp));
  EXPECT_FALSE(challenge.has(AttributeType::ThirdPartyAuthorization));
  client.nonce = as_text(*challenge.get<AttributeType::Nonce>());
  const Reply reply = ask(Method::Allocate, 1, token(1), udp);
  EXPECT_EQ(reply.code(), 420);
  EXPECT_EQ(load_be16(reply.get<AttributeType::UnknownAttributes>()->data()),
            static_cast<uint16_t>(AttributeType::AccessToken));
}

TEST_F(Tokens, BoundTheLifetime) {
  const Reply reply = allocate(1, token(1), lifetime(3600));
  EXPECT_EQ(*reply.get<AttributeType::Lifetime>(), 1205U);
  wait(300);
  // Neither with the token nor without it is it any longer.
  EXPECT_EQ(*ask(Method::Refresh, 1, token(1), lifetime(3600)).get<AttributeType::Lifetime>(),
            905U);
  EXPECT_EQ(*ask(Method::Refresh, 1, {}, lifetime(3600)).get<AttributeType::Lifetime>(), 905U);
  wait(904);
  host.pass(client.now);
  EXPECT_EQ(host.relays.size(), 1U);
  wait(1);
  host.pass(client.now);
  EXPECT_TRUE(host.relays.empty());
}

TEST_F(Tokens, AreFollowedByOthers) {
  ASSERT_TRUE(allocate(1, token(1)).is_success());
  wait(500);
  // Of another key that seals, with another name.
  EXPECT_EQ(host.core.token_keys().set({{.kid = "key-2", .key = kOtherKey}}), Errc::Ok);
  EXPECT_TRUE(permit(1).is_success()) << "what is there lives on";
  EXPECT_EQ(ask(Method::Refresh, 1, token(1)).code(), 0) << "until the token's end";
  kid = "key-2";
  const Message next = token(2, 500, 1200, kOtherKey);
  const Reply reply = ask(Method::Refresh, 2, next, lifetime(3600));
  ASSERT_TRUE(reply.is_success());
  EXPECT_EQ(*reply.get<AttributeType::Lifetime>(), 1205U);
  EXPECT_TRUE(permit(2).is_success());
  EXPECT_EQ(permit(1).code(), 401) << "the key before";
  kid = "key-1";
  EXPECT_EQ(permit(1).code(), 401);
}

TEST_F(Tokens, OnlyARefreshChangesTheKey) {
  ASSERT_TRUE(allocate(1, token(1)).is_success());
  EXPECT_TRUE(permit(2, token(2)).is_success());
  EXPECT_TRUE(permit(1).is_success());
  EXPECT_EQ(permit(2).code(), 401);
}

TEST_F(Tokens, AreNoUsers) {
  // A user whose name is that of a key.
  EXPECT_EQ(host.core.users().set_user(as_bytes("key-1"), as_bytes("pass")), Errc::Ok);
  client.username = "key-1";
  ASSERT_TRUE(client.allocate().is_success());
  EXPECT_EQ(ask(Method::Refresh, 1, token(1), lifetime(0)).code(), 441);
  client.tuple.client.port += 1;
  ASSERT_TRUE(allocate(1, token(1)).is_success());
  EXPECT_EQ(client.refresh(0).code(), 401);
  EXPECT_EQ(host.relays.size(), 2U);
}

TEST_F(Tokens, HaveAQuotaEach) {
  for (const int code : {0, 0, 486}) {
    client.tuple.client.port += 1;
    EXPECT_EQ(allocate(1, token(1)).code(), code);
  }
  EXPECT_TRUE(allocate(2, token(2)).is_success());
}

TEST_F(Tokens, MoveAlong) {
  const Fill mobile = [](MessageWriter& writer) { writer.add<AttributeType::MobilityTicket>({}); };
  const Reply reply = allocate(1, token(1), mobile);
  const auto value = reply.get<AttributeType::MobilityTicket>();
  ASSERT_TRUE(value);
  const Message ticket(value->begin(), value->end());
  client.tuple.client.port += 1;
  learn();
  const Fill with_ticket = [&](MessageWriter& writer) {
    writer.add<AttributeType::MobilityTicket>(ticket);
  };
  EXPECT_EQ(ask(Method::Refresh, 1, {}, with_ticket).code(), 401);
  EXPECT_TRUE(ask(Method::Refresh, 2, token(2), with_ticket).is_success());
  EXPECT_TRUE(permit(2).is_success());
}

TEST_F(Tokens, ConnectionsAreOfTheSameKey) {
  client.tuple.carrier = Carrier::Stream;
  learn();
  ASSERT_TRUE(ask(Method::Allocate, 1, token(1), [](MessageWriter& writer) {
                writer.add<AttributeType::RequestedTransport>(kProtocolTcp);
              }).is_success());
  ASSERT_TRUE(permit(1).is_success());
  const auto relay = host.relays.begin()->first;
  const auto id = host.core.peer_accepted(client.now, relay, kPeer);
  ASSERT_TRUE(id);
  host.pass(client.now);
  client.tuple.client.port += 1;
  learn();
  const Fill connection = [&](MessageWriter& writer) {
    writer.add<AttributeType::ConnectionId>(*id);
  };
  EXPECT_EQ(ask(Method::ConnectionBind, 2, token(2), connection).code(), 441);
  EXPECT_TRUE(ask(Method::ConnectionBind, 1, token(1), connection).is_success());
}

class TokensAndQuestions : public Tokens {
 protected:
  TokensAndQuestions() : Tokens(with_tokens(true)) {}
};

TEST_F(TokensAndQuestions, NobodyIsAskedForTheKeyOfAToken) {
  EXPECT_EQ(allocate(2, token(1)).code(), 401);
  kid = "key-2";
  EXPECT_EQ(allocate(1, token(1)).code(), 401);
  kid = "key-1";
  ASSERT_TRUE(allocate(1, token(1)).is_success());
  EXPECT_EQ(permit(2).code(), 401);
  EXPECT_TRUE(host.questions.empty());
}

// The client that we ship, over a bad network, with tokens that are renewed.
TEST(TokenClients, StayAsLongAsTheyHaveTokens) {
  ServerHost host(with_tokens());
  ASSERT_EQ(host.core.token_keys().set({{.kid = "key-1", .key = kKey}}), Errc::Ok);
  host.core.set_time_of_day(Instant(), kTimeOfDay);
  const auto credentials = [](const Message& key, const Message& access_token) {
    return client::Credentials{.mechanism = client::Mechanism::ThirdParty,
                               .username = as_bytes("key-1"),
                               .password = key,
                               .access_token = access_token};
  };
  std::vector<std::unique_ptr<Member>> members;
  for (uint8_t i = 0; i < 5; ++i) {
    members.push_back(std::make_unique<Member>(host, i, credentials(mac_key(i), token(i))));
  }
  const auto run = [&](int64_t from, int64_t to) {
    for (int64_t second = from; second <= to; second += 5) {
      for (auto& member : members) member->net.run_until(at_ms(1000 * second));
      static_cast<void>(host.pass(at_ms(1000 * second)));
    }
  };
  run(0, 1000);
  EXPECT_EQ(host.core.allocation_count(), 5U);
  // All but the first get new tokens.
  for (uint8_t i = 1; i < 5; ++i) {
    Member& member = *members[i];
    EXPECT_TRUE(member.is_allocated);
    const auto key = mac_key(100 + i);
    ASSERT_EQ(member.client.set_credentials(member.net.now, credentials(key, token(100 + i, 1000))),
              Errc::Ok);
    member.net.drain();
  }
  run(1000, 2000);
  EXPECT_EQ(host.core.allocation_count(), 4U);
  for (uint8_t i = 0; i < 5; ++i) EXPECT_EQ(members[i]->lost, i == 0) << int{i};
}

}  // namespace
}  // namespace postern::sim
