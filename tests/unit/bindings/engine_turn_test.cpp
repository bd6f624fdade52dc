// Relays behind the mailbox: allocation, data both ways, what happens when the outbox is full, and
// what is refused.
#include "client/turn/allocation.h"
#include "sim/allocation_counter.h"
#include "unit/bindings/engine_turn_fixture.h"

namespace postern::bindings {
namespace {

TEST_F(EngineTurnTest, AllocatedTellsWhatWasGranted) {
  server_.options.software = "sim";
  open_relay();
  AllocateCommand request{};
  request.transport = turn::kTransportUdp;
  request.even_port = static_cast<uint32_t>(client::EvenPort::Reserve);
  request.mobility = 1;
  ASSERT_EQ(command(relay_, Command::Allocate, now_, request), 0);
  run();
  ASSERT_EQ(events_.size(), 1U);
  const auto event = events_[0].as<TurnEventRecord>();
  EXPECT_EQ(kind_of(events_[0]), TurnEventKind::Allocated);
  EXPECT_EQ(event.head.handle, static_cast<uint32_t>(relay_));
  EXPECT_EQ(event.errc, 0U);
  EXPECT_EQ(event.requests_sent, 2U) << "one, and one after the challenge";
  EXPECT_EQ(event.round_trip_microseconds, 10000U);
  EXPECT_EQ(event.is_authenticated, 1U);
  EXPECT_EQ(event.has_allocation, 1U);
  EXPECT_EQ(event.lifetime_seconds, 600U);
  EXPECT_EQ(event.has_ticket, 1U);
  EXPECT_EQ(event.has_reservation, 1U);
  const TransportAddress relayed = server_.allocations().front().relayed.front();
  EXPECT_EQ(event.addresses[3].port, relayed.port);
  EXPECT_EQ(event.addresses[4].text_bytes, 0U);
  EXPECT_EQ(event.addresses[5].port, sim::kMapped.port);
  const std::string text = events_[0].text();
  EXPECT_EQ(text.substr(text.size() - 3), "sim");
  EXPECT_EQ(text.substr(event.addresses[3].text_bytes, event.addresses[5].text_bytes),
            "203.0.113.7");
  EXPECT_EQ(command(relay_, Command::Allocate, now_, request),
            -static_cast<int32_t>(Errc::AllocationExists));
}

TEST_F(EngineTurnTest, DataBothWays) {
  open_relay();
  allocate();
  permit(kPeer);
  const uint16_t channel = bind(kOther);
  const Message there = some_bytes(100);
  uint32_t at = push(0, Input::Send, relay_, there, kPeer);
  at = push(at, Input::SendUnfragmented, relay_, there, kPeer);
  at = push(at, Input::SendChannel, relay_, there, channel);
  run(at);
  ASSERT_EQ(server_.to_peers.size(), 3U);
  for (const auto& sent : server_.to_peers) EXPECT_EQ(sent.data, there);
  EXPECT_EQ(server_.to_peers[0].peer, kPeer);
  EXPECT_FALSE(server_.to_peers[0].dont_fragment);
  EXPECT_TRUE(server_.to_peers[1].dont_fragment);
  EXPECT_EQ(server_.to_peers[2].channel, channel);
  sim::TurnViolations expected;
  expected.unsigned_requests = 1;  // the one that asked for the challenge
  EXPECT_EQ(server_.violations, expected);

  const std::vector<Message> inputs = {from_peer(kPeer, some_bytes(33)),
                                       from_peer(kOther, some_bytes(0)),
                                       from_peer(kOther, some_bytes(1200))};
  at = 0;
  for (const Message& input : inputs) at = push(at, Input::Datagram, relay_, input);
  run(at);
  ASSERT_EQ(data_.size(), 3U);
  EXPECT_EQ(data_of(data_[0], inputs), some_bytes(33));
  EXPECT_EQ(data_of(data_[1], inputs), Message{});
  EXPECT_EQ(data_of(data_[2], inputs), some_bytes(1200));
  const auto first = data_[0].as<DataRecord>();
  EXPECT_EQ(first.channel, 0U);
  EXPECT_EQ(first.port, kPeer.port);
  ASSERT_EQ(first.address_bytes, 4U);
  EXPECT_EQ(std::memcmp(first.address.data(), kPeer.bytes.data(), 4), 0);
  EXPECT_EQ(data_[2].as<DataRecord>().channel, channel);
  EXPECT_EQ(data_[2].as<DataRecord>().input, 2U);
  EXPECT_TRUE(data_[2].payload.empty());
}

TEST_F(EngineTurnTest, PeersOfIPv6) {
  open_relay();
  AllocateCommand request{};
  request.family = 6;
  allocate(request);
  permit(kFarPeer);
  run(push(0, Input::Send, relay_, some_bytes(5), kFarPeer));
  ASSERT_EQ(server_.to_peers.size(), 1U);
  EXPECT_EQ(server_.to_peers[0].peer, kFarPeer);
  run(push(0, Input::Datagram, relay_, from_peer(kFarPeer, some_bytes(5))));
  ASSERT_EQ(data_.size(), 1U);
  const auto data = data_[0].as<DataRecord>();
  ASSERT_EQ(data.address_bytes, 16U);
  EXPECT_EQ(std::memcmp(data.address.data(), kFarPeer.bytes.data(), 16), 0);
}

TEST_F(EngineTurnTest, WhatTheCoreRefusesToSendIsCounted) {
  open_relay();
  run(push(0, Input::Send, relay_, some_bytes(5), kPeer));
  allocate();
  permit(kPeer);
  uint32_t at = push(0, Input::Send, relay_, some_bytes(5), kOther);
  at = push(at, Input::Send, relay_, some_bytes(5), TransportAddress{});
  at = push(at, Input::SendChannel, relay_, some_bytes(5), 0x4000);
  run(at);
  run(push(0, Input::Send, relay_, some_bytes(65536), kPeer));
  run(push(0, Input::Send, relay_, some_bytes(72000), kPeer));
  EXPECT_EQ(counter(relay_, 11), 6) << "send failed";
  EXPECT_TRUE(server_.to_peers.empty());
}

// The outbox holds less than the inbox can make: nothing is lost, and nothing comes twice.
TEST_F(EngineTurnTest, GoesOnWhereTheOutboxWasFull) {
  open_relay();
  allocate();
  permit(kPeer);
  const uint16_t channel = bind(kPeer);
  // Small datagrams out: each gets a head and a Send indication around it.
  uint32_t at = 0;
  uint32_t count = 0;
  while (at < kInboxBytes - 40) {
    at = push(at, Input::Send, relay_, some_bytes(1, static_cast<uint8_t>(count++)), kPeer);
  }
  run(at);
  EXPECT_GT(calls_, 0U);
  ASSERT_EQ(server_.to_peers.size(), count);
  for (uint32_t i = 0; i < count; ++i) {
    ASSERT_EQ(server_.to_peers[i].data, some_bytes(1, static_cast<uint8_t>(i)));
  }
  // And in, shorter than their records.
  std::vector<Message> inputs;
  at = 0;
  while (at < kInboxBytes - 40) {
    inputs.push_back(from_peer(kPeer, some_bytes(1, static_cast<uint8_t>(inputs.size()))));
    at = push(at, Input::Datagram, relay_, inputs.back());
  }
  const auto records = process(at, now_);
  EXPECT_GT(calls_, 1U);
  ASSERT_EQ(records.size(), inputs.size());
  for (size_t i = 0; i < records.size(); ++i) {
    ASSERT_EQ(data_of(records[i], inputs), some_bytes(1, static_cast<uint8_t>(i)));
    ASSERT_EQ(records[i].as<DataRecord>().channel, channel);
  }
}

TEST_F(EngineTurnTest, AStreamGoesOnWhereTheOutboxWasFull) {
  open_relay(true);
  allocate();
  permit(kPeer);
  bind(kOther);
  std::vector<Message> datas;
  Message stream;
  while (stream.size() < 60000) {
    datas.push_back(some_bytes(datas.size() % 9, static_cast<uint8_t>(datas.size())));
    const Message message = from_peer(datas.size() % 3 == 0 ? kPeer : kOther, datas.back());
    stream.insert(stream.end(), message.begin(), message.end());
  }
  // In pieces that cut messages, of another size each.
  for (const size_t piece : {60001U, 7777U, 1001U}) {
    std::vector<Message> inputs;
    std::vector<Message> got;
    for (size_t from = 0; from < stream.size(); from += piece) {
      const size_t size = std::min(piece, stream.size() - from);
      const Bytes bytes = Bytes(stream).subspan(from, size);
      inputs.assign(1, Message(bytes.begin(), bytes.end()));
      const auto records = process(push(0, Input::Stream, relay_, bytes), now_);
      for (const Record& record : records) got.push_back(data_of(record, inputs));
      if (piece > 60000) {
        EXPECT_GT(calls_, 1U);
      }
    }
    ASSERT_EQ(got, datas) << piece;
  }
}

TEST_F(EngineTurnTest, ALongMessageInManyPieces) {
  open_relay(true);
  allocate();
  bind(kPeer);
  const Message data = some_bytes(65000);
  const Message message = from_peer(kPeer, data);
  std::vector<Record> records;
  for (size_t from = 0; from < message.size(); from += 1400) {
    const Bytes piece = Bytes(message).subspan(from, std::min(size_t{1400}, message.size() - from));
    for (Record& record : process(push(0, Input::Stream, relay_, piece), now_)) {
      records.push_back(std::move(record));
    }
  }
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].as<DataRecord>().input, kNoInput);
  EXPECT_EQ(records[0].payload, data);
}

