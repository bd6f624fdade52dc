// What is read from a success response (RFC 8489 section 6.3.3), and what is put into a request.
#include <gtest/gtest.h>

#include "sim/simulation.h"

namespace postern::sim {
namespace {

using stun::AttributeType;
using stun::Class;

const TransportAddress kOther = TransportAddress::ipv4(192, 0, 2, 2, 3479);

Simulation& answering(Simulation& sim, std::function<void(ResponseBuilder&)> fill) {
  sim.server = always([fill = std::move(fill)](const Request& request) {
    ResponseBuilder builder(request, Class::Success);
    fill(builder);
    return builder.build();
  });
  sim.start();
  return sim;
}

TEST(MappedAddress, OfIPv6) {
  const auto address = *parse_address("2001:db8::1:2", 40000);
  Simulation sim;
  answering(sim, [&](ResponseBuilder& b) { b.add<AttributeType::XorMappedAddress>(address); });
  EXPECT_EQ(sim.only_outcome().mapped().address, address);
}

TEST(MappedAddress, PrefersTheXoredOne) {
  Simulation sim;
  answering(sim, [](ResponseBuilder& b) {
    b.add<AttributeType::MappedAddress>(kForged);
    b.add<AttributeType::XorMappedAddress>(kMapped);
  });
  EXPECT_EQ(sim.only_outcome().mapped().address, kMapped);
  EXPECT_EQ(sim.outcomes[0].mapped().attribute, AttributeType::XorMappedAddress);
}

TEST(MappedAddress, TakesTheOneOfRfc3489) {
  Simulation sim;
  answering(sim, [](ResponseBuilder& b) {
    b.add<AttributeType::MappedAddress>(kMapped);
    b.add<AttributeType::SourceAddress>(kServer);
    b.add<AttributeType::ChangedAddress>(kOther);
  });
  EXPECT_EQ(sim.only_outcome().mapped().address, kMapped);
  EXPECT_EQ(sim.outcomes[0].mapped().attribute, AttributeType::MappedAddress);
}

TEST(MappedAddress, TakesTheOneOfOldDrafts) {
  Simulation sim;
  answering(sim, [](ResponseBuilder& b) {
    b.add<AttributeType::MappedAddress>(kForged);
    b.add<AttributeType::OldXorMappedAddress>(kMapped);
  });
  EXPECT_EQ(sim.only_outcome().mapped().address, kMapped);
  EXPECT_EQ(sim.outcomes[0].mapped().attribute, AttributeType::OldXorMappedAddress);
}

TEST(MappedAddress, SkipsAnUnknownFamily) {
  Simulation sim;
  answering(sim, [](ResponseBuilder& b) {
    const std::array<uint8_t, 8> family_three = {0, 3, 1, 2, 3, 4, 5, 6};
    b.add_raw(static_cast<uint16_t>(AttributeType::XorMappedAddress), family_three);
    b.add<AttributeType::MappedAddress>(kMapped);
  });
  EXPECT_EQ(sim.only_outcome().mapped().address, kMapped);
}

TEST(MappedAddress, Missing) {
  Simulation sim;
  answering(sim, [](ResponseBuilder& b) { b.add<AttributeType::Software>(as_bytes("x")); });
  const Outcome& outcome = sim.only_outcome();
  EXPECT_EQ(outcome.failed().errc, Errc::AttributeMissing);
  EXPECT_EQ(outcome.at, at_ms(40)) << "at once: the server has answered";
}

TEST(MappedAddress, ComesWithWhatTheServerTellsOfItself) {
  Simulation sim;
  answering(sim, [](ResponseBuilder& b) {
    using namespace std::string_view_literals;
    b.add<AttributeType::XorMappedAddress>(kMapped);
    b.add<AttributeType::ResponseOrigin>(kServer);
    b.add<AttributeType::OtherAddress>(kOther);
    b.add_raw(static_cast<uint16_t>(AttributeType::Software), as_bytes("Scripted 1.0\0\0"sv));
  });
  const Outcome& outcome = sim.only_outcome();
  EXPECT_EQ(outcome.software, "Scripted 1.0") << "without the NULs that some count in";
  EXPECT_EQ(outcome.mapped().response_origin, kServer);
  EXPECT_EQ(outcome.mapped().other_address, kOther);
}

TEST(MappedAddress, ComesWithTheLongestText) {
  const std::string text(stun::kMaxTextRead, 's');
  Simulation sim;
  answering(sim, [&](ResponseBuilder& b) {
    b.add<AttributeType::XorMappedAddress>(kMapped);
    b.add_raw(static_cast<uint16_t>(AttributeType::Software), as_bytes(text));
  });
  EXPECT_EQ(sim.only_outcome().mapped().address, kMapped);
  EXPECT_EQ(sim.outcomes[0].software, text);
}

// A text that breaks its limit is not worth losing the address for.
TEST(MappedAddress, ComesWithoutOverlongText) {
  const std::string text(stun::kMaxTextRead + 1, 's');
  Simulation sim;
  answering(sim, [&](ResponseBuilder& b) {
    b.add<AttributeType::XorMappedAddress>(kMapped);
    b.add_raw(static_cast<uint16_t>(AttributeType::Software), as_bytes(text));
  });
  EXPECT_EQ(sim.only_outcome().mapped().address, kMapped);
  EXPECT_EQ(sim.outcomes[0].software, "");
}

TEST(MappedAddress, IsNotTakenWhereMoreMustBeUnderstood) {
  Simulation sim;
  answering(sim, [](ResponseBuilder& b) {
    b.add<AttributeType::XorMappedAddress>(kMapped);
    for (uint16_t type = 0x7F00; type < 0x7F0A; ++type) b.add_raw(type, {});
    b.add_raw(0xFF00, {});  // may be ignored
  });
  const client::Failed& failed = sim.only_outcome().failed();
  EXPECT_EQ(failed.errc, Errc::UnknownAttributes);
  ASSERT_EQ(failed.unknown_attributes.count, client::UnknownTypes::kCapacity);
  EXPECT_EQ(failed.unknown_attributes.view().front(), 0x7F00);
  EXPECT_EQ(failed.unknown_attributes.view().back(), 0x7F07);
}

TEST(BindingRequest, IsABareHeaderByDefault) {
  Simulation sim;
  sim.start();
  const stun::MessageView request = parse(sim.requests.at(0).bytes);
  EXPECT_TRUE(request.is(Class::Request, stun::Method::Binding));
  EXPECT_EQ(request.bytes().size(), stun::kHeaderBytes);
}

TEST(BindingRequest, CarriesWhatIsAskedFor) {
  Simulation sim;
  const std::string software(client::kMaxSoftwareBytes, 'p');
  EXPECT_EQ(sim.client.set_software(as_bytes(software)), Errc::Ok);
  sim.start({.fingerprint = true,
             .change_request = {.change_ip = true, .change_port = true},
             .response_port = 4567});
  const stun::MessageView request = parse(sim.requests.at(0).bytes);
  EXPECT_EQ(as_text(*request.get<AttributeType::Software>()), software);
  const auto change = request.get<AttributeType::ChangeRequest>();
  ASSERT_TRUE(change.has_value());
  EXPECT_TRUE(change->change_ip && change->change_port);
  EXPECT_EQ(*request.get<AttributeType::ResponsePort>(), 4567);
  EXPECT_EQ(request.fingerprint(), stun::FingerprintState::Valid);
}

TEST(BindingRequest, CarriesPadding) {
  Simulation sim;
  sim.start({.padding_bytes = 1500});
  const auto padding = parse(sim.requests.at(0).bytes).get<AttributeType::Padding>();
  ASSERT_TRUE(padding.has_value());
  EXPECT_EQ(Message(padding->begin(), padding->end()), Message(1500, 0));
}

TEST(BindingRequest, RefusesWhatDoesNotFit) {
  Simulation sim;
  sim.start();
  EXPECT_EQ(sim.client.start_binding(sim.now, {.padding_bytes = 2000}).error(),
            Errc::MessageTooLong);
  const std::string software(client::kMaxSoftwareBytes + 1, 'p');
  EXPECT_EQ(sim.client.set_software(as_bytes(software)), Errc::AttributeLength);
  EXPECT_EQ(sim.only_outcome().mapped().address, kMapped) << "the one that was under way";
}

}  // namespace
}  // namespace postern::sim
