// The server behind its mailbox, driven by somebody who lies about every number and keeps no order:
// commands, streams and messages of clients, data of peers, time. Whatever comes out makes sense.
#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "arbitrary.h"
#include "bindings/server_engine.h"
#include "hostile_server.h"
#include "mailbox_world.h"
#include "require.h"
#include "stun/message_writer.h"

namespace postern::fuzz {

using bindings::ServerCommand;
using bindings::ServerEngine;
using bindings::ServerInput;
using bindings::ServerOutput;
using server::ServerEventKind;
using stun::AttributeType;
using stun::Method;

constexpr uint32_t kLinks = 6;  // 1 and 2 are sockets for all, the others connections
constexpr uint32_t kSockets = 2;

class ServerEngineWorld : public MailboxWorld<ServerEngine> {
 public:
  ServerEngineWorld(const uint8_t* data, size_t size) : MailboxWorld(data, size) {
    open(input.ConsumeBool(), input.ConsumeBool());
    for (uint32_t link = 1; link <= kLinks; ++link) add_link(link);
  }

  void command() {
    const auto which = static_cast<ServerCommand>(input.ConsumeIntegralInRange(0U, 18U));
    uint32_t end = 0;
    switch (which) {
      case ServerCommand::SetUser:
      case ServerCommand::RemoveUser:
      case ServerCommand::SetSecrets:
      case ServerCommand::SetTokenKeys:
        end = write_texts(write(0, number(input)));
        break;
      case ServerCommand::SetPolicy:
        end = write(0, bindings::PolicyCommand{number(input), number(input) % 3, number(input) % 2,
                                               number(input) % 2});
        end = write_texts(end);
        break;
      case ServerCommand::AddLink:
        return add_link(link());
      case ServerCommand::AnswerKey:
        end = write(0, bindings::KeyCommand{question_, 4});
        end = write(end, arbitrary_bytes(input, 4));
        break;
      case ServerCommand::RelayOpened:
        end = write(0, bindings::RelayCommand{relay(), 50000 + number(input), 4});
        end = write(end, std::array<uint8_t, 4>{192, 0, 2, 1});
        break;
      case ServerCommand::PeerAccepted:
        end = write(0, bindings::RelayCommand{relay(), number(input), 4});
        end = write(end, peer());
        break;
      case ServerCommand::RelayFailed:
        end = write(0, relay());
        break;
      case ServerCommand::PeerConnected:
      case ServerCommand::PeerRefused:
      case ServerCommand::PeerClosed:
        end = write(0, connection());
        break;
      case ServerCommand::RemoveLink:
        end = write(0, link());
        break;
      default:
        end = write(0, number(input));
        break;
    }
    if (input.ConsumeIntegralInRange(0, 15) == 15) end = number(input);
    require_result(engine_->command(static_cast<uint32_t>(which), now_, end));
    if (!engine_->has_more()) batch_ = 0;
  }

