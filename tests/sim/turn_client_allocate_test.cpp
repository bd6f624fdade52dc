// Allocate: challenges, refusals and what the client tells of them.
#include <map>

#include "sim/hand_client.h"
#include "sim/turn_run.h"

namespace postern::sim {
namespace {

using stun::Method;

class Allocating : public ::testing::TestWithParam<Path> {};

TEST_P(Allocating, AnswersTheChallenge) {
  TurnRun run(GetParam(), {.server = {.software = "double"}});
  const TurnRecord allocated = run.allocate();
  ASSERT_EQ(allocated.kind, TurnEventKind::Allocated);
  EXPECT_EQ(allocated.number, 600U);
  EXPECT_EQ(allocated.requests_sent, 2U);
  EXPECT_TRUE(allocated.authenticated);
  EXPECT_EQ(allocated.software_text, "double");
  EXPECT_GE(allocated.round_trip.value_or(Duration{}), kLatency * 2);
  EXPECT_TRUE(run.client.is_allocated());
  EXPECT_EQ(run.client.allocation().mapped, run.net.tuple.client);
  ASSERT_NE(run.at_server(), nullptr);
  EXPECT_EQ(run.relayed(), run.at_server()->relayed[0]);
  EXPECT_TRUE(run.is_clean());
  EXPECT_EQ(run.client.allocate(run.net.now), Errc::AllocationExists);
}

TEST_P(Allocating, NeedsNoCredentialsWhereTheServerAsksForNone) {
  TurnRun run(GetParam(), {.server = {.needs_authentication = false}});
  const TurnRecord allocated = run.allocate();
  ASSERT_EQ(allocated.kind, TurnEventKind::Allocated);
  EXPECT_EQ(allocated.requests_sent, 1U);
  EXPECT_FALSE(allocated.authenticated);
  run.permit(kPeer);
  EXPECT_TRUE(run.is_clean({}));
}

TEST_P(Allocating, FailsWithAWrongPassword) {
  TurnRun run(GetParam());
  ASSERT_EQ(run.client.set_credentials(run.net.now, user_pass("user", "wrong")), Errc::Ok);
  const TurnRecord failed = run.allocate();
  EXPECT_EQ(failed.kind, TurnEventKind::AllocateFailed);
  EXPECT_EQ(failed.errc, Errc::Unauthenticated);
  EXPECT_EQ(failed.error_code, 401);
  EXPECT_EQ(failed.realm_text, "example.org");
  EXPECT_EQ(failed.requests_sent, 2U);
  EXPECT_TRUE(run.client.poll_timeout().is_never());
  // ... and may be tried again.
  ASSERT_EQ(run.client.set_credentials(run.net.now, user_pass()), Errc::Ok);
  EXPECT_EQ(run.allocate().kind, TurnEventKind::Allocated);
}

TEST_P(Allocating, FailsWithoutCredentials) {
  TurnRun run(GetParam());
  ASSERT_EQ(run.client.set_credentials(run.net.now, {}), Errc::Ok);
  const TurnRecord failed = run.allocate();
  EXPECT_EQ(failed.kind, TurnEventKind::AllocateFailed);
  EXPECT_EQ(failed.errc, Errc::CredentialsNeeded);
  EXPECT_EQ(failed.error_code, 401);
  EXPECT_EQ(failed.realm_text, "example.org");
}

TEST_P(Allocating, KeepsCredentialsForTheirRealm) {
  TurnRun run(GetParam());
  client::Credentials credentials = user_pass();
  credentials.realm = as_bytes("example.com");
  ASSERT_EQ(run.client.set_credentials(run.net.now, credentials), Errc::Ok);
  EXPECT_EQ(run.allocate().errc, Errc::CredentialsNeeded);
}

TEST_P(Allocating, TellsEveryRefusal) {
  for (const uint16_t code : std::initializer_list<uint16_t>{400, 403, 405, 420, 437, 440, 441, 442,
                                                             443, 446, 447, 486, 500, 508}) {
    TurnRun run(GetParam(), {.server = {.pads_reasons = true}});
    run.server.refuse_next(Method::Allocate, {.code = code,
                                              .reason = "No. " + std::to_string(code),
                                              .unknown_attributes = {0x0018, 0x8033}});
    const TurnRecord failed = run.allocate();
    EXPECT_EQ(failed.kind, TurnEventKind::AllocateFailed);
    EXPECT_EQ(failed.errc, Errc::ErrorResponse);
    EXPECT_EQ(failed.error_code, code);
    EXPECT_EQ(failed.reason_text, "No. " + std::to_string(code)) << "without NULs";
    EXPECT_TRUE(failed.authenticated);
    const auto unknown = failed.unknown_attributes.view();
    EXPECT_EQ(std::vector<uint16_t>(unknown.begin(), unknown.end()),
              (std::vector<uint16_t>{0x0018, 0x8033}));
    EXPECT_FALSE(run.client.is_allocated());
    EXPECT_TRUE(run.client.poll_timeout().is_never());
    EXPECT_EQ(run.allocate().kind, TurnEventKind::Allocated) << "it may be tried again";
  }
}

// 300 (Try Alternate): where it may be followed, and where not.
TEST_P(Allocating, FollowsARedirectionOnlyFromWhoMaySendOne) {
  const TransportAddress alternate = TransportAddress::ipv4(192, 0, 2, 77, 3478);
  for (const bool is_signed : {false, true}) {
    for (const bool at_once : {false, true}) {
      if (is_signed && at_once) continue;
      TurnRun run(GetParam());
      run.server.refuse_next(Method::Allocate, {.code = 300,
                                                .is_signed = is_signed,
                                                .at_once = at_once,
                                                .alternate_servers = {alternate, kFarPeer},
                                                .alternate_domain = "turn.example.org"});
      const TurnRecord answer = run.allocate();
      if (!is_signed && !at_once) {
        // The request was signed and the answer is not: on datagrams the next one counts.
        if (GetParam().is_reliable) {
          EXPECT_EQ(answer.errc, Errc::IntegrityMismatch);
          EXPECT_EQ(answer.error_code, 300);
        } else {
          EXPECT_EQ(answer.errc, Errc::IntegrityMismatch);
          EXPECT_EQ(run.client.stats().bad_integrity, run.server.violations.retransmissions + 1);
        }
        EXPECT_EQ(answer.alternates[0].family, Family::None);
        continue;
      }
      EXPECT_EQ(answer.kind, TurnEventKind::AllocateFailed);
      EXPECT_EQ(answer.error_code, 300);
      EXPECT_EQ(answer.authenticated, is_signed);
      EXPECT_EQ(answer.alternates[0], alternate);
      EXPECT_EQ(answer.alternates[1], kFarPeer);
      EXPECT_EQ(answer.domain_text, "turn.example.org");
    }
  }
}

// A server that lacks an attribute that it must understand, and names it.
TEST_P(Allocating, TellsWhichAttributesTheServerLacks) {
  TurnRun run(GetParam(), {.server = {.not_understood = {stun::AttributeType::DontFragment}}});
  const TurnRecord failed = run.allocate({.dont_fragment = true});
  EXPECT_EQ(failed.error_code, 420);
  ASSERT_EQ(failed.unknown_attributes.count, 1U);
  EXPECT_EQ(failed.unknown_attributes.types[0], 0x001A);
  EXPECT_EQ(run.allocate().kind, TurnEventKind::Allocated);
}

TEST_P(Allocating, TellsThatTheQuotaIsUsedUp) {
  TurnRun run(GetParam(), {.server = {.quota = 1}});
  HandClient other(run.server);
  other.tuple.client.port = 1;
  ASSERT_TRUE(other.allocate().is_success());
  const TurnRecord failed = run.allocate();
  EXPECT_EQ(failed.error_code, 486);
}

TEST_P(Allocating, TellsThatThe5TupleIsTaken) {
  TurnRun run(GetParam());
  HandClient before(run.server);
  before.tuple = run.net.tuple;
  ASSERT_TRUE(before.allocate().is_success());
  EXPECT_EQ(run.allocate().error_code, 437);
}

TEST_P(Allocating, CommandsNeedAnAllocation) {
  TurnRun run(GetParam());
  EXPECT_EQ(run.client.permit(run.net.now, kPeer), Errc::NoAllocation);
  EXPECT_EQ(run.client.bind_channel(run.net.now, kPeer).error(), Errc::NoAllocation);
  EXPECT_EQ(run.client.connect(run.net.now, kPeer).error(), Errc::NoAllocation);
  EXPECT_EQ(run.client.refresh(run.net.now), Errc::NoAllocation);
  EXPECT_EQ(run.client.move(run.net.now), Errc::NoAllocation);
  EXPECT_EQ(run.client.release_permission(run.net.now, kPeer), Errc::NoAllocation);
  EXPECT_EQ(run.client.release_channel(run.net.now, 0x4000), Errc::NoAllocation);
  std::array<uint8_t, 100> out{};
  EXPECT_EQ(run.client.write_data(run.net.now, kPeer, {}, false, out).error(), Errc::NoAllocation);
  EXPECT_EQ(run.client.write_channel_data(run.net.now, 0x4000, {}, out).error(),
            Errc::NoAllocation);
  EXPECT_EQ(run.client.allocate(run.net.now), Errc::EntropyNeeded);
}

INSTANTIATE_TEST_SUITE_P(Paths, Allocating, ::testing::ValuesIn(all_paths()), path_name);

// --- What an Allocate asks for, on the wire and at the server.

class Asking : public ::testing::TestWithParam<Path> {
 protected:
  static stun::MessageView signed_allocate(const TurnRun& run) { return parse(run.requests.at(1)); }
};

TEST_P(Asking, LifetimeIsGrantedOrCapped) {
  TurnRun run(GetParam());
  EXPECT_EQ(run.allocate({.lifetime_seconds = 1200}).number, 1200U);
  ASSERT_EQ(run.client.refresh(run.net.now, 900), Errc::Ok);
  EXPECT_EQ(run.await(TurnEventKind::Refreshed).number, 900U);
  ASSERT_EQ(run.client.refresh(run.net.now, 86'400), Errc::Ok);
  EXPECT_EQ(run.await(TurnEventKind::Refreshed).number, 3600U);
  EXPECT_EQ(run.client.allocation().lifetime_seconds, 3600U);
  EXPECT_TRUE(run.is_clean());
}

TEST_P(Asking, EvenPortIsOneByteOfItsOwn) {
  TurnRun run(GetParam());
  ASSERT_EQ(run.allocate({.even_port = client::EvenPort::Even}).kind, TurnEventKind::Allocated);
  const auto even = signed_allocate(run).find(0x0018);
  ASSERT_EQ(even.value.size(), 1U);
  EXPECT_EQ(even.value[0], 0x00);
  EXPECT_EQ(run.relayed().port % 2, 0);
  EXPECT_FALSE(run.client.allocation().token.has_value());
  EXPECT_TRUE(run.is_clean());
}

TEST_P(Asking, AReservedPortIsForAnotherAllocation) {
  TurnRun first(GetParam());
  ASSERT_EQ(first.allocate({.even_port = client::EvenPort::Reserve}).kind,
            TurnEventKind::Allocated);
  EXPECT_EQ(signed_allocate(first).find(0x0018).value[0], 0x80);
  const auto token = first.client.allocation().token;
  ASSERT_TRUE(token.has_value());

  // Of the same server, by another 5-tuple.
  client::TurnClientOptions options{.server = kServer};
  client::TurnClient second(options);
  ASSERT_EQ(second.set_credentials({}, user_pass()), Errc::Ok);
  Network net(first.server, endpoint_of(second));
  net.tuple.client.port = 1;
  net.now = first.net.now;
  net.refill();
  Message request;
  ASSERT_EQ(
      second.allocate(
          net.now, {.family = Family::IPv4, .even_port = client::EvenPort::Even, .token = token}),
      Errc::Ok);
  net.run_for(ms(500));
  ASSERT_TRUE(second.is_allocated());
  EXPECT_EQ(second.allocation().relayed[0].port, first.relayed().port + 1);
  EXPECT_EQ(first.server.violations, (TurnViolations{.unsigned_requests = 2}));
}

TEST_P(Asking, AnUnknownTokenIsRefused) {
  TurnRun run(GetParam());
  EXPECT_EQ(run.allocate({.token = client::ReservationToken{1, 2, 3}}).error_code, 508);
  const auto token = signed_allocate(run).find(0x0022);
  EXPECT_EQ(token.value.size(), 8U);
  EXPECT_EQ(token.value[2], 3);
}

TEST_P(Asking, DontFragment) {
  TurnRun run(GetParam());
  ASSERT_EQ(run.allocate({.dont_fragment = true}).kind, TurnEventKind::Allocated);
  EXPECT_TRUE(signed_allocate(run).has(stun::AttributeType::DontFragment));
  run.permit(kPeer);
  std::array<uint8_t, 200> out{};
  const auto size = run.client.write_data(run.net.now, kPeer, text("hello"), true, out);
  ASSERT_TRUE(size.has_value());
  run.net.send(stun::Bytes(out).first(*size));
  run.net.run_for(ms(100));
  ASSERT_EQ(run.server.to_peers.size(), 1U);
  EXPECT_TRUE(run.server.to_peers[0].dont_fragment);
}

TEST_P(Asking, AFamily) {
  TurnRun run(GetParam());
  ASSERT_EQ(run.allocate({.family = Family::IPv6}).kind, TurnEventKind::Allocated);
  EXPECT_EQ(run.relayed().family, Family::IPv6);
  EXPECT_EQ(run.client.permit(run.net.now, kPeer), Errc::PeerFamilyMismatch);
  EXPECT_EQ(run.client.bind_channel(run.net.now, kPeer).error(), Errc::PeerFamilyMismatch);
  EXPECT_EQ(run.client.connect(run.net.now, kPeer).error(), Errc::PeerFamilyMismatch);
  run.permit(kFarPeer);
  EXPECT_TRUE(run.is_clean());
}

TEST_P(Asking, AFamilyThatTheServerLacks) {
  TurnRun run(GetParam(), {.server = {.relays_ipv6 = false}});
  EXPECT_EQ(run.allocate({.family = Family::IPv6}).error_code, 440);
}

// A server that knows no families overlooks REQUESTED-ADDRESS-FAMILY and gives what it has.
TEST_P(Asking, AnAddressOfTheWrongFamilyIsGivenBack) {
  TurnRun run(GetParam(), {.server = {.needs_authentication = false}});
  run.server.is_silent = true;
  run.net.refill();
  ASSERT_EQ(run.client.allocate(run.net.now, {.family = Family::IPv6}), Errc::Ok);
  run.net.drain();
  // The same request, without the wish.
  run.net.run_for(ms(30));
  run.server.is_silent = false;
  ResponseBuilder builder(parse(run.requests.at(0)), stun::Class::Success);
  builder.add<stun::AttributeType::XorRelayedAddress>(TransportAddress::ipv4(192, 0, 2, 15, 5000))
      .add<stun::AttributeType::XorMappedAddress>(kMapped)
      .add<stun::AttributeType::Lifetime>(600U);
  HandClient owner(run.server);
  owner.tuple = run.net.tuple;
  owner.exchange(owner.unsigned_request(Method::Allocate, [](stun::MessageWriter& writer) {
    writer.add<stun::AttributeType::RequestedTransport>(kProtocolUdp);
  }));
  ASSERT_NE(run.at_server(), nullptr);
  run.net.carry(Outgoing{run.net.tuple, builder.build()});
  const TurnRecord failed = run.await(TurnEventKind::AllocateFailed);
  EXPECT_EQ(failed.errc, Errc::AddressFamilyMismatch);
  EXPECT_FALSE(run.client.is_allocated());
  run.net.run_for(ms(500));
  EXPECT_EQ(run.at_server(), nullptr) << "deleted";
  EXPECT_EQ(run.events.size(), 1U) << "nobody asked for the end of it";
  EXPECT_EQ(run.allocate({.family = Family::IPv6}).kind, TurnEventKind::Allocated);
}

TEST_P(Asking, BothFamilies) {
  for (const DualAllocation dual : {DualAllocation::Rfc8656, DualAllocation::Coturn}) {
    TurnRun run(GetParam(), {.server = {.dual_allocation = dual}});
    ASSERT_EQ(run.allocate({.both_families = true}).kind, TurnEventKind::Allocated);
    EXPECT_EQ(run.client.allocation().relayed[0].family, Family::IPv4);
    EXPECT_EQ(run.client.allocation().relayed[1].family, Family::IPv6);
    EXPECT_EQ(run.client.allocation().refused_code, 0);
    EXPECT_EQ(signed_allocate(run).find(0x8000).value.size(), 4U);
    EXPECT_EQ(signed_allocate(run).find(0x8032).value.size(), 4U);
    run.permit(kPeer);
    run.permit(kFarPeer);
    run.send(kPeer, text("four"));
    run.send(kFarPeer, text("six"));
    run.net.run_for(ms(100));
    ASSERT_EQ(run.server.to_peers.size(), 2U);
    EXPECT_EQ(run.server.to_peers[1].relayed, run.client.allocation().relayed[1]);
    EXPECT_TRUE(run.is_clean());
  }
}

TEST_P(Asking, BothFamiliesOfAServerWithOne) {
  for (const DualAllocation dual : {DualAllocation::Rfc8656, DualAllocation::Coturn}) {
    for (const bool has_ipv4 : {true, false}) {
      TurnRun run(
          GetParam(),
          {.server = {.relays_ipv4 = has_ipv4, .relays_ipv6 = !has_ipv4, .dual_allocation = dual}});
      ASSERT_EQ(run.allocate({.both_families = true}).kind, TurnEventKind::Allocated);
      const client::Allocation& allocation = run.client.allocation();
      EXPECT_EQ(allocation.relayed[0].family, has_ipv4 ? Family::IPv4 : Family::IPv6);
      EXPECT_EQ(allocation.relayed[1].family, Family::None);
      EXPECT_EQ(allocation.refused_family, has_ipv4 ? Family::IPv6 : Family::IPv4);
      EXPECT_EQ(allocation.refused_code, 440);
      EXPECT_FALSE(allocation.reaches(has_ipv4 ? kFarPeer : kPeer));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Paths, Asking, ::testing::Values(kDatagrams, kStream, kFramed), path_name);

}  // namespace
}  // namespace postern::sim
