// The server that we ship: Binding (RFC 8489), NAT behaviour discovery (RFC 5780), and RFC 3489.
#include <gtest/gtest.h>

#include "sim/server_fixture.h"

namespace postern::sim {
namespace {

using server::Outcome;
using stun::AttributeType;
using stun::Class;
using stun::MessageWriter;
using stun::Method;

using Binding = ServerTest;

TEST_F(Binding, TellsTheMappedAddress) {
  const Reply reply = client.exchange(client.unsigned_request(
      Method::Binding, [](MessageWriter& writer) { writer.add_fingerprint(); }));
  EXPECT_TRUE(reply.is_success());
  EXPECT_EQ(*reply.get<AttributeType::XorMappedAddress>(), kMapped);
  EXPECT_EQ(reply.view().fingerprint(), stun::FingerprintState::Valid);
  EXPECT_FALSE(reply.has(AttributeType::OtherAddress));
}

TEST_F(Binding, Refuses) {
  const Reply unknown = client.exchange(client.unsigned_request(
      Method::Binding, [](MessageWriter& writer) { writer.add_raw(0x7ABC, {}); }));
  EXPECT_EQ(unknown.code(), 420);
  EXPECT_EQ(load_be16(unknown.get<AttributeType::UnknownAttributes>()->data()), 0x7ABC);
  // No other address: RFC 5780 section 6.1.
  const Reply change =
      client.exchange(client.unsigned_request(Method::Binding, [](MessageWriter& writer) {
        writer.add<AttributeType::ChangeRequest>({.change_ip = true, .change_port = false});
      }));
  EXPECT_EQ(change.code(), 420);
}

TEST_F(Binding, IndicationsAndOtherMethodsHaveNoAnswer) {
  client.tell(client.indication(Method::Binding));
  client.tell(client.unsigned_request(Method::SharedSecret));
  client.tell(client.indication(Method::Data));
  client.tell(Message(20, 0xFF));
  client.tell({});
  Message broken = client.unsigned_request(Method::Binding,
                                           [](MessageWriter& writer) { writer.add_fingerprint(); });
  broken.back() ^= 1;
  client.tell(broken);
  EXPECT_EQ(host.core.stats().unexpected, 2U);
  EXPECT_EQ(host.core.stats().malformed, 3U);
}

// Two addresses with two ports each.
class Discovery : public testing::Test {
 protected:
  Discovery() : core({}, test_secret()) {
    for (server::Link link = 0; link < 4; ++link) {
      // The bits of a link's number say which address and which port it has.
      core.add_link(link, {.local = local(link),
                           .others = std::array<server::Link, 3>{link ^ 2, link ^ 1, link ^ 3}});
    }
  }
  static TransportAddress local(server::Link link) {
    return TransportAddress::ipv4(192, 0, 2, link < 2 ? 1 : 2, link % 2 == 0 ? 3478 : 3479);
  }
  Reply ask(server::Link link, const Fill& fill = {}) {
    stun::MessageWriter writer(buffer_, Class::Request, Method::Binding, {1, 2, 3});
    if (fill) fill(writer);
    const Message request(buffer_.begin(),
                          buffer_.begin() + static_cast<ptrdiff_t>(writer.finish()->size()));
    request_bytes = request.size();
    outcome = core.handle_message(Instant(), {.link = link, .client = kMapped}, request, out_);
    EXPECT_EQ(outcome.kind, Outcome::Kind::Reply);
    return Reply(Message(out_.begin(), out_.begin() + static_cast<ptrdiff_t>(outcome.bytes)));
  }

  server::TurnServer core;
  Outcome outcome;
  size_t request_bytes = 0;

 private:
  std::array<uint8_t, 4096> buffer_{};
  std::array<uint8_t, 4096> out_{};
};

TEST_F(Discovery, AnswersFromWhereItIsAskedTo) {
  for (server::Link link = 0; link < 4; ++link) {
    for (const bool ip : {false, true}) {
      for (const bool port : {false, true}) {
        const Reply reply = ask(link, [&](MessageWriter& writer) {
          writer.add<AttributeType::ChangeRequest>({.change_ip = ip, .change_port = port});
        });
        const server::Link from = link ^ (ip ? 2U : 0U) ^ (port ? 1U : 0U);
        EXPECT_EQ(outcome.to.link, from);
        EXPECT_EQ(outcome.to.client, kMapped);
        EXPECT_EQ(*reply.get<AttributeType::ResponseOrigin>(), local(from));
        EXPECT_EQ(*reply.get<AttributeType::OtherAddress>(), local(link ^ 3));
        EXPECT_EQ(*reply.get<AttributeType::MappedAddress>(), kMapped);
        EXPECT_EQ(*reply.get<AttributeType::XorMappedAddress>(), kMapped);
      }
    }
  }
}

TEST_F(Discovery, ResponsePortAndPadding) {
  static_cast<void>(
      ask(0, [](MessageWriter& writer) { writer.add<AttributeType::ResponsePort>(1234); }));
  EXPECT_EQ(outcome.to.client.port, 1234);
  EXPECT_TRUE(outcome.to.client.is_same_host(kMapped));
  const Message padding(1500, 0);
  const Reply padded =
      ask(0, [&](MessageWriter& writer) { writer.add<AttributeType::Padding>(padding); });
  EXPECT_GT(padded.get<AttributeType::Padding>()->size(), 1300U);
  EXPECT_LE(outcome.bytes, request_bytes);
  const Reply both = ask(0, [&](MessageWriter& writer) {
    writer.add<AttributeType::Padding>(padding);
    writer.add<AttributeType::ResponsePort>(1234);
  });
  EXPECT_EQ(both.code(), 400);
}

TEST_F(Discovery, Classic) {
  std::array<uint8_t, 64> buffer{};
  std::array<uint8_t, 16> id{};
  id[0] = 7;
  auto writer =
      MessageWriter::classic(buffer, stun::make_message_type(Class::Request, Method::Binding), id);
  writer.add<AttributeType::ChangeRequest>({.change_ip = false, .change_port = true});
  std::array<uint8_t, 2048> out{};
  outcome = core.handle_message(Instant(), {.link = 0, .client = kMapped}, *writer.finish(), out);
  ASSERT_EQ(outcome.kind, Outcome::Kind::Reply);
  EXPECT_EQ(outcome.to.link, 1U);
  stun::MessageView reply;
  ASSERT_EQ(
      stun::MessageView::parse(std::span(out).first(outcome.bytes), {.allow_classic = true}, reply)
          .errc,
      Errc::Ok);
  EXPECT_TRUE(reply.is_classic());
  EXPECT_EQ(*reply.get<AttributeType::MappedAddress>(), kMapped);
  EXPECT_EQ(*reply.get<AttributeType::SourceAddress>(), local(1));
  EXPECT_EQ(*reply.get<AttributeType::ChangedAddress>(), local(3));
  EXPECT_FALSE(reply.has(AttributeType::XorMappedAddress));
}

}  // namespace
}  // namespace postern::sim
