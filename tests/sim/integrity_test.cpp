// Responses whose integrity is missing or wrong (RFC 8489 sections 9.1.4, 9.2.5): over UDP they are
// dropped and the right one is waited for; where nothing else came, that is what is reported; a
// reliable transport has no other answer to wait for.
#include <gtest/gtest.h>

#include "sim/long_term_server.h"
#include "sim/simulation.h"

namespace postern::sim {
namespace {

using client::Mechanism;
using client::ShortTermIntegrity;
using stun::AttributeType;
using stun::Class;

const stun::PreparedKey kKey(as_bytes("secret"));

Message signed_sha1(const Request& request, const stun::PreparedKey& key = kKey) {
  return ResponseBuilder(request, Class::Success)
      .add<AttributeType::XorMappedAddress>(kMapped)
      .sign_sha1(key)
      .build();
}

Message signed_sha256(const Request& request, size_t bytes = 32) {
  return ResponseBuilder(request, Class::Success)
      .add<AttributeType::XorMappedAddress>(kMapped)
      .sign_sha256(kKey, bytes)
      .build();
}

Simulation& with_password(Simulation& sim) {
  sim.set_credentials(Mechanism::ShortTerm, "user", "secret");
  return sim;
}

client::StunClientOptions options_with(ShortTermIntegrity integrity) {
  auto options = datagram_options();
  options.authentication.short_term_integrity = integrity;
  return options;
}

TEST(Integrity, ForgedSuccessBeforeTheRightOne) {
  Simulation sim;
  with_password(sim);
  sim.server = [](const Request& request) {
    return Messages{success(request, kForged), corrupted(signed_sha256(request)),
                    signed_sha1(request, stun::PreparedKey(as_bytes("guess"))),
                    signed_sha256(request)};
  };
  sim.start();
  const Outcome& outcome = sim.only_outcome();
  EXPECT_EQ(outcome.mapped().address, kMapped);
  EXPECT_TRUE(outcome.mapped().exchange.authenticated);
  EXPECT_EQ(sim.client.stats().bad_integrity, 3U);
}

TEST(Integrity, ForgedOnlyIsReportedAtTheEnd) {
  Simulation sim;
  with_password(sim);
  sim.server = always([](const Request& request) { return success(request, kForged); });
  sim.start();
  const Outcome& outcome = sim.only_outcome();
  EXPECT_EQ(outcome.failed().errc, Errc::IntegrityMismatch);
  EXPECT_EQ(outcome.at, at_ms(39500)) << "retransmissions go on as if nothing had come";
  EXPECT_EQ(outcome.failed().exchange.requests_sent, 7U);
}

TEST(Integrity, KeepsTheHintOfAnErrorThatWasDropped) {
  Simulation sim;
  with_password(sim);
  sim.server = [](const Request& request) {
    return Messages{error(request, 500), success(request, kForged)};
  };
  sim.start();
  EXPECT_EQ(sim.only_outcome().failed().errc, Errc::IntegrityMismatch);
  EXPECT_EQ(sim.outcomes[0].failed().error_code, 500);
}

TEST(Integrity, ForgedEndsAtOnceOnAReliableTransport) {
  Simulation sim(reliable_options());
  with_password(sim);
  sim.server = always([](const Request& request) { return corrupted(signed_sha256(request)); });
  sim.start();
  EXPECT_EQ(sim.only_outcome().failed().errc, Errc::IntegrityMismatch);
  EXPECT_EQ(sim.outcomes[0].at, at_ms(40));
}

TEST(Integrity, AForgedAnswerGivesNoRoundTrip) {
  Simulation sim;
  with_password(sim);
  sim.route = [](Direction, size_t) { return Fate{ms(150)}; };
  sim.server = always([](const Request& request) { return signed_sha1(request); });
  sim.start();
  sim.inject(ms(1), success(parse(sim.requests[0].bytes), kForged));
  EXPECT_EQ(sim.only_outcome().mapped().exchange.round_trip, ms(300));
}

// Section 9.2.4: a server that could not find the user has no key.
TEST(Integrity, UnsignedErrorsOfAServerWithTheUser) {
  LongTermServer server;
  Simulation sim;
  sim.set_credentials(Mechanism::LongTerm, "user", "pass");
  const auto refuse_with = [&](uint16_t code) {
    sim.outcomes.clear();
    sim.server = always([&server, code](const Request& request) {
      return request.integrity_offset() == 0 ? server.challenge(request, 401)
                                             : error(request, code, "unsigned");
    });
    sim.start();
    return sim.only_outcome().failed();
  };
  const client::Failed server_error = refuse_with(500);
  EXPECT_EQ(server_error.errc, Errc::IntegrityMismatch);
  EXPECT_EQ(server_error.error_code, 500) << "as a hint";
  // As if it had never come: no violation, either.
  const client::Failed bad_request = refuse_with(400);
  EXPECT_EQ(bad_request.errc, Errc::Timeout);
  EXPECT_EQ(bad_request.error_code, 400) << "as a hint";
  sim.outcomes.clear();
  sim.server = [](const Request&) { return Messages{}; };
  sim.start();
  EXPECT_EQ(sim.only_outcome().failed().errc, Errc::Timeout);
  EXPECT_EQ(sim.outcomes[0].failed().error_code, 0) << "nothing is left of the one before";
}

TEST(Integrity, AnUnsigned400DoesNotEndAReliableTransaction) {
  LongTermServer server;
  Simulation sim(reliable_options());
  sim.set_credentials(Mechanism::LongTerm, "user", "pass");
  sim.server = always([&](const Request& request) {
    return request.integrity_offset() == 0 ? server.challenge(request, 401) : error(request, 400);
  });
  sim.start();
  EXPECT_EQ(sim.only_outcome().failed().errc, Errc::Timeout);
  EXPECT_EQ(sim.outcomes[0].at, at_ms(40 + 39500));
}

TEST(Integrity, SignedErrorOfTheServerIsBelieved) {
  LongTermServer server;
  Simulation sim;
  sim.set_credentials(Mechanism::LongTerm, "user", "pass");
  sim.server = always([&](const Request& request) {
    if (request.integrity_offset() == 0) return server.challenge(request, 401);
    return ResponseBuilder(request, Class::Error)
        .error(400, "Bad Request")
        .sign_sha1(server.key_for(request))
        .build();
  });
  sim.start();
  EXPECT_EQ(sim.only_outcome().error().code, 400);
  EXPECT_TRUE(sim.outcomes[0].error().exchange.authenticated);
}

TEST(Integrity, ChallengeWithAWrongSignatureIsDropped) {
  LongTermServer server;
  Simulation sim;
  sim.set_credentials(Mechanism::LongTerm, "user", "pass");
  sim.server = [&](const Request& request) {
    if (request.integrity_offset() == 0) return Messages{server.challenge(request, 401)};
    const Message forged = ResponseBuilder(request, Class::Error)
                               .error(438, "")
                               .add<AttributeType::Nonce>(as_bytes("forged"))
                               .sign_sha1(kKey)
                               .build();
    return Messages{forged, server.answer(request)};
  };
  sim.start();
  EXPECT_TRUE(sim.only_outcome().mapped().exchange.authenticated);
  EXPECT_EQ(sim.client.stats().bad_integrity, 1U);
}

// Who asked with MESSAGE-INTEGRITY-SHA256 is not answered with less.
TEST(Integrity, Sha1AnswerToASha256Request) {
  LongTermServer server({.algorithms = kSha256ThenMd5});
  Simulation sim;
  sim.set_credentials(Mechanism::LongTerm, "user", "pass");
  sim.server = always([&](const Request& request) {
    if (request.integrity_sha256_offset() == 0) return server.challenge(request, 401);
    return signed_sha1(request, server.key_for(request));
  });
  sim.start();
  EXPECT_EQ(sim.only_outcome().failed().errc, Errc::IntegrityMismatch);
}

TEST(ShortTerm, SignsBothWaysAndGoesOnWithTheOneThatWasAnswered) {
  for (const bool with_sha256 : {false, true}) {
    Simulation sim;
    with_password(sim);
    sim.server = always([&](const Request& request) {
      EXPECT_EQ(stun::check_best_integrity(request, kKey), Errc::Ok);
      return with_sha256 ? signed_sha256(request) : signed_sha1(request);
    });
    sim.start();
    sim.run();
    sim.start();
    sim.run();
    const auto first = parse(sim.requests.at(0).bytes);
    EXPECT_EQ(as_text(*first.get<AttributeType::Username>()), "user");
    EXPECT_TRUE(first.has(AttributeType::MessageIntegrity));
    EXPECT_TRUE(first.has(AttributeType::MessageIntegritySha256));
    const auto second = parse(sim.requests.at(1).bytes);  // section 9.1.5
    EXPECT_EQ(second.has(AttributeType::MessageIntegrity), !with_sha256);
    EXPECT_EQ(second.has(AttributeType::MessageIntegritySha256), with_sha256);
    EXPECT_TRUE(sim.outcomes.at(1).mapped().exchange.authenticated);
  }
}

TEST(ShortTerm, AnswersInTheAlgorithmOfTheRequestOnly) {
  Simulation sha1(options_with(ShortTermIntegrity::Sha1));
  with_password(sha1).server =
      always([](const Request& request) { return signed_sha256(request); });
  sha1.start();
  EXPECT_EQ(sha1.only_outcome().failed().errc, Errc::IntegrityMismatch);
  EXPECT_FALSE(parse(sha1.requests[0].bytes).has(AttributeType::MessageIntegritySha256));

  Simulation sha256(options_with(ShortTermIntegrity::Sha256));
  with_password(sha256).server =
      always([](const Request& request) { return signed_sha1(request); });
  sha256.start();
  EXPECT_EQ(sha256.only_outcome().failed().errc, Errc::IntegrityMismatch);
  EXPECT_FALSE(parse(sha256.requests[0].bytes).has(AttributeType::MessageIntegrity));
}

// A server that sends both, against section 9.1.3: the weaker one cannot stand in for the other.
TEST(ShortTerm, StrongerOfTwoSignaturesDecides) {
  Simulation sim;
  with_password(sim);
  sim.server = always([](const Request& request) {
    return ResponseBuilder(request, Class::Success)
        .add<AttributeType::XorMappedAddress>(kForged)
        .sign_sha1(kKey)
        .sign_sha256(stun::PreparedKey(as_bytes("guess")))
        .build();
  });
  sim.start();
  EXPECT_EQ(sim.only_outcome().failed().errc, Errc::IntegrityMismatch);
}

// They do not answer a challenge of the long-term mechanism.
TEST(ShortTerm, CredentialsThatCameTooLateForTheFirstRequest) {
  LongTermServer server;
  Simulation sim;
  sim.server = always([&](const Request& request) { return server.answer(request); });
  sim.start();
  with_password(sim);
  EXPECT_EQ(sim.only_outcome().failed().errc, Errc::CredentialsNeeded);
}

TEST(ShortTerm, UnsignedRefusalIsAHintOnly) {
  Simulation sim;
  with_password(sim);
  sim.server =
      always([](const Request& request) { return error(request, 401, "Unauthenticated"); });
  sim.start();
  EXPECT_EQ(sim.only_outcome().failed().errc, Errc::IntegrityMismatch);
  EXPECT_EQ(sim.outcomes[0].failed().error_code, 401);
}

TEST(ShortTerm, TruncationNeedsPermission) {
  Simulation strict;
  with_password(strict).server = always([](const Request& r) { return signed_sha256(r, 16); });
  strict.start();
  EXPECT_EQ(strict.only_outcome().failed().errc, Errc::IntegrityMismatch);

  auto options = datagram_options();
  options.authentication.least_sha256_bytes = 16;
  Simulation lenient(options);
  with_password(lenient).server = always([](const Request& r) { return signed_sha256(r, 16); });
  lenient.start();
  EXPECT_TRUE(lenient.only_outcome().mapped().exchange.authenticated);
}

}  // namespace
}  // namespace postern::sim