TEST_F(EngineTurnTest, AClosedRelayInTheMiddleOfTheInbox) {
  open_relay();
  allocate();
  bind(kPeer);
  std::vector<Message> inputs;
  uint32_t at = 0;
  while (at < kInboxBytes - 40) {
    inputs.push_back(from_peer(kPeer, {}));
    at = push(at, Input::Datagram, relay_, inputs.back());
  }
  ASSERT_LT(process_once(at, now_).size(), inputs.size());
  ASSERT_TRUE(engine_->has_more());
  engine_->close(static_cast<uint32_t>(relay_));
  EXPECT_TRUE(process(0, now_).empty());
  EXPECT_EQ(command(relay_, Command::Permit, now_, kPeer),
            -static_cast<int32_t>(Errc::NoSuchHandle));
}

TEST_F(EngineTurnTest, TheOtherCommands) {
  open_relay();
  AllocateCommand request{};
  request.mobility = 1;
  allocate(request);
  const auto expect_event = [&](TurnEventKind kind) {
    run();
    ASSERT_EQ(events_.size(), 1U);
    EXPECT_EQ(kind_of(events_[0]), kind);
    events_.clear();
  };
  EXPECT_EQ(command(relay_, Command::Refresh, now_, NumberCommand{1200}), 0);
  run();
  ASSERT_EQ(events_.size(), 1U);
  EXPECT_EQ(kind_of(events_[0]), TurnEventKind::Refreshed);
  EXPECT_EQ(events_[0].as<TurnEventRecord>().number, 1200U);
  events_.clear();

  tuple_.client.port = 41000;
  EXPECT_EQ(command(relay_, Command::Move, now_), 0);
  run();
  ASSERT_EQ(events_.size(), 1U);
  EXPECT_EQ(kind_of(events_[0]), TurnEventKind::Moved);
  EXPECT_EQ(events_[0].as<TurnEventRecord>().has_allocation, 1U);
  events_.clear();

  const uint16_t channel = bind(kPeer);
  EXPECT_EQ(command(relay_, Command::ReleaseChannel, now_, NumberCommand{channel}), 0);
  EXPECT_EQ(command(relay_, Command::ReleaseChannel, now_, NumberCommand{channel}),
            -static_cast<int32_t>(Errc::NoSuchChannel));
  permit(kOther);
  EXPECT_EQ(command(relay_, Command::ReleasePermission, now_, kOther), 0);
  EXPECT_EQ(command(relay_, Command::CloseAllocation, now_), 0);
  expect_event(TurnEventKind::Closed);
  EXPECT_TRUE(server_.allocations().empty());
  EXPECT_EQ(engine_->next_timeout(), -1);
}

