// Binding clients behind the mailbox, and what is the same for clients of all kinds: handles,
// inputs and outputs as JavaScript lays them down and reads them.
#include "stun/message_view.h"
#include "stun/message_writer.h"
#include "unit/bindings/engine_fixture.h"

namespace postern::bindings {
namespace {

using stun::AttributeType;

std::vector<uint8_t> answer(const std::vector<uint8_t>& request) {
  stun::MessageView view;
  EXPECT_EQ(stun::MessageView::parse(request, {}, view).errc, Errc::Ok);
  stun::TransactionId id;
  std::copy(view.transaction_id().begin(), view.transaction_id().end(), id.begin());
  std::vector<uint8_t> buffer(256);
  stun::MessageWriter writer(buffer, stun::Class::Success, stun::Method::Binding, id);
  writer.add<AttributeType::XorMappedAddress>(TransportAddress::ipv4(203, 0, 113, 7, 4711));
  buffer.resize(writer.finish()->size());
  return buffer;
}

TEST_F(EngineTest, OneTransactionFromRequestToAddress) {
  const int32_t handle = open(Kind::Stun);
  ASSERT_GE(handle, 0);
  const int32_t transaction = start_binding(handle, 1000);
  ASSERT_GT(transaction, 0);
  const auto sent = process(0, 1000);
  ASSERT_EQ(sent.size(), 1U);
  ASSERT_TRUE(sent[0].is(Output::Transmit));
  EXPECT_EQ(sent[0].head.handle, static_cast<uint32_t>(handle));
  EXPECT_EQ(engine_->next_timeout(), 1500);

  const auto told = process(push(0, Input::Datagram, handle, answer(sent[0].payload)), 1030.25);
  ASSERT_EQ(told.size(), 1U);
  ASSERT_TRUE(told[0].is(Output::MappedAddress));
  const auto event = told[0].as<BindingRecord>();
  EXPECT_EQ(event.transaction, static_cast<uint32_t>(transaction));
  EXPECT_EQ(event.requests_sent, 1U);
  EXPECT_EQ(event.round_trip_microseconds, 30250U);
  EXPECT_EQ(event.addresses[0].port, 4711U);
  EXPECT_EQ(told[0].text(), "203.0.113.7192.0.2.1");
  EXPECT_EQ(event.addresses[0].text_bytes, 11U);
  EXPECT_EQ(engine_->next_timeout(), -1);
}

TEST_F(EngineTest, RetransmitsWhenItIsTimeAndFails) {
  const int32_t handle = open(Kind::Stun);
  start_binding(handle, 0);
  EXPECT_EQ(process(0, 0).size(), 1U);
  EXPECT_TRUE(process(0, 499).empty());
  for (const double at : {500.0, 1500.0, 3500.0, 7500.0, 15500.0, 31500.0}) {
    EXPECT_EQ(engine_->next_timeout(), at);
    ASSERT_EQ(process(0, at).size(), 1U) << at;
  }
  const auto told = process(0, 39500);
  ASSERT_EQ(told.size(), 1U);
  ASSERT_TRUE(told[0].is(Output::Failed));
  const auto event = told[0].as<BindingRecord>();
  EXPECT_EQ(event.errc, static_cast<uint32_t>(Errc::Timeout));
  EXPECT_EQ(event.requests_sent, 7U);
  EXPECT_EQ(event.round_trip_microseconds, kNoRoundTrip);
}

TEST_F(EngineTest, DatagramsOfOthersChangeNothing) {
  const int32_t handle = open(Kind::Stun);
  start_binding(handle, 0);
  const auto sent = process(0, 0);
  const auto forged = answer(sent[0].payload);
  const auto from = [&](const TransportAddress& source, double now) {
    return process(push(0, Input::DatagramFrom, handle, forged, source), now);
  };
  EXPECT_TRUE(from(TransportAddress::ipv4(198, 51, 100, 1, 3478), 1).empty());
  EXPECT_TRUE(from(TransportAddress::ipv4(192, 0, 2, 1, 3479), 2).empty());
  EXPECT_TRUE(from({}, 2).empty());
  const auto told = from(kServerAddress, 3);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_TRUE(told[0].is(Output::MappedAddress));
  ASSERT_EQ(engine_->stats(static_cast<uint32_t>(handle)), 8U);
  EXPECT_EQ(counter(handle, 2), 3) << "wrong source";
}

TEST_F(EngineTest, ManyInputsInOneCall) {
  constexpr size_t kClients = 40;
  std::vector<int32_t> handles;
  for (size_t i = 0; i < kClients; ++i) {
    handles.push_back(open(Kind::Stun));
    ASSERT_GT(start_binding(handles.back(), 0), 0);
  }
  const auto sent = process(0, 0);
  ASSERT_EQ(sent.size(), kClients);
  uint32_t at = 0;
  for (const Record& record : sent) {
    at =
        push(at, Input::Datagram, static_cast<int32_t>(record.head.handle), answer(record.payload));
  }
  const auto told = process(at, 10);
  ASSERT_EQ(told.size(), kClients);
  for (const Record& record : told) EXPECT_TRUE(record.is(Output::MappedAddress));
}

TEST_F(EngineTest, AStreamMayBeCutAnywhere) {
  const int32_t handle = open(Kind::Stun, reliable());
  start_binding(handle, 0);
  const auto sent = process(0, 0);
  const auto whole = answer(sent[0].payload);
  for (size_t i = 0; i + 1 < whole.size(); ++i) {
    ASSERT_TRUE(process(push(0, Input::Stream, handle, Bytes(&whole[i], 1)), 1).empty()) << i;
  }
  EXPECT_EQ(process(push(0, Input::Stream, handle, Bytes(&whole.back(), 1)), 1).size(), 1U);
}

TEST_F(EngineTest, AClosedHandleNamesNothing) {
  const int32_t first = open(Kind::Stun);
  engine_->close(static_cast<uint32_t>(first));
  const int32_t second = open(Kind::Stun);
  EXPECT_NE(first, second) << "the slot is the same, the opening is not";
  EXPECT_EQ(start_binding(first, 0), -static_cast<int32_t>(Errc::NoSuchHandle));
  EXPECT_GT(start_binding(second, 0), 0);
  const auto sent = process(0, 0);
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_TRUE(process(push(0, Input::Datagram, first, answer(sent[0].payload)), 1).empty());
  engine_->close(static_cast<uint32_t>(first));  // twice does no harm
  EXPECT_EQ(engine_->stats(static_cast<uint32_t>(first)), 0U);
  EXPECT_EQ(command(first, Command::Cancel, 0, NumberCommand{1}),
            -static_cast<int32_t>(Errc::NoSuchHandle));
}

TEST_F(EngineTest, CancelAndCloseEndTransactions) {
  const int32_t handle = open(Kind::Stun);
  const int32_t transaction = start_binding(handle, 0);
  process(0, 0);
  EXPECT_EQ(command(handle, Command::Cancel, 1, NumberCommand{static_cast<uint32_t>(transaction)}),
            0);
  auto told = process(0, 1);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].as<BindingRecord>().errc, static_cast<uint32_t>(Errc::Cancelled));
  start_binding(handle, 2);
  process(0, 2);
  told = process(push(0, Input::Closed, handle, {}), 3);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].as<BindingRecord>().errc, static_cast<uint32_t>(Errc::TransportClosed));
  EXPECT_LT(start_binding(handle, 4), 0);
}

