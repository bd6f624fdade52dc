// A TurnServer whose clients, peers and sockets do anything: strangers with bytes of any kind,
// users whose requests are signed and right but for what they ask, peers that send, sockets that
// open late or never. It relays only from sockets that it has, to peers that have permission, holds
// no more than its limits, and ends with nothing left.
#include <map>
#include <set>
#include <vector>

#include "arbitrary.h"
#include "require.h"
#include "server/turn_server.h"
#include "stun/long_term.h"

namespace postern::fuzz {

using namespace server;  // NOLINT(google-build-using-namespace)
using stun::AttributeType;
using stun::Method;

constexpr std::array<uint8_t, 32> kSecret = {7};
constexpr std::array<uint8_t, 4> kUser = {'u', 's', 'e', 'r'};
constexpr std::array<uint8_t, 5> kOther = {'o', 't', 'h', 'e', 'r'};
constexpr std::array<uint8_t, 4> kPassword = {'p', 'a', 's', 's'};
constexpr std::array<uint8_t, 7> kRealm = {'p', 'o', 's', 't', 'e', 'r', 'n'};

// Links 0 to 3 are the four sockets of RFC 5780, the others connections: streams where they are
// even.
constexpr Link kLinks = 10;
constexpr Link kSockets = 4;
constexpr size_t kMaxAllocations = 6;

ServerOptions options() {
  ServerOptions made;
  made.relays_ipv6 = true;
  made.can_forbid_fragments = true;
  made.hides_usernames = true;
  made.limits = {.allocations = kMaxAllocations,
                 .allocations_per_user = 4,
                 .peers = {.permissions = 4, .channels = 3},
                 .connections = 3};
  made.unauthenticated = {.per_second = 1000, .burst = 1000, .buckets = 16};
  return made;
}

TransportAddress client_of(Link link, uint8_t host) {
  return TransportAddress::ipv4(203, 0, 113, host, static_cast<uint16_t>(1000 + link));
}

struct World {
  explicit World(FuzzedDataProvider& from) : input(from), core(options(), kSecret) {
    require(core.users().set_user(kUser, kPassword) == Errc::Ok);
    require(core.users().set_user(kOther, kPassword) == Errc::Ok);
    PeerRules rules;
    rules.allowed = {*parse_prefix("198.51.100.0/24"), *parse_prefix("2001:db8::/32")};
    core.policy() = PeerPolicy(std::move(rules));
    for (Link link = 0; link < kLinks; ++link) open_link(link);
  }

  void open_link(Link link) {
    LinkInfo info;
    info.local = TransportAddress::ipv4(192, 0, 2, link & 2 ? 2 : 1, link & 1 ? 3479 : 3478);
    info.remote = client_of(link, 1);
    info.is_reliable = link >= kSockets;
    info.is_stream = info.is_reliable && link % 2 == 0;
    if (!info.is_reliable) info.others = std::array<Link, 3>{link ^ 2, link ^ 1, link ^ 3};
    core.add_link(link, info);
  }

  FiveTuple arbitrary_tuple() {
    const auto link = input.ConsumeIntegralInRange<Link>(0, kLinks - 1);
    const uint8_t host = link < kSockets ? input.ConsumeIntegralInRange<uint8_t>(1, 2) : 1;
    return {.link = link, .client = client_of(link, host)};
  }
  TransportAddress arbitrary_peer() {
    TransportAddress peer = TransportAddress::ipv4(
        198, 51, 100, input.ConsumeIntegralInRange<uint8_t>(0, 5), input.ConsumeBool() ? 9 : 10);
    if (input.ConsumeIntegralInRange(0, 7) == 0) {
      Storage unused;
      make(input, unused, peer);
    }
    return peer;
  }
  RelayId arbitrary_relay() {
    if (sockets.empty() || input.ConsumeIntegralInRange(0, 15) == 0) {
      return input.ConsumeIntegral<RelayId>();
    }
    auto at = sockets.begin();
    std::advance(at, input.ConsumeIntegralInRange<size_t>(0, sockets.size() - 1));
    return at->first;
  }
  uint32_t arbitrary_connection() {
    if (connections.empty() || input.ConsumeIntegralInRange(0, 15) == 0) {
      return input.ConsumeIntegral<uint32_t>();
    }
    auto at = connections.begin();
    std::advance(at, input.ConsumeIntegralInRange<size_t>(0, connections.size() - 1));
    return *at;
  }

