// ServerEngine: a server behind its mailbox. Requests, commands, messages and what comes of them.
#include "bindings/server_engine.h"

#include <limits>

#include "unit/bindings/server_engine_fixture.h"

namespace postern::bindings {
namespace {

using stun::AttributeType;
using stun::Class;
using stun::MessageWriter;
using stun::Method;

constexpr uint32_t kHuge = std::numeric_limits<uint32_t>::max();
// Places in SERVER_STATS of js/server/layout.js.
constexpr size_t kAllocations = 0;
constexpr size_t kRelayedToPeers = 3;
constexpr size_t kRelayedToClientsBytes = 6;
constexpr size_t kStrayPeerData = 14;
constexpr size_t kAuthenticated = 20;
constexpr size_t kCounters = 28;

constexpr int32_t minus(Errc errc) { return -static_cast<int32_t>(errc); }

bool is_wiped(Bytes bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](uint8_t byte) { return byte == 0; });
}

using ServerEngineOpen = ServerEngineTest;

TEST_F(ServerEngineOpen, RefusesWhatIsNoRequest) {
  EXPECT_EQ(engine_->open(0, 0), minus(Errc::BadRecord));
  EXPECT_EQ(engine_->open(0, sizeof(OpenServerRequest) - 1), minus(Errc::BadRecord));
  EXPECT_EQ(open(usual(), 31), minus(Errc::BadRecord));
  using Field = uint32_t OpenServerRequest::*;
  for (const Field field :
       {&OpenServerRequest::server_name_bytes, &OpenServerRequest::alternate_domain_bytes,
        &OpenServerRequest::alternates}) {
    OpenServerRequest lying = usual();
    lying.*field = kHuge;
    EXPECT_EQ(open(lying), minus(Errc::BadRecord));
  }
  for (const Field field :
       {&OpenServerRequest::nonce_lifetime_seconds, &OpenServerRequest::unauthenticated_per_second,
        &OpenServerRequest::unauthenticated_burst}) {
    OpenServerRequest without = usual();
    without.*field = 0;
    EXPECT_EQ(open(without), minus(Errc::BadRecord));
  }
  // Without a server nothing can be done, and nothing happens.
  EXPECT_EQ(number(ServerCommand::RemoveLink, 1), minus(Errc::NoSuchHandle));
  EXPECT_EQ(engine_->process(100, 0), 0U);
  EXPECT_EQ(engine_->stats(), 0U);
  EXPECT_EQ(open(), 0);
}

TEST_F(ServerEngineOpen, WipesTheSecret) {
  EXPECT_EQ(open(), 0);
  EXPECT_TRUE(is_wiped(engine_->inbox()));
  EXPECT_EQ(open(usual(), 31), minus(Errc::BadRecord));
  EXPECT_TRUE(is_wiped(engine_->inbox()));
}

TEST_F(ServerEngineOpen, ReadsAlternatesAndNames) {
  OpenServerRequest request = usual();
  const std::string secret(32, 's');
  request.secret_bytes = 32;
  request.server_name_bytes = 4;
  request.alternate_domain_bytes = 6;
  request.alternates = 1;
  uint32_t at = write(write_record(0, request), secret);
  at = write(write(at, "name"), "domain");
  at = write_record(at, AddressHeader{.port = 3478, .address_bytes = 4});
  const uint32_t end = write(at, kServerPlace.address_bytes());
  EXPECT_EQ(engine_->open(now_, end - 1), minus(Errc::BadRecord));
  at = write(write_record(0, request), secret);
  at = write(write(at, "name"), "domain");
  at = write_record(at, AddressHeader{.port = 3478, .address_bytes = 4});
  EXPECT_EQ(engine_->open(now_, write(at, kServerPlace.address_bytes())), 0);
}

class ServerEngineCommand : public ServerEngineTest {
 protected:
  ServerEngineCommand() { EXPECT_EQ(open(), 0); }
};

TEST_F(ServerEngineCommand, Users) {
  EXPECT_EQ(texts(ServerCommand::SetUser, {"user", "pass"}), 0);
  EXPECT_TRUE(is_wiped(engine_->inbox()));
  EXPECT_EQ(texts(ServerCommand::SetUser, {"user"}), minus(Errc::BadRecord));
  EXPECT_EQ(texts(ServerCommand::SetUser, {"", "pass"}), minus(Errc::BadCredentials));
  EXPECT_EQ(texts(ServerCommand::SetUser, {"user", std::string(2000, 'p')}),
            minus(Errc::BadCredentials));
  EXPECT_EQ(texts(ServerCommand::RemoveUser, {"user", "pass"}), minus(Errc::BadRecord));
  EXPECT_EQ(texts(ServerCommand::RemoveUser, {"user"}), 0);
  EXPECT_EQ(texts(ServerCommand::RemoveUser, {"user"}), minus(Errc::NoSuchHandle));
}

