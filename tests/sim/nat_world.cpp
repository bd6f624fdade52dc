#include "sim/nat_world.h"

#include <algorithm>

#include "stun/message_view.h"

namespace postern::sim {

using client::nat::NatEvent;
using client::nat::SocketId;
using stun::AttributeType;

const TransportAddress NatWorld::kFirst = TransportAddress::ipv4(192, 0, 2, 1, 3478);
const TransportAddress NatWorld::kOther = TransportAddress::ipv4(192, 0, 2, 2, 3479);
const TransportAddress NatWorld::kInside = TransportAddress::ipv4(10, 0, 0, 2, 0);

namespace {

constexpr size_t kUnfragmented = 1472;
constexpr size_t kMostSteps = 200'000;
const TransportAddress kThird = TransportAddress::ipv4(192, 0, 2, 3, 3480);
constexpr std::array<uint8_t, 1500> kPadding{};

client::nat::NatOptions with_server(client::nat::NatOptions options) {
  options.server = NatWorld::kFirst;
  return options;
}

// The other address, the other port.
TransportAddress opposite(const TransportAddress& here, bool address, bool port) {
  TransportAddress there =
      here.is_same_host(NatWorld::kFirst) != address ? NatWorld::kFirst : NatWorld::kOther;
  const bool is_first_port = (here.port == NatWorld::kFirst.port) != port;
  there.port = is_first_port ? NatWorld::kFirst.port : NatWorld::kOther.port;
  return there;
}

}  // namespace

NatWorld::NatWorld(const NatWorldOptions& options)
    : discovery(with_server(options.discovery)),
      options_(options),
      box_(options.box, options.seed),
      random_(options.seed) {}

void NatWorld::refill() {
  std::array<uint8_t, EntropyPool::kCapacity> bytes{};
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random_());
  discovery.provide_entropy(bytes);
}

bool NatWorld::run() {
  refill();
  discovery.start(now);
  for (size_t steps = 0; steps < kMostSteps; ++steps) {
    drain();
    if (is_done_) return discovery.poll_timeout().is_never();
    const Instant arrival = under_way_.empty() ? Instant::never() : under_way_.begin()->first;
    const Instant deadline = discovery.poll_timeout();
    if (arrival.is_never() && deadline.is_never()) return false;
    refill();
    if (deadline < arrival) {
      // What is due has been done: it never asks to be woken in the past.
      if (deadline < now) return false;
      now = deadline;
      discovery.handle_timeout(now);
      continue;
    }
    now = arrival;
    const Packet packet = std::move(under_way_.extract(under_way_.begin()).mapped());
    packet.to_client ? deliver(packet) : answer(packet);
  }
  return false;
}

void NatWorld::drain() {
  std::vector<uint8_t> out(client::nat::kMaxNatRequestBytes);
  for (bool is_idle = false; !is_idle;) {
    is_idle = true;
    while (const auto event = discovery.poll_event()) {
      is_idle = false;
      handle_event(*event);
    }
    for (;;) {
      const client::nat::NatTransmit next = discovery.poll_transmit(out);
      if (next.size == 0) break;
      is_idle = false;
      transmit(next.socket, next.to,
               Message(out.begin(), out.begin() + static_cast<ptrdiff_t>(next.size)));
    }
  }
}

