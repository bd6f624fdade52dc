// The mailbox: handles, inputs and outputs as JavaScript lays them down and reads them.
#include "bindings/engine.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "stun/message_view.h"
#include "stun/message_writer.h"

namespace postern::bindings {
namespace {

using stun::AttributeType;
using Input = Engine::Input;
using Output = Engine::Output;

constexpr std::string_view kServer = "192.0.2.1";
constexpr uint16_t kPort = 3478;

struct Record {
  Engine::OutputRecord head{};
  std::vector<uint8_t> payload;
};

class EngineTest : public ::testing::Test {
 protected:
  uint32_t write(size_t at, const void* from, size_t count) {
    if (count > 0) std::memcpy(&engine_->inbox()[at], from, count);
    return static_cast<uint32_t>(at + count);
  }
  uint32_t write(size_t at, std::string_view text) { return write(at, text.data(), text.size()); }

  int32_t open(bool is_reliable = false, std::string_view server = kServer) {
    Engine::OpenRequest request{};
    request.is_reliable = is_reliable ? 1 : 0;
    request.server_port = kPort;
    request.server_bytes = static_cast<uint32_t>(server.size());
    const uint32_t end = write(write(0, &request, sizeof request), server);
    return engine_->open(end);
  }

  int32_t start(int32_t handle, double now) {
    Engine::StartRequest request{};
    request.response_port = 0x10000;
    request.entropy_bytes = 64;
    const uint32_t at = write(0, &request, sizeof request);
    const std::vector<uint8_t> entropy(request.entropy_bytes, static_cast<uint8_t>(++seed_));
    return engine_->start_binding(static_cast<uint32_t>(handle), now,
                                  write(at, entropy.data(), entropy.size()));
  }

  uint32_t push(uint32_t at, Input input, int32_t handle, const std::vector<uint8_t>& bytes,
                std::string_view source = {}, uint16_t source_port = 0) {
    const Engine::InputRecord record{static_cast<uint32_t>(input), static_cast<uint32_t>(handle),
                                     static_cast<uint32_t>(source.size() + bytes.size()),
                                     source_port, static_cast<uint32_t>(source.size())};
    at = write(write(at, &record, sizeof record), source);
    at = write(at, bytes.data(), bytes.size());
    return (at + 3) & ~3U;
  }

  std::vector<Record> process(uint32_t bytes, double now) {
    std::vector<Record> records;
    do {
      const uint32_t count = engine_->process(bytes, now);
      size_t at = 0;
      for (uint32_t i = 0; i < count; ++i) {
        Record record;
        std::memcpy(&record.head, &engine_->outbox()[at], sizeof record.head);
        at += sizeof record.head;
        const auto payload = engine_->outbox().subspan(at, record.head.payload_bytes);
        record.payload.assign(payload.begin(), payload.end());
        at += (payload.size() + 3) & ~size_t{3};
        records.push_back(record);
      }
      bytes = 0;
    } while (engine_->has_more());
    return records;
  }

