// ServerEngine and streams: cut anywhere, too long, broken, and joined to a peer.
#include <numeric>

#include "unit/bindings/server_engine_fixture.h"

namespace postern::bindings {
namespace {

using stun::AttributeType;
using stun::MessageWriter;
using stun::Method;

constexpr size_t kBrokenStreams = 27;

class ServerEngineStream : public ServedClientTest {
 protected:
  ServerEngineStream() { use_stream(); }

  std::vector<ServerRecord> feed(Bytes bytes) {
    return run(push(0, ServerInput::Stream, kStreamLink, bytes));
  }
  static void append(Message& to, const Message& bytes) {
    to.insert(to.end(), bytes.begin(), bytes.end());
  }
  // The data of a ToPeer or Leftover record, whose input was `input`.
  static Message data_of(const ServerRecord& record, Bytes input) {
    const auto place = record.as<ToPeerRecord>();
    if (place.input == kNoInput) return record.payload;
    EXPECT_EQ(place.input, 0U);
    const Bytes part = input.subspan(place.offset, place.length);
    return {part.begin(), part.end()};
  }
  void expect_closed(const std::vector<ServerRecord>& all) {
    ASSERT_EQ(all.size(), 1U);
    EXPECT_TRUE(all[0].is(ServerOutput::CloseLink));
    EXPECT_EQ(all[0].head.handle, kStreamLink);
    EXPECT_EQ(counter(kBrokenStreams), 1);
    // Whatever comes yet is nothing any more.
    EXPECT_TRUE(feed(client.unsigned_request(Method::Binding)).empty());
  }
};

TEST_F(ServerEngineStream, CutAtEveryPlace) {
  ASSERT_TRUE(client.allocate().is_success());
  ASSERT_TRUE(client.bind(0x4000, kFriend).is_success());
  Message stream = client.unsigned_request(Method::Binding);
  append(stream, channel_data(0x4000, 5));
  stream.resize(stream.size() + 3);  // its padding
  append(stream, client.unsigned_request(Method::Binding));
  for (size_t cut = 0; cut <= stream.size(); ++cut) {
    std::vector<ServerRecord> all;
    Message data;
    for (const Bytes part : {Bytes(stream).first(cut), Bytes(stream).subspan(cut)}) {
      for (const ServerRecord& record : feed(part)) {
        if (record.is(ServerOutput::ToPeer)) data = data_of(record, part);
        all.push_back(record);
      }
    }
    ASSERT_EQ(all.size(), 3U) << cut;
    EXPECT_TRUE(all[0].is(ServerOutput::Transmit));
    EXPECT_TRUE(all[1].is(ServerOutput::ToPeer));
    EXPECT_TRUE(all[2].is(ServerOutput::Transmit));
    EXPECT_EQ(data, Message(5, 7)) << cut;
  }
}

TEST_F(ServerEngineStream, ByteByByte) {
  const Message request = client.unsigned_request(Method::Binding);
  for (size_t i = 0; i + 1 < request.size(); ++i) {
    EXPECT_TRUE(feed(Bytes(request).subspan(i, 1)).empty());
  }
  EXPECT_EQ(feed(Bytes(request).last(1)).size(), 1U);
}

TEST_F(ServerEngineStream, GarbageEndsIt) {
  // What stands before it is answered.
  Message stream = client.unsigned_request(Method::Binding);
  append(stream, Message(30, 0xFF));
  const auto all = feed(stream);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_TRUE(all[0].is(ServerOutput::Transmit));
  expect_closed({all[1]});
}

TEST_F(ServerEngineStream, StrangersHaveNoLongMessages) {
  constexpr size_t kMost = ServerEngine::kMaxStrangersFrame;
  // As long as it may be: it has no allocation, and the stream goes on.
  Message longest = channel_data(0x4000, kMost - 4);
  EXPECT_TRUE(feed(Bytes(longest).first(10)).empty());
  EXPECT_TRUE(feed(Bytes(longest).subspan(10)).empty());
  EXPECT_EQ(feed(client.unsigned_request(Method::Binding)).size(), 1U);
  Message longer = channel_data(0x4000, kMost + 4);
  EXPECT_TRUE(feed(Bytes(longer).first(3)).empty());
  expect_closed(feed(Bytes(longer).subspan(3, 10)));
}

TEST_F(ServerEngineStream, ClientsWithAllocationHave) {
  ASSERT_TRUE(client.allocate().is_success());
  ASSERT_TRUE(client.bind(0x4000, kFriend).is_success());
  Message longest = channel_data(0x4000, 0xFFFF);
  longest.resize(longest.size() + 1);  // its padding
  EXPECT_TRUE(feed(Bytes(longest).first(40'000)).empty());
  const auto all = feed(Bytes(longest).subspan(40'000));
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].as<ToPeerRecord>().input, kNoInput);
  EXPECT_EQ(all[0].payload, Message(0xFFFF, 7));
  // Whole ones lie where they came in.
  const Message half = channel_data(0x4000, 0xFFF0);
  const auto placed = feed(half);
  ASSERT_EQ(placed.size(), 1U);
  EXPECT_EQ(placed[0].as<ToPeerRecord>().input, 0U);
  EXPECT_EQ(data_of(placed[0], half), Message(0xFFF0, 7));
}

TEST_F(ServerEngineStream, AFullOutboxLosesAndRepeatsNothing) {
  ASSERT_TRUE(client.allocate().is_success());
  ASSERT_TRUE(client.bind(0x4000, kFriend).is_success());
  // The end of a long frame, which is put together, then requests: more than the outbox holds.
  Message longest = channel_data(0x4000, 0xFFFF);
  longest.resize(longest.size() + 1);
  EXPECT_TRUE(feed(Bytes(longest).first(60'000)).empty());
  Message rest(longest.begin() + 60'000, longest.end());
  constexpr size_t kRequests = 2000;
  for (size_t i = 0; i < kRequests; ++i) {
    append(rest, client.unsigned_request(Method::Binding));
    if (i % 100 == 0) append(rest, channel_data(0x4000, 8, static_cast<uint8_t>(i / 100)));
  }
  ASSERT_LT(rest.size() + 100, kInboxBytes);
  const auto all = process(push(0, ServerInput::Stream, kStreamLink, rest));
  EXPECT_GT(calls_, 2U);
  EXPECT_EQ(only(all, ServerOutput::Transmit).size(), kRequests);
  const auto relayed = only(all, ServerOutput::ToPeer);
  ASSERT_EQ(relayed.size(), 1U + kRequests / 100);
  EXPECT_EQ(relayed[0].payload, Message(0xFFFF, 7));
  for (size_t i = 1; i < relayed.size(); ++i) {
    EXPECT_EQ(data_of(relayed[i], rest), Message(8, static_cast<uint8_t>(i - 1)));
  }
  EXPECT_EQ(counter(kBrokenStreams), 0);
}

TEST_F(ServerEngineStream, EndsWithItsLink) {
  ASSERT_TRUE(client.allocate().is_success());
  ASSERT_EQ(number(ServerCommand::RemoveLink, kStreamLink), 0);
  const auto all = process();
  EXPECT_TRUE(event_of(all, ServerEventKind::Ended));
  EXPECT_TRUE(event_of(all, ServerEventKind::CloseRelay));
  EXPECT_TRUE(feed(client.unsigned_request(Method::Binding)).empty());
  // A link of the same number is another stream.
  ASSERT_EQ(add_link(kStreamLink, kClientPlace), 0);
  EXPECT_EQ(feed(client.unsigned_request(Method::Binding)).size(), 1U);
}

class ServerEngineJoin : public ServedClientTest {
 protected:
  static constexpr uint32_t kDataLink = 3;

  // A connection to a peer that waits to be bound, and the client on a connection for that.
  uint32_t connected() {
    use_stream_for_tcp();
    client.tell(client.signed_request(Method::Connect, [](MessageWriter& writer) {
      writer.add<AttributeType::XorPeerAddress>(kFriend);
    }));
    const auto wish = event_of(last_, ServerEventKind::ConnectPeer);
    EXPECT_TRUE(wish);
    const auto record = wish->as<ServerEventRecord>();
    EXPECT_EQ(wish->texts()[0], "198.51.100.5");
    EXPECT_EQ(record.addresses[0].port, kFriend.port);
    EXPECT_EQ(number(ServerCommand::PeerConnected, record.connection), 0);
    const auto answers = only(process(), ServerOutput::Transmit);
    EXPECT_EQ(answers.size(), 1U);
    EXPECT_TRUE(sim::Reply(answers.at(0).payload).is_success());
    client.tuple.client.port += 1;
    link_ = kDataLink;
    EXPECT_EQ(add_link(kDataLink, client.tuple.client), 0);
    static_cast<void>(client.ask(Method::Refresh));  // learns the nonce
    return record.connection;
  }
  Message bind(uint32_t connection) {
    return client.signed_request(Method::ConnectionBind, [connection](MessageWriter& writer) {
      writer.add<AttributeType::ConnectionId>(connection);
    });
  }
};

TEST_F(ServerEngineJoin, WhatLiesBehindIsLeftOver) {
  const uint32_t connection = connected();
  Message stream = bind(connection);
  const size_t begin = stream.size();
  stream.resize(begin + 5000, 0xAB);  // no message
  const auto all = process(push(0, ServerInput::Stream, kDataLink, stream));
  ASSERT_EQ(all.size(), 3U);
  EXPECT_TRUE(sim::Reply(all[0].payload).is_success());
  EXPECT_EQ(all[1].event(), ServerEventKind::JoinPeer);
  EXPECT_EQ(all[1].as<ServerEventRecord>().link, kDataLink);
  EXPECT_EQ(all[1].as<ServerEventRecord>().connection, connection);
  EXPECT_TRUE(all[2].is(ServerOutput::Leftover));
  const auto left = all[2].as<ToPeerRecord>();
  EXPECT_EQ(left.head.handle, kDataLink);
  EXPECT_EQ(left.input, 0U);
  EXPECT_EQ(left.offset, begin);
  EXPECT_EQ(left.length, 5000U);
  // From now on it is somebody else's.
  EXPECT_TRUE(process(push(0, ServerInput::Stream, kDataLink, Message(100, 0xAB))).empty());
}

TEST_F(ServerEngineJoin, NothingBehindIsNothingLeft) {
  const auto all = process(push(0, ServerInput::Stream, kDataLink, bind(connected())));
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[1].event(), ServerEventKind::JoinPeer);
}

TEST_F(ServerEngineJoin, CutAtEveryPlaceBehindRequestsThatFillTheOutbox) {
  const uint32_t connection = connected();
  Message stream;
  for (int i = 0; i < 1500; ++i) {
    const Message request = client.unsigned_request(Method::Binding);
    stream.insert(stream.end(), request.begin(), request.end());
  }
  const Message last = bind(connection);
  stream.insert(stream.end(), last.begin(), last.end());
  stream.resize(stream.size() + 100, 0xAB);
  // Within the ConnectionBind.
  const size_t cut = stream.size() - 150;
  std::vector<ServerRecord> all;
  for (const Bytes part : {Bytes(stream).first(cut), Bytes(stream).subspan(cut)}) {
    for (ServerRecord& record : process(push(0, ServerInput::Stream, kDataLink, part))) {
      all.push_back(std::move(record));
    }
  }
  ASSERT_EQ(all.size(), 1500U + 3U);
  EXPECT_EQ(all[1501].event(), ServerEventKind::JoinPeer);
  EXPECT_EQ(all[1502].as<ToPeerRecord>().length, 100U);
}

TEST_F(ServerEngineJoin, PeersThatConnect) {
  use_stream_for_tcp();
  const auto accept = [this] {
    const RelayCommand header{relay_, kFriend.port, 4};
    EXPECT_EQ(command(ServerCommand::PeerAccepted,
                      write(write_record(0, header), kFriend.address_bytes())),
              0);
    return engine_->status().accepted;
  };
  EXPECT_EQ(accept(), 0U);  // no permission
  ASSERT_TRUE(client.permit(kFriend).is_success());
  const uint32_t connection = accept();
  EXPECT_NE(connection, 0U);
  auto all = process();
  ASSERT_EQ(all.size(), 1U);
  const sim::Reply attempt(all[0].payload);
  EXPECT_EQ(*attempt.get<AttributeType::ConnectionId>(), connection);
  EXPECT_EQ(*attempt.get<AttributeType::XorPeerAddress>(), kFriend);
  // Nobody binds it.
  now_ = engine_->status().next_timeout;
  all = process();
  const auto closed = event_of(all, ServerEventKind::ClosePeer);
  ASSERT_TRUE(closed);
  EXPECT_EQ(closed->as<ServerEventRecord>().connection, connection);
}

}  // namespace
}  // namespace postern::bindings