TEST_F(EngineTest, AsManyClientsAsItSaysAndNoMore) {
  int32_t last = 0;
  for (uint32_t i = 0; i < Engine::kMaxClients; ++i) ASSERT_GE(last = open(Kind::Stun), 0) << i;
  EXPECT_EQ(open(Kind::Stun), -static_cast<int32_t>(Errc::TooManyClients));
  engine_->close(static_cast<uint32_t>(last));
  EXPECT_GE(open(Kind::Stun), 0);
}

TEST_F(EngineTest, HostileNumbersAreRefused) {
  const int32_t bad_record = -static_cast<int32_t>(Errc::BadRecord);
  for (const uint32_t kind : {0U, 1U, 2U, 3U, 0xFFFFFFFFU}) {
    EXPECT_EQ(engine_->open(kind, 0, 0), bad_record) << kind;
  }
  OpenRequest request{};
  request.password_bytes = 0xFFFFFFF0;
  EXPECT_EQ(engine_->open(0, 0, write(0, &request, sizeof request)), bad_record);
  request = {};
  request.mechanism = 17;
  EXPECT_EQ(engine_->open(0, 0, write(0, &request, sizeof request)), bad_record);
  request = {};
  request.address_bytes = 5;
  EXPECT_EQ(engine_->open(0, 0, write(0, &request, sizeof request) + 5), bad_record);
  const int32_t handle = open(Kind::Stun);
  EXPECT_EQ(command(handle, Command::StartBinding, 0, NumberCommand{1}), bad_record);
  EXPECT_EQ(command(handle, Command::Cancel, 0), bad_record);
  EXPECT_LT(command(handle, static_cast<Command>(99), 0), 0);
  EXPECT_LT(command(handle, Command::Allocate, 0, AllocateCommand{}), 0) << "of another kind";

  InputRecord record{99, static_cast<uint32_t>(handle), 0xFFFFFFFF, 0, 0};
  EXPECT_TRUE(process(write(0, &record, sizeof record), 0).empty());
  record.bytes = 0;
  EXPECT_TRUE(process(write(0, &record, sizeof record), 0).empty());
  record = {static_cast<uint32_t>(Input::DatagramFrom), static_cast<uint32_t>(handle), 2, 0, 4};
  EXPECT_TRUE(process(write(0, &record, sizeof record) + 4, 0).empty());
  EXPECT_TRUE(process(0xFFFFFFFF, 0).empty());
  engine_->status().entropy_bytes = 0xFFFFFFFF;
  EXPECT_GT(start_binding(handle, 0), 0);
}