  // A request that is right but for what it asks; with a header's length that may lie.
  void add_request() {
    std::vector<uint8_t> message = request();
    if (input.ConsumeIntegralInRange(0, 31) == 31) message.resize(number(input) % 100);
    add_message(message);
  }
  void add_garbage() { add_message(arbitrary_bytes(input, 100)); }
  void add_channel_data() {
    std::vector<uint8_t> message(4 + number(input) % 3000);
    store_be16(message.data(), static_cast<uint16_t>(0x4000 + number(input)));
    store_be16(&message[2], static_cast<uint16_t>(message.size() - 4 + number(input)));
    if (input.ConsumeIntegralInRange(0, 15) == 15) message.resize(0x10000);
    add_message(message);
  }
  // Hundreds of short requests in one piece of a stream: more than the outbox holds of answers.
  void add_flood() {
    const std::vector<uint8_t> one = request();
    std::vector<uint8_t> all;
    while (all.size() + one.size() < 60'000) all.insert(all.end(), one.begin(), one.end());
    push(ServerInput::Stream, 3 + number(input) % (kLinks - 2), all, {});
  }
  void add_peer_data() {
    std::vector<uint8_t> data = arbitrary_bytes(input, 100);
    if (input.ConsumeIntegralInRange(0, 15) == 15) data.resize(65'507);
    const auto from = peer();
    push(ServerInput::PeerData, relay(), data, from);
  }
  void add_lie() {
    if (engine_->has_more()) return;
    bindings::InputRecord record{number(input), link(), number(input), number(input),
                                 number(input)};
    if (batch_ + sizeof record + 64 > bindings::kInboxBytes) return;
    batch_ = bindings::padded(write(write(batch_, record), arbitrary_bytes(input, 32)));
  }

  // Calls until nothing is left, as JavaScript does; or only once, and then as it comes.
  void process() {
    const bool once = input.ConsumeIntegralInRange(0, 7) == 7;
    for (unsigned calls = 0;; ++calls) {
      require(calls < 400);
      read(engine_->process(batch_, now_));
      if (!engine_->has_more()) break;
      if (once) return;
    }
    batch_ = 0;
    // Waking it at the time that it names leads on.
    for (unsigned calls = 0; is_due(); ++calls) {
      require(calls < 8);
      read(engine_->process(0, now_));
      while (engine_->has_more()) read(engine_->process(0, now_));
    }
  }
  void wait() {
    now_ = std::min(now_ + input.ConsumeIntegral<uint16_t>(), kMostMilliseconds);
    if (input.ConsumeIntegralInRange(0, 15) == 15) now_ += 600'000;
  }
  void stats() { require(engine_->stats() <= 32); }

  // All that was opened is closed when everything is over.
  void finish() {
    while (engine_->has_more()) read(engine_->process(0, now_));
    batch_ = 0;
    require(engine_->command(static_cast<uint32_t>(ServerCommand::EndAll), now_, 0) == 0);
    now_ += 3'600'000;
    for (int i = 0; i < 3; ++i) {
      do {
        read(engine_->process(0, now_));
      } while (engine_->has_more());
    }
    require(relays_.empty());
    require(engine_->stats() > 0);
    double allocations = -1;
    std::memcpy(&allocations, engine_->outbox().data(), sizeof allocations);
    require(allocations == 0);
  }

 private:
  [[nodiscard]] bool is_due() const {
    const double next = engine_->status().next_timeout;
    return !engine_->has_more() && next >= 0 && next <= now_;
  }

  void open(bool needs_authentication, bool asks_for_keys) {
    bindings::OpenServerRequest request{};
    request.secret_bytes = 32;
    request.realm_bytes = 5;
    request.needs_authentication = needs_authentication ? 1 : 0;
    request.asks_for_keys = asks_for_keys ? 1 : 0;
    request.default_lifetime_seconds = 600;
    request.max_lifetime_seconds = 3600;
    request.relays_ipv4 = request.relays_ipv6 = request.relays_udp = request.relays_tcp = 1;
    request.allows_mobility = request.allows_response_port = 1;
    request.max_allocations = 6;
    request.max_permissions = request.max_channels = 4;
    request.max_connections = 3;
    request.nonce_lifetime_seconds = 600;
    request.unauthenticated_per_second = request.unauthenticated_burst = 100'000;
    uint32_t end = write(write(0, request), std::array<uint8_t, 32>{7});
    end = write(end, std::array<uint8_t, 5>{'r', 'e', 'a', 'l', 'm'});
    require(engine_->open(now_, end) == 0);
    end = write(0, bindings::PolicyCommand{0, 1, 0, 0});
    end = write(write(end, uint32_t{15}), stun::Bytes(kPeers));
    require(engine_->command(static_cast<uint32_t>(ServerCommand::SetPolicy), now_,
                             bindings::padded(end)) == 0);
  }
  void add_link(uint32_t link) {
    bindings::LinkCommand header{};
    header.link = link;
    header.local_bytes = header.remote_bytes = 4;
    header.local_port = 3478;
    header.remote_port = 1000 + link;
    if (link <= kSockets) header.remote_bytes = 0;
    header.is_reliable = link > kSockets ? 1 : 0;
    header.is_stream = link > kSockets && link != kLinks ? 1 : 0;
    uint32_t end = write(write(0, header), std::array<uint8_t, 4>{192, 0, 2, 1});
    if (header.remote_bytes > 0) end = write(end, client(link));
    require_result(engine_->command(static_cast<uint32_t>(ServerCommand::AddLink), now_, end));
    if (!engine_->has_more()) batch_ = 0;
  }

  std::vector<uint8_t> request() {
    static constexpr Method kMethods[] = {
        Method::Binding,          Method::Allocate,       Method::Allocate,
        Method::CreatePermission, Method::Refresh,        Method::ChannelBind,
        Method::Connect,          Method::ConnectionBind, Method::Send};
    const Method method = input.PickValueInArray(kMethods);
    std::array<uint8_t, 2048> out{};
    stun::TransactionId id{};
    store_be32(id.data(), ++requests_);
    stun::MessageWriter writer(
        out, method == Method::Send ? stun::Class::Indication : stun::Class::Request, method, id);
    if (method == Method::Allocate) {
      writer.add<AttributeType::RequestedTransport>(input.ConsumeBool() ? 17 : 6);
      if (input.ConsumeBool()) writer.add<AttributeType::EvenPort>(input.ConsumeBool());
    }
    if (method == Method::Refresh) writer.add<AttributeType::Lifetime>(number(input));
    if (method == Method::ConnectionBind) writer.add<AttributeType::ConnectionId>(connection());
    if (method == Method::ChannelBind) {
      writer.add<AttributeType::ChannelNumber>(static_cast<uint16_t>(0x4000 + number(input)));
    }
    if (input.ConsumeIntegralInRange(0, 7) != 7) {
      const auto host = peer();
      writer.add<AttributeType::XorPeerAddress>(
          TransportAddress::ipv4(host[0], host[1], host[2], host[3], 9));
    }
    if (method == Method::Send) writer.add<AttributeType::Data>(arbitrary_bytes(input, 20));
    while (input.ConsumeIntegralInRange(0, 3) == 3) {
      writer.add_raw(arbitrary_type(input), arbitrary_bytes(input, 20));
    }
    const auto message = writer.finish();
    if (!message) return {};
    return {message->begin(), message->end()};
  }

  void add_message(const std::vector<uint8_t>& message) {
    const uint32_t to = link();
    if (to > kSockets) {
      const bool is_whole = to == kLinks || input.ConsumeBool();
      const size_t cut =
          is_whole ? message.size() : input.ConsumeIntegralInRange<size_t>(0, message.size());
      const auto which = to == kLinks ? ServerInput::Message : ServerInput::Stream;
      push(which, to, stun::Bytes(message).first(cut), {});
      if (!is_whole) push(which, to, stun::Bytes(message).subspan(cut), {});
    } else {
      push(ServerInput::Message, to, message, client(to));
    }
  }

  uint32_t link() {
    return input.ConsumeIntegralInRange(0, 31) == 31 ? number(input) : 1 + number(input) % kLinks;
  }
  template <typename Numbers>
  uint32_t one_of(const Numbers& all) {
    if (all.empty() || input.ConsumeIntegralInRange(0, 15) == 15) return number(input);
    auto at = all.begin();
    std::advance(at, input.ConsumeIntegralInRange<size_t>(0, all.size() - 1));
    return *at;
  }
  uint32_t relay() { return one_of(relays_); }
  uint32_t connection() { return one_of(connections_); }
  static std::array<uint8_t, 4> client(uint32_t link) {
    return {203, 0, 113, static_cast<uint8_t>(link)};
  }
  std::array<uint8_t, 4> peer() { return {198, 51, 100, static_cast<uint8_t>(peer_++ % 5)}; }

  uint32_t write_texts(uint32_t at) {
    for (int i = 0; i < 20 && input.ConsumeIntegralInRange(0, 3) != 3; ++i) {
      const auto text = arbitrary_bytes(input, 20);
      at = bindings::padded(write(write(at, static_cast<uint32_t>(text.size())), text));
    }
    return at;
  }
  void push(ServerInput which, uint32_t handle, stun::Bytes payload, stun::Bytes address) {
    if (!has_room(address.size() + payload.size())) return;
    const bindings::InputRecord record{static_cast<uint32_t>(which), handle,
                                       static_cast<uint32_t>(address.size() + payload.size()),
                                       1000 + handle % 100, static_cast<uint32_t>(address.size())};
    batch_ = bindings::padded(write(write(write(batch_, record), address), payload));
  }

  void read(uint32_t count) {
    const auto use = [&](const bindings::OutputHead& head, stun::Bytes record,
                         stun::Bytes payload) {
      switch (static_cast<ServerOutput>(head.output)) {
        case ServerOutput::Transmit:
          require(!payload.empty());
          break;
        case ServerOutput::ToPeer:
        case ServerOutput::Leftover:
          read_data(read_record<bindings::ToPeerRecord>(record), payload.size());
          break;
        case ServerOutput::Event:
          hear(read_record<bindings::ServerEventRecord>(record));
          break;
        case ServerOutput::CloseLink:
          require(payload.empty());
      }
    };
    read_outbox(count, size_of, use);
  }
  static size_t size_of(uint32_t output) {
    switch (static_cast<ServerOutput>(output)) {
      case ServerOutput::Transmit:
        return sizeof(bindings::TransmitRecord);
      case ServerOutput::ToPeer:
      case ServerOutput::Leftover:
        return sizeof(bindings::ToPeerRecord);
      case ServerOutput::CloseLink:
        return sizeof(bindings::OutputHead);
      case ServerOutput::Event:
        return sizeof(bindings::ServerEventRecord);
    }
    require(false);
    return 0;
  }
  // Only from relays that are there, and out of what came in.
  void read_data(const bindings::ToPeerRecord& data, size_t payload_bytes) {
    if (data.head.output == static_cast<uint32_t>(ServerOutput::ToPeer)) {
      require(relays_.contains(data.head.handle) && data.port != 0);
    }
    require_data(data, payload_bytes);
  }
  void hear(const bindings::ServerEventRecord& event) {
    switch (static_cast<ServerEventKind>(event.event)) {
      case ServerEventKind::OpenRelay:
        require(relays_.insert(event.head.handle).second);
        if (event.reserved != 0) require(relays_.insert(event.reserved).second);
        break;
      case ServerEventKind::CloseRelay:
        require(relays_.erase(event.head.handle) == 1);
        break;
      case ServerEventKind::ConnectPeer:
        connections_.insert(event.connection);
        break;
      case ServerEventKind::ClosePeer:
        connections_.erase(event.connection);
        break;
      case ServerEventKind::AskKey:
        question_ = event.question;
        break;
      default:
        require(event.event <= static_cast<uint32_t>(ServerEventKind::Ended));
    }
  }

  static constexpr std::array<uint8_t, 16> kPeers = {'1', '9', '8', '.', '5', '1', '.', '1',
                                                     '0', '0', '.', '0', '/', '2', '4', 0};

  std::set<uint32_t> relays_;
  std::set<uint32_t> connections_;
  uint32_t question_ = 0;
  uint32_t requests_ = 0;
  uint8_t peer_ = 0;
};

using Step = void (ServerEngineWorld::*)();
constexpr Step kSteps[] = {
    &ServerEngineWorld::command,     &ServerEngineWorld::command,
    &ServerEngineWorld::command,     &ServerEngineWorld::add_request,
    &ServerEngineWorld::add_request, &ServerEngineWorld::add_request,
    &ServerEngineWorld::add_garbage, &ServerEngineWorld::add_channel_data,
    &ServerEngineWorld::add_flood,   &ServerEngineWorld::add_peer_data,
    &ServerEngineWorld::add_lie,     &ServerEngineWorld::process,
    &ServerEngineWorld::process,     &ServerEngineWorld::process,
    &ServerEngineWorld::wait,        &ServerEngineWorld::stats,
};

}  // namespace postern::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  postern::fuzz::ServerEngineWorld world(data, size);
  for (unsigned steps = 0; world.input.remaining_bytes() > 0 && steps < 200; ++steps) {
    (world.*world.input.PickValueInArray(postern::fuzz::kSteps))();
  }
  world.finish();
  return 0;
}
