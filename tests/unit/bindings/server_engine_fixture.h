// The server's mailbox as JavaScript uses it: commands and inputs laid down, records read.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "bindings/server_engine.h"
#include "sim/hand_client.h"
#include "sim/messages.h"
#include "support/mailbox_test.h"

namespace postern::bindings {

using server::ServerEventKind;
using sim::Message;

struct ServerRecord : MailboxRecord<ServerOutput> {
  [[nodiscard]] ServerEventKind event() const {
    return static_cast<ServerEventKind>(as<ServerEventRecord>().event);
  }
  // The texts of an event: its addresses, then its user name.
  [[nodiscard]] std::vector<std::string> texts() const {
    const auto record = as<ServerEventRecord>();
    std::vector<std::string> all;
    size_t at = 0;
    const auto take_text = [&](uint32_t count) {
      EXPECT_LE(at + count, payload.size());
      all.emplace_back(reinterpret_cast<const char*>(payload.data()) + at, count);
      at += count;
    };
    for (const OutputAddress& address : record.addresses) take_text(address.text_bytes);
    for (const uint32_t count : record.text_bytes) take_text(count);
    EXPECT_EQ(at, payload.size());
    return all;
  }
};

inline const TransportAddress kServerPlace = TransportAddress::ipv4(192, 0, 2, 1, 3478);
inline const TransportAddress kRelayed = TransportAddress::ipv4(192, 0, 2, 1, 50000);
inline const TransportAddress kClientPlace = TransportAddress::ipv4(203, 0, 113, 7, 1234);
inline const TransportAddress kFriend = TransportAddress::ipv4(198, 51, 100, 5, 5000);
inline constexpr uint32_t kUdpLink = 1;
inline constexpr uint32_t kStreamLink = 2;

class ServerEngineTest : public MailboxTest<ServerEngine> {
 protected:
  // --- Laying down.

  template <typename T>
  uint32_t write_record(size_t at, const T& record) {
    return write(at, &record, sizeof record);
  }
  uint32_t write_text(size_t at, std::string_view text) {
    return padded(write(write_record(at, static_cast<uint32_t>(text.size())), text));
  }

  static OpenServerRequest usual() {
    OpenServerRequest request{};
    request.needs_authentication = 1;
    request.default_lifetime_seconds = 600;
    request.max_lifetime_seconds = 3600;
    request.relays_ipv4 = request.relays_udp = request.relays_tcp = 1;
    request.allows_mobility = request.allows_response_port = 1;
    request.max_allocations = 100;
    request.max_permissions = request.max_channels = 16;
    request.max_connections = 4;
    request.nonce_lifetime_seconds = 600;
    request.unauthenticated_per_second = request.unauthenticated_burst = 5000;
    return request;
  }
  int32_t open(OpenServerRequest request = usual(), size_t secret_bytes = 32) {
    const std::string secret(secret_bytes, 's');
    constexpr std::string_view kRealm = "example.org";
    constexpr std::string_view kSoftware = "tested";
    request.secret_bytes = static_cast<uint32_t>(secret.size());
    request.realm_bytes = static_cast<uint32_t>(kRealm.size());
    request.software_bytes = static_cast<uint32_t>(kSoftware.size());
    uint32_t at = write(write_record(0, request), secret);
    at = write(write(at, kRealm), kSoftware);
    return engine_->open(now_, at);
  }

  int32_t command(ServerCommand which, uint32_t bytes = 0) {
    return engine_->command(static_cast<uint32_t>(which), now_, bytes);
  }
  int32_t number(ServerCommand which, uint32_t value) {
    return command(which, write_record(0, ServerNumberCommand{value}));
  }
  int32_t texts(ServerCommand which, const std::vector<std::string>& all) {
    uint32_t at = write_record(0, TextsCommand{static_cast<uint32_t>(all.size())});
    for (const std::string& text : all) at = write_text(at, text);
    return command(which, at);
  }
  int32_t policy(const std::vector<std::string>& allowed,
                 const std::vector<std::string>& denied = {},
                 const std::vector<std::string>& nat64 = {}) {
    uint32_t at = write_record(0, PolicyCommand{.only_allowed = 0,
                                                .allowed = static_cast<uint32_t>(allowed.size()),
                                                .denied = static_cast<uint32_t>(denied.size()),
                                                .nat64 = static_cast<uint32_t>(nat64.size())});
    for (const auto& list : {allowed, denied, nat64}) {
      for (const std::string& text : list) at = write_text(at, text);
    }
    return command(ServerCommand::SetPolicy, at);
  }
  // The socket for all where `remote` is none.
  int32_t add_link(uint32_t link, const TransportAddress& remote = {}, bool is_stream = true) {
    LinkCommand header{};
    header.link = link;
    header.local_port = kServerPlace.port;
    header.local_bytes = 4;
    header.remote_port = remote.port;
    header.remote_bytes = static_cast<uint32_t>(remote.address_bytes().size());
    header.is_reliable = remote.family != Family::None ? 1 : 0;
    header.is_stream = header.is_reliable != 0 && is_stream ? 1 : 0;
    uint32_t at = write(write_record(0, header), kServerPlace.address_bytes());
    at = write(at, remote.address_bytes());
    return command(ServerCommand::AddLink, at);
  }
  int32_t relay_opened(uint32_t relay, const TransportAddress& address = kRelayed) {
    const Bytes raw = address.address_bytes();
    const RelayCommand header{relay, address.port, static_cast<uint32_t>(raw.size())};
    return command(ServerCommand::RelayOpened, write(write_record(0, header), raw));
  }

