// The engine as JavaScript drives it, by somebody who lies about every number and keeps no order,
// with a TURN server that answers what it sends. Whatever comes back makes sense.
#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <vector>

#include "bindings/engine.h"
#include "hostile_server.h"
#include "mailbox_world.h"
#include "require.h"
#include "sim/turn_server.h"

namespace postern::fuzz {

using bindings::AddressPort;
using bindings::Engine;
using bindings::Input;
using bindings::Kind;
using bindings::Output;
using Command = bindings::Command;

class EngineWorld : public MailboxWorld<Engine> {
 public:
  EngineWorld(const uint8_t* data, size_t size) : MailboxWorld(data, size) {
    server_.options.needs_authentication = input.ConsumeBool();
    server_.options.connects_at_once = input.ConsumeBool();
    if (input.ConsumeBool()) server_.credentials.options.algorithms = sim::kSha256ThenMd5;
    refill();
  }

  void open_client() {
    bindings::OpenRequest request{};
    request.is_reliable = input.ConsumeBool();
    request.mechanism = number(input);
    request.pads_channel_data = input.ConsumeBool();
    request.keep_alive_milliseconds = number(input);
    request.permission_milliseconds = 1000 * number(input);
    request.server_port = sim::kServer.port;
    request.address_bytes = 4;
    request.software_bytes = number(input);
    request.username_bytes = request.password_bytes = 4;
    request.realm_bytes = number(input);
    uint32_t at = write(write(0, request), sim::kServer.address_bytes());
    at = write(at, arbitrary_bytes(input, request.software_bytes % 900));
    at = write(write(at, sim::as_bytes("user")), sim::as_bytes("pass"));
    at = write(at, sim::as_bytes("example.org"));
    open(input.ConsumeBool() ? Kind::Turn : static_cast<Kind>(number(input)), at);
  }
  void open_binder() {
    open(Kind::Binder, write(0, bindings::OpenBinderRequest{handle(), number(input)}));
  }

  void command() {
    const auto which = static_cast<Command>(input.ConsumeIntegralInRange(0U, 14U));
    uint32_t end = 0;
    if (which == Command::Allocate) {
      bindings::AllocateCommand allocate{};
      allocate.transport = input.ConsumeBool() ? 17 : 6;
      allocate.family = input.ConsumeBool() ? 0 : number(input);
      allocate.both_families = input.ConsumeBool();
      allocate.even_port = number(input) % 4;
      allocate.mobility = input.ConsumeBool();
      allocate.token_bytes = input.ConsumeBool() ? 0 : number(input);
      end = write(0, allocate);
    } else if (which == Command::SetCredentials) {
      end = write(0, bindings::CredentialsCommand{number(input), 4, 4, number(input), 0});
      end = write(end, arbitrary_bytes(input, 20));
    } else if (which == Command::StartBinding) {
      end = write(0, bindings::BindingCommand{number(input), number(input), number(input),
                                              number(input), number(input)});
    } else {
      end = write(0, bindings::PeerCommand{number(input), input.ConsumeBool() ? 4 : number(input)});
      end = write(end, peer());
    }
    if (input.ConsumeIntegralInRange(0, 15) == 15) end = number(input);
    if (!engine_->has_more()) batch_ = 0;
    const int32_t result = engine_->command(handle(), static_cast<uint32_t>(which), now_, end);
    require_result(result);
  }

  void close() { engine_->close(handle()); }

  // One record of a batch, which may be cut short, or have lengths that lie.
  void add_input() {
    bindings::InputRecord record{};
    record.input = number(input);
    record.handle = handle();
    record.port = input.ConsumeBool() ? 0x4000 + number(input) % 4 : number(input);
    const bool has_address = record.input == static_cast<uint32_t>(Input::DatagramFrom) ||
                             record.input == static_cast<uint32_t>(Input::Send) ||
                             record.input == static_cast<uint32_t>(Input::SendUnfragmented);
    record.address_bytes = has_address ? 4 : 0;
    if (input.ConsumeIntegralInRange(0, 15) == 15) record.address_bytes = number(input);
    std::vector<uint8_t> payload;
    if (const auto to = peer(); has_address) payload.assign(to.begin(), to.end());
    const std::vector<uint8_t> bytes = arbitrary_bytes(input, 100);
    payload.insert(payload.end(), bytes.begin(), bytes.end());
    // The longest that there are.
    if (input.ConsumeIntegralInRange(0, 15) == 15) payload.resize(0x10000);
    record.bytes = static_cast<uint32_t>(payload.size());
    if (input.ConsumeIntegralInRange(0, 31) == 31) record.bytes = number(input);
    push(record, payload);
  }
  // What the server had to say, as far as it fits.
  void add_answers() {
    for (const sim::Outgoing& answer : answers_) {
      const auto client = clients_.find(answer.to.client.port);
      if (client == clients_.end()) continue;
      bindings::InputRecord record{};
      record.input = static_cast<uint32_t>(
          answer.to.carrier == sim::Carrier::Stream ? Input::Stream : Input::Datagram);
      record.handle = client->second;
      record.bytes = static_cast<uint32_t>(answer.bytes.size());
      push(record, answer.bytes);
    }
    answers_.clear();
  }
  void hear_peer() {
    if (server_.allocations().empty()) return;
    const TransportAddress from = TransportAddress::ipv4(198, 51, 100, 1, 7);
    const auto data =
        server_.peer_send(instant(), from, server_.allocations().front().relayed.front(),
                          arbitrary_bytes(input, 100));
    if (data) answers_.push_back(*data);
  }

