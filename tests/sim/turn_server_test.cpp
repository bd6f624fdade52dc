// The test double itself: allocations, credentials and retransmissions, with requests written by
// hand.
#include "sim/turn_server.h"

#include <gtest/gtest.h>

#include "sim/forgery.h"
#include "sim/hand_client.h"
#include "sim/route.h"
#include "stun/long_term.h"

namespace postern::sim {
namespace {

using stun::AttributeType;
using stun::Method;

constexpr uint32_t kDefaultLifetime = 600;

class TurnServerTest : public testing::Test {
 protected:
  TurnServer server;
  HandClient client{server};

  Fill family(AttributeType type, Family value) {
    return [type, value](stun::MessageWriter& writer) {
      writer.add_value<stun::kind::AddressFamily>(static_cast<uint16_t>(type), value);
    };
  }
  void wait(int64_t seconds) { client.now = client.now + Duration::seconds(seconds); }
};

TEST_F(TurnServerTest, ChallengesThenAllocates) {
  const Reply reply = client.allocate();
  ASSERT_TRUE(reply.is_success());
  EXPECT_TRUE(client.verifies(reply));
  EXPECT_EQ(*reply.get<AttributeType::XorMappedAddress>(), kMapped);
  EXPECT_EQ(*reply.get<AttributeType::XorRelayedAddress>(), client.relayed());
  EXPECT_EQ(*reply.get<AttributeType::Lifetime>(), kDefaultLifetime);
  EXPECT_EQ(server.violations, TurnViolations{.unsigned_requests = 1});
  EXPECT_EQ(server.tally.successes[Method::Allocate], 1U);
}

TEST_F(TurnServerTest, AnswersARetransmissionTheSame) {
  static_cast<void>(client.allocate());
  const Message request = client.signed_request(Method::Refresh);
  const Reply first = client.exchange(request);
  wait(5);
  EXPECT_EQ(client.exchange(request).bytes(), first.bytes());
  EXPECT_EQ(server.violations.retransmissions, 1U);
  EXPECT_EQ(server.violations.retransmissions_on_stream, 0U);
  EXPECT_EQ(server.tally.successes[Method::Refresh], 1U);
}

TEST_F(TurnServerTest, CountsWhoRepeatsAChallengedRequest) {
  const Message request = client.unsigned_request(Method::Allocate);
  EXPECT_EQ(client.exchange(request).code(), 401);
  EXPECT_EQ(client.exchange(request).code(), 401);
  EXPECT_EQ(server.violations.repeats_of_challenged, 1U);
  Message other = request;
  other[1] = 0x04;  // Refresh under the same transaction ID
  EXPECT_EQ(client.exchange(other).code(), 401);
  EXPECT_EQ(server.violations.reused_transaction_ids, 1U);
}

TEST_F(TurnServerTest, CountsWrongCredentials) {
  static_cast<void>(client.allocate());
  client.password = "wrong";
  EXPECT_EQ(client.refresh().code(), 401);
  EXPECT_EQ(server.violations.wrong_integrity, 1U);
  client.username = "nobody";
  EXPECT_EQ(client.refresh().code(), 401);
  EXPECT_EQ(server.violations.unknown_user, 1U);
  EXPECT_EQ(client.exchange(client.unsigned_request(Method::Refresh)).code(), 401);
  EXPECT_EQ(server.violations.unsigned_requests, 2U);
}

TEST_F(TurnServerTest, AnotherUserMayNotTouchTheAllocation) {
  static_cast<void>(client.allocate());
  server.credentials.options.username = client.username = "other";
  const Reply reply = client.refresh();
  EXPECT_EQ(reply.code(), 441);
  EXPECT_TRUE(client.verifies(reply));
  EXPECT_EQ(server.violations.wrong_credentials, 1U);
}

TEST_F(TurnServerTest, NonceGoesStaleByTimeAndByUse) {
  server.options.nonce_lifetime = Duration::seconds(60);
  static_cast<void>(client.allocate());
  wait(60);
  const Reply stale = client.refresh();
  EXPECT_EQ(stale.code(), 438);
  EXPECT_FALSE(stale.is_signed());
  EXPECT_TRUE(client.refresh().is_success()) << "with the nonce of the 438";
  EXPECT_EQ(server.violations.stale_nonce, 1U);

  server.options.nonce_uses = 1;
  server.options.signs_stale_nonce = true;
  const Reply worn = client.refresh();
  EXPECT_EQ(worn.code(), 438);
  EXPECT_TRUE(client.verifies(worn));
  EXPECT_TRUE(client.refresh().is_success());

  client.nonce = "nonce-from-nowhere";
  EXPECT_EQ(client.refresh().code(), 438);
  EXPECT_EQ(server.violations.unknown_nonce, 1U);
}

TEST_F(TurnServerTest, Sha256AndUserhash) {
  server.credentials.options.algorithms = kSha256ThenMd5;
  server.credentials.options.hides_username = true;
  client.uses_sha256 = client.hides_username = true;
  const Reply reply = client.allocate();
  EXPECT_TRUE(reply.is_success());
  EXPECT_TRUE(client.verifies(reply));
  client.hides_username = false;
  EXPECT_EQ(client.refresh().code(), 401);
  EXPECT_EQ(server.violations.unknown_user, 1U);
  client.uses_sha256 = false;
  EXPECT_EQ(client.refresh().code(), 400) << "the offer is not echoed";
  EXPECT_EQ(server.violations.bad_form, 1U);
}

TEST_F(TurnServerTest, StripsPasswordAlgorithms) {
  server.credentials.options.algorithms = kSha256ThenMd5;
  server.credentials.options.announces_algorithms = false;
  const Reply reply = client.exchange(client.unsigned_request(Method::Allocate));
  EXPECT_FALSE(reply.has(AttributeType::PasswordAlgorithms));
  const auto nonce = reply.get<AttributeType::Nonce>();
  ASSERT_TRUE(nonce.has_value());
  const auto cookie = stun::read_nonce_cookie(*nonce);
  ASSERT_TRUE(cookie.has_value());
  EXPECT_TRUE(cookie->has(stun::SecurityFeature::PasswordAlgorithms));
}

TEST_F(TurnServerTest, CountsMd5WhereSha256IsOffered) {
  server.credentials.options.algorithms = kSha256ThenMd5;
  const Reply challenge = client.exchange(client.unsigned_request(Method::Refresh));
  const auto nonce = challenge.get<AttributeType::Nonce>();
  ASSERT_TRUE(nonce.has_value());
  const stun::PreparedKey key(stun::long_term_key(stun::PasswordAlgorithm::Md5, as_bytes("user"),
                                                  as_bytes("example.org"), as_bytes("pass"))
                                  .view());
  const Message request = client.unsigned_request(Method::Refresh, [&](stun::MessageWriter& w) {
    w.add<AttributeType::Username>(as_bytes("user"));
    w.add<AttributeType::Realm>(as_bytes("example.org"));
    w.add<AttributeType::Nonce>(*nonce);
    w.add<AttributeType::PasswordAlgorithms>(kSha256ThenMd5);
    w.add<AttributeType::PasswordAlgorithm>({.algorithm = 1, .parameters = {}});
    w.add_integrity_sha256(key);
  });
  EXPECT_EQ(client.exchange(request).code(), 437);
  EXPECT_EQ(server.violations.weaker_algorithm, 1U);
}

TEST_F(TurnServerTest, AccessTokenBringsItsOwnKey) {
  server.credentials.options.third_party = ThirdParty{};
  const ThirdParty& third = *server.credentials.options.third_party;
  const Reply challenge = client.exchange(client.unsigned_request(Method::Allocate));
  EXPECT_EQ(as_text(*challenge.get<AttributeType::ThirdPartyAuthorization>()), third.server_name);
  const auto request = [&](const Message& token, const Message& key) {
    return client.unsigned_request(Method::Allocate, [&](stun::MessageWriter& w) {
      w.add<AttributeType::RequestedTransport>(kProtocolUdp);
      w.add<AttributeType::Username>(as_bytes(third.kid));
      w.add<AttributeType::Realm>(*challenge.get<AttributeType::Realm>());
      w.add<AttributeType::Nonce>(*challenge.get<AttributeType::Nonce>());
      w.add<AttributeType::AccessToken>(token);
      w.add_integrity(stun::PreparedKey(key));
    });
  };
  EXPECT_EQ(client.exchange(request(Message(60, 1), third.mac_key)).code(), 401);
  EXPECT_EQ(client.exchange(request(third.access_token, Message(20, 1))).code(), 401);
  EXPECT_TRUE(client.exchange(request(third.access_token, third.mac_key)).is_success());
  EXPECT_EQ(server.allocation_of(client.tuple)->username, third.kid);
}

TEST_F(TurnServerTest, AllocationExpires) {
  static_cast<void>(client.allocate());
  wait(kDefaultLifetime - 1);
  EXPECT_TRUE(client.refresh().is_success());
  wait(kDefaultLifetime);
  EXPECT_EQ(client.refresh().code(), 437);
  EXPECT_EQ(server.tally.allocations_expired, 1U);
  EXPECT_EQ(server.violations.allocation_mismatch, 1U);
}

TEST_F(TurnServerTest, LifetimeHasLimits) {
  static_cast<void>(client.allocate());
  EXPECT_EQ(*client.refresh(10).get<AttributeType::Lifetime>(), kDefaultLifetime);
  EXPECT_EQ(*client.refresh(1000).get<AttributeType::Lifetime>(), 1000U);
  EXPECT_EQ(*client.refresh(100'000).get<AttributeType::Lifetime>(), 3600U);
  EXPECT_EQ(*client.refresh(0).get<AttributeType::Lifetime>(), 0U);
  EXPECT_TRUE(server.allocations().empty());
  EXPECT_EQ(client.refresh(0).code(), 437);
}

TEST_F(TurnServerTest, RestartForgetsEverything) {
  static_cast<void>(client.allocate());
  server.restart();
  EXPECT_EQ(client.refresh().code(), 438);
  EXPECT_EQ(server.violations.unknown_nonce, 0U) << "it was this server's once";
  EXPECT_EQ(client.refresh().code(), 437);
}

TEST_F(TurnServerTest, SilenceIsComplete) {
  static_cast<void>(client.allocate());
  const TransportAddress relayed = client.relayed();
  static_cast<void>(client.permit(kStranger));
  server.is_silent = true;
  client.tell(client.signed_request(Method::Refresh));
  EXPECT_FALSE(server.peer_send(client.now, kStranger, relayed, as_bytes("x")).has_value());
}

TEST_F(TurnServerTest, SecondAllocationOfA5Tuple) {
  static_cast<void>(client.allocate());
  const Reply again = client.ask(Method::Allocate, [](stun::MessageWriter& writer) {
    writer.add<AttributeType::RequestedTransport>(kProtocolUdp);
  });
  EXPECT_EQ(again.code(), 437);
}

TEST_F(TurnServerTest, Quota) {
  server.options.quota = 1;
  static_cast<void>(client.allocate());
  client.tuple.client.port = 40001;
  EXPECT_EQ(client.allocate().code(), 486);
}

// RFC 8656 section 7.2.
TEST_F(TurnServerTest, CombinationsThatAreRefused) {
  const auto refused = [&](const Fill& fill) { return client.allocate(fill).code(); };
  constexpr uint8_t kToken[8] = {};
  EXPECT_EQ(refused([&](stun::MessageWriter& w) {
              w.add<AttributeType::ReservationToken>(kToken);
              w.add<AttributeType::EvenPort>(false);
            }),
            400);
  EXPECT_EQ(refused([&](stun::MessageWriter& w) {
              w.add<AttributeType::ReservationToken>(kToken);
              w.add<AttributeType::RequestedAddressFamily>(Family::IPv4);
            }),
            400);
  EXPECT_EQ(refused([&](stun::MessageWriter& w) {
              w.add<AttributeType::ReservationToken>(kToken);
              w.add<AttributeType::AdditionalAddressFamily>(Family::IPv6);
            }),
            400);
  EXPECT_EQ(refused([&](stun::MessageWriter& w) {
              w.add<AttributeType::RequestedAddressFamily>(Family::IPv6);
              w.add<AttributeType::AdditionalAddressFamily>(Family::IPv6);
            }),
            400);
  EXPECT_EQ(refused([&](stun::MessageWriter& w) {
              w.add<AttributeType::EvenPort>(true);
              w.add<AttributeType::AdditionalAddressFamily>(Family::IPv6);
            }),
            400);
  EXPECT_EQ(refused(family(AttributeType::AdditionalAddressFamily, Family::IPv4)), 400);
  EXPECT_EQ(server.violations.malformed_even_port, 0U);
  EXPECT_EQ(refused([](stun::MessageWriter& w) {
              w.add_raw(static_cast<uint16_t>(AttributeType::EvenPort), Message(4));
            }),
            400);
  EXPECT_EQ(server.violations.malformed_even_port, 1U);
  EXPECT_EQ(refused([](stun::MessageWriter& w) {
              w.add<AttributeType::MobilityTicket>(as_bytes("ticket"));
            }),
            400);
  EXPECT_EQ(server.violations.bad_allocate, 8U);
  EXPECT_EQ(client.ask(Method::Allocate).code(), 400) << "no REQUESTED-TRANSPORT";
  const auto other = [](stun::MessageWriter& w) { w.add<AttributeType::RequestedTransport>(1); };
  EXPECT_EQ(client.ask(Method::Allocate, other).code(), 442);
  EXPECT_TRUE(server.allocations().empty());
}

TEST_F(TurnServerTest, Families) {
  const auto ipv6 = family(AttributeType::RequestedAddressFamily, Family::IPv6);
  EXPECT_EQ(client.allocate(ipv6).get<AttributeType::XorRelayedAddress>()->family, Family::IPv6);
  EXPECT_EQ(client.permit(kStranger).code(), 443);
  client.tuple.client.port = 2;
  server.options.relays_ipv6 = false;
  EXPECT_EQ(client.allocate(ipv6).code(), 440);
}

TEST_F(TurnServerTest, BothFamilies) {
  const auto both = family(AttributeType::AdditionalAddressFamily, Family::IPv6);
  const Reply two = client.allocate(both);
  EXPECT_EQ(two.get<AttributeType::XorRelayedAddress>(0)->family, Family::IPv4);
  EXPECT_EQ(two.get<AttributeType::XorRelayedAddress>(1)->family, Family::IPv6);
  EXPECT_FALSE(two.has(AttributeType::AddressErrorCode));

  // The half of one family can be given back.
  const Reply half = client.ask(Method::Refresh, [](stun::MessageWriter& writer) {
    writer.add<AttributeType::Lifetime>(0);
    writer.add<AttributeType::RequestedAddressFamily>(Family::IPv6);
  });
  EXPECT_TRUE(half.is_success());
  EXPECT_EQ(server.allocation_of(client.tuple)->relayed.size(), 1U);

  client.tuple.client.port = 2;
  server.options.relays_ipv6 = false;
  const Reply one = client.allocate(both);
  EXPECT_EQ(one.get<AttributeType::XorRelayedAddress>(1).error(), Errc::AttributeMissing);
  const auto missing = one.get<AttributeType::AddressErrorCode>();
  ASSERT_TRUE(missing.has_value());
  EXPECT_EQ(missing->family, Family::IPv6);
  EXPECT_EQ(missing->error.code, 440);
}

TEST_F(TurnServerTest, BothFamiliesAsCoturnSpellsIt) {
  server.options.dual_allocation = DualAllocation::Coturn;
  const auto old = [](stun::MessageWriter& writer) {
    writer.add_value<stun::kind::AddressFamily>(kCoturnAdditionalAddressFamily, Family::IPv6);
  };
  EXPECT_EQ(client.allocate(old).get<AttributeType::XorRelayedAddress>(1)->family, Family::IPv6);
  client.tuple.client.port = 2;
  const auto both = family(AttributeType::AdditionalAddressFamily, Family::IPv6);
  EXPECT_EQ(client.allocate(both).get<AttributeType::XorRelayedAddress>(1).error(),
            Errc::AttributeMissing)
      << "0x8000 is ignored";
  client.tuple.client.port = 3;
  server.options.relays_ipv6 = false;
  const Reply one = client.allocate(old);
  EXPECT_NE(one.view().find(kCoturnAddressErrorCode).offset, 0U);
  EXPECT_EQ(one.get<AttributeType::XorRelayedAddress>(1)->port, 0);
}

TEST_F(TurnServerTest, ReservesTheNextPort) {
  const Reply first = client.allocate(
      [](stun::MessageWriter& writer) { writer.add<AttributeType::EvenPort>(true); });
  const uint16_t port = first.get<AttributeType::XorRelayedAddress>()->port;
  EXPECT_EQ(port % 2, 0);
  const auto token = first.get<AttributeType::ReservationToken>();
  ASSERT_TRUE(token.has_value());
  const auto claim = [&](stun::MessageWriter& writer) {
    writer.add<AttributeType::ReservationToken>(*token);
  };
  client.tuple.client.port = 2;
  EXPECT_EQ(client.allocate(claim).get<AttributeType::XorRelayedAddress>()->port, port + 1);
  client.tuple.client.port = 3;
  EXPECT_EQ(client.allocate(claim).code(), 508) << "it is taken";
}

TEST_F(TurnServerTest, ReservationLapses) {
  const Reply first = client.allocate(
      [](stun::MessageWriter& writer) { writer.add<AttributeType::EvenPort>(true); });
  wait(30);
  client.tuple.client.port = 2;
  const Reply late = client.allocate([&](stun::MessageWriter& writer) {
    writer.add<AttributeType::ReservationToken>(*first.get<AttributeType::ReservationToken>());
  });
  EXPECT_EQ(late.code(), 508);
}

TEST_F(TurnServerTest, ErrorsOnDemand) {
  server.options.pads_reasons = true;
  server.refuse_next(
      Method::Allocate,
      {.code = 300, .alternate_servers = {kStranger}, .alternate_domain = "other.example.org"});
  const Reply moved = client.allocate();
  EXPECT_EQ(moved.code(), 300);
  EXPECT_TRUE(client.verifies(moved));
  EXPECT_EQ(*moved.get<AttributeType::AlternateServer>(), kStranger);
  const auto raw = moved.view().find(static_cast<uint16_t>(AttributeType::ErrorCode)).value;
  EXPECT_EQ(raw.back(), 0) << "the reason is padded";
  EXPECT_EQ(as_text(moved.get<AttributeType::ErrorCode>()->reason), "Try Alternate");

  server.refuse_next(
      Method::Refresh,
      {.code = 420, .is_signed = false, .at_once = true, .unknown_attributes = {0x7ABC}});
  const Reply unknown = client.exchange(client.unsigned_request(Method::Refresh));
  EXPECT_EQ(unknown.code(), 420);
  EXPECT_FALSE(unknown.is_signed());
  EXPECT_TRUE(client.allocate().is_success()) << "once means once";
}

TEST_F(TurnServerTest, AttributesThatItDoesNotKnow) {
  server.options.not_understood = {AttributeType::DontFragment};
  const Reply reply = client.allocate(
      [](stun::MessageWriter& writer) { writer.add<AttributeType::DontFragment>(true); });
  EXPECT_EQ(reply.code(), 420);
  EXPECT_EQ(load_be16(reply.get<AttributeType::UnknownAttributes>()->data()), 0x001A);
  EXPECT_EQ(server.violations.unknown_required, 1U);
}

TEST_F(TurnServerTest, ForgeriesAreWellFormedAndWrong) {
  static_cast<void>(client.allocate());
  const Message request = client.signed_request(Method::Refresh);
  for (const Forgery forgery : {Forgery::Unsigned, Forgery::Sha1, Forgery::Sha256}) {
    const Reply good(forged_success(request, forgery));
    EXPECT_TRUE(good.is_success());
    EXPECT_FALSE(client.verifies(good));
    const Reply bad(forged_error(request, 437, forgery));
    EXPECT_EQ(bad.code(), 437);
    EXPECT_EQ(bad.is_signed(), forgery != Forgery::Unsigned);
  }
}

}  // namespace
}  // namespace postern::sim
