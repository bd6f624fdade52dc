// Allocate (RFC 8656 section 7), and what it may cost.
#include <algorithm>

#include "base/text.h"
#include "server/error_code.h"
#include "server/turn_server.h"

namespace postern::server {

using stun::AttributeType;
using stun::Class;
using stun::ErrorCode;
using stun::MessageView;
using stun::MessageWriter;
using stun::Method;

namespace {

constexpr std::array<uint16_t, 1> kDontFragment = {
    static_cast<uint16_t>(AttributeType::DontFragment)};

Family other_family(Family family) { return family == Family::IPv4 ? Family::IPv6 : Family::IPv4; }

}  // namespace

uint32_t TurnServer::lifetime_for(const Caller& caller) const {
  const uint32_t asked =
      caller.request.get<AttributeType::Lifetime>().value_or(options_.default_lifetime_seconds);
  const uint32_t granted =
      std::clamp(asked, std::min(options_.default_lifetime_seconds, options_.max_lifetime_seconds),
                 options_.max_lifetime_seconds);
  // RFC 7635 section 9: no longer than the token that was brought.
  const int64_t end = caller.signature.valid_until.value_or(unix_seconds() + granted);
  return static_cast<uint32_t>(std::min<int64_t>(granted, end - unix_seconds()));
}

// RFC 8656 section 7.2, in its order; RFC 6062 section 5.1 for TCP.
uint16_t TurnServer::check_allocate(const Caller& caller) const {
  const MessageView& request = caller.request;
  const auto transport = request.get<AttributeType::RequestedTransport>();
  if (!transport) return code_of(ErrorCode::BadRequest);
  const bool is_tcp = *transport == turn::kTransportTcp;
  const bool is_udp = *transport == turn::kTransportUdp;
  if ((!is_tcp || !options_.relays_tcp) && (!is_udp || !options_.relays_udp)) {
    return code_of(ErrorCode::UnsupportedTransportProtocol);
  }
  const bool has_token = request.has(AttributeType::ReservationToken);
  const bool has_even_port = request.has(AttributeType::EvenPort);
  const bool has_family = request.has(AttributeType::RequestedAddressFamily);
  const bool has_additional = request.has(AttributeType::AdditionalAddressFamily);
  const bool for_udp_only = has_token || has_even_port || request.has(AttributeType::DontFragment);
  if (is_tcp && (for_udp_only || !caller.link.is_reliable)) return code_of(ErrorCode::BadRequest);
  if (has_token && (has_even_port || has_family || has_additional)) {
    return code_of(ErrorCode::BadRequest);
  }
  if (has_family && has_additional) return code_of(ErrorCode::BadRequest);
  const auto even_port = request.get<AttributeType::EvenPort>();
  if (has_even_port && (!even_port || (*even_port && has_additional))) {
    return code_of(ErrorCode::BadRequest);
  }
  // Section 7.1: IPv4 comes without being asked for.
  const auto additional = request.get<AttributeType::AdditionalAddressFamily>();
  if (has_additional && additional.value_or(Family::IPv4) != Family::IPv6) {
    return code_of(ErrorCode::BadRequest);
  }
  const auto ticket = request.get<AttributeType::MobilityTicket>();
  if (ticket && !ticket->empty()) return code_of(ErrorCode::BadRequest);
  if (ticket && !options_.allows_mobility) return code_of(ErrorCode::MobilityForbidden);
  return 0;
}

uint16_t TurnServer::check_quotas(const Caller& caller) const {
  const ServerLimits& limits = options_.limits;
  const auto is_reached = [](const auto& counts, const auto& key, size_t limit) {
    if (limit == 0) return false;
    const auto found = counts.find(key);
    return found != counts.end() && found->second >= limit;
  };
  if (is_reached(per_account_, account_of(caller), limits.allocations_per_user) ||
      is_reached(per_source_, source_of(caller.tuple.client), limits.allocations_per_source)) {
    return code_of(ErrorCode::AllocationQuotaReached);
  }
  // Ports that are kept for somebody count as what they may become.
  const bool is_full = count_ + reservations_.size() >= limits.allocations;
  return is_full ? code_of(ErrorCode::InsufficientCapacity) : uint16_t{0};
}

// RFC 8489 section 10, for one who is authentic, so that nobody else can send clients away.
size_t TurnServer::send_on(const Caller& caller) {
  const auto& alternates = options_.alternates;
  const auto alternate =
      std::find_if(alternates.begin(), alternates.end(), [&caller](const TransportAddress& each) {
        return each.family == caller.tuple.client.family;
      });
  if (alternate == alternates.end()) return refuse(caller, ErrorCode::InsufficientCapacity);
  ++stats_.refused;
  MessageWriter writer = begin(caller, Class::Error);
  writer.add<AttributeType::ErrorCode>(error_value(code_of(ErrorCode::TryAlternate)));
  writer.add<AttributeType::AlternateServer>(*alternate);
  if (!options_.alternate_domain.empty()) {
    writer.add<AttributeType::AlternateDomain>(as_bytes(options_.alternate_domain));
  }
  return finish(caller, writer);
}

size_t TurnServer::allocate(Caller& caller) {
  const MessageView& request = caller.request;
  if (const auto known = number_of(caller.tuple)) {
    // The same request again, whose answer waits for the sockets.
    const Allocation& allocation = *allocations_[*known];
    const auto id = request.transaction_id();
    const bool is_again =
        !allocation.is_open && std::equal(id.begin(), id.end(), allocation.request_id.begin());
    return is_again ? 0 : refuse(caller, ErrorCode::AllocationMismatch);
  }
  if (request.has(AttributeType::DontFragment) && !options_.can_forbid_fragments) {
    return refuse_unknown(caller, kDontFragment);
  }
  if (const uint16_t wrong = check_allocate(caller)) return refuse(caller, wrong);
  if (is_draining_) return send_on(caller);
  if (const uint16_t exceeded = check_quotas(caller)) return refuse(caller, exceeded);

  const uint32_t number = add_allocation(caller);
  Allocation& allocation = *allocations_[number];
  allocation.protocol = *request.get<AttributeType::RequestedTransport>();
  allocation.lifetime_seconds = lifetime_for(caller);
  const auto id = request.transaction_id();
  std::copy(id.begin(), id.end(), allocation.request_id.begin());
  allocation.has_fingerprint = request.fingerprint() == stun::FingerprintState::Valid;
  if (const uint16_t impossible = choose_relays(caller, number)) {
    end(number);
    return refuse(caller, impossible);
  }
  if (request.has(AttributeType::MobilityTicket)) give_ticket(number);
  settle(number);
  return 0;
}

// Asks for the sockets of the addresses that the client wants; the error code where that is not to
// be had.
uint16_t TurnServer::choose_relays(const Caller& caller, uint32_t number) {
  const MessageView& request = caller.request;
  if (const auto token = request.get<AttributeType::ReservationToken>()) {
    return take_reserved(*token, number);
  }
  const auto relays = [this](Family family) {
    return family == Family::IPv6 ? options_.relays_ipv6 : options_.relays_ipv4;
  };
  const bool wants_both = request.has(AttributeType::AdditionalAddressFamily);
  Family first = request.get<AttributeType::RequestedAddressFamily>().value_or(Family::IPv4);
  if (wants_both && !relays(first)) first = other_family(first);
  if (!relays(first)) return code_of(ErrorCode::AddressFamilyNotSupported);

  const auto even_port = request.get<AttributeType::EvenPort>();
  const PortWish port = !even_port   ? PortWish::Any
                        : *even_port ? PortWish::EvenAndNext
                                     : PortWish::Even;
  open_relay(number, 0, first, port);
  if (wants_both) {
    const Family second = other_family(first);
    if (relays(second)) {
      open_relay(number, 1, second, port);
    } else {
      // Section 7.2: one of them is enough.
      allocations_[number]->relayed[1] = {
          .relay = 0,
          .family = second,
          .address = {},
          .error_code = code_of(ErrorCode::AddressFamilyNotSupported)};
    }
  }
  return allocations_[number]->relayed[0].relay == 0 ? code_of(ErrorCode::InsufficientCapacity) : 0;
}

void TurnServer::open_relay(uint32_t number, size_t which, Family family, PortWish port) {
  Allocation& allocation = *allocations_[number];
  ServerEvent event;
  event.kind = ServerEventKind::OpenRelay;
  event.relay = add_relay(number, Relay::State::Opening);
  event.family = family;
  event.protocol = allocation.protocol;
  event.port = port;
  if (port == PortWish::EvenAndNext) {
    event.reserved = allocation.reserved = add_relay(number, Relay::State::Opening);
  }
  allocation.relayed[which] = {.relay = event.relay, .family = family};
  if (event.relay == 0 || (port == PortWish::EvenAndNext && event.reserved == 0)) {
    allocation.relayed[which].error_code = code_of(ErrorCode::InsufficientCapacity);
    return;
  }
  events_.push_back(event);
}

uint16_t TurnServer::take_reserved(Bytes token, uint32_t number) {
  const auto found = by_token_.find(load_be64(token.data()));
  if (found == by_token_.end()) return code_of(ErrorCode::InsufficientCapacity);
  const RelayId id = found->second;
  drop_reservation(id);
  Relay& relay = *find_relay(id);
  relay.state = Relay::State::Open;
  relay.allocation = number;
  allocations_[number]->relayed[0] = {
      .relay = id, .family = relay.address.family, .address = relay.address};
  return 0;
}

void TurnServer::relay_opened(Instant now, RelayId id, const TransportAddress& address) {
  advance(now);
  Relay* const relay = find_relay(id);
  if (relay == nullptr || relay->state != Relay::State::Opening) return;
  Allocation& allocation = *allocations_[relay->allocation];
  if (id == allocation.reserved) return;  // follows from the other
  relay->state = Relay::State::Open;
  relay->address = address;
  for (RelayedAddress& entry : allocation.relayed) {
    if (entry.relay == id) entry.address = address;
  }
  if (allocation.reserved != 0) reserve(allocation, static_cast<uint16_t>(address.port + 1));
  settle(relay->allocation);
}

void TurnServer::relay_failed(Instant now, RelayId id) {
  advance(now);
  Relay* const relay = find_relay(id);
  if (relay == nullptr || relay->state != Relay::State::Opening) return;
  const uint32_t number = relay->allocation;
  if (id == allocations_[number]->reserved) return;
  for (RelayedAddress& entry : allocations_[number]->relayed) {
    if (entry.relay != id) continue;
    entry.relay = 0;
    entry.error_code = code_of(ErrorCode::InsufficientCapacity);
  }
  close_relay(id);
  settle(number);
}

// Answers the Allocate once it is known which addresses there are.
void TurnServer::settle(uint32_t number) {
  Allocation& allocation = *allocations_[number];
  bool has_any = false;
  for (const RelayedAddress& entry : allocation.relayed) {
    if (entry.relay == 0) continue;
    if (find_relay(entry.relay)->state == Relay::State::Opening) return;
    has_any = true;
  }
  if (!has_any) {
    answer_allocate(allocation, code_of(ErrorCode::InsufficientCapacity));
    end(number);
    return;
  }
  // The first is the one that there is.
  if (allocation.relayed[0].relay == 0) std::swap(allocation.relayed[0], allocation.relayed[1]);
  allocation.is_open = true;
  ++stats_.allocations_made;
  set_expiry(number, now_ + Duration::seconds(allocation.lifetime_seconds));
  answer_allocate(allocation, 0);
  tell(ServerEventKind::Allocated, allocation);
}

void TurnServer::answer_allocate(Allocation& allocation, uint16_t error_code) {
  std::array<uint8_t, kMaxAnswerBytes> out;
  const Class answer_class = error_code == 0 ? Class::Success : Class::Error;
  MessageWriter writer(out, answer_class, Method::Allocate, allocation.request_id);
  if (error_code != 0) {
    ++stats_.refused;
    writer.add<AttributeType::ErrorCode>(error_value(error_code));
  } else {
    for (const RelayedAddress& entry : allocation.relayed) {
      if (entry.relay != 0) {
        writer.add<AttributeType::XorRelayedAddress>(entry.address);
      } else if (entry.error_code != 0) {
        writer.add<AttributeType::AddressErrorCode>(
            {.family = entry.family, .error = error_value(entry.error_code)});
      }
    }
    writer.add<AttributeType::Lifetime>(allocation.lifetime_seconds);
    writer.add<AttributeType::XorMappedAddress>(allocation.tuple.client);
    if (allocation.reserved != 0) {
      writer.add<AttributeType::ReservationToken>(allocation.reservation);
    }
    if (allocation.ticket) writer.add<AttributeType::MobilityTicket>(*allocation.ticket);
  }
  const size_t size = finish(writer, &allocation.signature, allocation.has_fingerprint);
  put(allocation.tuple, std::span(out).first(size));
}

}  // namespace postern::server
