// Long-term credentials (RFC 8489 section 9.2): challenge, answer, and what is kept for later
// requests. The server checks every request as section 9.2.4 demands.
#include <gtest/gtest.h>

#include <set>

#include "sim/long_term_server.h"
#include "sim/simulation.h"

namespace postern::sim {
namespace {

using client::AlgorithmChoice;
using client::Mechanism;
using stun::AttributeType;
using stun::PasswordAlgorithm;

// A client with user's credentials, and a server that wants them.
class LongTerm : public testing::Test {
 protected:
  explicit LongTerm(const client::StunClientOptions& options = datagram_options()) : sim(options) {
    sim.set_credentials(Mechanism::LongTerm, "user", "pass");
    sim.server = always([this](const Request& request) { return server.answer(request); });
  }

  stun::MessageView request(size_t nth) { return parse(sim.requests.at(nth).bytes); }
  uint16_t algorithm_of(size_t nth) {
    const auto algorithm = request(nth).get<AttributeType::PasswordAlgorithm>();
    return algorithm ? algorithm->algorithm : 0;
  }

  LongTermServer server;
  Simulation sim;
};

class LongTermStrongest : public LongTerm {
 protected:
  static client::StunClientOptions strongest() {
    auto options = datagram_options();
    options.authentication.challenge.algorithm = AlgorithmChoice::Strongest;
    return options;
  }
  LongTermStrongest() : LongTerm(strongest()) {}
};

TEST_F(LongTerm, AnswersTheChallengeOfAnOldServer) {
  sim.start();
  const Outcome& outcome = sim.only_outcome();
  EXPECT_EQ(outcome.mapped().address, kMapped);
  EXPECT_TRUE(outcome.mapped().exchange.authenticated);
  EXPECT_EQ(outcome.mapped().exchange.requests_sent, 2U);
  EXPECT_EQ(outcome.mapped().exchange.round_trip, ms(40)) << "of the second transaction";
  EXPECT_EQ(outcome.at, at_ms(80));
  // Section 9.2.3.1: the first request tells nothing.
  EXPECT_EQ(request(0).bytes().size(), stun::kHeaderBytes);
  EXPECT_TRUE(request(1).has(AttributeType::MessageIntegrity));
  EXPECT_FALSE(request(1).has(AttributeType::MessageIntegritySha256));
  EXPECT_FALSE(request(1).has(AttributeType::PasswordAlgorithm));
}

TEST_F(LongTerm, AnswersUnderANewId) {
  sim.start();
  sim.run();
  EXPECT_NE(as_text(request(0).transaction_id()), as_text(request(1).transaction_id()));
}

TEST_F(LongTerm, TakesTheFirstAlgorithmOffered) {
  server.options.algorithms = kSha256ThenMd5;
  sim.start();
  EXPECT_TRUE(sim.only_outcome().mapped().exchange.authenticated);
  EXPECT_EQ(algorithm_of(1), static_cast<uint16_t>(PasswordAlgorithm::Sha256));
  // Section 9.2.5: nothing weaker beside it.
  EXPECT_FALSE(request(1).has(AttributeType::MessageIntegrity));
}

TEST_F(LongTerm, TakesMd5WhereThatComesFirst) {
  server.options.algorithms = kMd5ThenSha256;
  sim.start();
  EXPECT_TRUE(sim.only_outcome().mapped().exchange.authenticated);
  EXPECT_EQ(algorithm_of(1), static_cast<uint16_t>(PasswordAlgorithm::Md5));
  EXPECT_TRUE(request(1).has(AttributeType::MessageIntegritySha256)) << "MD5 is for the key only";
}

TEST_F(LongTermStrongest, TakesSha256WhereverItStands) {
  server.options.algorithms = kMd5ThenSha256;
  sim.start();
  EXPECT_TRUE(sim.only_outcome().mapped().exchange.authenticated);
  EXPECT_EQ(algorithm_of(1), static_cast<uint16_t>(PasswordAlgorithm::Sha256));
}

TEST_F(LongTerm, SkipsUnknownAlgorithmsAndEchoesThem) {
  // 0x7777 with parameters of 3 bytes and padding that is not zero; SHA-256 with a parameter, which
  // is not the SHA-256 of the RFC; MD5.
  static constexpr uint8_t kList[] = {0x77, 0x77, 0, 3, 1, 2, 3, 9, 0, 2,
                                      0,    1,    5, 0, 0, 0, 0, 1, 0, 0};
  server.options.algorithms = kList;
  sim.start();
  EXPECT_TRUE(sim.only_outcome().mapped().exchange.authenticated);
  EXPECT_EQ(algorithm_of(1), static_cast<uint16_t>(PasswordAlgorithm::Md5));
}

TEST_F(LongTerm, EndsWhereNoAlgorithmIsKnown) {
  static constexpr uint8_t kList[] = {0x77, 0x77, 0, 0};
  server.options.algorithms = kList;
  sim.start();
  EXPECT_EQ(sim.only_outcome().failed().errc, Errc::UnknownPasswordAlgorithm);
  EXPECT_EQ(sim.requests.size(), 1U);
}

TEST_F(LongTerm, HidesTheUserNameWhereTheServerCan) {
  server.options.hides_username = true;
  server.options.algorithms = kSha256ThenMd5;
  sim.start();
  EXPECT_TRUE(sim.only_outcome().mapped().exchange.authenticated);
  EXPECT_TRUE(request(1).has(AttributeType::Userhash));
  EXPECT_FALSE(request(1).has(AttributeType::Username));
}

TEST_F(LongTerm, SeesNoFeatureBitsCountedFromTheOtherSide) {
  server.options.hides_username = true;
  server.options.feature_bits = stun::FeatureBitOrder::FromLeft;
  sim.start();
  EXPECT_EQ(sim.only_outcome().failed().errc, Errc::Unauthenticated) << "this server insists";
  EXPECT_TRUE(request(1).has(AttributeType::Username));
}

TEST(LongTermFromLeft, HidesTheUserNameWhereBitsAreCountedFromTheLeft) {
  auto options = datagram_options();
  options.authentication.challenge.feature_bits = stun::FeatureBitOrder::FromLeft;
  Simulation sim(options);
  LongTermServer server({.hides_username = true, .feature_bits = stun::FeatureBitOrder::FromLeft});
  sim.set_credentials(Mechanism::LongTerm, "user", "pass");
  sim.server = always([&](const Request& request) { return server.answer(request); });
  sim.start();
  EXPECT_TRUE(sim.only_outcome().mapped().exchange.authenticated);
}

TEST_F(LongTerm, KeepsTheChallengeForLaterRequests) {
  sim.start();
  sim.run();
  sim.start();
  sim.run();
  EXPECT_EQ(sim.requests.size(), 3U);
  EXPECT_EQ(server.accepted, 2U);
  EXPECT_EQ(sim.outcomes.at(1).mapped().exchange.requests_sent, 1U);
}

TEST_F(LongTerm, TakesANewNonce) {
  sim.start();
  sim.run();
  server.rotate_nonce();
  sim.start();
  sim.run();
  EXPECT_EQ(sim.outcomes.at(1).mapped().exchange.requests_sent, 2U);
  EXPECT_EQ(server.accepted, 2U);
}

TEST_F(LongTerm, GivesUpOnAServerWhoseNoncesAreAlwaysStale) {
  sim.server = always([this](const Request& request) {
    server.rotate_nonce();
    return server.answer(request);
  });
  sim.start();
  const client::Failed& failed = sim.only_outcome().failed();
  EXPECT_EQ(failed.errc, Errc::StaleNonceLimit);
  EXPECT_EQ(failed.error_code, 438);
  EXPECT_EQ(sim.outcomes[0].reason, "Stale Nonce");
  EXPECT_EQ(sim.requests.size(), 1 + client::kMaxChallenges);
  std::set<std::string> ids;
  for (size_t i = 0; i < sim.requests.size(); ++i) ids.insert(as_text(request(i).transaction_id()));
  EXPECT_EQ(ids.size(), sim.requests.size());
}

TEST_F(LongTerm, IsRefusedWithAWrongPassword) {
  server.options.password = "another";
  sim.start();
  const client::Failed& failed = sim.only_outcome().failed();
  EXPECT_EQ(failed.errc, Errc::Unauthenticated);
  EXPECT_EQ(failed.error_code, 401);
  EXPECT_EQ(sim.outcomes[0].realm, "example.org");
  EXPECT_EQ(sim.requests.size(), 2U) << "section 9.2.5: no second try with the same";
}

TEST_F(LongTerm, SucceedsAfterTheRightPasswordIsGiven) {
  server.options.password = "another";
  sim.start();
  sim.run();
  sim.set_credentials(Mechanism::LongTerm, "user", "another");
  sim.start();
  sim.run();
  EXPECT_EQ(request(2).bytes().size(), stun::kHeaderBytes) << "realm and nonce were forgotten";
  EXPECT_TRUE(sim.outcomes.at(1).mapped().exchange.authenticated);
}

TEST_F(LongTerm, AnswersAChallengeOfAnotherRealm) {
  sim.start();
  sim.run();
  server.options.realm = "elsewhere.example.org";
  sim.start();
  sim.run();
  EXPECT_TRUE(sim.outcomes.at(1).mapped().exchange.authenticated);
  EXPECT_EQ(sim.outcomes.at(1).mapped().exchange.requests_sent, 2U);
}

TEST_F(LongTerm, GivesUpOnAServerThatAlwaysChangesTheRealm) {
  sim.server = always([this](const Request& request) {
    server.options.realm += "x";
    return server.challenge(request, 401);
  });
  sim.start();
  EXPECT_EQ(sim.only_outcome().failed().errc, Errc::Unauthenticated);
  EXPECT_EQ(sim.requests.size(), 1 + client::kMaxChallenges);
}

TEST_F(LongTerm, SignsForItsOwnRealmOnly) {
  sim.set_credentials(Mechanism::LongTerm, "user", "pass", "mine.example.org");
  sim.start();
  EXPECT_EQ(sim.only_outcome().failed().errc, Errc::CredentialsNeeded);
  EXPECT_EQ(sim.outcomes[0].realm, "example.org");
  sim.outcomes.clear();
  server.options.realm = "mine.example.org";
  sim.start();
  EXPECT_TRUE(sim.only_outcome().mapped().exchange.authenticated);
}

TEST(LongTermWithout, CredentialsIsToldThatTheyAreNeeded) {
  Simulation sim;
  LongTermServer server;
  sim.server = always([&](const Request& request) { return server.answer(request); });
  sim.start();
  const client::Failed& failed = sim.only_outcome().failed();
  EXPECT_EQ(failed.errc, Errc::CredentialsNeeded);
  EXPECT_EQ(failed.error_code, 401);
  EXPECT_EQ(sim.outcomes[0].realm, "example.org");
}

TEST_F(LongTerm, ServesSeveralTransactionsAtOnce) {
  server.options.algorithms = kSha256ThenMd5;
  for (size_t i = 0; i < client::kMaxTransactions; ++i) sim.start();
  sim.run();
  ASSERT_EQ(sim.outcomes.size(), client::kMaxTransactions);
  for (const Outcome& outcome : sim.outcomes) {
    EXPECT_TRUE(outcome.mapped().exchange.authenticated);
    EXPECT_EQ(outcome.mapped().exchange.requests_sent, 2U);
  }
}

TEST_F(LongTerm, CountsACopyOfTheChallengeAsLate) {
  sim.route = [](Direction direction, size_t) {
    return direction == Direction::ToClient ? Fate{kLatency, kLatency * 2} : Fate{kLatency};
  };
  sim.start();
  EXPECT_TRUE(sim.only_outcome().mapped().exchange.authenticated);
  EXPECT_EQ(sim.client.stats().late, 2U);
  EXPECT_EQ(sim.client.stats().unknown_transaction, 0U);
}

// The user name was refused to those before, so that there is something new to try.
TEST_F(LongTerm, TriesAgainWithCredentialsThatCameWhileTheRequestWasUnderWay) {
  server.options.password = "another";
  sim.start();
  sim.run_until(at_ms(50));  // challenged and signed
  sim.set_credentials(Mechanism::LongTerm, "user", "another");
  EXPECT_TRUE(sim.only_outcome().mapped().exchange.authenticated);
  EXPECT_EQ(sim.requests.size(), 3U);
}

// A response is checked with the key that signed its request.
TEST_F(LongTerm, MayChangeCredentialsWhileARequestIsUnderWay) {
  sim.start();
  sim.run();
  sim.start();  // signed at once
  sim.set_credentials(Mechanism::LongTerm, "somebody", "else");
  sim.run();
  EXPECT_TRUE(sim.outcomes.at(1).mapped().exchange.authenticated);
}

}  // namespace
}  // namespace postern::sim
