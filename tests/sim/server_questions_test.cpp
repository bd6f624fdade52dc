// The server that we ship: users whose passwords only its caller can find out.
#include <gtest/gtest.h>

#include <memory>

#include "sim/server_fixture.h"
#include "sim/server_member.h"

namespace postern::sim {
namespace {

using server::ServerEventKind;
using stun::AttributeType;
using stun::MessageWriter;
using stun::Method;

class Asking : public ServerTest {
 protected:
  Asking() : ServerTest(asking()) {
    client.username = "alice";
    client.password = "secret";
  }
  static server::ServerOptions asking() {
    server::ServerOptions options = default_options();
    options.asks_for_keys = true;
    options.limits.questions = 40;
    return options;
  }
  static void udp(MessageWriter& writer) {
    writer.add<AttributeType::RequestedTransport>(kProtocolUdp);
  }
  // Learns a nonce, and makes an Allocate of it.
  Message first_request() {
    const Reply challenge = client.exchange(client.unsigned_request(Method::Allocate, udp));
    EXPECT_EQ(challenge.code(), 401);
    client.realm = as_text(*challenge.get<AttributeType::Realm>());
    client.nonce = as_text(*challenge.get<AttributeType::Nonce>());
    return client.signed_request(Method::Allocate, udp);
  }
  // What the server says once it knows the password.
  std::optional<Reply> say(std::string_view password) {
    const auto replies = host.answer_question(client.now, as_bytes(password));
    if (replies.empty()) return std::nullopt;
    EXPECT_EQ(replies[0].to, client.tuple);
    return Reply(replies[0].bytes);
  }
  // Both together.
  Reply allocate_with(std::string_view password) {
    client.tell(first_request());
    const auto reply = say(password);
    EXPECT_TRUE(reply.has_value());
    return reply.value_or(Reply(client.unsigned_request(Method::Binding)));
  }
  [[nodiscard]] const server::ServerStats& stats() const { return host.core.stats(); }
};

TEST_F(Asking, AllocatesOnceThePasswordIsKnown) {
  const Message request = first_request();
  client.tell(request);
  ASSERT_EQ(host.questions.size(), 1U);
  EXPECT_EQ(host.core.asked_name(host.questions[0]), "alice");
  EXPECT_TRUE(host.relays.empty());
  const auto reply = say("secret");
  ASSERT_TRUE(reply);
  EXPECT_TRUE(reply->is_success());
  EXPECT_TRUE(client.verifies(*reply));
  EXPECT_EQ(host.relays.size(), 1U);
  EXPECT_EQ(stats().questions_asked, 1U);
  // The same request again gets the same answer, and nobody is asked.
  EXPECT_EQ(client.exchange(request).bytes(), reply->bytes());
  EXPECT_EQ(stats().questions_asked, 1U);
}

TEST_F(Asking, WrongPasswordsAndNoUsers) {
  const Reply wrong = allocate_with("another");
  EXPECT_EQ(wrong.code(), 401);
  EXPECT_FALSE(wrong.is_signed());
  EXPECT_TRUE(wrong.has(AttributeType::Nonce));
  EXPECT_EQ(allocate_with("").code(), 401);
  EXPECT_EQ(allocate_with(std::string(513, 'x')).code(), 401);
  EXPECT_EQ(host.core.authenticator_stats().wrong_password, 1U);
  EXPECT_EQ(host.core.authenticator_stats().unknown_user, 2U);
  EXPECT_TRUE(host.relays.empty());
}

TEST_F(Asking, KnowsItsOwnUsersWithoutAsking) {
  client.username = "user";
  client.password = "pass";
  EXPECT_TRUE(client.allocate().is_success());
  client.password = "wrong";
  EXPECT_EQ(client.refresh().code(), 401);
  EXPECT_EQ(stats().questions_asked, 0U);
}

TEST_F(Asking, AnAllocationRemembersItsKey) {
  ASSERT_TRUE(allocate_with("secret").is_success());
  EXPECT_TRUE(client.refresh().is_success());
  EXPECT_TRUE(client.permit(kPeer).is_success());
  EXPECT_EQ(stats().questions_asked, 1U);
  // A key of another algorithm is another key.
  client.uses_sha256 = true;
  client.tell(client.signed_request(Method::Refresh));
  const auto reply = say("secret");
  ASSERT_TRUE(reply);
  EXPECT_TRUE(reply->is_success());
  EXPECT_TRUE(client.verifies(*reply));
  EXPECT_TRUE(client.refresh().is_success());
  EXPECT_EQ(stats().questions_asked, 2U);
}

TEST_F(Asking, APasswordThatWasChangedIsAskedForOnce) {
  ASSERT_TRUE(allocate_with("secret").is_success());
  client.password = "changed";
  client.tell(client.signed_request(Method::Refresh));
  ASSERT_TRUE(say("changed")->is_success());
  EXPECT_TRUE(client.refresh().is_success());
  EXPECT_EQ(stats().questions_asked, 2U);
  // The old one is nobody's now.
  client.password = "secret";
  client.tell(client.signed_request(Method::Refresh));
  EXPECT_EQ(say("changed")->code(), 401);
  client.password = "changed";
  EXPECT_TRUE(client.refresh(0).is_success());
  EXPECT_TRUE(host.relays.empty());
}

TEST_F(Asking, AUserWhoIsKnownSinceIsNotRemembered) {
  ASSERT_TRUE(allocate_with("secret").is_success());
  EXPECT_EQ(host.core.users().set_user(as_bytes("alice"), as_bytes("known")), Errc::Ok);
  EXPECT_EQ(client.refresh().code(), 401);
  client.password = "known";
  EXPECT_TRUE(client.refresh().is_success());
  EXPECT_EQ(stats().questions_asked, 1U);
}

TEST_F(Asking, AnothersAllocationStaysTheirs) {
  ASSERT_TRUE(allocate_with("secret").is_success());
  client.username = "mallory";
  client.tell(client.signed_request(
      Method::Refresh, [](MessageWriter& writer) { writer.add<AttributeType::Lifetime>(0); }));
  EXPECT_EQ(say("secret")->code(), 441);
  client.username = "alice";
  EXPECT_TRUE(client.refresh().is_success()) << "with the key that it had";
  EXPECT_EQ(stats().questions_asked, 2U);
}

TEST_F(Asking, OnlyWithAFreshNonce) {
  const Message request = first_request();
  wait(700);
  const Reply stale = client.exchange(request);
  EXPECT_EQ(stale.code(), 438);
  EXPECT_FALSE(stale.is_signed());
  client.tuple.client.port += 1;
  client.nonce = as_text(*stale.get<AttributeType::Nonce>());
  EXPECT_EQ(client.exchange(client.signed_request(Method::Allocate, udp)).code(), 438);
  client.nonce = "made up";
  EXPECT_EQ(client.exchange(client.signed_request(Method::Allocate, udp)).code(), 438);
  client.realm = "elsewhere";
  EXPECT_EQ(client.exchange(client.signed_request(Method::Allocate, udp)).code(), 401);
  EXPECT_TRUE(host.questions.empty());
}

TEST_F(Asking, NobodyIsAskedForAHiddenName) {
  static_cast<void>(first_request());
  client.hides_username = true;
  EXPECT_EQ(client.exchange(client.signed_request(Method::Allocate, udp)).code(), 401);
  EXPECT_TRUE(host.questions.empty());
}

TEST_F(Asking, RetransmissionsWaitOnce) {
  const Message request = first_request();
  for (int i = 0; i < 3; ++i) client.tell(request);
  EXPECT_EQ(host.questions.size(), 1U);
  EXPECT_EQ(stats().questions_asked, 1U);
}

TEST_F(Asking, QuestionsLapse) {
  const Message request = first_request();
  client.tell(request);
  EXPECT_EQ(host.core.poll_timeout(), client.now + server::kQuestionTimeout);
  client.now = client.now + server::kQuestionTimeout;
  EXPECT_TRUE(host.pass(client.now).empty());
  EXPECT_EQ(stats().questions_lapsed, 1U);
  EXPECT_EQ(host.core.asked_name(host.questions[0]), "");
  EXPECT_TRUE(host.core.poll_timeout().is_never());
  EXPECT_FALSE(say("secret")) << "it comes too late";
  EXPECT_TRUE(host.relays.empty());
  // The client asks again, and so does the server.
  client.tell(request);
  EXPECT_TRUE(say("secret")->is_success());
}

TEST_F(Asking, GoesWithItsConnection) {
  client.tuple.carrier = Carrier::Stream;
  client.tell(first_request());
  ASSERT_EQ(host.questions.size(), 1U);
  host.close(client.now, client.tuple);
  EXPECT_EQ(host.core.asked_name(host.questions[0]), "") << "nobody need look";
  EXPECT_TRUE(host.core.poll_timeout().is_never());
  EXPECT_FALSE(say("secret"));
  EXPECT_TRUE(host.relays.empty());
}

TEST_F(Asking, NoSourceTakesAllThePlaces) {
  static_cast<void>(first_request());
  for (int i = 0; i < 20; ++i) client.tell(client.signed_request(Method::Allocate, udp));
  EXPECT_EQ(stats().questions_asked, 10U);
  EXPECT_EQ(stats().questions_dropped, 10U);
  // Of the same host, from another port.
  client.tuple.client.port += 1;
  client.tell(first_request());
  EXPECT_EQ(stats().questions_asked, 10U);
  // Others go on, until all places are taken.
  for (uint8_t other = 1; other <= 4; ++other) {
    client.tuple.client = TransportAddress::ipv4(203, 0, 113, static_cast<uint8_t>(100 + other), 9);
    static_cast<void>(first_request());
    for (int i = 0; i < 20; ++i) client.tell(client.signed_request(Method::Allocate, udp));
  }
  EXPECT_EQ(stats().questions_asked, 40U);
}

TEST_F(Asking, NoSourceAsksMoreOftenThanStrangersAreAnswered) {
  client.tuple.carrier = Carrier::Stream;
  static_cast<void>(first_request());
  for (unsigned i = 0; i < 300; ++i) {
    client.tell(client.signed_request(Method::Allocate, udp));
    const auto reply = say("");
    EXPECT_EQ(reply.has_value(), i < server::SourceLimits{}.burst) << i;
  }
  EXPECT_EQ(stats().questions_asked, server::SourceLimits{}.burst);
}

TEST_F(Asking, LongRequestsDoNotWait) {
  static_cast<void>(first_request());
  const Message junk(server::kMaxQuestionBytes, 0);
  client.tell(client.signed_request(Method::Allocate, [&](MessageWriter& writer) {
    udp(writer);
    writer.add_raw(0xFFAA, junk);
  }));
  EXPECT_TRUE(host.questions.empty());
  EXPECT_EQ(stats().questions_dropped, 1U);
}

TEST_F(Asking, NobodyHasALongerNameThanStunAllows) {
  static_cast<void>(first_request());
  const auto code_with = [&](size_t size) -> std::optional<uint16_t> {
    const Message name(size, 'x');
    const auto replies = host.handle(
        client.now,
        client.unsigned_request(Method::Allocate,
                                [&](MessageWriter& writer) {
                                  udp(writer);
                                  writer.add_raw(static_cast<uint16_t>(AttributeType::Username),
                                                 name);
                                  writer.add<AttributeType::Realm>(as_bytes(client.realm));
                                  writer.add<AttributeType::Nonce>(as_bytes(client.nonce));
                                  writer.add_integrity(stun::PreparedKey(name));
                                }),
        client.tuple);
    if (replies.empty()) return std::nullopt;
    return Reply(replies[0].bytes).code();
  };
  EXPECT_FALSE(code_with(508));
  EXPECT_EQ(code_with(509), 401);
  EXPECT_EQ(host.questions.size(), 1U);
}

TEST_F(Asking, AnswersToNothing) {
  host.core.key_answer(client.now, 0, as_bytes("x"));
  host.core.key_answer(client.now, 77, as_bytes("x"));
  EXPECT_EQ(host.core.asked_name(77), "");
  EXPECT_TRUE(host.pass(client.now).empty());
}

// The client that we ship, over a route that loses messages, for an hour.
TEST(AskingClients, AskOnceEach) {
  server::ServerOptions options;
  options.realm = "example.org";
  options.asks_for_keys = true;
  ServerHost host(options);
  host.passwords = {{"user", "pass"}};
  std::vector<std::unique_ptr<Member>> members;
  for (unsigned i = 0; i < 10; ++i) members.push_back(std::make_unique<Member>(host, i));
  for (int64_t second = 0; second <= 3600; second += 10) {
    for (auto& member : members) member->net.run_until(at_ms(1000 * second));
  }
  for (auto& member : members) {
    EXPECT_TRUE(member->is_allocated);
    EXPECT_FALSE(member->lost);
  }
  EXPECT_EQ(host.core.allocation_count(), 10U);
  EXPECT_EQ(host.core.stats().questions_asked, 10U);
}

}  // namespace
}  // namespace postern::sim
