// NAT discovery against every behaviour of RFC 4787, good and bad networks, and servers that are
// not what they say: what is found is right or unknown, and never wrong.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "sim/nat_world.h"

namespace postern::sim {
namespace {

using client::nat::Answer;
using client::nat::Behaviour;
using client::nat::Finding;
using client::nat::Findings;
using client::nat::Reason;

using client::nat::TestName;

constexpr std::array<Depends, 3> kKinds = {Depends::OnNothing, Depends::OnAddress,
                                           Depends::OnAddressAndPort};
constexpr std::array<Honesty, 10> kServers = {Honesty::Honest,           Honesty::OneAddress,
                                              Honesty::NamesSameAddress, Honesty::NamesSamePort,
                                              Honesty::NamesNobody,      Honesty::NamesAnother,
                                              Honesty::IgnoresChange,    Honesty::DropsChange,
                                              Honesty::RefusesChange,    Honesty::AnswersElsewhere};

Behaviour behaviour_of(Depends depends) {
  return static_cast<Behaviour>(static_cast<uint8_t>(depends) + 1);
}
Answer answer_of(bool is_so) { return is_so ? Answer::Yes : Answer::No; }

// Right, or unknown.
template <typename Value>
void expect_no_lie(const Finding<Value>& found, Value truth, const std::string& what) {
  EXPECT_EQ(found.is_known(), found.reason == Reason::None) << what;
  if (found.is_known()) {
    EXPECT_EQ(static_cast<int>(found.value), static_cast<int>(truth)) << what;
  }
}

template <typename Value>
void expect_unknown(const Finding<Value>& found, Reason reason) {
  EXPECT_FALSE(found.is_known());
  EXPECT_EQ(static_cast<int>(found.reason), static_cast<int>(reason));
}

template <typename Value>
void expect_known(const Finding<Value>& found, Value value) {
  EXPECT_EQ(static_cast<int>(found.value), static_cast<int>(value))
      << "reason " << static_cast<int>(found.reason);
}

std::string name_of(const NatWorldOptions& options) {
  const NatBoxOptions& box = options.box;
  return "mapping " + std::to_string(static_cast<int>(box.mapping)) + ", filtering " +
         std::to_string(static_cast<int>(box.filtering)) + ", hairpins " +
         std::to_string(static_cast<int>(box.hairpins)) + ", server " +
         std::to_string(static_cast<int>(options.honesty)) + ", seed " +
         std::to_string(options.seed);
}

const client::nat::Test* find_test(const NatWorld& world, TestName name, int run = 1) {
  for (size_t i = 0; i < world.discovery.test_count(); ++i) {
    const client::nat::Test& test = world.discovery.test(static_cast<client::nat::TestId>(i));
    if (test.plan.name == name && test.plan.run == run) return &test;
  }
  return nullptr;
}

// --- Kinds of NAT

TEST(NatDiscovery, EachKindOnAGoodNetwork) {
  for (const Depends mapping : kKinds) {
    for (const Depends filtering : kKinds) {
      for (const bool hairpins : {false, true}) {
        NatWorldOptions options;
        options.box.mapping = mapping;
        options.box.filtering = filtering;
        options.box.hairpins = hairpins;
        SCOPED_TRACE(name_of(options));
        NatWorld world(options);
        ASSERT_TRUE(world.run());
        const Findings& found = world.discovery.findings();
        expect_known(found.behind_nat, Answer::Yes);
        expect_known(found.mapping, behaviour_of(mapping));
        expect_known(found.filtering, behaviour_of(filtering));
        expect_known(found.request_fragments, Answer::Yes);
        expect_known(found.answer_fragments, Answer::Yes);
        expect_known(found.preserves_port, Answer::No);
        if (mapping == Depends::OnNothing) {
          expect_known(found.hairpinning, answer_of(hairpins));
        } else if (!hairpins) {
          expect_unknown(found.hairpinning, Reason::MappingDependent);
        } else {
          expect_no_lie(found.hairpinning, Answer::Yes, "hairpinning");
        }
        EXPECT_TRUE(world.discovery.public_address().is_same_host(options.box.outside));
        EXPECT_EQ(world.sockets_opened, 10U);
        EXPECT_EQ(world.sockets_closed, world.sockets_opened);
        EXPECT_EQ(world.tests_ended, world.tests_started);
        EXPECT_LT(world.now.in_milliseconds(), 30'000);
      }
    }
  }
}

TEST(NatDiscovery, NoNatAndFirewalls) {
  for (const Depends filtering : kKinds) {
    for (const bool has_filter : {false, true}) {
      NatWorldOptions options;
      options.box.translates = false;
      options.box.has_filter = has_filter;
      options.box.filtering = filtering;
      NatWorld world(options);
      ASSERT_TRUE(world.run());
      const Findings& found = world.discovery.findings();
      expect_known(found.behind_nat, Answer::No);
      expect_known(found.mapping, Behaviour::EndpointIndependent);
      expect_known(found.filtering,
                   has_filter ? behaviour_of(filtering) : Behaviour::EndpointIndependent);
      expect_unknown(found.hairpinning, Reason::NoNat);
      expect_known(found.preserves_port, Answer::Yes);
    }
  }
}

TEST(NatDiscovery, ARouterThatAnswersWhatNobodyHasAskedFor) {
  for (const Depends filtering : kKinds) {
    NatWorldOptions options;
    options.box.filtering = filtering;
    options.box.answers_itself = true;
    NatWorld world(options);
    ASSERT_TRUE(world.run());
    expect_known(world.discovery.findings().filtering, behaviour_of(filtering));
    expect_known(world.discovery.findings().mapping, Behaviour::EndpointIndependent);
  }
}

TEST(NatDiscovery, ALongWayIsNoLoss) {
  for (const Depends filtering : kKinds) {
    NatWorldOptions options;
    options.box.filtering = filtering;
    options.latency = Duration::milliseconds(400);
    NatWorld world(options);
    ASSERT_TRUE(world.run());
    expect_known(world.discovery.findings().filtering, behaviour_of(filtering));
    expect_known(world.discovery.findings().hairpinning, Answer::No);
  }
}

TEST(NatDiscovery, WhereMostIsLostSilenceTellsNothing) {
  unsigned lossy = 0;
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    NatWorldOptions options;
    options.box.filtering = Depends::OnAddressAndPort;
    options.loss = 50;
    options.seed = seed;
    NatWorld world(options);
    ASSERT_TRUE(world.run());
    const Finding<Behaviour>& found = world.discovery.findings().filtering;
    EXPECT_FALSE(found.is_known());
    if (found.reason == Reason::Lossy) ++lossy;
  }
  EXPECT_GT(lossy, 0U);
}

TEST(NatDiscovery, PortsKeptAndParity) {
  for (const Ports ports : {Ports::Kept, Ports::ParityKept}) {
    NatWorldOptions options;
    options.box.ports = ports;
    NatWorld world(options);
    ASSERT_TRUE(world.run());
    const Findings& found = world.discovery.findings();
    expect_known(found.preserves_port, answer_of(ports == Ports::Kept));
    // The same port at another address is a NAT all the same.
    expect_known(found.behind_nat, Answer::Yes);
  }
}

// --- Lossy networks and bad servers: right or unknown

class NatSeeds : public testing::TestWithParam<uint32_t> {};

TEST_P(NatSeeds, AFifthLostEachWay) {
  unsigned known = 0;
  for (const Depends mapping : kKinds) {
    for (const Depends filtering : kKinds) {
      NatWorldOptions options;
      options.box.mapping = mapping;
      options.box.filtering = filtering;
      options.seed = GetParam();
      options.box.hairpins = GetParam() % 2 == 0;
      options.box.ports = static_cast<Ports>(GetParam() % 3);
      options.loss = 20;
      const std::string name = name_of(options);
      NatWorld world(options);
      ASSERT_TRUE(world.run()) << name;
      const Findings& found = world.discovery.findings();
      expect_no_lie(found.behind_nat, Answer::Yes, name);
      expect_no_lie(found.mapping, behaviour_of(mapping), name);
      expect_no_lie(found.filtering, behaviour_of(filtering), name);
      expect_no_lie(found.hairpinning, answer_of(options.box.hairpins), name);
      expect_no_lie(found.request_fragments, Answer::Yes, name);
      expect_no_lie(found.answer_fragments, Answer::Yes, name);
      if (found.mapping.is_known() && found.filtering.is_known()) ++known;
    }
  }
  // Two transactions a test keep nearly all of it known.
  EXPECT_GE(known, 7U);
}

TEST_P(NatSeeds, HalfLostEachWay) {
  for (const Depends filtering : kKinds) {
    NatWorldOptions options;
    options.box.filtering = filtering;
    options.box.mapping = static_cast<Depends>(GetParam() % 3);
    options.seed = GetParam();
    options.loss = 50;
    const std::string name = name_of(options);
    NatWorld world(options);
    ASSERT_TRUE(world.run()) << name;
    expect_no_lie(world.discovery.findings().mapping, behaviour_of(options.box.mapping), name);
    expect_no_lie(world.discovery.findings().filtering, behaviour_of(filtering), name);
  }
}

TEST_P(NatSeeds, ServersThatAreNotWhatTheySay) {
  for (const Honesty honesty : kServers) {
    for (const Depends filtering : kKinds) {
      NatWorldOptions options;
      options.box.filtering = filtering;
      options.box.mapping = static_cast<Depends>(GetParam() % 3);
      options.box.hairpins = GetParam() % 2 == 0;
      options.honesty = honesty;
      options.seed = GetParam();
      options.loss = GetParam() % 4 == 0 ? 10 : 0;
      const std::string name = name_of(options);
      NatWorld world(options);
      ASSERT_TRUE(world.run()) << name;
      const Findings& found = world.discovery.findings();
      expect_no_lie(found.mapping, behaviour_of(options.box.mapping), name);
      expect_no_lie(found.hairpinning, answer_of(options.box.hairpins), name);
      // A server that names another address, answers there, and does not answer from there what it
      // was asked elsewhere: where each address gets a mapping of its own, nothing tells it from a
      // filter.
      const bool can_not_be_seen =
          (honesty == Honesty::DropsChange || honesty == Honesty::NamesAnother ||
           honesty == Honesty::AnswersElsewhere) &&
          options.box.mapping != Depends::OnNothing;
      if (!can_not_be_seen) expect_no_lie(found.filtering, behaviour_of(filtering), name);
    }
  }
}

TEST_P(NatSeeds, ASystemThatDoesNotSend) {
  NatWorldOptions options;
  options.box.mapping = static_cast<Depends>(GetParam() % 3);
  options.box.filtering = static_cast<Depends>(GetParam() / 3 % 3);
  options.send_failures = 30;
  options.seed = GetParam();
  NatWorld world(options);
  ASSERT_TRUE(world.run());
  const std::string name = name_of(options);
  expect_no_lie(world.discovery.findings().mapping, behaviour_of(options.box.mapping), name);
  expect_no_lie(world.discovery.findings().filtering, behaviour_of(options.box.filtering), name);
}

TEST_P(NatSeeds, MappingsThatExpireMeanwhile) {
  for (const Depends filtering : kKinds) {
    NatWorldOptions options;
    options.box.mapping = static_cast<Depends>(GetParam() % 3);
    options.box.filtering = filtering;
    options.box.hairpins = GetParam() % 2 == 0;
    options.box.lifetime = Duration::milliseconds(50 + GetParam() * 60);
    options.seed = GetParam();
    const std::string name = name_of(options);
    NatWorld world(options);
    ASSERT_TRUE(world.run()) << name;
    const Findings& found = world.discovery.findings();
    expect_no_lie(found.mapping, behaviour_of(options.box.mapping), name);
    expect_no_lie(found.filtering, behaviour_of(filtering), name);
    expect_no_lie(found.hairpinning, answer_of(options.box.hairpins), name);
  }
}

TEST_P(NatSeeds, AServerThatSaysAnythingIsSurvived) {
  for (uint32_t i = 0; i < 20; ++i) {
    NatWorldOptions options;
    options.honesty = Honesty::Raving;
    options.box.has_filter = i % 2 == 0;
    options.box.translates = i % 3 == 0;
    options.box.hairpins = i % 5 == 0;
    options.loss = GetParam() % 2 == 0 ? 20 : 0;
    options.discovery.longest_wait = Duration::seconds(20);
    options.seed = GetParam() * 100 + i;
    NatWorld world(options);
    ASSERT_TRUE(world.run()) << name_of(options);
    EXPECT_EQ(world.tests_ended, world.tests_started);
    EXPECT_EQ(world.sockets_closed, world.sockets_opened);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, NatSeeds, testing::Range(1U, 61U));

// --- Reasons

Findings findings_with(const NatWorldOptions& options) {
  NatWorld world(options);
  EXPECT_TRUE(world.run());
  return world.discovery.findings();
}

TEST(NatDiscovery, ServersThatCanNotTell) {
  const std::array<std::tuple<Honesty, Reason, Reason>, 9> rows = {{
      {Honesty::OneAddress, Reason::NoOtherAddress, Reason::NoOtherAddress},
      {Honesty::NamesSameAddress, Reason::OtherAddressSame, Reason::OtherAddressSame},
      {Honesty::NamesSamePort, Reason::OtherAddressSame, Reason::OtherAddressSame},
      {Honesty::NamesNobody, Reason::OtherAddressSilent, Reason::OtherAddressSilent},
      {Honesty::NamesAnother, Reason::None, Reason::ChangeRequestUnanswered},
      {Honesty::DropsChange, Reason::None, Reason::ChangeRequestUnanswered},
      {Honesty::IgnoresChange, Reason::None, Reason::ChangeRequestIgnored},
      {Honesty::RefusesChange, Reason::None, Reason::ChangeRequestRefused},
      {Honesty::AnswersElsewhere, Reason::None, Reason::ChangeRequestElsewhere},
  }};
  for (const auto& [honesty, mapping, filtering] : rows) {
    SCOPED_TRACE(static_cast<int>(honesty));
    NatWorldOptions options;
    options.honesty = honesty;
    const Findings found = findings_with(options);
    EXPECT_EQ(static_cast<int>(found.mapping.reason), static_cast<int>(mapping));
    EXPECT_EQ(static_cast<int>(found.filtering.reason), static_cast<int>(filtering));
    expect_known(found.behind_nat, Answer::Yes);
  }
}

TEST(NatDiscovery, WithoutANatOneAddressTellsTheMapping) {
  NatWorldOptions options;
  options.box.translates = false;
  options.honesty = Honesty::OneAddress;
  const Findings found = findings_with(options);
  expect_known(found.mapping, Behaviour::EndpointIndependent);
  expect_unknown(found.filtering, Reason::NoOtherAddress);
}

TEST(NatDiscovery, AServerThatDoesNotAnswer) {
  NatWorldOptions options;
  options.loss = 100;
  NatWorld world(options);
  ASSERT_TRUE(world.run());
  const Findings& found = world.discovery.findings();
  expect_unknown(found.behind_nat, Reason::NoAnswer);
  expect_unknown(found.mapping, Reason::NoAnswer);
  expect_unknown(found.filtering, Reason::NoAnswer);
  expect_unknown(found.hairpinning, Reason::NoAnswer);
  expect_unknown(found.request_fragments, Reason::NoAnswer);
  EXPECT_EQ(world.sockets_opened, 5U) << "there is no second run";
  EXPECT_LT(world.now.in_milliseconds(), 15'000);
}

TEST(NatDiscovery, RunsThatDiffer) {
  const auto one = Finding<Behaviour>::of(Behaviour::EndpointIndependent);
  const auto other = Finding<Behaviour>::of(Behaviour::AddressDependent);
  const auto none = Finding<Behaviour>::unknown(Reason::NoAnswer);
  const auto both = combine(one, other);
  expect_unknown(both, Reason::RunsDiffer);
  EXPECT_EQ(both.of_runs[0], Behaviour::EndpointIndependent);
  EXPECT_EQ(both.of_runs[1], Behaviour::AddressDependent);
  expect_unknown(combine(one, none), Reason::NoAnswer);
  expect_unknown(combine(none, one), Reason::NoAnswer);
  expect_known(combine(one, one), Behaviour::EndpointIndependent);
}

// --- Order and pace

TEST(NatDiscovery, NothingGoesElsewhereBeforeTheFilterIsTested) {
  NatWorldOptions options;
  options.box.filtering = Depends::OnAddressAndPort;
  options.discovery.confirms = false;
  NatWorld world(options);
  ASSERT_TRUE(world.run());
  EXPECT_EQ(world.sockets_opened, 5U);
  const client::nat::Test* const after = find_test(world, TestName::After);
  ASSERT_NE(after, nullptr);
  for (const auto& sent : world.sent) {
    const bool is_to_server =
        sent.to.is_same_host(NatWorld::kFirst) || sent.to.is_same_host(NatWorld::kOther);
    if (is_to_server && sent.to != NatWorld::kFirst) {
      EXPECT_GE(sent.at, after->last_sent);
    }
  }
}

TEST(NatDiscovery, TenNewTransactionsASecondAtMost) {
  NatWorldOptions options;
  options.loss = 30;
  NatWorld world(options);
  ASSERT_TRUE(world.run());
  ASSERT_GT(world.begun.size(), 20U);
  for (size_t i = 10; i < world.begun.size(); ++i) {
    EXPECT_GE(world.begun[i] - world.begun[i - 10], Duration::seconds(1));
  }
}

// --- Fragments

TEST(NatDiscovery, Fragments) {
  for (const PaddingKind padding : {PaddingKind::AsLong, PaddingKind::Mtu, PaddingKind::Short,
                                    PaddingKind::Refused, PaddingKind::Dropped}) {
    for (const bool drops_requests : {false, true}) {
      for (const bool drops_answers : {false, true}) {
        NatWorldOptions options;
        options.padding = padding;
        options.drops_long_requests = drops_requests;
        options.drops_long_answers = drops_answers;
        SCOPED_TRACE(static_cast<int>(padding));
        const Findings found = findings_with(options);
        expect_no_lie(found.request_fragments, answer_of(!drops_requests), "requests");
        expect_no_lie(found.answer_fragments, answer_of(!drops_answers), "answers");
        if (padding == PaddingKind::AsLong) {
          EXPECT_TRUE(found.request_fragments.is_known());
          EXPECT_EQ(found.answer_fragments.is_known(), !drops_requests);
        }
      }
    }
  }
  NatWorldOptions options;
  options.padding = PaddingKind::Short;
  expect_unknown(findings_with(options).answer_fragments, Reason::PaddingNotReturned);
  options.padding = PaddingKind::Refused;
  expect_unknown(findings_with(options).answer_fragments, Reason::PaddingRefused);
  options.padding = PaddingKind::Dropped;
  expect_unknown(findings_with(options).answer_fragments, Reason::PaddingUnanswered);
}

// --- Lifetime

class NatLifetime : public testing::TestWithParam<uint32_t> {};

TEST_P(NatLifetime, LiesInTheRangeThatIsTold) {
  for (const bool is_kept : {false, true}) {
    NatWorldOptions options;
    options.seed = GetParam();
    options.loss = GetParam() % 2 == 0 ? 20 : 0;
    options.box.lifetime = Duration::seconds(5 + GetParam() * 37 % 290);
    options.box.is_kept_from_outside = is_kept;
    options.box.mapping = static_cast<Depends>(GetParam() % 3);
    options.box.filtering = Depends::OnAddressAndPort;
    options.discovery.longest_wait = Duration::seconds(300);
    NatWorld world(options);
    ASSERT_TRUE(world.run());
    const client::nat::Lifetime& found = world.discovery.lifetime();
    if (found.reason != Reason::None) {
      EXPECT_GT(options.loss, 0U);
      continue;
    }
    EXPECT_LE(found.at_least, options.box.lifetime);
    // The mapping was used a round trip before the wait began.
    EXPECT_GE(found.at_most + kLatency * 4, options.box.lifetime);
    // To a 32nd of the longest wait, and what requests that get no answer take.
    EXPECT_LE(found.at_most - found.at_least, Duration::milliseconds(9375 + 4000));
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, NatLifetime, testing::Range(1U, 31U));

TEST(NatDiscovery, ALifetimeLongerThanOneWaits) {
  NatWorldOptions options;
  options.box.lifetime = Duration::seconds(600);
  options.discovery.longest_wait = Duration::seconds(60);
  NatWorld world(options);
  ASSERT_TRUE(world.run());
  EXPECT_EQ(static_cast<int>(world.discovery.lifetime().reason), static_cast<int>(Reason::None));
  EXPECT_EQ(world.discovery.lifetime().at_least, Duration::seconds(60));
  EXPECT_EQ(world.discovery.lifetime().at_most, Duration{});
}

TEST(NatDiscovery, ServersWithoutResponsePort) {
  const std::array<std::pair<ResponsePortKind, Reason>, 3> rows = {{
      {ResponsePortKind::Refused, Reason::ResponsePortRefused},
      {ResponsePortKind::Ignored, Reason::ResponsePortIgnored},
      {ResponsePortKind::Dropped, Reason::ResponsePortUnanswered},
  }};
  for (const auto& [kind, reason] : rows) {
    NatWorldOptions options;
    options.response_port = kind;
    options.discovery.longest_wait = Duration::seconds(60);
    NatWorld world(options);
    ASSERT_TRUE(world.run());
    EXPECT_EQ(static_cast<int>(world.discovery.lifetime().reason), static_cast<int>(reason));
    EXPECT_LT(world.now.in_milliseconds(), 60'000) << "nothing is waited for";
  }
}

}  // namespace
}  // namespace postern::sim