  static std::vector<uint8_t> answer(const std::vector<uint8_t>& request) {
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

  std::unique_ptr<Engine> engine_ = std::make_unique<Engine>();
  int seed_ = 0;
};

bool is(const Record& record, Output output) {
  return record.head.output == static_cast<uint32_t>(output);
}

TEST_F(EngineTest, OneTransactionFromRequestToAddress) {
  const int32_t handle = open();
  ASSERT_GE(handle, 0);
  const int32_t transaction = start(handle, 1000);
  ASSERT_GT(transaction, 0);
  const auto sent = process(0, 1000);
  ASSERT_EQ(sent.size(), 1U);
  ASSERT_TRUE(is(sent[0], Output::Transmit));
  EXPECT_EQ(sent[0].head.handle, static_cast<uint32_t>(handle));
  EXPECT_EQ(engine_->next_timeout(), 1500);

  const auto told = process(push(0, Input::Datagram, handle, answer(sent[0].payload)), 1030.25);
  ASSERT_EQ(told.size(), 1U);
  ASSERT_TRUE(is(told[0], Output::MappedAddress));
  EXPECT_EQ(told[0].head.transaction, static_cast<uint32_t>(transaction));
  EXPECT_EQ(told[0].head.requests_sent, 1U);
  EXPECT_EQ(told[0].head.round_trip_microseconds, 30250U);
  EXPECT_EQ(told[0].head.addresses[0].port, 4711U);
  const std::string texts(told[0].payload.begin(), told[0].payload.end());
  EXPECT_EQ(texts, "203.0.113.7192.0.2.1");
  EXPECT_EQ(told[0].head.addresses[0].text_bytes, 11U);
  EXPECT_EQ(engine_->next_timeout(), -1);
}

TEST_F(EngineTest, RetransmitsWhenItIsTimeAndFails) {
  const int32_t handle = open();
  start(handle, 0);
  EXPECT_EQ(process(0, 0).size(), 1U);
  EXPECT_TRUE(process(0, 499).empty());
  for (const double at : {500.0, 1500.0, 3500.0, 7500.0, 15500.0, 31500.0}) {
    EXPECT_EQ(engine_->next_timeout(), at);
    ASSERT_EQ(process(0, at).size(), 1U) << at;
  }
  const auto told = process(0, 39500);
  ASSERT_EQ(told.size(), 1U);
  ASSERT_TRUE(is(told[0], Output::Failed));
  EXPECT_EQ(told[0].head.errc, static_cast<uint32_t>(Errc::Timeout));
  EXPECT_EQ(told[0].head.requests_sent, 7U);
  EXPECT_EQ(told[0].head.round_trip_microseconds, Engine::kNoRoundTrip);
}

TEST_F(EngineTest, DatagramsOfOthersChangeNothing) {
  const int32_t handle = open();
  start(handle, 0);
  const auto sent = process(0, 0);
  const auto forged = answer(sent[0].payload);
  EXPECT_TRUE(
      process(push(0, Input::DatagramFrom, handle, forged, "198.51.100.1", kPort), 1).empty());
  EXPECT_TRUE(process(push(0, Input::DatagramFrom, handle, forged, kServer, kPort + 1), 2).empty());
  EXPECT_TRUE(
      process(push(0, Input::DatagramFrom, handle, forged, "not an address", kPort), 2).empty());
  const auto told = process(push(0, Input::DatagramFrom, handle, forged, kServer, kPort), 3);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_TRUE(is(told[0], Output::MappedAddress));
  ASSERT_EQ(engine_->stats(static_cast<uint32_t>(handle)), 8U);
  double wrong_source = 0;
  std::memcpy(&wrong_source, &engine_->outbox()[2 * sizeof wrong_source], sizeof wrong_source);
  EXPECT_EQ(wrong_source, 3);
}

TEST_F(EngineTest, ManyInputsInOneCall) {
  constexpr size_t kClients = 40;
  std::vector<int32_t> handles;
  for (size_t i = 0; i < kClients; ++i) {
    handles.push_back(open());
    ASSERT_GT(start(handles.back(), 0), 0);
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
  for (const Record& record : told) EXPECT_TRUE(is(record, Output::MappedAddress));
}

TEST_F(EngineTest, AStreamMayBeCutAnywhere) {
  const int32_t handle = open(true);
  start(handle, 0);
  const auto sent = process(0, 0);
  const auto whole = answer(sent[0].payload);
  for (size_t i = 0; i + 1 < whole.size(); ++i) {
    ASSERT_TRUE(process(push(0, Input::Stream, handle, {whole[i]}), 1).empty()) << i;
  }
  EXPECT_EQ(process(push(0, Input::Stream, handle, {whole.back()}), 1).size(), 1U);
}

TEST_F(EngineTest, AClosedHandleNamesNothing) {
  const int32_t first = open();
  engine_->close(static_cast<uint32_t>(first));
  const int32_t second = open();
  EXPECT_NE(first, second) << "the slot is the same, the opening is not";
  EXPECT_EQ(start(first, 0), -static_cast<int32_t>(Errc::NoSuchHandle));
  EXPECT_GT(start(second, 0), 0);
  const auto sent = process(0, 0);
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_TRUE(process(push(0, Input::Datagram, first, answer(sent[0].payload)), 1).empty());
  engine_->close(static_cast<uint32_t>(first));  // twice does no harm
  EXPECT_EQ(engine_->stats(static_cast<uint32_t>(first)), 0U);
  EXPECT_EQ(engine_->cancel(static_cast<uint32_t>(first), 0, 1),
            -static_cast<int32_t>(Errc::NoSuchHandle));
}

TEST_F(EngineTest, CancelAndCloseEndTransactions) {
  const int32_t handle = open();
  const int32_t transaction = start(handle, 0);
  process(0, 0);
  EXPECT_EQ(engine_->cancel(static_cast<uint32_t>(handle), 1, static_cast<uint32_t>(transaction)),
            0);
  auto told = process(0, 1);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].head.errc, static_cast<uint32_t>(Errc::Cancelled));
  start(handle, 2);
  process(0, 2);
  told = process(push(0, Input::Closed, handle, {}), 3);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].head.errc, static_cast<uint32_t>(Errc::TransportClosed));
  EXPECT_LT(start(handle, 4), 0);
}

TEST_F(EngineTest, AsManyClientsAsItSaysAndNoMore) {
  int32_t last = 0;
  for (uint32_t i = 0; i < Engine::kMaxClients; ++i) ASSERT_GE(last = open(), 0) << i;
  EXPECT_EQ(open(), -static_cast<int32_t>(Errc::TooManyClients));
  engine_->close(static_cast<uint32_t>(last));
  EXPECT_GE(open(), 0);
}

TEST_F(EngineTest, HostileNumbersAreRefused) {
  EXPECT_LT(engine_->open(0), 0);
  Engine::OpenRequest request{};
  request.password_bytes = 0xFFFFFFF0;
  EXPECT_EQ(engine_->open(write(0, &request, sizeof request)),
            -static_cast<int32_t>(Errc::BadRecord));
  request = {};
  request.mechanism = 17;
  EXPECT_EQ(engine_->open(write(0, &request, sizeof request)),
            -static_cast<int32_t>(Errc::BadRecord));
  const int32_t handle = open();
  EXPECT_EQ(engine_->start_binding(static_cast<uint32_t>(handle), 0, 3),
            -static_cast<int32_t>(Errc::BadRecord));
  Engine::InputRecord record{99, static_cast<uint32_t>(handle), 0xFFFFFFFF, 0, 0};
  EXPECT_TRUE(process(write(0, &record, sizeof record), 0).empty());
  record = {static_cast<uint32_t>(Input::DatagramFrom), static_cast<uint32_t>(handle), 2, 0, 9};
  EXPECT_TRUE(process(write(0, &record, sizeof record) + 4, 0).empty());
  EXPECT_TRUE(process(0xFFFFFFFF, 0).empty());
}

TEST_F(EngineTest, OpenWipesWhatItRead) {
  Engine::OpenRequest request{};
  request.mechanism = static_cast<uint32_t>(client::Mechanism::ShortTerm);
  request.username_bytes = 4;
  request.password_bytes = 6;
  const uint32_t end = write(write(0, &request, sizeof request), "usersecret");
  ASSERT_GE(engine_->open(end), 0);
  for (uint32_t i = 0; i < end; ++i) ASSERT_EQ(engine_->inbox()[i], 0) << i;
}

}  // namespace
}  // namespace postern::bindings
