// Allocate and Refresh (RFC 8656 sections 7.2 and 8.2, RFC 6062 section 5.1, RFC 8016).
#include <algorithm>
#include <utility>

#include "sim/turn_server.h"

namespace postern::sim {

using stun::AttributeType;
using stun::Class;
using stun::Method;

namespace {

constexpr Duration kReservation = Duration::seconds(30);  // RFC 8656 section 7.2
constexpr size_t kReservationTokenBytes = 8;
constexpr size_t kTicketBytes = 24;  // ours: opaque to the client

constexpr uint32_t in_seconds(Duration duration) {
  return static_cast<uint32_t>(duration.in_microseconds() / 1'000'000);
}

TransportAddress relay_host(Family family, uint16_t port) {
  if (family == Family::IPv4) return TransportAddress::ipv4(192, 0, 2, 15, port);
  constexpr std::array<uint8_t, 16> kHost = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0,
                                             0,    0,    0,    0,    0, 0, 0, 15};
  return TransportAddress::ipv6(kHost, port);
}

}  // namespace

TransportAddress TurnServer::next_relayed(Family family, bool even) {
  if (even && next_port_ % 2 != 0) ++next_port_;
  return relay_host(family, next_port_++);
}

Duration TurnServer::lifetime_for(const Request& request) const {
  const auto asked = request.get<AttributeType::Lifetime>();
  if (!asked) return options.default_lifetime;
  const Duration capped = std::min(Duration::seconds(*asked), options.max_lifetime);
  return std::max(capped, options.default_lifetime);
}

bool TurnServer::wants_both_families(const Request& request, Family& additional) const {
  if (options.dual_allocation == DualAllocation::Unknown) return false;
  const bool is_coturn = options.dual_allocation == DualAllocation::Coturn;
  const auto attribute =
      request.find(is_coturn ? kCoturnAdditionalAddressFamily
                             : static_cast<uint16_t>(AttributeType::AdditionalAddressFamily));
  if (attribute.offset == 0) return false;
  const auto family = stun::kind::AddressFamily::read(attribute.value, nullptr);
  additional = family ? *family : Family::None;
  return true;
}

// RFC 8656 section 7.2, steps 3 to 9 as far as they ask for the form only; 0 where it is right.
uint16_t TurnServer::check_allocate(const Caller& caller) {
  const Request& request = caller.request;
  const auto transport = request.get<AttributeType::RequestedTransport>();
  const bool has_token = request.has(AttributeType::ReservationToken);
  const bool has_even_port = request.has(AttributeType::EvenPort);
  const bool has_family = request.has(AttributeType::RequestedAddressFamily);
  Family additional = Family::None;
  const bool wants_both = wants_both_families(request, additional);
  if (!transport) return 400;
  if (*transport == kProtocolTcp && options.relays_tcp) {
    if (caller.tuple.carrier != Carrier::Stream) return 400;
    if (has_token || has_even_port || request.has(AttributeType::DontFragment)) return 400;
  } else if (*transport != kProtocolUdp) {
    return 442;
  }
  if (has_token && (has_even_port || has_family || wants_both)) return 400;
  if (has_token && !request.get<AttributeType::ReservationToken>()) return 400;
  if (has_family && wants_both) return 400;
  if (has_family && !request.get<AttributeType::RequestedAddressFamily>()) return 400;
  if (wants_both && additional != Family::IPv6) return 400;
  if (request.has(AttributeType::Lifetime) && !request.get<AttributeType::Lifetime>()) return 400;
  if (has_even_port) {
    const auto value = request.find(static_cast<uint16_t>(AttributeType::EvenPort)).value;
    if (value.size() != 1) {
      ++violations.malformed_even_port;
      return 400;
    }
    const bool reserves = (value[0] & 0x80) != 0;
    if (reserves && wants_both) return 400;
  }
  return check_mobile_allocate(request);
}

