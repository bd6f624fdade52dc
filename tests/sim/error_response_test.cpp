// Error responses (RFC 8489 sections 6.3.4, 10, 14.8) without a challenge in them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/long_term_server.h"
#include "sim/simulation.h"

namespace postern::sim {
namespace {

using client::Mechanism;
using stun::AttributeType;
using stun::Class;
using namespace std::string_view_literals;

const TransportAddress kAlternate = TransportAddress::ipv4(192, 0, 2, 77, 3478);
const TransportAddress kAlternateV6 = *parse_address("2001:db8::77", 3478);

void add_redirection(ResponseBuilder& builder) {
  builder.error(300, "Try Alternate")
      .add<AttributeType::AlternateServer>(kAlternate)
      .add<AttributeType::AlternateServer>(kAlternateV6)
      .add<AttributeType::AlternateDomain>(as_bytes("other.example.org"));
}

Message redirection(const Request& request) {
  ResponseBuilder builder(request, Class::Error);
  add_redirection(builder);
  return builder.build();
}

TEST(ErrorResponse, TellsCodeReasonAndSoftware) {
  Simulation sim;
  sim.server = always([](const Request& request) {
    return ResponseBuilder(request, Class::Error)
        .error(500, "Server Error")
        .add<AttributeType::Software>(as_bytes("Scripted"))
        .build();
  });
  const auto handle = sim.start();
  const Outcome& outcome = sim.only_outcome();
  EXPECT_EQ(outcome.error().code, 500);
  EXPECT_EQ(outcome.reason, "Server Error");
  EXPECT_EQ(outcome.software, "Scripted");
  EXPECT_EQ(outcome.error().exchange.transaction, handle);
  EXPECT_EQ(outcome.error().exchange.round_trip, ms(40));
  EXPECT_EQ(sim.requests.size(), 1U) << "whether to try again is the caller's choice";
}

TEST(ErrorResponse, LosesTheNulsOfItsReason) {
  Simulation sim;
  sim.server =
      always([](const Request& request) { return error(request, 403, "Forbidden\0\0\0"sv); });
  sim.start();
  EXPECT_EQ(sim.only_outcome().error().code, 403);
  EXPECT_EQ(sim.outcomes[0].reason, "Forbidden");
}

TEST(ErrorResponse, ListsUnknownAttributes) {
  Simulation sim;
  sim.server = always([](const Request& request) {
    const std::array<uint8_t, 4> types = {0x00, 0x03, 0x00, 0x26};
    return ResponseBuilder(request, Class::Error)
        .error(420, "Unknown Attribute")
        .add<AttributeType::UnknownAttributes>(types)
        .build();
  });
  sim.start();
  EXPECT_EQ(sim.only_outcome().error().code, 420);
  EXPECT_THAT(sim.outcomes[0].error().unknown_attributes.view(),
              testing::ElementsAre(0x0003, 0x0026));
  EXPECT_EQ(sim.requests.size(), 1U);
}

TEST(ErrorResponse, KeepsSomeOfALongListOfUnknownAttributes) {
  Simulation sim;
  sim.server = always([](const Request& request) {
    const std::vector<uint8_t> types(2000, 0x11);
    return ResponseBuilder(request, Class::Error)
        .error(420, "")
        .add<AttributeType::UnknownAttributes>(types)
        .build();
  });
  sim.start();
  EXPECT_EQ(sim.only_outcome().error().unknown_attributes.count, client::UnknownTypes::kCapacity);
}

TEST(ErrorResponse, WithoutErrorCodeEndsTheTransaction) {
  Simulation sim;
  sim.server =
      always([](const Request& request) { return ResponseBuilder(request, Class::Error).build(); });
  sim.start();
  EXPECT_EQ(sim.only_outcome().failed().errc, Errc::AttributeMissing);
  EXPECT_EQ(sim.outcomes[0].at, at_ms(40));
}

TEST(ErrorResponse, WithNonsenseForErrorCodeEndsTheTransaction) {
  Simulation sim;
  sim.server = always([](const Request& request) {
    const std::array<uint8_t, 4> code_799 = {0, 0, 7, 99};
    return ResponseBuilder(request, Class::Error)
        .add_raw(static_cast<uint16_t>(AttributeType::ErrorCode), code_799)
        .build();
  });
  sim.start();
  EXPECT_EQ(sim.only_outcome().failed().errc, Errc::AttributeValue);
}

TEST(ErrorResponse, WithUnknownRequiredAttributeEndsTheTransaction) {
  Simulation sim;
  sim.server = always([](const Request& request) {
    return ResponseBuilder(request, Class::Error).error(500, "Sorry").add_raw(0x7F00, {}).build();
  });
  sim.start();
  const client::Failed& failed = sim.only_outcome().failed();
  EXPECT_EQ(failed.errc, Errc::UnknownAttributes);
  EXPECT_EQ(failed.error_code, 500);
  EXPECT_EQ(sim.outcomes[0].reason, "Sorry");
}

TEST(ErrorResponse, OfAStaleNonceThatWasNeverUsedIsNoChallenge) {
  Simulation sim;
  sim.server = always([](const Request& request) { return error(request, 438, "Stale Nonce"); });
  sim.start();
  EXPECT_EQ(sim.only_outcome().error().code, 438);
}

TEST(Redirection, NamesTheServers) {
  Simulation sim;
  sim.server = always(redirection);
  sim.start();
  const client::ErrorResponse& error = sim.only_outcome().error();
  EXPECT_EQ(error.code, 300);
  EXPECT_THAT(error.alternate_servers, testing::ElementsAre(kAlternate, kAlternateV6));
  EXPECT_EQ(sim.outcomes[0].alternate_domain, "other.example.org");
  EXPECT_TRUE(error.may_redirect);
}

TEST(Redirection, IsNotFollowedWithCredentialsUnlessSigned) {
  Simulation sim;
  sim.set_credentials(Mechanism::LongTerm, "user", "pass");
  sim.server = always(redirection);  // to the first request, which is not signed
  sim.start();
  EXPECT_EQ(sim.only_outcome().error().code, 300);
  EXPECT_FALSE(sim.outcomes[0].error().may_redirect);
}

TEST(Redirection, IsFollowedWithCredentialsIfSigned) {
  LongTermServer auth;
  Simulation sim;
  sim.set_credentials(Mechanism::LongTerm, "user", "pass");
  sim.server = always([&](const Request& request) {
    if (request.integrity_offset() == 0) return auth.challenge(request, 401);
    ResponseBuilder builder(request, Class::Error);
    add_redirection(builder);
    return builder.sign_sha1(auth.key_for(request)).build();
  });
  sim.start();
  const client::ErrorResponse& error = sim.only_outcome().error();
  EXPECT_EQ(error.code, 300);
  EXPECT_TRUE(error.exchange.authenticated);
  EXPECT_TRUE(error.may_redirect);
}

TEST(Redirection, ForgedAfterTheChallengeIsDropped) {
  LongTermServer auth;
  Simulation sim;
  sim.set_credentials(Mechanism::LongTerm, "user", "pass");
  sim.server = [&](const Request& request) {
    if (request.integrity_offset() == 0) return Messages{auth.challenge(request, 401)};
    return Messages{redirection(request), auth.answer(request)};
  };
  sim.start();
  EXPECT_EQ(sim.only_outcome().mapped().address, kMapped);
  EXPECT_EQ(sim.client.stats().bad_integrity, 1U);
}

TEST(Redirection, WithoutAServerIsStillAnAnswer) {
  Simulation sim;
  sim.server = always([](const Request& request) { return error(request, 300, "Try Alternate"); });
  sim.start();
  EXPECT_EQ(sim.only_outcome().error().alternate_servers[0].family, Family::None);
  EXPECT_FALSE(sim.outcomes[0].error().may_redirect);
}

}  // namespace
}  // namespace postern::sim