  void hear(const FiveTuple& tuple, stun::Bytes bytes) {
    // In memory of their own, so that what reaches beyond is noticed.
    const std::vector<uint8_t> copy(bytes.begin(), bytes.end());
    std::vector<uint8_t> out(std::max(kMaxAnswerBytes, copy.size()));
    const Outcome outcome = core.handle_message(now, tuple, copy, out);
    if (outcome.kind == Outcome::Kind::Reply) {
      require(outcome.bytes >= stun::kHeaderBytes && outcome.bytes <= out.size());
      learn(std::span(out).first(outcome.bytes), tuple);
    } else if (outcome.kind == Outcome::Kind::ToPeer) {
      const auto socket = sockets.find(outcome.relay);
      require(socket != sockets.end() && socket->second);
      require(core.policy().judge(outcome.peer).is_allowed());
      touch(outcome.data);
    }
  }
  // The nonce is the client's 5-tuple's.
  void learn(stun::Bytes reply, const FiveTuple& tuple) {
    stun::MessageView view;
    require(stun::MessageView::parse(reply, {.allow_classic = true}, view).errc == Errc::Ok);
    if (const auto nonce = view.get<AttributeType::Nonce>()) {
      nonces[{tuple.link, tuple.client.bytes[3]}].assign(nonce->begin(), nonce->end());
    }
    if (const auto token = view.get<AttributeType::ReservationToken>()) {
      std::copy(token->begin(), token->end(), last_token.begin());
    }
    if (const auto ticket = view.get<AttributeType::MobilityTicket>()) {
      last_ticket.assign(ticket->begin(), ticket->end());
    }
  }

  void add_what_requests_have(stun::MessageWriter& writer, Storage& storage) {
    for (size_t count = input.ConsumeIntegralInRange<size_t>(0, 5); count > 0; --count) {
      switch (input.ConsumeIntegralInRange(0, 11)) {
        case 0:
          writer.add<AttributeType::RequestedTransport>(input.ConsumeBool() ? 17 : 6);
          break;
        case 1:
          writer.add<AttributeType::XorPeerAddress>(arbitrary_peer());
          break;
        case 2:
          writer.add<AttributeType::ChannelNumber>(
              input.ConsumeIntegralInRange<uint16_t>(0x3FFF, 0x4004));
          break;
        case 3:
          writer.add<AttributeType::Lifetime>(input.ConsumeBool() ? 0 : 3600);
          break;
        case 4:
          writer.add<AttributeType::EvenPort>(input.ConsumeBool());
          break;
        case 5:
          writer.add<AttributeType::ReservationToken>(last_token);
          break;
        case 6:
          writer.add<AttributeType::MobilityTicket>(input.ConsumeBool() ? stun::Bytes()
                                                                        : stun::Bytes(last_ticket));
          break;
        case 7:
          writer.add<AttributeType::RequestedAddressFamily>(input.ConsumeBool() ? Family::IPv4
                                                                                : Family::IPv6);
          break;
        case 8:
          writer.add<AttributeType::AdditionalAddressFamily>(Family::IPv6);
          break;
        case 9:
          writer.add<AttributeType::ConnectionId>(arbitrary_connection());
          break;
        case 10:
          writer.add<AttributeType::Data>(arbitrary_bytes(input, storage));
          break;
        default:
          writer.add_raw(arbitrary_type(input), arbitrary_bytes(input, storage));
      }
    }
  }