TEST_F(ServerEngineCommand, Secrets) {
  EXPECT_EQ(texts(ServerCommand::SetSecrets, {"one", "two", "three", "four"}), 0);
  EXPECT_EQ(texts(ServerCommand::SetSecrets, {"one", "two", "three", "four", "five"}),
            minus(Errc::BadCredentials));
  EXPECT_EQ(texts(ServerCommand::SetSecrets, {""}), minus(Errc::BadCredentials));
  EXPECT_EQ(texts(ServerCommand::SetSecrets, {}), 0);
}

TEST_F(ServerEngineCommand, Policies) {
  EXPECT_EQ(policy({"127.0.0.0/8", "::1"}, {"8.8.8.8"}, {"64:ff9b:1::/96"}), 0);
  EXPECT_EQ(policy({"127.0.0.1/8"}), minus(Errc::AttributeValue));
  EXPECT_EQ(policy({}, {"banana"}), minus(Errc::AttributeValue));
  EXPECT_EQ(policy({}, {}, {"10.0.0.0/8"}), minus(Errc::AttributeValue));
  EXPECT_EQ(policy({}, {}, std::vector<std::string>(5, "64:ff9b:1::/96")),
            minus(Errc::AttributeValue));
}

TEST_F(ServerEngineCommand, TokenKeys) {
  const auto key = [this](uint32_t count, std::string_view bytes) {
    uint32_t at = write_record(0, TextsCommand{count});
    at = write_record(at, TokenKeyHeader{.expires_at_seconds = 0});
    return command(ServerCommand::SetTokenKeys, write_text(write_text(at, "kid"), bytes));
  };
  EXPECT_EQ(key(1, std::string(32, 'k')), 0);
  EXPECT_EQ(key(2, std::string(32, 'k')), minus(Errc::BadRecord));
  EXPECT_EQ(key(1, std::string(31, 'k')), minus(Errc::BadCredentials));
}

TEST_F(ServerEngineCommand, CutAnywhereOrUnknown) {
  for (uint32_t which = 0; which < 20; ++which) {
    if (which == static_cast<uint32_t>(ServerCommand::EndAll)) continue;
    for (uint32_t bytes = 0; bytes < 4; ++bytes) {
      EXPECT_EQ(engine_->command(which, now_, bytes), minus(Errc::BadRecord)) << which;
    }
  }
  // Lengths that lie.
  for (const uint32_t lie : {1U, 100U, kHuge}) {
    uint32_t at = write_record(0, TextsCommand{1});
    EXPECT_EQ(command(ServerCommand::SetSecrets, write_record(at, lie)), minus(Errc::BadRecord));
    at = write_record(0, KeyCommand{.question = 1, .password_bytes = lie});
    EXPECT_EQ(command(ServerCommand::AnswerKey, at), minus(Errc::BadRecord));
    at = write_record(0, RelayCommand{.relay = 1, .port = 1, .address_bytes = lie});
    EXPECT_EQ(command(ServerCommand::RelayOpened, at), minus(Errc::BadRecord));
  }
  EXPECT_EQ(engine_->command(kHuge, now_, 4), minus(Errc::BadRecord));
  // What nobody has is nothing to it.
  for (const auto which :
       {ServerCommand::RemoveLink, ServerCommand::RelayFailed, ServerCommand::PeerConnected,
        ServerCommand::PeerRefused, ServerCommand::PeerClosed}) {
    EXPECT_EQ(number(which, 12345), 0);
  }
  EXPECT_EQ(relay_opened(12345), 0);
  EXPECT_TRUE(process().empty());
}

using ServerEngineMessages = ServedClientTest;

TEST_F(ServerEngineMessages, AnswersBinding) {
  const auto reply = client.exchange(client.unsigned_request(Method::Binding));
  EXPECT_EQ(*reply.get<AttributeType::XorMappedAddress>(), kClientPlace);
  const auto record = last_.at(0).as<TransmitRecord>();
  EXPECT_EQ(record.head.handle, kUdpLink);
  EXPECT_EQ(record.port, kClientPlace.port);
  EXPECT_EQ(record.address_bytes, 4U);
  EXPECT_EQ(std::memcmp(record.address.data(), kClientPlace.bytes.data(), 4), 0);
}