// RFC 8016 section 3.1.2.
uint16_t TurnServer::check_mobile_allocate(const Request& request) const {
  const auto ticket = request.get<AttributeType::MobilityTicket>();
  if (!ticket || options.mobility == Mobility::Unknown) return 0;
  if (!ticket->empty()) return 400;
  return options.mobility == Mobility::Forbidden ? 405 : 0;
}

// Steps 5 to 9: the relayed addresses, or why there are none.
uint16_t TurnServer::choose_relayed(const Request& request, TurnAllocation& allocation,
                                    FamilyRefusal& missing, Message& reserved_token) {
  if (const auto token = request.get<AttributeType::ReservationToken>()) {
    const auto held =
        std::find_if(reservations_.begin(), reservations_.end(),
                     [&](const Reservation& entry) { return equal(entry.token, *token); });
    if (held == reservations_.end()) return 508;
    allocation.relayed = {held->relayed};
    reservations_.erase(held);
    return 0;
  }
  Family additional = Family::None;
  if (wants_both_families(request, additional)) {
    if (!options.relays_ipv4 && !options.relays_ipv6) return 440;
    if (options.relays_ipv4) allocation.relayed.push_back(next_relayed(Family::IPv4, false));
    if (options.relays_ipv6) allocation.relayed.push_back(next_relayed(Family::IPv6, false));
    if (!options.relays_ipv4) missing = {Family::IPv4, 440};
    if (!options.relays_ipv6) missing = {Family::IPv6, 440};
    return 0;
  }
  const auto asked = request.get<AttributeType::RequestedAddressFamily>();
  const Family family = asked ? *asked : Family::IPv4;
  if (family == Family::IPv4 ? !options.relays_ipv4 : !options.relays_ipv6) return 440;
  const auto even = request.get<AttributeType::EvenPort>();
  allocation.relayed = {next_relayed(family, even.has_value())};
  if (even.value_or(false)) {
    reserved_token = next_token(kReservationTokenBytes);
    reservations_.push_back({reserved_token, next_relayed(family, false), now_ + kReservation});
  }
  return 0;
}

Messages TurnServer::allocate(const Caller& caller) {
  const Request& request = caller.request;
  if (find(caller.tuple) != nullptr) {
    ++violations.allocation_mismatch;
    return {refusal_of(caller, 437)};
  }
  const uint16_t wrong = check_allocate(caller);
  if (wrong == 400) ++violations.bad_allocate;
  if (wrong != 0) return {refusal_of(caller, wrong)};
  const auto of_user =
      std::count_if(allocations_.begin(), allocations_.end(),
                    [&](const TurnAllocation& other) { return other.username == caller.username; });
  if (options.quota > 0 && static_cast<size_t>(of_user) >= options.quota)
    return {refusal_of(caller, 486)};

  const Duration lifetime = lifetime_for(request);
  TurnAllocation allocation{.tuple = caller.tuple,
                            .username = caller.username,
                            .protocol = *request.get<AttributeType::RequestedTransport>(),
                            .expires = now_ + lifetime};
  FamilyRefusal missing;
  Message reserved_token;
  const uint16_t impossible = choose_relayed(request, allocation, missing, reserved_token);
  if (impossible != 0) return {refusal_of(caller, impossible)};

  const bool is_coturn = options.dual_allocation == DualAllocation::Coturn;
  ResponseBuilder builder(request, Class::Success);
  for (const TransportAddress& relayed : allocation.relayed) {
    builder.add<AttributeType::XorRelayedAddress>(relayed);
  }
  if (missing.code != 0) {
    if (is_coturn) {
      // It answers an address of zeros where it has none.
      builder.add<AttributeType::XorRelayedAddress>(TransportAddress::ipv4(0, 0, 0, 0, 0));
    }
    const uint16_t type = is_coturn ? kCoturnAddressErrorCode
                                    : static_cast<uint16_t>(AttributeType::AddressErrorCode);
    builder.add_value<stun::kind::FamilyErrorReason>(
        type, {.family = missing.family, .error = {.code = missing.code, .reason = {}}});
  }
  builder.add<AttributeType::Lifetime>(in_seconds(lifetime));
  builder.add<AttributeType::XorMappedAddress>(caller.tuple.client);
  if (!reserved_token.empty()) builder.add<AttributeType::ReservationToken>(reserved_token);
  if (request.has(AttributeType::MobilityTicket) && options.mobility == Mobility::Allowed) {
    allocation.ticket = next_token(kTicketBytes);
    builder.add<AttributeType::MobilityTicket>(allocation.ticket);
  }
  allocations_.push_back(std::move(allocation));
  ++tally.successes[Method::Allocate];
  return {finish(caller, builder)};
}