TEST_F(EngineTurnTest, MalformedCommandsAreRefused) {
  open_relay();
  const int32_t bad_record = -static_cast<int32_t>(Errc::BadRecord);
  AllocateCommand request{};
  request.transport = 17;
  const auto refused = [&](const AllocateCommand& wrong) {
    EXPECT_EQ(command(relay_, Command::Allocate, 0, wrong), bad_record);
  };
  AllocateCommand wrong = request;
  wrong.transport = 1;
  refused(wrong);
  wrong = request;
  wrong.family = 5;
  refused(wrong);
  wrong = request;
  wrong.even_port = 3;
  refused(wrong);
  wrong = request;
  wrong.token_bytes = 8;  // which are not there
  refused(wrong);
  wrong.token_bytes = 0xFFFFFFFF;
  refused(wrong);
  for (const Command which :
       {Command::Permit, Command::ReleasePermission, Command::BindChannel, Command::Connect}) {
    EXPECT_EQ(command(relay_, which, 0), bad_record);
    EXPECT_EQ(command(relay_, which, 0, TransportAddress{}), bad_record);
    EXPECT_EQ(command(relay_, which, 0, PeerCommand{1, 5}, some_bytes(5)), bad_record);
  }
  EXPECT_EQ(command(relay_, Command::Refresh, 0), bad_record);
  EXPECT_EQ(command(relay_, Command::SetCredentials, 0), bad_record);
  EXPECT_LT(command(relay_, Command::StartBinding, 0), 0);
  EXPECT_EQ(command(relay_, Command::Permit, 0, kPeer), -static_cast<int32_t>(Errc::NoAllocation));
}

