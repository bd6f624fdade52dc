// ConnectionBind behind the mailbox (RFC 6062), against a TURN server on a virtual clock.
#include "unit/bindings/engine_turn_fixture.h"

namespace postern::bindings {
namespace {

class EngineBinderTest : public EngineTurnTest {
 protected:
  // A relayed TCP connection that a peer has made, and its CONNECTION-ID.
  uint32_t attempt() {
    open_relay(true);
    AllocateCommand request{};
    request.transport = turn::kTransportTcp;
    EXPECT_EQ(command(relay_, Command::Allocate, now_, request), 0);
    run();
    relayed_ = server_.allocations().front().relayed.front();
    permit(kPeer);
    const auto told = server_.peer_connect(instant(), kPeer, relayed_);
    EXPECT_TRUE(told.has_value());
    run(push(0, Input::Stream, relay_, told->bytes));
    EXPECT_EQ(kind_of(events_.back()), TurnEventKind::ConnectionAttempt);
    return events_.back().as<TurnEventRecord>().number;
  }
  int32_t open_binder(int32_t relay, uint32_t id) {
    refill();
    const OpenBinderRequest request{static_cast<uint32_t>(relay), id};
    return engine_->open(static_cast<uint32_t>(Kind::Binder), now_,
                         write(0, &request, sizeof request));
  }
  Message answers_to(const std::vector<Record>& records) {
    sim::FiveTuple tuple = tuple_;
    tuple.client.port = 42000;
    Message all;
    for (const Record& record : records) {
      if (!record.is(Output::Transmit)) continue;
      for (const auto& reply : server_.handle(instant(), record.payload, tuple)) {
        all.insert(all.end(), reply.bytes.begin(), reply.bytes.end());
      }
    }
    return all;
  }
};

TEST_F(EngineBinderTest, BindsAndHandsOverWhatLiesBehindTheAnswer) {
  const uint32_t id = attempt();
  const int32_t binder = open_binder(relay_, id);
  ASSERT_GE(binder, 0);
  EXPECT_NE(binder, relay_);
  Message stream = answers_to(process(0, now_));
  ASSERT_FALSE(stream.empty());
  const Message behind = some_bytes(20);
  stream.insert(stream.end(), behind.begin(), behind.end());
  uint32_t at = push(0, Input::Stream, binder, Bytes(stream).first(10));
  at = push(at, Input::Stream, binder, Bytes(stream).subspan(10));
  at = push(at, Input::Stream, binder, behind);
  const auto records = process(at, now_);
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(kind_of(records[0]), TurnEventKind::Connected);
  EXPECT_EQ(records[0].as<TurnEventRecord>().errc, 0U);
  EXPECT_TRUE(records[1].is(Output::Leftover));
  const auto leftover = records[1].as<DataRecord>();
  EXPECT_EQ(leftover.input, 1U);
  EXPECT_EQ(leftover.length, behind.size());
  EXPECT_EQ(leftover.offset, stream.size() - 10 - behind.size());
  const auto more = records[2].as<DataRecord>();
  EXPECT_EQ(more.input, 2U);
  EXPECT_EQ(more.offset, 0U);
  EXPECT_EQ(more.length, behind.size());
  EXPECT_EQ(counter(binder, 0), 0);
}

TEST_F(EngineBinderTest, ARefusalIsToldOnce) {
  attempt();
  const int32_t binder = open_binder(relay_, 4711);
  ASSERT_GE(binder, 0);
  const Message stream = answers_to(process(0, now_));
  const auto records = process(push(0, Input::Stream, binder, stream), now_);
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(kind_of(records[0]), TurnEventKind::ConnectFailed);
  EXPECT_EQ(records[0].as<TurnEventRecord>().error_code, 400U);
  EXPECT_TRUE(process(push(0, Input::Closed, binder, {}), now_).empty());
}

TEST_F(EngineBinderTest, IsOfARelayOnly) {
  const int32_t stun = open(Kind::Stun);
  EXPECT_EQ(open_binder(stun, 1), -static_cast<int32_t>(Errc::NoSuchHandle));
  EXPECT_EQ(open_binder(12345, 1), -static_cast<int32_t>(Errc::NoSuchHandle));
  open_relay(true);
  const int32_t binder = open_binder(relay_, 1);
  ASSERT_GE(binder, 0);
  EXPECT_EQ(open_binder(binder, 1), -static_cast<int32_t>(Errc::NoSuchHandle));
  EXPECT_LT(command(binder, Command::Permit, 0, kPeer), 0);
  const auto records = process(push(0, Input::Closed, binder, {}), now_);
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(kind_of(records[0]), TurnEventKind::ConnectFailed);
}

}  // namespace
}  // namespace postern::bindings
