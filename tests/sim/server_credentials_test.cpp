// The server that we ship: who is let in (RFC 8489 section 9.2), and what strangers are told.
#include <gtest/gtest.h>

#include "crypto/hmac.h"
#include "sim/server_fixture.h"
#include "stun/long_term.h"

namespace postern::sim {
namespace {

using stun::AttributeType;
using stun::MessageWriter;
using stun::Method;

constexpr int64_t kTimeOfDay = 1'800'000'000;

class LettingIn : public ServerTest {
 protected:
  LettingIn() : ServerTest(hiding()) {}
  static server::ServerOptions hiding() {
    server::ServerOptions options = default_options();
    options.hides_usernames = true;
    options.software = "postern";
    return options;
  }
};

TEST_F(LettingIn, Md5Sha256AndHiddenNames) {
  ASSERT_TRUE(client.allocate().is_success());
  const Reply by_md5 = client.refresh();
  EXPECT_TRUE(client.verifies(by_md5));
  EXPECT_NE(by_md5.view().integrity_offset(), 0U);
  EXPECT_EQ(by_md5.view().integrity_sha256_offset(), 0U);
  client.uses_sha256 = true;
  const Reply by_sha256 = client.refresh();
  EXPECT_TRUE(by_sha256.is_success());
  EXPECT_TRUE(client.verifies(by_sha256));
  EXPECT_EQ(by_sha256.view().integrity_offset(), 0U);
  EXPECT_NE(by_sha256.view().integrity_sha256_offset(), 0U);
  client.hides_username = true;
  EXPECT_TRUE(client.refresh().is_success());
  client.username = "nobody";
  EXPECT_EQ(client.refresh().code(), 401);
  EXPECT_EQ(host.core.authenticator_stats().unknown_user, 1U);
}

TEST_F(LettingIn, OnlyTheAuthenticAreToldWhatTheServerIs) {
  const Reply challenge = client.exchange(client.unsigned_request(Method::Allocate));
  EXPECT_FALSE(challenge.has(AttributeType::Software));
  const Reply reply = client.allocate();
  EXPECT_EQ(as_text(*reply.get<AttributeType::Software>()), "postern");
}

TEST_F(LettingIn, AreWrong) {
  ASSERT_TRUE(client.allocate().is_success());
  client.password = "wrong";
  EXPECT_EQ(client.refresh(0).code(), 401);
  client.password = "pass";
  client.realm = "elsewhere";
  EXPECT_EQ(client.refresh(0).code(), 401);
  EXPECT_TRUE(client.refresh().is_success());
  EXPECT_TRUE(host.core.users().remove_user(as_bytes("user")));
  EXPECT_EQ(client.refresh().code(), 401);
  EXPECT_EQ(host.relays.size(), 1U);
}

TEST_F(LettingIn, NoncesAreBoundToTheClientAndGrowOld) {
  ASSERT_TRUE(client.allocate().is_success());
  client.tuple.client.port += 1;
  EXPECT_EQ(client.refresh().code(), 438);
  client.tuple.client.port -= 1;
  EXPECT_EQ(client.refresh().code(), 438);
  EXPECT_TRUE(client.refresh().is_success());
  client.nonce = "made up";
  EXPECT_EQ(client.refresh().code(), 438);
}

TEST_F(LettingIn, RequestsOfTheWrongForm) {
  ASSERT_TRUE(client.allocate().is_success());
  // Integrity without name, realm or nonce.
  const auto key =
      stun::PreparedKey(stun::long_term_key(stun::PasswordAlgorithm::Md5, as_bytes("user"),
                                            as_bytes("example.org"), as_bytes("pass"))
                            .view());
  const Message bare = client.unsigned_request(
      Method::Refresh, [&](MessageWriter& writer) { writer.add_integrity(key); });
  EXPECT_EQ(client.exchange(bare).code(), 400);
  // A list that the server never sent, a choice without a list, an algorithm that nobody knows.
  const Message other_list = {0, 1, 0, 0};
  const auto refresh_with = [&](const Fill& fill) {
    return client.exchange(client.signed_request(Method::Refresh, fill)).code();
  };
  EXPECT_EQ(refresh_with([&](MessageWriter& writer) {
              writer.add<AttributeType::PasswordAlgorithms>(other_list);
              writer.add<AttributeType::PasswordAlgorithm>({.algorithm = 1, .parameters = {}});
            }),
            400);
  EXPECT_EQ(refresh_with([&](MessageWriter& writer) {
              writer.add<AttributeType::PasswordAlgorithm>({.algorithm = 2, .parameters = {}});
            }),
            400);
  EXPECT_EQ(refresh_with([&](MessageWriter& writer) {
              writer.add<AttributeType::PasswordAlgorithms>(kSha256ThenMd5);
              writer.add<AttributeType::PasswordAlgorithm>({.algorithm = 9, .parameters = {}});
            }),
            400);
}

TEST_F(LettingIn, StrangersGetShortAnswersAndNotManyOfThem) {
  const Message request = client.unsigned_request(Method::Allocate);
  unsigned answers = 0;
  for (unsigned i = 0; i < 1000; ++i) {
    const auto replies = host.handle(client.now, request, client.tuple);
    for (const Outgoing& reply : replies) EXPECT_LE(reply.bytes.size(), 160U);
    answers += static_cast<unsigned>(replies.size());
  }
  EXPECT_EQ(answers, server::SourceLimits{}.burst);
  EXPECT_EQ(host.core.stats().rate_limited, 1000U - answers);
  // Others are served meanwhile, and so is who has proven who they are.
  HandClient other(host);
  other.tuple.client = TransportAddress::ipv4(203, 0, 113, 99, 1);
  EXPECT_TRUE(other.allocate().is_success());
}

class SharedSecret : public ServerTest {
 protected:
  SharedSecret() {
    EXPECT_EQ(host.core.users().set_secrets({"north", "south"}), Errc::Ok);
    host.core.set_time_of_day(client.now, kTimeOfDay);
  }
  // As a web service makes them.
  void use(std::string_view secret, int64_t expires_in) {
    constexpr std::string_view kAlphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    client.username = std::to_string(kTimeOfDay + expires_in) + ":alice";
    const auto mac = crypto::hmac<crypto::Sha1>(as_bytes(secret), as_bytes(client.username));
    client.password.clear();
    uint32_t bits = 0;
    unsigned count = 0;
    for (const uint8_t byte : mac) {
      bits = bits << 8 | byte;
      for (count += 8; count >= 6; count -= 6) {
        client.password += kAlphabet[(bits >> (count - 6)) & 63];
      }
    }
    client.password += kAlphabet[(bits << (6 - count)) & 63];
    client.password += '=';
  }
};

TEST_F(SharedSecret, MakesPasswords) {
  for (const auto* const secret : {"north", "south"}) {
    use(secret, 60);
    client.tuple.client.port += 1;
    EXPECT_TRUE(client.allocate().is_success()) << secret;
    client.uses_sha256 = true;
    EXPECT_TRUE(client.refresh().is_success()) << "the same password, another key";
    client.uses_sha256 = false;
  }
  client.tuple.client.port += 1;
  use("west", 60);
  EXPECT_EQ(client.allocate().code(), 401);
  EXPECT_EQ(host.core.authenticator_stats().wrong_password, 1U);
  use("north", -1);
  EXPECT_EQ(client.allocate().code(), 401);
  EXPECT_EQ(host.core.authenticator_stats().expired_user, 1U);
  client.username = "alice";
  EXPECT_EQ(client.allocate().code(), 401);
  EXPECT_EQ(host.core.authenticator_stats().unknown_user, 1U);
  // Users that are known in advance go on.
  client.username = "user";
  client.password = "pass";
  EXPECT_TRUE(client.allocate().is_success());
}

TEST_F(SharedSecret, AllocationsOutliveTheTimeOfTheName) {
  use("north", 60);
  ASSERT_TRUE(client.allocate().is_success());
  wait(61);
  EXPECT_TRUE(client.refresh().is_success());
  EXPECT_TRUE(client.permit(kPeer).is_success());
  client.tuple.client.port += 1;
  EXPECT_EQ(client.allocate().code(), 401);
}

TEST(Users, SecretsAndNamesAreChecked) {
  server::Users users("realm");
  EXPECT_EQ(users.set_user({}, as_bytes("x")), Errc::BadCredentials);
  EXPECT_EQ(users.set_user(as_bytes("x"), {}), Errc::BadCredentials);
  EXPECT_EQ(users.set_user(Message(509, 'x'), as_bytes("x")), Errc::BadCredentials);
  EXPECT_EQ(users.set_secrets({""}), Errc::BadCredentials);
  EXPECT_EQ(users.set_secrets({"a", "b", "c", "d", "e"}), Errc::BadCredentials);
  EXPECT_FALSE(users.remove_user(as_bytes("x")));
  using server::Users;
  EXPECT_EQ(Users::expiry_in(as_bytes("1735689600:alice")), 1735689600);
  EXPECT_EQ(Users::expiry_in(as_bytes("1735689600")), 1735689600);
  for (const auto* const name :
       {"", ":alice", "alice:1735689600", "17x:alice", "-1", "1735689600123"}) {
    EXPECT_FALSE(Users::expiry_in(as_bytes(name))) << name;
  }
}

}  // namespace
}  // namespace postern::sim
