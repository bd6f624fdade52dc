// A relay between a caller who does anything, a network that does anything, and a server that is
// honest, dead, or anything else: every command ends once, no time is wasted waiting for nothing,
// and nothing is heard of peers that nobody asked for.
#include "turn_world.h"

namespace postern::fuzz {

using namespace client;  // NOLINT(google-build-using-namespace)

void allocate(TurnWorld& world) {
  FuzzedDataProvider& input = world.input;
  AllocateRequest request;
  if (input.ConsumeIntegralInRange(0, 3) == 0) request.transport = turn::kTransportTcp;
  request.family = input.PickValueInArray({Family::None, Family::IPv4, Family::IPv6});
  request.both_families = input.ConsumeBool();
  request.even_port = EvenPort{input.ConsumeIntegralInRange<uint8_t>(0, 2)};
  if (input.ConsumeIntegralInRange(0, 7) == 0) request.token.emplace();
  request.dont_fragment = input.ConsumeBool();
  request.lifetime_seconds = input.PickValueInArray({0U, 1U, 600U, 0xFFFFFFFFU});
  request.mobility = input.ConsumeBool();
  if (world.client.allocate(world.now, request) == Errc::Ok) world.caller.allocating();
}

void permit(TurnWorld& world, const TransportAddress& peer) {
  const Errc errc = world.client.permit(world.now, peer);
  if (errc == Errc::Ok) world.caller.asked_permission(peer);
}

// More than a request holds, or even than there can be.
void permit_many(TurnWorld& world) {
  const bool all = world.input.ConsumeIntegralInRange(0, 31) == 31;
  const size_t count = all ? kMaxPermissions + 1 : 2 * kMaxPeersPerRequest;
  for (size_t i = 0; i < count; ++i) {
    permit(world,
           TransportAddress::ipv4(10, 0, static_cast<uint8_t>(i >> 8), static_cast<uint8_t>(i), 1));
  }
}

void bind_channel(TurnWorld& world, const TransportAddress& peer) {
  const auto channel = world.client.bind_channel(world.now, peer);
  if (!channel) return;
  require(turn::is_channel(*channel) && *channel < turn::kMinChannel + kMaxChannels);
  world.caller.asked_channel(*channel, peer);
}

// Ports count for channels: of one host there can be many.
void bind_many(TurnWorld& world) {
  TransportAddress peer = world.arbitrary_host();
  for (peer.port = 1; peer.port < 40; ++peer.port) bind_channel(world, peer);
}

uint16_t arbitrary_channel(FuzzedDataProvider& input) {
  return static_cast<uint16_t>(turn::kMinChannel + input.ConsumeIntegralInRange(-1, 8));
}

void release_channel(TurnWorld& world) {
  const uint16_t channel = arbitrary_channel(world.input);
  if (world.client.release_channel(world.now, channel) == Errc::Ok) {
    world.caller.released_channel(channel);
  }
}

void connect(TurnWorld& world) {
  const auto token = world.client.connect(world.now, world.arbitrary_host());
  if (token) world.caller.asked_connect(*token);
}

void send_data(TurnWorld& world) {
  const std::vector<uint8_t> data = arbitrary_bytes(world.input, 40);
  std::array<uint8_t, 40 + kMaxDataOverhead> out;
  if (world.input.ConsumeBool()) {
    const auto size =
        world.client.write_channel_data(world.now, arbitrary_channel(world.input), data, out);
    if (size) world.send({out.data(), *size});
    return;
  }
  const TransportAddress peer = world.arbitrary_host();
  const auto size = world.client.write_data(world.now, peer, data, world.input.ConsumeBool(), out);
  if (!size) return;
  require(world.caller.may_hear(peer));
  world.send({out.data(), *size});
}

// Peers, strangers among them, to whatever address is relayed.
void hear_peer(TurnWorld& world) {
  if (world.server.allocations().empty()) return;
  const sim::TurnAllocation& allocation = world.server.allocations().front();
  const TransportAddress peer =
      host(world.input.ConsumeIntegralInRange(0U, kHosts + kStrangers - 1));
  const TransportAddress* const relayed = allocation.relayed_of(peer.family);
  if (relayed == nullptr) return;
  const std::vector<uint8_t> data = arbitrary_bytes(world.input, 40);
  switch (world.input.ConsumeIntegralInRange(0, 3)) {
    case 0:
      return world.carry(world.server.peer_icmp(world.now, peer, *relayed, {3, 1, 7}));
    case 1:
      return world.carry(world.server.peer_connect(world.now, peer, *relayed));
    default:
      return world.carry(world.server.peer_send(world.now, peer, *relayed, data));
  }
}

void complete_connect(TurnWorld& world) {
  if (world.server.connections.empty()) return;
  const sim::PeerConnection& connection = world.server.connections.back();
  if (connection.state != sim::PeerConnection::State::Connecting) return;
  world.carry(world.server.complete_connect(world.now, connection.id,
                                            world.input.ConsumeBool() ? uint16_t{447} : 0));
}

stun::Method arbitrary_method(FuzzedDataProvider& input) {
  using enum stun::Method;
  return input.PickValueInArray(
      {Allocate, Refresh, CreatePermission, ChannelBind, Connect, Data, ConnectionAttempt});
}

// Refusals that are signed where that can be: the client has to believe them.
void refuse_next(TurnWorld& world) {
  constexpr std::array<uint16_t, 14> kCodes = {300, 400, 401, 403, 420, 437, 438,
                                               440, 441, 443, 446, 486, 500, 508};
  sim::Refusal refusal{.code = world.input.PickValueInArray(kCodes),
                       .is_signed = world.input.ConsumeBool(),
                       .at_once = world.input.ConsumeBool(),
                       .times = world.input.ConsumeIntegralInRange(1U, 20U)};
  if (refusal.code == 300) refusal.alternate_servers = {host(1)};
  if (refusal.code == 420) refusal.unknown_attributes = {0x001A, 0x8030};
  world.server.refuse_next(arbitrary_method(world.input), refusal);
}

void add_turn_part(FuzzedDataProvider& input, stun::MessageWriter& writer) {
  using enum stun::AttributeType;
  const TransportAddress address = host(input.ConsumeIntegralInRange(0U, kHosts + kStrangers - 1));
  switch (input.ConsumeIntegralInRange(0, 8)) {
    case 0:
      return writer.add<XorRelayedAddress>(address);
    case 1:
      return writer.add<XorPeerAddress>(address);
    case 2:
      return writer.add<Lifetime>(input.PickValueInArray({0U, 1U, 600U, 0xFFFFFFFFU}));
    case 3:
      return writer.add<Data>(arbitrary_bytes(input, 20));
    case 4:
      return writer.add<ConnectionId>(input.ConsumeIntegral<uint32_t>());
    case 5:
      return writer.add<MobilityTicket>(arbitrary_bytes(input, 300));
    case 6:
      return writer.add<Icmp>({1, 2, 3});
    case 7:
      return writer.add<ChannelNumber>(arbitrary_channel(input));
    default:
      return add_part(input, writer);
  }
}

// What is no answer of the server's, but looks like one to what was asked last.
void make_up(TurnWorld& world) {
  FuzzedDataProvider& input = world.input;
  stun::MessageView request;
  if (stun::MessageView::parse(world.last_request(), {}, request).errc != Errc::Ok) return;
  stun::TransactionId id;
  std::copy(request.transaction_id().begin(), request.transaction_id().end(), id.begin());
  std::array<uint8_t, 4096> buffer;
  using enum stun::Class;
  const auto kind = input.PickValueInArray({Success, Error, Indication, stun::Class::Request});
  const auto method =
      input.ConsumeBool() ? static_cast<stun::Method>(request.method()) : arbitrary_method(input);
  stun::MessageWriter writer(buffer, kind, method, id);
  for (int parts = input.ConsumeIntegralInRange(0, 8); parts > 0; --parts) {
    add_turn_part(input, writer);
  }
  const unsigned ends = input.ConsumeIntegral<uint8_t>();
  if (ends & 1) writer.add_integrity(world.server.credentials.key_for(request));
  if (ends & 2) writer.add_integrity_sha256(world.server.credentials.key_for(request));
  if (ends & 4) writer.add_fingerprint();
  if (const auto message = writer.finish()) world.put({message->begin(), message->end()});
}

void move(TurnWorld& world) {
  if (world.client.move(world.now) != Errc::Ok) return;
  world.caller.asked_move();
  if (world.input.ConsumeBool()) ++world.tuple.client.port;
}

using Step = void (*)(TurnWorld& world);
constexpr Step kSteps[] = {
    allocate,
    [](TurnWorld& world) { permit(world, world.arbitrary_host()); },
    [](TurnWorld& world) { bind_channel(world, world.arbitrary_host()); },
    connect,
    [](TurnWorld& world) {
      const uint32_t seconds = world.input.PickValueInArray({0U, 1U, 600U});
      if (world.client.refresh(world.now, seconds) == Errc::Ok) world.caller.asked_refresh();
    },
    move,
    [](TurnWorld& world) {
      const TransportAddress peer = world.arbitrary_host();
      if (world.client.release_permission(world.now, peer) == Errc::Ok) {
        world.caller.released_permission(peer);
      }
    },
    release_channel,
    [](TurnWorld& world) { world.set_credentials(world.input.ConsumeBool()); },
    send_data,
    permit_many,
    bind_many,
    [](TurnWorld& world) {
      world.client.close(world.now);
      world.caller.closed();
    },
    // The network.
    [](TurnWorld& world) { world.deliver(); },
    [](TurnWorld& world) { world.deliver_all(); },
    [](TurnWorld& world) { world.lose(); },
    [](TurnWorld& world) { world.spoil(); },
    [](TurnWorld& world) { world.hand_over(arbitrary_bytes(world.input, 600)); },
    [](TurnWorld& world) {
      const auto error = world.input.ConsumeBool() ? TransportError::Hard : TransportError::Soft;
      world.client.handle_transport_error(world.now, error);
    },
    [](TurnWorld& world) { world.client.handle_transport_closed(world.now); },
    // The server and those behind it.
    hear_peer,
    complete_connect,
    refuse_next,
    make_up,
    [](TurnWorld& world) { world.server.is_silent = !world.server.is_silent; },
    [](TurnWorld& world) { world.server.restart(); },
    [](TurnWorld& world) { world.server.credentials.rotate_nonce(); },
    // Time and chance.
    [](TurnWorld& world) {
      world.wait(Duration::milliseconds(world.input.ConsumeIntegral<uint16_t>()));
    },
    [](TurnWorld& world) {
      world.wait(Duration::seconds(world.input.ConsumeIntegral<uint16_t>()));
    },
    [](TurnWorld& world) { world.supply(world.input.ConsumeIntegral<uint8_t>()); },
};

}  // namespace postern::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  postern::fuzz::TurnWorld world(data, size);
  for (unsigned steps = 0; world.input.remaining_bytes() > 0 && steps < 400; ++steps) {
    world.input.PickValueInArray(postern::fuzz::kSteps)(world);
    world.drain();
  }
  world.settle();
  world.client.close(world.now);
  world.caller.closed();
  world.settle();
  postern::fuzz::require(world.caller.has_ended());
  postern::fuzz::require(world.client.poll_timeout().is_never());
  return 0;
}