  // Where the next record goes.
  uint32_t push(uint32_t at, ServerInput input, uint32_t handle, Bytes bytes,
                const TransportAddress& from = {}) {
    const Bytes address = from.address_bytes();
    const InputRecord record{static_cast<uint32_t>(input), handle,
                             static_cast<uint32_t>(address.size() + bytes.size()), from.port,
                             static_cast<uint32_t>(address.size())};
    return padded(write(write(write_record(at, record), address), bytes));
  }

  // --- Reading.

  std::vector<ServerRecord> process_once(uint32_t bytes) {
    return read_outbox<ServerRecord>(engine_->process(bytes, now_), size_of);
  }
  // All that there is.
  std::vector<ServerRecord> process(uint32_t bytes = 0) {
    return process_all(bytes, [&](uint32_t some) { return process_once(some); });
  }
  static size_t size_of(const OutputHead& head) {
    switch (static_cast<ServerOutput>(head.output)) {
      case ServerOutput::Transmit:
        return sizeof(TransmitRecord);
      case ServerOutput::ToPeer:
      case ServerOutput::Leftover:
        return sizeof(ToPeerRecord);
      case ServerOutput::CloseLink:
        return sizeof(OutputHead);
      case ServerOutput::Event:
        return sizeof(ServerEventRecord);
    }
    ADD_FAILURE() << "a record of kind " << head.output;
    return sizeof(OutputHead);
  }

  static std::vector<ServerRecord> only(const std::vector<ServerRecord>& all, ServerOutput output) {
    std::vector<ServerRecord> some;
    for (const ServerRecord& record : all) {
      if (record.is(output)) some.push_back(record);
    }
    return some;
  }
  static std::optional<ServerRecord> event_of(const std::vector<ServerRecord>& all,
                                              ServerEventKind kind) {
    for (const ServerRecord& record : all) {
      if (record.is(ServerOutput::Event) && record.event() == kind) return record;
    }
    return std::nullopt;
  }

  [[nodiscard]] double counter(size_t index) {
    const uint32_t count = engine_->stats();
    double value = -1;
    if (index < count) {
      std::memcpy(&value, &engine_->outbox()[index * sizeof value], sizeof value);
    }
    return value;
  }

  double now_ = 1000;
};

// One client, whose requests are written by hand. Relays are opened as they are asked for.
class ServedClientTest : public ServerEngineTest, private sim::Served {
 protected:
  ServedClientTest() : client(*this) {
    EXPECT_EQ(open(), 0);
    EXPECT_EQ(texts(ServerCommand::SetUser, {"user", "pass"}), 0);
    EXPECT_EQ(policy({"198.51.100.0/24"}), 0);
    EXPECT_EQ(add_link(kUdpLink), 0);
    client.tuple.client = kClientPlace;
  }
  // From now on the client uses a stream.
  void use_stream(uint32_t link = kStreamLink) {
    link_ = link;
    client.tuple.carrier = sim::Carrier::Stream;
    ASSERT_EQ(add_link(link, kClientPlace), 0);
  }
  void use_stream_for_tcp() {
    use_stream();
    const sim::Fill tcp = [](stun::MessageWriter& writer) {
      writer.add<stun::AttributeType::RequestedTransport>(sim::kProtocolTcp);
    };
    static_cast<void>(client.ask(stun::Method::Allocate, tcp));
    ASSERT_TRUE(client.ask(stun::Method::Allocate, tcp).is_success());
  }

  uint32_t push_message(uint32_t at, Bytes message) {
    return link_ == kUdpLink ? push(at, ServerInput::Message, link_, message, client.tuple.client)
                             : push(at, ServerInput::Stream, link_, message);
  }
  // What comes of a batch, with what comes of the relays that are opened meanwhile.
  std::vector<ServerRecord> run(uint32_t bytes) {
    std::vector<ServerRecord> all = process(bytes);
    for (;;) {
      std::vector<uint32_t> wanted;
      for (; seen_ < all.size(); ++seen_) {
        const ServerRecord& record = all[seen_];
        if (!record.is(ServerOutput::Event)) continue;
        if (record.event() == ServerEventKind::OpenRelay) wanted.push_back(record.head.handle);
      }
      if (wanted.empty()) break;
      for (const uint32_t relay : wanted) {
        relay_ = relay;
        EXPECT_EQ(relay_opened(relay), 0);
      }
      for (ServerRecord& record : process()) all.push_back(std::move(record));
    }
    seen_ = 0;
    return all;
  }
  static Message channel_data(uint16_t number, size_t bytes, uint8_t fill = 7) {
    return sim::HandClient::channel_data(number, Message(bytes, fill));
  }

  sim::HandClient client;
  uint32_t link_ = kUdpLink;
  uint32_t relay_ = 0;  // the last that was opened
  std::vector<ServerRecord> last_;

 private:
  std::vector<sim::Outgoing> handle(Instant, stun::Bytes bytes,
                                    const sim::FiveTuple& tuple) override {
    std::vector<sim::Outgoing> replies;
    last_ = run(push_message(0, bytes));
    for (const ServerRecord& record : last_) {
      if (record.is(ServerOutput::Transmit)) replies.push_back({tuple, record.payload});
    }
    return replies;
  }
  [[nodiscard]] bool is_data_connection(const sim::FiveTuple&) const override { return false; }
  std::optional<sim::Outgoing> peer_send(Instant, const TransportAddress&, const TransportAddress&,
                                         stun::Bytes) override {
    return std::nullopt;
  }
  size_t seen_ = 0;
};

}  // namespace postern::bindings
