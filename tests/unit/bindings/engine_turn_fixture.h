// A relay behind the mailbox, and a TURN server on a virtual clock.
#pragma once

#include <gtest/gtest.h>

#include <numeric>

#include "client/turn/turn_event.h"
#include "sim/turn_server.h"
#include "turn/channel_data.h"
#include "turn/lifetimes.h"
#include "unit/bindings/engine_fixture.h"

namespace postern::bindings {

using client::TurnEventKind;
using sim::Message;

inline const TransportAddress kPeer = TransportAddress::ipv4(198, 51, 100, 5, 5000);
inline const TransportAddress kOther = TransportAddress::ipv4(198, 51, 100, 6, 6000);
inline const TransportAddress kFarPeer = TransportAddress::ipv6(
    std::array<uint8_t, 16>{0x20, 1, 0x0d, 0xb8, 9, 8, 7, 6, 5, 4, 3, 2, 1}, 7000);
inline const Credentials kUser{
    .mechanism = 2, .username = "user", .password = "pass", .realm = {}, .token = {}};

class EngineTurnTest : public EngineTest {
 protected:
  void open_relay(bool is_stream = false) {
    OpenRequest request{};
    request.is_reliable = is_stream ? 1 : 0;
    request.pads_channel_data = is_stream ? 1 : 0;
    relay_ = open(Kind::Turn, request, kUser);
    ASSERT_GE(relay_, 0);
    input_ = is_stream ? Input::Stream : Input::Datagram;
    tuple_.carrier = is_stream ? sim::Carrier::Stream : sim::Carrier::Datagram;
  }

  // Carries messages to and fro until nobody has more to say.
  void run(uint32_t bytes = 0) {
    for (;;) {
      std::vector<Message> replies;
      for (const Record& record : process(bytes, now_)) {
        if (record.is(Output::TurnEvent)) events_.push_back(record);
        if (record.is(Output::Data)) data_.push_back(record);
        if (!record.is(Output::Transmit)) continue;
        for (const auto& reply : server_.handle(instant(), record.payload, tuple_)) {
          replies.push_back(reply.bytes);
        }
      }
      if (replies.empty()) return;
      bytes = 0;
      for (const Message& reply : replies) bytes = push(bytes, input_, relay_, reply);
      now_ += 10;
    }
  }

  void allocate(AllocateCommand request = {}) {
    request.transport = turn::kTransportUdp;
    ASSERT_EQ(command(relay_, Command::Allocate, now_, request), 0);
    run();
    ASSERT_EQ(kind_of(events_.back()), TurnEventKind::Allocated);
    ASSERT_FALSE(server_.allocations().empty());
    relayed_ = server_.allocations().front().relayed.front();
    events_.clear();
  }
  void permit(const TransportAddress& peer) {
    ASSERT_EQ(command(relay_, Command::Permit, now_, peer), 0);
    run();
    ASSERT_EQ(kind_of(events_.back()), TurnEventKind::Permitted);
    events_.clear();
  }
  uint16_t bind(const TransportAddress& peer) {
    const int32_t channel = command(relay_, Command::BindChannel, now_, peer);
    EXPECT_TRUE(turn::is_channel(static_cast<uint16_t>(channel))) << channel;
    run();
    EXPECT_EQ(kind_of(events_.back()), TurnEventKind::ChannelBound);
    events_.clear();
    return static_cast<uint16_t>(channel);
  }

  static TurnEventKind kind_of(const Record& record) {
    return static_cast<TurnEventKind>(record.as<TurnEventRecord>().event);
  }
  [[nodiscard]] Instant instant() const { return Instant::from_milliseconds(now_); }
  Message from_peer(const TransportAddress& peer, const Message& data) {
    const auto sent = server_.peer_send(instant(), peer, relayed_, data);
    EXPECT_TRUE(sent.has_value());
    return sent ? sent->bytes : Message{};
  }
  // What a Data record says, given the payloads of the batch.
  static Message data_of(const Record& record, const std::vector<Message>& inputs) {
    const auto data = record.as<DataRecord>();
    if (data.input == kNoInput) return record.payload;
    EXPECT_LT(data.input, inputs.size());
    const Bytes part = Bytes(inputs[data.input]).subspan(data.offset, data.length);
    return {part.begin(), part.end()};
  }
  static Message some_bytes(size_t count, uint8_t first = 1) {
    Message bytes(count);
    std::iota(bytes.begin(), bytes.end(), first);
    return bytes;
  }

  sim::TurnServer server_;
  sim::FiveTuple tuple_;
  int32_t relay_ = -1;
  Input input_ = Input::Datagram;
  double now_ = 1000;
  TransportAddress relayed_;
  std::vector<Record> events_;
  std::vector<Record> data_;
};

}  // namespace postern::bindings
