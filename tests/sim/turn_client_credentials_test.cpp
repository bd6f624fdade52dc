// Credentials of a TURN client: algorithms, hidden user names, stale nonces on every method, a
// change while the allocation lives, tokens of RFC 7635.
#include <algorithm>
#include <functional>
#include <set>

#include "sim/forgery.h"
#include "sim/turn_run.h"

namespace postern::sim {
namespace {

using stun::Method;

// Nothing may be sent twice on a network that loses nothing: not even to answer a challenge.
bool all_differ(const std::vector<Message>& messages) {
  std::set<Message> ids;
  for (const Message& message : messages) {
    ids.insert(Message(message.begin() + 8, message.begin() + 20));
  }
  return ids.size() == messages.size();
}

class Credentials : public ::testing::TestWithParam<Path> {
 protected:
  static client::TurnClientOptions strongest() {
    client::TurnClientOptions options;
    options.authentication.challenge.algorithm = client::AlgorithmChoice::Strongest;
    return options;
  }
  static void expect_life(TurnRun& run) {
    ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
    run.permit(kPeer);
    run.bind(kOther);
    ASSERT_EQ(run.client.refresh(run.net.now), Errc::Ok);
    run.await(TurnEventKind::Refreshed);
    EXPECT_TRUE(run.is_clean());
  }
};

TEST_P(Credentials, TheStrongestAlgorithmOffered) {
  constexpr uint8_t kOnlySha256[] = {0, 2, 0, 0};
  for (const stun::Bytes algorithms : {stun::Bytes{}, stun::Bytes(kOnlySha256),
                                       stun::Bytes(kSha256ThenMd5), stun::Bytes(kMd5ThenSha256)}) {
    for (const bool hides : {false, true}) {
      if (hides && algorithms.empty()) continue;
      TurnRun run(GetParam(), {.client = strongest(),
                               .credentials = {.algorithms = algorithms, .hides_username = hides}});
      expect_life(run);
      const auto request = parse(run.requests.back());
      EXPECT_EQ(request.has(stun::AttributeType::Userhash), hides);
      EXPECT_EQ(request.has(stun::AttributeType::Username), !hides);
      EXPECT_EQ(request.integrity_sha256_offset() != 0, !algorithms.empty());
    }
  }
}

TEST_P(Credentials, AChallengeRobbedOfItsListIsNoChallenge) {
  TurnRun run(GetParam(),
              {.client = strongest(),
               .credentials = {.algorithms = kSha256ThenMd5, .announces_algorithms = false}});
  const TurnRecord failed = run.allocate();
  EXPECT_EQ(failed.kind, TurnEventKind::AllocateFailed);
  EXPECT_EQ(failed.errc, Errc::BidDown);
}

TEST_P(Credentials, AWeakerChallengeLaterIsNotAnswered) {
  TurnRun run(GetParam(), {.client = strongest(), .credentials = {.algorithms = kSha256ThenMd5}});
  ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
  constexpr uint8_t kOnlyMd5[] = {0, 1, 0, 0};
  run.server.credentials.options.algorithms = kOnlyMd5;
  run.server.refuse_next(Method::CreatePermission, {.code = 438, .is_signed = false});
  ASSERT_EQ(run.client.permit(run.net.now, kPeer), Errc::Ok);
  const TurnRecord failed = run.await(TurnEventKind::PermissionFailed);
  EXPECT_EQ(failed.errc, Errc::BidDown);
  for (const Message& request : run.requests) {
    const auto algorithm = parse(request).get<stun::AttributeType::PasswordAlgorithm>();
    EXPECT_TRUE(!algorithm || algorithm->algorithm == 2);
  }
}

struct Operation {
  std::string name;
  std::function<void(TurnRun&)> command;
  TurnEventKind success;
};

std::vector<Operation> operations(const Path& path) {
  std::vector<Operation> all = {
      {"refresh", [](TurnRun& run) { ASSERT_EQ(run.client.refresh(run.net.now), Errc::Ok); },
       TurnEventKind::Refreshed},
      {"permit", [](TurnRun& run) { ASSERT_EQ(run.client.permit(run.net.now, kPeer), Errc::Ok); },
       TurnEventKind::Permitted},
  };
  if (path.is_stream()) {
    all.push_back(
        {"connect",
         [](TurnRun& run) { ASSERT_TRUE(run.client.connect(run.net.now, kPeer).has_value()); },
         TurnEventKind::Connected});
  } else {
    all.push_back(
        {"bind",
         [](TurnRun& run) { ASSERT_TRUE(run.client.bind_channel(run.net.now, kPeer).has_value()); },
         TurnEventKind::ChannelBound});
  }
  return all;
}

client::AllocateRequest request_for(const Path& path) {
  return {.transport = path.is_stream() ? kProtocolTcp : kProtocolUdp};
}

TEST_P(Credentials, AStaleNonceIsReplacedOnEveryMethod) {
  for (const bool is_signed : {false, true}) {
    for (const Operation& operation : operations(GetParam())) {
      TurnRun run(GetParam(),
                  {.server = {.signs_stale_nonce = is_signed, .connects_at_once = true}});
      ASSERT_EQ(run.allocate(request_for(GetParam())).kind, TurnEventKind::Allocated);
      run.server.credentials.rotate_nonce();
      operation.command(run);
      const TurnRecord done = run.await(operation.success);
      EXPECT_EQ(done.requests_sent, 2U) << operation.name;
      EXPECT_EQ(done.errc, Errc::Ok);
      EXPECT_TRUE(run.is_clean({.unsigned_requests = 1, .stale_nonce = 1})) << operation.name;
      EXPECT_TRUE(all_differ(run.requests));
    }
  }
}

TEST_P(Credentials, AStaleNonceWhileAllocatingAndClosing) {
  TurnRun run(GetParam());
  run.server.refuse_next(Method::Allocate, {.code = 438, .times = 2});
  ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
  EXPECT_TRUE(all_differ(run.requests));
  run.server.credentials.rotate_nonce();
  run.client.close(run.net.now);
  run.await(TurnEventKind::Closed);
  EXPECT_EQ(run.at_server(), nullptr);
}

TEST_P(Credentials, NoncesThatAreAlwaysStaleAreNotFollowedForEver) {
  for (const Operation& operation : operations(GetParam())) {
    TurnRun run(GetParam(), {.server = {.connects_at_once = true}});
    ASSERT_EQ(run.allocate(request_for(GetParam())).kind, TurnEventKind::Allocated);
    const size_t before = run.requests.size();
    for (const Method method :
         {Method::Refresh, Method::CreatePermission, Method::ChannelBind, Method::Connect}) {
      run.server.refuse_next(method, {.code = 438, .times = 1000});
    }
    operation.command(run);
    run.net.run_for(Duration::seconds(5));
    ASSERT_EQ(run.events.size(), 2U) << operation.name;
    EXPECT_EQ(run.events[1].errc, Errc::StaleNonceLimit);
    EXPECT_EQ(run.events[1].error_code, 438);
    EXPECT_LE(run.requests.size() - before, 6U);
    EXPECT_TRUE(all_differ(run.requests));
  }
}

TEST_P(Credentials, ChangeWhileTheAllocationLives) {
  TurnRun run(GetParam());
  ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
  run.server.credentials.options.password = "new";
  ASSERT_EQ(run.client.set_credentials(run.net.now, user_pass("user", "new")), Errc::Ok);
  EXPECT_EQ(run.await(TurnEventKind::Refreshed).errc, Errc::Ok);
  run.permit(kPeer);
  EXPECT_EQ(run.count(TurnEventKind::CredentialsRefused), 0U);
  EXPECT_EQ(run.server.violations.wrong_integrity, 0U);
  EXPECT_EQ(run.server.violations.unsigned_requests, 1U) << "whose answer anybody could make";
}

// RFC 8656 section 5: a server binds an allocation to its user, and answers 441 to another.
TEST_P(Credentials, OfAnotherUserLeaveTheAllocationToTheOldOne) {
  TurnRun run(GetParam());
  ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
  for (const Method method : {Method::Refresh, Method::CreatePermission, Method::ChannelBind}) {
    run.server.refuse_next(method, {.code = 441});
  }
  ASSERT_EQ(run.client.set_credentials(run.net.now, user_pass()), Errc::Ok);
  // They are asked for with the new ones too, and all hear 441.
  ASSERT_EQ(run.client.permit(run.net.now, kPeer), Errc::Ok);
  ASSERT_TRUE(run.client.bind_channel(run.net.now, kOther).has_value());
  run.net.run_for(Duration::seconds(10));
  EXPECT_EQ(run.count(TurnEventKind::CredentialsRefused), 1U);
  EXPECT_EQ(run.last(TurnEventKind::CredentialsRefused).errc, Errc::ErrorResponse);
  EXPECT_EQ(run.last(TurnEventKind::CredentialsRefused).error_code, 441);
  EXPECT_EQ(run.count(TurnEventKind::Permitted), 1U);
  EXPECT_EQ(run.count(TurnEventKind::ChannelBound), 1U);
  EXPECT_EQ(run.count(TurnEventKind::Lost), 0U);
  EXPECT_EQ(run.count(TurnEventKind::Refreshed), 0U) << "not with the new ones";
  EXPECT_TRUE(run.client.is_allocated());
  // It lives on.
  run.net.run_for(Duration::seconds(3600));
  EXPECT_TRUE(run.client.is_allocated());
  EXPECT_EQ(run.server.tally.allocations_expired, 0U);
}

// coturn does not sign its 441.
TEST_P(Credentials, OfAnotherUserAreTakenBackAfterAnUnsignedRefusal) {
  TurnRun run(GetParam());
  ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
  run.server.refuse_next(Method::Refresh, {.code = 441, .is_signed = false});
  ASSERT_EQ(run.client.set_credentials(run.net.now, user_pass()), Errc::Ok);
  EXPECT_EQ(run.await(TurnEventKind::CredentialsRefused, Duration::seconds(1)).error_code, 441);
  run.permit(kPeer);
  EXPECT_EQ(run.count(TurnEventKind::Lost), 0U);
  EXPECT_EQ(run.client.stats().bad_integrity, 0U);
}

// Pion answers a wrong password so. It does not count (RFC 8489 section 9.2.5), and no other comes.
TEST_P(Credentials, ThatNothingIsSaidOfThatCountsAreTakenBackInTheEnd) {
  TurnRun run(GetParam());
  ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
  for (const Method method : {Method::Refresh, Method::CreatePermission}) {
    run.server.refuse_next(method, {.code = 400, .is_signed = false});
  }
  ASSERT_EQ(run.client.set_credentials(run.net.now, user_pass()), Errc::Ok);
  ASSERT_EQ(run.client.permit(run.net.now, kPeer), Errc::Ok);
  const TurnRecord refused =
      run.await(TurnEventKind::CredentialsRefused, Duration::milliseconds(39'600));
  EXPECT_EQ(refused.errc, Errc::Timeout);
  EXPECT_EQ(refused.error_code, 400);
  run.await(TurnEventKind::Permitted);
  run.net.run_for(Duration::seconds(3600));
  EXPECT_EQ(run.count(TurnEventKind::CredentialsRefused), 1U);
  EXPECT_EQ(run.count(TurnEventKind::Lost), 0U);
}

// p1_stun takes another user's Refresh, and signs for the one who made the allocation.
TEST(CredentialsOnAStream, AreTakenBackAfterAnAnswerThatIsSignedForAnother) {
  TurnRun run(kStream);
  ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
  const size_t before = run.requests.size();
  ASSERT_EQ(run.client.set_credentials(run.net.now, user_pass()), Errc::Ok);
  run.net.drain();
  run.net.run_for(Duration::milliseconds(5));
  ASSERT_EQ(run.requests.size(), before + 1) << "signed at once";
  run.net.inject({}, forged_success(run.requests.back(), Forgery::Sha1));
  EXPECT_EQ(run.await(TurnEventKind::CredentialsRefused).errc, Errc::IntegrityMismatch);
  run.permit(kPeer);
  EXPECT_EQ(run.count(TurnEventKind::Lost), 0U);
}

// Where there are none to go back to, it is believed as little as any other that is unsigned.
TEST(CredentialsThatWereNotChanged, OutlastAnUnsigned441) {
  TurnRun run;
  ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
  run.server.refuse_next(Method::CreatePermission, {.code = 441, .is_signed = false});
  ASSERT_EQ(run.client.permit(run.net.now, kPeer), Errc::Ok);
  run.net.run_for(Duration::milliseconds(200));
  EXPECT_EQ(run.client.stats().bad_integrity, 1U);
  run.server.forget_answers();
  EXPECT_EQ(run.await(TurnEventKind::Permitted).errc, Errc::Ok) << "of the retransmission";
  EXPECT_EQ(run.count(TurnEventKind::CredentialsRefused), 0U);
}

TEST_P(Credentials, WithAWrongPasswordLeaveTheAllocationToTheOldOnes) {
  TurnRun run(GetParam());
  ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
  ASSERT_EQ(run.client.set_credentials(run.net.now, user_pass("user", "wrong")), Errc::Ok);
  ASSERT_EQ(run.client.permit(run.net.now, kPeer), Errc::Ok);
  ASSERT_TRUE(run.client.bind_channel(run.net.now, kOther).has_value());
  run.net.run_for(Duration::seconds(10));
  EXPECT_EQ(run.count(TurnEventKind::CredentialsRefused), 1U);
  EXPECT_EQ(run.last(TurnEventKind::CredentialsRefused).errc, Errc::Unauthenticated);
  EXPECT_EQ(run.count(TurnEventKind::Permitted), 1U);
  EXPECT_EQ(run.count(TurnEventKind::ChannelBound), 1U);
  EXPECT_EQ(run.count(TurnEventKind::Lost), 0U);
  EXPECT_LE(run.server.violations.wrong_integrity, 6U) << "each asked twice at most";
}

TEST_P(Credentials, OfAThirdParty) {
  const ThirdParty third_party;
  TurnRun run(GetParam(), {.credentials = {.third_party = third_party}});
  ASSERT_EQ(run.client.set_credentials(run.net.now, {}), Errc::Ok);
  const TurnRecord failed = run.allocate();
  EXPECT_EQ(failed.errc, Errc::CredentialsNeeded);
  EXPECT_EQ(failed.third_party_text, third_party.server_name);
  ASSERT_EQ(run.client.set_credentials(run.net.now, {.mechanism = client::Mechanism::ThirdParty,
                                                     .username = as_bytes(third_party.kid),
                                                     .password = third_party.mac_key,
                                                     .access_token = third_party.access_token}),
            Errc::Ok);
  ASSERT_EQ(run.allocate().kind, TurnEventKind::Allocated);
  run.permit(kPeer);
  run.server.credentials.rotate_nonce();
  run.bind(kOther);
  EXPECT_EQ(run.server.violations.wrong_integrity, 0U);
  EXPECT_EQ(run.server.violations.bad_form, 0U);
}

INSTANTIATE_TEST_SUITE_P(Paths, Credentials, ::testing::Values(kDatagrams, kStream, kFramed),
                         path_name);

}  // namespace
}  // namespace postern::sim