TEST_F(EngineTest, OpenAndCommandsWipeWhatTheyRead) {
  const Credentials credentials{
      .mechanism = 1, .username = "user", .password = "secret", .realm = {}, .token = {}};
  const int32_t handle = open(Kind::Stun, {}, credentials);
  ASSERT_GE(handle, 0);
  for (uint32_t i = 0; i < 200; ++i) ASSERT_EQ(engine_->inbox()[i], 0) << i;
  start_binding(handle, 0);
  for (uint32_t i = 0; i < 200; ++i) ASSERT_EQ(engine_->inbox()[i], 0) << i;
}

TEST_F(EngineTest, WaitsForRandomBytesInsteadOfFailing) {
  constexpr size_t kClients = 40;
  std::vector<int32_t> handles;
  for (size_t i = 0; i < kClients; ++i) {
    handles.push_back(open(Kind::Stun));
    ASSERT_GT(start_binding(handles.back(), 0), 0);
  }
  ASSERT_EQ(process(0, 0).size(), kClients);
  uint32_t at = 0;
  const std::vector<uint8_t> noise(8, 0xFF);
  // Each has used one ID, so each wants one more before it is given anything.
  for (const int32_t handle : handles) at = push(at, Input::Datagram, handle, noise);
  engine_->status().entropy_bytes = 100;
  EXPECT_EQ(engine_->process(at, 1), 0U);
  EXPECT_TRUE(engine_->has_more());
  EXPECT_EQ(command(handles[0], Command::SendIndication, 1),
            -static_cast<int32_t>(Errc::QueueFull));
  EXPECT_EQ(open(Kind::Stun), -static_cast<int32_t>(Errc::QueueFull));
  // Those two have laid their arguments over what waits.
  at = 0;
  for (const int32_t handle : handles) at = push(at, Input::Datagram, handle, noise);
  while (engine_->has_more()) process_once(0, 1);
  for (const int32_t handle : handles) EXPECT_EQ(counter(handle, 0), 1) << "malformed";
}

TEST_F(EngineTest, AddressesAsTextAndBytes) {
  const auto parse = [&](std::string_view text) {
    std::copy(text.begin(), text.end(), engine_->address().bytes().begin());
    return engine_->address().parse(static_cast<uint32_t>(text.size()));
  };
  const auto format = [&](uint32_t bytes) {
    const uint32_t length = engine_->address().format(bytes);
    const auto text = engine_->address().bytes().first(length);
    return std::string(text.begin(), text.end());
  };
  for (const std::string_view text : {"192.0.2.200", "2001:db8::1", "::", "0.0.0.0"}) {
    EXPECT_EQ(format(parse(text)), text);
  }
  EXPECT_EQ(parse("example.org"), 0U);
  EXPECT_EQ(parse("1111:2222:3333:4444:5555:6666:7777:888"), 16U);
  EXPECT_EQ(engine_->address().parse(0xFFFFFFFF), 0U);
  EXPECT_EQ(format(5), "");
}

}  // namespace
}  // namespace postern::bindings