  void ask() {
    static constexpr Method kMethods[] = {
        Method::Binding,     Method::Allocate, Method::Refresh,       Method::CreatePermission,
        Method::ChannelBind, Method::Connect,  Method::ConnectionBind};
    const FiveTuple tuple = arbitrary_tuple();
    const Method method = input.PickValueInArray(kMethods);
    std::array<uint8_t, 8192> buffer;
    Storage storage;
    stun::TransactionId id{};
    store_be32(id.data(), input.ConsumeIntegralInRange<uint8_t>(0, 15) == 0 ? 1 : ++next_id);
    stun::MessageWriter writer(buffer, stun::Class::Request, method, id);
    add_what_requests_have(writer, storage);
    const bool is_signed = input.ConsumeIntegralInRange(0, 7) != 0;
    if (is_signed) {
      const stun::Bytes user = input.ConsumeBool() ? stun::Bytes(kUser) : stun::Bytes(kOther);
      const bool with_sha256 = input.ConsumeBool();
      const auto algorithm =
          with_sha256 ? stun::PasswordAlgorithm::Sha256 : stun::PasswordAlgorithm::Md5;
      writer.add<AttributeType::Username>(user);
      writer.add<AttributeType::Realm>(kRealm);
      writer.add<AttributeType::Nonce>(nonces[{tuple.link, tuple.client.bytes[3]}]);
      if (with_sha256) {
        writer.add<AttributeType::PasswordAlgorithms>(kOfferedAlgorithms);
        writer.add<AttributeType::PasswordAlgorithm>(
            {.algorithm = static_cast<uint16_t>(algorithm), .parameters = {}});
      }
      const stun::PreparedKey key(stun::long_term_key(algorithm, user, kRealm, kPassword).view());
      if (with_sha256) {
        writer.add_integrity_sha256(key);
      } else {
        writer.add_integrity(key);
      }
    }
    if (const auto message = writer.finish()) hear(tuple, *message);
  }
  void indicate() {
    std::array<uint8_t, 8192> buffer;
    Storage storage;
    stun::MessageWriter writer(buffer, stun::Class::Indication, Method::Send, {});
    writer.add<AttributeType::XorPeerAddress>(arbitrary_peer());
    writer.add<AttributeType::Data>(arbitrary_bytes(input, storage));
    add_what_requests_have(writer, storage);
    if (const auto message = writer.finish()) hear(arbitrary_tuple(), *message);
  }
  void send_by_channel() {
    std::array<uint8_t, 12> bytes{};
    store_be16(bytes.data(), input.ConsumeIntegralInRange<uint16_t>(0x4000, 0x4003));
    store_be16(&bytes[2], input.ConsumeIntegralInRange<uint16_t>(0, 9));
    hear(arbitrary_tuple(), bytes);
  }
  void hear_anything() {
    Storage storage;
    hear(arbitrary_tuple(), arbitrary_bytes(input, storage));
  }
  void hear_a_peer() {
    Storage storage;
    const auto data = arbitrary_bytes(input, storage);
    std::vector<uint8_t> out(data.size() + kMaxPeerOverhead);
    const auto sent = core.handle_peer_data(now, arbitrary_relay(), arbitrary_peer(), data, out);
    require(!sent || sent->bytes <= out.size());
    std::array<uint8_t, 128> small;
    static_cast<void>(core.handle_icmp(now, arbitrary_relay(), arbitrary_peer(), {}, small));
  }
  void pass_time() {
    now = now + Duration::milliseconds(input.ConsumeIntegral<uint32_t>() % 700'000);
    core.handle_timeout(now);
    require(core.poll_timeout() > now);
  }
  void settle_a_socket() {
    const RelayId relay = arbitrary_relay();
    if (const auto socket = sockets.find(relay); socket != sockets.end() && !socket->second) {
      if (input.ConsumeIntegralInRange(0, 3) == 0) {
        core.relay_failed(now, relay);
        return;
      }
      socket->second = true;
      if (const auto reserved = pairs.find(relay); reserved != pairs.end()) {
        sockets[reserved->second] = true;
      }
    }
    core.relay_opened(now, relay, TransportAddress::ipv4(192, 0, 2, 1, next_port += 2));
  }
  void settle_a_connection() {
    const uint32_t id = arbitrary_connection();
    switch (input.ConsumeIntegralInRange(0, 3)) {
      case 0:
        core.peer_refused(now, id);
        break;
      case 1:
        core.peer_closed(id);
        connections.erase(id);
        break;
      case 2:
        if (const auto accepted = core.peer_accepted(now, arbitrary_relay(), arbitrary_peer())) {
          connections.insert(*accepted);
        }
        break;
      default:
        core.peer_connected(now, id);
    }
  }
  void lose_a_link() {
    const auto link = input.ConsumeIntegralInRange<Link>(kSockets, kLinks - 1);
    core.remove_link(now, link);
    open_link(link);
  }

  void drain() {
    while (const auto event = core.poll_event()) {
      switch (event->kind) {
        case ServerEventKind::OpenRelay:
          require(sockets.emplace(event->relay, false).second);
          if (event->port == PortWish::EvenAndNext) {
            require(sockets.emplace(event->reserved, false).second);
            pairs[event->relay] = event->reserved;
          }
          break;
        case ServerEventKind::CloseRelay:
          require(sockets.erase(event->relay) == 1);
          pairs.erase(event->relay);
          break;
        case ServerEventKind::ConnectPeer:
          require(connections.insert(event->connection).second);
          break;
        case ServerEventKind::ClosePeer:
          connections.erase(event->connection);
          break;
        default:
          break;
      }
    }
    std::array<uint8_t, kMaxAnswerBytes> out;
    FiveTuple to;
    while (const size_t size = core.poll_transmit(out, to)) {
      require(size <= out.size());
      learn(std::span(out).first(size), to);
    }
    require(core.allocation_count() <= kMaxAllocations);
    // Two for each, and one that is reserved, of this and the last half minute.
    require(connections.size() <= 3 * kMaxAllocations + 16);
  }

  FuzzedDataProvider& input;
  TurnServer core;
  Instant now{};
  std::map<RelayId, bool> sockets;  // whether they are open
  std::map<RelayId, RelayId> pairs;
  std::set<uint32_t> connections;
  std::map<std::pair<Link, uint8_t>, std::vector<uint8_t>> nonces;
  std::array<uint8_t, kReservationTokenBytes> last_token{};
  std::vector<uint8_t> last_ticket{};
  uint32_t next_id = 1;
  uint16_t next_port = 50000;
};

using Step = void (World::*)();
constexpr Step kSteps[] = {
    &World::ask,
    &World::ask,
    &World::ask,
    &World::indicate,
    &World::hear_a_peer,
    &World::send_by_channel,
    &World::hear_anything,
    &World::pass_time,
    &World::settle_a_socket,
    &World::settle_a_socket,
    &World::settle_a_connection,
    &World::lose_a_link,
};

}  // namespace postern::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace postern::fuzz;  // NOLINT(google-build-using-namespace)
  FuzzedDataProvider input(data, size);
  World world(input);
  while (input.remaining_bytes() > 0) {
    (world.*input.PickValueInArray(kSteps))();
    world.drain();
  }
  world.core.end_all();
  world.drain();
  require(world.sockets.empty());
  require(world.core.allocation_count() == 0);
  require(world.core.poll_timeout().is_never());
  return 0;
}
