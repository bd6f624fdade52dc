// A TurnServer whose clients, peers and sockets do anything: strangers with bytes of any kind,
// users whose requests are signed and right but for what they ask, peers that send, sockets that
// open late or never. It relays only from sockets that it has, to peers that have permission, holds
// no more than its limits, and ends with nothing left.
#include <vector>

#include "server_world.h"
#include "stun/long_term.h"

namespace postern::fuzz {

struct World : ServerWorld {
  using ServerWorld::ServerWorld;

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

  void sign(stun::MessageWriter& writer, const FiveTuple& tuple) {
    const std::array<stun::Bytes, 3> users = {kUser, kOther, kAsked};
    const stun::Bytes user = input.PickValueInArray(users);
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
  // With a token that is right, or sealed around anything, or any bytes, or none.
  void sign_with_token(stun::MessageWriter& writer, const FiveTuple& tuple, Storage& storage) {
    const size_t which = input.ConsumeIntegralInRange<size_t>(0, kKids.size() - 1);
    const std::vector<uint8_t> mac_key(20, input.ConsumeIntegralInRange<uint8_t>(0, 2));
    const auto seconds = static_cast<uint64_t>(
        kTimeOfDay + static_cast<int64_t>((now - Instant()).in_milliseconds() / 1000));
    const test::TokenToSeal token{.server_name = as_text(kRealm),
                                  .key = token_key(which),
                                  .mac_key = mac_key,
                                  .timestamp = seconds << 16,
                                  .lifetime = input.ConsumeIntegralInRange<uint32_t>(0, 2000)};
    writer.add<AttributeType::Username>(as_bytes(kKids[which]));
    writer.add<AttributeType::Realm>(kRealm);
    writer.add<AttributeType::Nonce>(nonces[{tuple.link, tuple.client.bytes[3]}]);
    switch (input.ConsumeIntegralInRange(0, 7)) {
      case 0:
        break;
      case 1: {
        const stun::Bytes bytes = arbitrary_bytes(input, storage);
        const std::vector<uint8_t> plaintext(bytes.begin(), bytes.end());
        writer.add<AttributeType::AccessToken>(test::seal_access_token(token, plaintext));
        break;
      }
      case 2:
        writer.add<AttributeType::AccessToken>(arbitrary_bytes(input, storage));
        break;
      default:
        writer.add<AttributeType::AccessToken>(test::seal_access_token(token));
    }
    writer.add_integrity(stun::PreparedKey(mac_key));
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
    switch (input.ConsumeIntegralInRange(0, 7)) {
      case 0:
        break;
      case 1:
      case 2:
        sign_with_token(writer, tuple, storage);
        break;
      default:
        sign(writer, tuple);
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
  void answer_a_question() {
    if (questions.empty()) {
      core.key_answer(now, input.ConsumeIntegral<uint32_t>(), kPassword);
      return;
    }
    const size_t at = input.ConsumeIntegralInRange<size_t>(0, questions.size() - 1);
    const std::array<stun::Bytes, 4> answers = {kPassword, kPassword, kOther, {}};
    core.key_answer(now, questions[at], input.PickValueInArray(answers));
    require(core.asked_name(questions[at]).empty());
    questions.erase(questions.begin() + static_cast<ptrdiff_t>(at));
  }
  void change_what_is_let_in() {
    if (input.ConsumeBool()) {
      core.set_draining(!core.is_draining());
    } else {
      use_token_keys(input.ConsumeIntegralInRange<size_t>(0, kKids.size()));
    }
  }
  void lose_a_link() {
    const auto link = input.ConsumeIntegralInRange<Link>(kSockets, kLinks - 1);
    core.remove_link(now, link);
    open_link(link);
  }
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
    &World::answer_a_question,
    &World::change_what_is_let_in,
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