void NatWorld::handle_event(const NatEvent& event) {
  switch (event.kind) {
    case NatEvent::Kind::OpenSocket: {
      ++sockets_opened;
      TransportAddress local = kInside;
      local.port = static_cast<uint16_t>(40'000 + 2 * locals_.size() + random_() % 2);
      locals_.push_back(local);
      refill();
      discovery.handle_opened(now, event.socket, local);
      break;
    }
    case NatEvent::Kind::CloseSocket:
      ++sockets_closed;
      break;
    case NatEvent::Kind::TestStarted:
      ++tests_started;
      break;
    case NatEvent::Kind::TestEnded:
      ++tests_ended;
      break;
    case NatEvent::Kind::Done:
      is_done_ = true;
      break;
  }
}

void NatWorld::transmit(SocketId socket, const TransportAddress& to, const Message& bytes) {
  const TransportAddress from = locals_[socket - 1U];
  sent.push_back({now, from, to, bytes.size()});
  Message id(bytes.begin() + 8, bytes.begin() + 20);
  if (std::find(known_ids_.begin(), known_ids_.end(), id) == known_ids_.end()) {
    known_ids_.push_back(std::move(id));
    begun.push_back(now);
  }
  if (random_() % 100 < options_.send_failures) {
    discovery.handle_send_failure(now, socket);
    return;
  }
  if (options_.drops_long_requests && bytes.size() > kUnfragmented) return;
  const TransportAddress outside = box_.send(now, from, to);
  if (box_.holds_back(outside, to)) return;
  if (box_.is_outside_of(to)) {
    if (box_.hairpins() && !is_lost()) {
      under_way_.emplace(now + options_.latency / 10, Packet{outside, to, bytes, true});
    }
  } else if (!is_lost()) {
    under_way_.emplace(now + options_.latency, Packet{outside, to, bytes, false});
  }
}

void NatWorld::deliver(const Packet& packet) {
  const auto inside = box_.receive(now, packet.from, packet.to);
  if (!inside) return;
  const auto found = std::find(locals_.begin(), locals_.end(), *inside);
  if (found == locals_.end()) return;
  discovery.handle_datagram(now, static_cast<SocketId>(found - locals_.begin() + 1), packet.bytes,
                            packet.from);
}

bool NatWorld::is_server(const TransportAddress& address) const {
  if (address.is_same_host(kFirst)) {
    return address.port == kFirst.port || address.port == kOther.port;
  }
  return address.is_same_host(kOther) && options_.honesty != Honesty::NamesNobody &&
         options_.honesty != Honesty::OneAddress &&
         (address.port == kFirst.port || address.port == kOther.port);
}

TransportAddress NatWorld::named_other(const TransportAddress& here) const {
  switch (options_.honesty) {
    case Honesty::OneAddress:
      return {};
    case Honesty::NamesSameAddress:
      return opposite(here, false, true);
    case Honesty::NamesSamePort:
      return opposite(here, true, false);
    default:
      return opposite(here, true, true);
  }
}

TransportAddress NatWorld::any_address() {
  const auto port = static_cast<uint16_t>(random_() % 4 == 0 ? 0 : random_());
  switch (random_() % 6) {
    case 0:
      return TransportAddress::ipv6(std::array<uint8_t, 16>{0x20, 0x01, 0x0D, 0xB8}, port);
    case 1:
      return opposite(kFirst, random_() % 2 == 0, random_() % 2 == 0);
    case 2: {
      TransportAddress local = kInside;
      local.port = locals_[random_() % locals_.size()].port;
      return local;
    }
    case 3: {
      TransportAddress outside = options_.box.outside;
      outside.port = port;
      return outside;
    }
    default:
      return TransportAddress::ipv4(static_cast<uint8_t>(random_()), 0, 0, 1, port);
  }
}

void NatWorld::rave(const Packet& packet, const Request& request) {
  const bool is_refusal = random_() % 4 == 0;
  ResponseBuilder builder(request, is_refusal ? stun::Class::Error : stun::Class::Success);
  constexpr std::array<uint16_t, 5> kCodes = {300, 400, 401, 420, 438};
  if (is_refusal && random_() % 8 != 0) builder.error(kCodes[random_() % kCodes.size()], "no");
  const auto mapped = random_() % 2 == 0 ? packet.from : any_address();
  if (random_() % 8 != 0) builder.add<AttributeType::XorMappedAddress>(mapped);
  if (random_() % 3 != 0) {
    builder.add<AttributeType::OtherAddress>(random_() % 2 == 0 ? kOther : any_address());
  }
  Message bytes = builder.build();
  if (random_() % 8 == 0) bytes[random_() % bytes.size()] ^= 0x40;
  const TransportAddress from =
      random_() % 2 == 0 ? packet.to : opposite(packet.to, random_() % 2 == 0, random_() % 2 == 0);
  under_way_.emplace(now + options_.latency, Packet{from, packet.from, bytes, true});
}

void NatWorld::answer(const Packet& packet) {
  Request request;
  if (!is_server(packet.to) ||
      stun::MessageView::parse(packet.bytes, {}, request).errc != Errc::Ok) {
    return;
  }
  if (options_.honesty == Honesty::Raving) return rave(packet, request);
  TransportAddress from = packet.to;
  TransportAddress to = packet.from;
  uint16_t refusal = 0;
  const auto change = request.get<AttributeType::ChangeRequest>().value_or({});
  if (change.change_ip || change.change_port) {
    switch (options_.honesty) {
      case Honesty::IgnoresChange:
        break;
      case Honesty::DropsChange:
      case Honesty::NamesNobody:
      case Honesty::NamesAnother:
        return;
      case Honesty::OneAddress:
      case Honesty::RefusesChange:
        refusal = 420;
        break;
      case Honesty::AnswersElsewhere:
        from = kThird;
        break;
      default:
        from = opposite(packet.to, change.change_ip, change.change_port);
        break;
    }
  }
  const bool is_padded = request.has(AttributeType::Padding);
  if (const auto port = request.get<AttributeType::ResponsePort>()) {
    if (is_padded) refusal = 400;
    if (options_.response_port == ResponsePortKind::Dropped) return;
    if (options_.response_port == ResponsePortKind::Refused) refusal = 420;
    if (options_.response_port == ResponsePortKind::Taken && refusal == 0) to.port = *port;
  }
  if (is_padded && options_.padding == PaddingKind::Dropped) return;
  if (is_padded && options_.padding == PaddingKind::Refused) refusal = 420;
  ResponseBuilder builder(request, refusal != 0 ? stun::Class::Error : stun::Class::Success);
  if (refusal != 0) {
    builder.error(refusal, "no");
  } else {
    builder.add<AttributeType::XorMappedAddress>(packet.from);
    builder.add<AttributeType::ResponseOrigin>(from);
    const TransportAddress other = named_other(packet.to);
    if (other.family != Family::None) builder.add<AttributeType::OtherAddress>(other);
    if (is_padded && options_.padding != PaddingKind::Short) {
      const size_t asked = request.find(static_cast<uint16_t>(AttributeType::Padding)).value.size();
      const size_t count = options_.padding == PaddingKind::Mtu ? kPadding.size() : asked;
      builder.add_raw(static_cast<uint16_t>(AttributeType::Padding),
                      std::span(kPadding).first(std::min(count, kPadding.size())));
    }
  }
  const Message bytes = builder.build();
  if (options_.drops_long_answers && bytes.size() > kUnfragmented) return;
  if (!is_lost()) under_way_.emplace(now + options_.latency, Packet{from, to, bytes, true});
}

}  // namespace postern::sim