TEST_F(ServerEngineMessages, AllocatesAndTells) {
  ASSERT_TRUE(client.allocate().is_success());
  const auto event = event_of(last_, ServerEventKind::Allocated);
  ASSERT_TRUE(event);
  const auto record = event->as<ServerEventRecord>();
  EXPECT_EQ(record.head.handle, relay_);
  EXPECT_EQ(record.link, kUdpLink);
  EXPECT_EQ(record.protocol, 17U);
  EXPECT_EQ(record.lifetime_seconds, 600U);
  EXPECT_EQ(record.addresses[1].port, kClientPlace.port);
  EXPECT_EQ(record.addresses[2].port, kRelayed.port);
  EXPECT_EQ(event->texts(), (std::vector<std::string>{"", "203.0.113.7", "192.0.2.1", "", "user"}));
  EXPECT_EQ(client.relayed(), kRelayed);
  EXPECT_EQ(counter(kAllocations), 1);
  EXPECT_EQ(counter(kAuthenticated), 1);
  EXPECT_EQ(engine_->stats(), kCounters);
  // It is over when its time is.
  const double at = engine_->status().next_timeout;
  EXPECT_EQ(at, now_ + 600'000);
  now_ = at;
  const auto all = process();
  EXPECT_TRUE(event_of(all, ServerEventKind::Ended));
  EXPECT_TRUE(event_of(all, ServerEventKind::CloseRelay));
  EXPECT_EQ(counter(kAllocations), 0);
}

TEST_F(ServerEngineMessages, RelaysByPlaceInTheInput) {
  ASSERT_TRUE(client.allocate().is_success());
  ASSERT_TRUE(client.bind(0x4000, kFriend).is_success());
  const Message small = channel_data(0x4000, 10);
  const Message binding = client.unsigned_request(Method::Binding);
  uint32_t at = push_message(0, binding);
  at = push_message(at, small);
  const auto all = process(at);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_TRUE(all[0].is(ServerOutput::Transmit));
  const auto record = all[1].as<ToPeerRecord>();
  EXPECT_EQ(record.head.handle, relay_);
  EXPECT_EQ(record.input, 1U);
  EXPECT_EQ(record.offset, 4U);
  EXPECT_EQ(record.length, 10U);
  EXPECT_EQ(record.port, kFriend.port);
  EXPECT_TRUE(all[1].payload.empty());
  EXPECT_EQ(counter(kRelayedToPeers), 1);
}

TEST_F(ServerEngineMessages, TakesDataOfPeers) {
  ASSERT_TRUE(client.allocate().is_success());
  ASSERT_TRUE(client.permit(kFriend).is_success());
  const Message data(1000, 3);
  auto all = process(push(0, ServerInput::PeerData, relay_, data, kFriend));
  ASSERT_EQ(all.size(), 1U);
  const sim::Reply indication(all[0].payload);
  EXPECT_TRUE(indication.view().is(Class::Indication, Method::Data));
  EXPECT_EQ(*indication.get<AttributeType::XorPeerAddress>(), kFriend);
  const Bytes got = *indication.get<AttributeType::Data>();
  EXPECT_EQ(Message(got.begin(), got.end()), data);
  ASSERT_TRUE(client.bind(0x4000, kFriend).is_success());
  // The longest that there can be, too.
  const Message longest(65'507, 4);
  all = process(push(0, ServerInput::PeerData, relay_, longest, kFriend));
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].payload.size(), longest.size() + 4);
  EXPECT_EQ(counter(kRelayedToClientsBytes), 66'507);
  // Nobody's.
  const TransportAddress stranger = TransportAddress::ipv4(198, 51, 100, 6, 1);
  EXPECT_TRUE(process(push(0, ServerInput::PeerData, relay_, data, stranger)).empty());
  EXPECT_TRUE(process(push(0, ServerInput::PeerData, 999, data, kFriend)).empty());
  EXPECT_TRUE(process(push(0, ServerInput::PeerData, relay_, data)).empty());
  EXPECT_EQ(counter(kStrayPeerData), 3);
}

TEST_F(ServerEngineMessages, ManyRequestsInABatchAreAnsweredOnceEach) {
  // Each answer is longer than its request, so that the outbox is full before the inbox is empty.
  uint32_t at = 0;
  std::vector<Message> requests;
  for (;;) {
    const Message request = client.unsigned_request(Method::Binding);
    if (at + sizeof(InputRecord) + request.size() + 8 > kInboxBytes) break;
    at = push_message(at, request);
    requests.push_back(request);
  }
  ASSERT_GT(requests.size(), 1000U);
  const auto all = process(at);
  EXPECT_GT(calls_, 1U);
  ASSERT_EQ(all.size(), requests.size());
  for (size_t i = 0; i < all.size(); ++i) {
    const sim::Reply reply(all[i].payload);
    const sim::Reply request(requests[i]);
    EXPECT_TRUE(std::ranges::equal(reply.view().transaction_id(), request.view().transaction_id()));
  }
  // While there is more, nothing else is done.
  at = 0;
  use_stream();
  for (int i = 0; i < 1200; ++i) at = write(at, client.unsigned_request(Method::Binding));
  const Message chunk(engine_->inbox().begin(), engine_->inbox().begin() + at);
  auto first = process_once(push(0, ServerInput::Stream, kStreamLink, chunk));
  ASSERT_TRUE(engine_->has_more());
  EXPECT_EQ(engine_->stats(), 0U);
  EXPECT_EQ(engine_->command(static_cast<uint32_t>(ServerCommand::EndAll), now_, 0),
            minus(Errc::QueueFull));
  const auto rest = process();
  EXPECT_EQ(first.size() + rest.size(), 1200U);
}

TEST_F(ServerEngineMessages, InputsThatLieAreDropped) {
  const Message binding = client.unsigned_request(Method::Binding);
  // No link, no such kind, a length past the end, an address of no family.
  EXPECT_TRUE(process(push(0, ServerInput::Message, 99, binding, kClientPlace)).empty());
  EXPECT_TRUE(process(push(0, ServerInput::Message, kUdpLink, binding)).empty());
  EXPECT_TRUE(process(push(0, static_cast<ServerInput>(7), kUdpLink, binding)).empty());
  EXPECT_TRUE(process(push(0, ServerInput::Stream, kUdpLink, binding)).empty());
  InputRecord record{.input = 0, .handle = kUdpLink, .bytes = kHuge, .port = 1, .address_bytes = 4};
  EXPECT_TRUE(process(write_record(0, record)).empty());
  record.bytes = 20;
  record.address_bytes = 5;
  EXPECT_TRUE(process(write_record(0, record) + 20).empty());
  for (uint32_t bytes = 0; bytes < sizeof(InputRecord); ++bytes) {
    EXPECT_TRUE(process(bytes).empty());
  }
  engine_->process(kHuge, now_);
  while (engine_->has_more()) process();
  EXPECT_EQ(process(push(0, ServerInput::Message, kUdpLink, binding, kClientPlace)).size(), 1U);
}

TEST_F(ServerEngineMessages, AsksForPasswords) {
  OpenServerRequest request = usual();
  request.asks_for_keys = 1;
  ASSERT_EQ(open(request), 0);
  ASSERT_EQ(add_link(kUdpLink), 0);
  const sim::Fill udp = [](MessageWriter& writer) {
    writer.add<AttributeType::RequestedTransport>(sim::kProtocolUdp);
  };
  client.username = "somebody";
  static_cast<void>(client.ask(Method::Allocate, udp));  // 401
  client.tell(client.signed_request(Method::Allocate, udp));
  const auto asked = event_of(last_, ServerEventKind::AskKey);
  ASSERT_TRUE(asked);
  EXPECT_EQ(asked->texts().back(), "somebody");
  const uint32_t question = asked->as<ServerEventRecord>().question;
  const uint32_t at = write_record(0, KeyCommand{.question = question, .password_bytes = 4});
  ASSERT_EQ(command(ServerCommand::AnswerKey, write(at, "pass")), 0);
  EXPECT_TRUE(is_wiped(engine_->inbox().first(at + 4)));
  const auto all = run(0);
  const auto sent = only(all, ServerOutput::Transmit);
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_TRUE(sim::Reply(sent[0].payload).is_success());
  const auto event = event_of(all, ServerEventKind::Allocated);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->texts().back(), "somebody");
}

TEST_F(ServerEngineMessages, DrainsAndEnds) {
  ASSERT_TRUE(client.allocate().is_success());
  ASSERT_EQ(number(ServerCommand::SetDraining, 1), 0);
  const auto first = client.tuple;
  client.tuple.client.port = 4321;
  EXPECT_EQ(client.allocate().code(), 508);
  ASSERT_EQ(number(ServerCommand::SetDraining, 0), 0);
  EXPECT_TRUE(client.allocate().is_success());
  ASSERT_EQ(command(ServerCommand::EndAll), 0);
  const auto all = process();
  size_t ended = 0;
  for (const ServerRecord& record : all) {
    if (record.event() == ServerEventKind::Ended) ++ended;
  }
  EXPECT_EQ(ended, 2U);
  EXPECT_EQ(counter(kAllocations), 0);
  client.tuple = first;
}

}  // namespace
}  // namespace postern::bindings