TEST_F(EngineTurnTest, DataInTransitAllocatesNothing) {
  open_relay(true);
  allocate();
  permit(kPeer);
  const uint16_t channel = bind(kPeer);
  const Message in = from_peer(kPeer, some_bytes(1000));
  const Message out = some_bytes(1000);
  const auto round = [&] {
    uint32_t at = push(0, Input::SendChannel, relay_, out, channel);
    at = push(at, Input::Send, relay_, out, kPeer);
    at = push(at, Input::Stream, relay_, in);
    at = push(at, Input::Stream, relay_, Bytes(in).first(500));
    at = push(at, Input::Stream, relay_, Bytes(in).subspan(500));
    return engine_->process(at, now_);
  };
  EXPECT_EQ(round(), 4U);
  const uint64_t before = sim::allocations_so_far();
  uint32_t records = 0;
  for (int i = 0; i < 50; ++i) records += round();
  EXPECT_EQ(sim::allocations_so_far() - before, 0U);
  EXPECT_EQ(records, 200U);
}

TEST_F(EngineTurnTest, AThousandRelaysHaveOneTimer) {
  constexpr size_t kRelays = 1000;
  OpenRequest request{};
  request.keep_alive_milliseconds = 20000;
  AllocateCommand wanted{};
  wanted.transport = turn::kTransportUdp;
  for (size_t i = 0; i < kRelays; ++i) {
    relay_ = open(Kind::Turn, request, kUser);
    ASSERT_GE(relay_, 0);
    ASSERT_EQ(command(relay_, Command::Allocate, static_cast<double>(i), wanted), 0);
    process(0, static_cast<double>(i));
  }
  // Each repeats its request 500 ms after its start, and then 1,000 ms later.
  EXPECT_EQ(engine_->next_timeout(), 1000);
  EXPECT_EQ(engine_->next_timeout(), engine_->status().next_timeout);
  // All are retransmitted, however few fit into the outbox at once.
  const auto records = process(0, 2000);
  EXPECT_EQ(records.size(), kRelays);
}

TEST_F(EngineTurnTest, WhatWasDueOnceIsNotDueAgain) {
  OpenRequest request{};
  request.keep_alive_milliseconds = 20000;
  relay_ = open(Kind::Turn, request, kUser);
  allocate();
  size_t keep_alives = 0;
  while (keep_alives < 3) {
    now_ = engine_->next_timeout();
    keep_alives += process(0, now_).size();
    ASSERT_GT(engine_->next_timeout(), now_);
  }
}

}  // namespace
}  // namespace postern::bindings