Messages TurnServer::refresh(const Caller& caller) {
  const auto ticket = caller.request.get<AttributeType::MobilityTicket>();
  if (ticket && options.mobility != Mobility::Unknown) return move(caller, *ticket);
  Messages refusal;
  TurnAllocation* const allocation = own_allocation(caller, refusal);
  return allocation == nullptr ? refusal : refreshed(caller, *allocation);
}

// RFC 8016 section 3.2.2.
Messages TurnServer::move(const Caller& caller, stun::Bytes ticket) {
  if (options.mobility == Mobility::Forbidden) return {refusal_of(caller, 405)};
  const auto found =
      std::find_if(allocations_.begin(), allocations_.end(), [&](const TurnAllocation& other) {
        return !other.ticket.empty() && equal(other.ticket, ticket);
      });
  const bool is_unmoved = found != allocations_.end() && found->tuple == caller.tuple;
  if (found == allocations_.end() || is_unmoved) {
    ++violations.bad_request;
    return {refusal_of(caller, 400)};
  }
  if (found->username != caller.username) {
    ++violations.wrong_credentials;
    return {refusal_of(caller, 441)};
  }
  if (const TurnAllocation* const other = find(caller.tuple);
      other != nullptr && other != &*found) {
    ++violations.allocation_mismatch;
    return {refusal_of(caller, 437)};
  }
  // Back before anything was sent from where it had gone: there is nothing left to wait for.
  const bool is_back = found->moved_from == caller.tuple;
  const FiveTuple old = std::exchange(found->tuple, caller.tuple);
  found->moved_from = is_back ? std::nullopt : std::optional(found->moved_from.value_or(old));
  found->ticket = next_token(kTicketBytes);
  return refreshed(caller, *found);
}

// RFC 8656 section 8.2.
Messages TurnServer::refreshed(const Caller& caller, TurnAllocation& allocation) {
  const Request& request = caller.request;
  const auto family = request.get<AttributeType::RequestedAddressFamily>();
  if (family && allocation.relayed_of(*family) == nullptr) {
    ++violations.family_mismatch;
    return {refusal_of(caller, 443)};
  }
  const auto asked = request.get<AttributeType::Lifetime>();
  const bool deletes = asked && *asked == 0;
  const Duration lifetime = deletes ? Duration() : lifetime_for(request);
  ResponseBuilder builder(request, Class::Success);
  builder.add<AttributeType::Lifetime>(in_seconds(lifetime));
  if (request.has(AttributeType::MobilityTicket) && !deletes && !allocation.ticket.empty()) {
    builder.add<AttributeType::MobilityTicket>(allocation.ticket);
  }
  ++tally.successes[Method::Refresh];
  Messages reply = {finish(caller, builder)};
  if (!deletes) {
    allocation.expires = now_ + lifetime;
  } else if (family && allocation.relayed.size() > 1) {
    // One half of a dual allocation, with what belongs to it (section 8.1).
    const auto is_of_family = [&](const auto& entry) { return entry.peer.family == *family; };
    std::erase_if(allocation.relayed,
                  [&](const TransportAddress& address) { return address.family == *family; });
    std::erase_if(allocation.permissions, is_of_family);
    std::erase_if(allocation.channels, is_of_family);
  } else {
    drop_connections(allocation);
    std::erase_if(allocations_, [tuple = allocation.tuple](const TurnAllocation& other) {
      return other.tuple == tuple;
    });
  }
  return reply;
}

}  // namespace postern::sim