  // Calls until nothing is left, as JavaScript does; or only once, and then as it comes.
  void process() {
    const bool once = input.ConsumeIntegralInRange(0, 7) == 7;
    for (unsigned calls = 0;; ++calls) {
      require(calls < 200);
      if (!once) refill();
      read(engine_->process(batch_, now_));
      if (!engine_->has_more()) break;
      if (once) return;
    }
    batch_ = 0;
    // Waking it at the time that it names leads on.
    for (unsigned calls = 0; is_due(); ++calls) {
      require(calls < 8);
      refill();
      read(engine_->process(0, now_));
    }
  }
  void wait() {
    now_ = std::min(now_ + input.ConsumeIntegral<uint16_t>(), kMostMilliseconds);
    if (input.ConsumeIntegralInRange(0, 15) == 15) now_ += 600'000;
  }
  void spend_entropy() { engine_->status().entropy_bytes = number(input); }
  void stats() { require(engine_->stats(handle()) <= 16); }
  void addresses() {
    const auto text = arbitrary_bytes(input, AddressPort::kBytes);
    std::copy(text.begin(), text.end(), engine_->address().bytes().begin());
    require(engine_->address().parse(number(input)) <= 16);
    require(engine_->address().format(number(input)) <= AddressPort::kBytes);
  }

 private:
  [[nodiscard]] Instant instant() const { return Instant::from_milliseconds(now_); }
  [[nodiscard]] bool is_due() const {
    return !engine_->has_more() && engine_->next_timeout() >= 0 && engine_->next_timeout() <= now_;
  }

  uint32_t handle() {
    if (handles_.empty() || input.ConsumeIntegralInRange(0, 15) == 15) return number(input);
    return handles_[input.ConsumeIntegralInRange<size_t>(0, handles_.size() - 1)];
  }
  std::array<uint8_t, 4> peer() { return {198, 51, 100, static_cast<uint8_t>(peer_++ % 4)}; }

  void refill() {
    for (uint32_t i = std::min(engine_->status().entropy_bytes, Engine::kEntropyBytes);
         i < Engine::kEntropyBytes; ++i) {
      engine_->entropy()[i] = ++random_;
    }
    engine_->status().entropy_bytes = Engine::kEntropyBytes;
  }

  void push(const bindings::InputRecord& record, stun::Bytes payload) {
    if (!has_room(payload.size())) return;
    batch_ = bindings::padded(write(write(batch_, record), payload));
  }

  void open(Kind kind, uint32_t bytes) {
    if (!engine_->has_more()) batch_ = 0;
    const bool is_stream = engine_->inbox()[0] != 0 || kind == Kind::Binder;
    const int32_t opened = engine_->open(static_cast<uint32_t>(kind), now_, bytes);
    require_result(opened);
    if (opened < 0) return;
    const auto handle = static_cast<uint32_t>(opened);
    const auto port = static_cast<uint16_t>(handles_.size() + 1);
    if (handles_.size() < 16) handles_.push_back(handle);
    clients_[port] = handle;
    tuples_[handle] = {.client = TransportAddress::ipv4(203, 0, 113, 7, port),
                       .carrier = is_stream ? sim::Carrier::Stream : sim::Carrier::Datagram};
  }
  void read(uint32_t count) {
    const auto use = [&](const bindings::OutputHead& head, stun::Bytes record,
                         stun::Bytes payload) {
      require(tuples_.contains(head.handle));
      if (head.output == static_cast<uint32_t>(Output::Transmit)) {
        transmit(head.handle, payload);
      } else if (size_of(head.output) == sizeof(bindings::DataRecord)) {
        require_data(read_record<bindings::DataRecord>(record), payload.size());
      }
    };
    read_outbox(count, size_of, use);
  }
  static size_t size_of(uint32_t output) {
    switch (static_cast<Output>(output)) {
      case Output::Transmit:
        return sizeof(bindings::OutputHead);
      case Output::Data:
      case Output::Leftover:
        return sizeof(bindings::DataRecord);
      case Output::TurnEvent:
        return sizeof(bindings::TurnEventRecord);
      case Output::MappedAddress:
      case Output::ErrorResponse:
      case Output::Failed:
        return sizeof(bindings::BindingRecord);
    }
    require(false);
    return 0;
  }
  void transmit(uint32_t handle, stun::Bytes bytes) {
    for (const sim::Outgoing& reply : server_.handle(instant(), bytes, tuples_.at(handle))) {
      if (answers_.size() < 32) answers_.push_back(reply);
    }
    server_.to_peers.clear();
  }

  sim::TurnServer server_;
  std::vector<uint32_t> handles_;
  std::map<uint16_t, uint32_t> clients_;
  std::map<uint32_t, sim::FiveTuple> tuples_;
  std::vector<sim::Outgoing> answers_;
  uint8_t random_ = 0;
  uint8_t peer_ = 0;
};

using Step = void (EngineWorld::*)();
constexpr Step kSteps[] = {
    &EngineWorld::open_client, &EngineWorld::open_binder,   &EngineWorld::command,
    &EngineWorld::command,     &EngineWorld::close,         &EngineWorld::add_input,
    &EngineWorld::add_answers, &EngineWorld::hear_peer,     &EngineWorld::process,
    &EngineWorld::process,     &EngineWorld::spend_entropy, &EngineWorld::wait,
    &EngineWorld::stats,       &EngineWorld::addresses,
};

}  // namespace postern::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  postern::fuzz::EngineWorld world(data, size);
  for (unsigned steps = 0; world.input.remaining_bytes() > 0 && steps < 400; ++steps) {
    (world.*world.input.PickValueInArray(postern::fuzz::kSteps))();
  }
  return 0;
}
