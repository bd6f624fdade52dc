// Refresh (RFC 8656 section 8), and moving (RFC 8016).
#include <utility>

#include "crypto/constant_time.h"
#include "server/error_code.h"
#include "server/turn_server.h"

namespace postern::server {

using stun::AttributeType;
using stun::Class;
using stun::ErrorCode;
using stun::MessageView;
using stun::MessageWriter;

size_t TurnServer::refresh(Caller& caller) {
  if (const auto ticket = caller.request.get<AttributeType::MobilityTicket>()) {
    return move(caller, *ticket);
  }
  size_t refusal = 0;
  const auto number = own(caller, refusal);
  return number ? refreshed(caller, *number) : refusal;
}

// RFC 8016 section 3.2.2.
size_t TurnServer::move(Caller& caller, Bytes ticket) {
  if (!options_.allows_mobility) return refuse(caller, ErrorCode::MobilityForbidden);
  if (ticket.size() != kTicketBytes) return refuse(caller, ErrorCode::BadRequest);
  const auto found = by_ticket_.find(load_be64(ticket.data()));
  if (found == by_ticket_.end()) return refuse(caller, ErrorCode::BadRequest);
  const uint32_t number = found->second;
  const Allocation& allocation = *allocations_[number];
  if (!crypto::equal_constant_time(*allocation.ticket, ticket) || !allocation.is_open ||
      allocation.tuple == caller.tuple) {
    return refuse(caller, ErrorCode::BadRequest);
  }
  if (!is_users(allocation, caller)) return refuse(caller, ErrorCode::WrongCredentials);
  const auto there = number_of(caller.tuple);
  if (there && *there != number) return refuse(caller, ErrorCode::AllocationMismatch);
  set_tuple(number, caller.tuple);
  give_ticket(number);
  const size_t bytes = refreshed(caller, number);
  if (allocations_[number]) tell(ServerEventKind::Moved, *allocations_[number]);
  return bytes;
}

// RFC 8656 section 8.2.
size_t TurnServer::refreshed(Caller& caller, uint32_t number) {
  Allocation& allocation = *allocations_[number];
  const MessageView& request = caller.request;
  const auto family = request.get<AttributeType::RequestedAddressFamily>();
  if (family.error() != Errc::AttributeMissing) {
    if (!family) return refuse(caller, ErrorCode::BadRequest);
    if (allocation.relayed_of(*family) == nullptr) {
      return refuse(caller, ErrorCode::PeerAddressFamilyMismatch);
    }
  }
  if (caller.is_new_key) {
    allocation.username = caller.username;
    allocation.signature = caller.signature;
  }
  const bool deletes = request.get<AttributeType::Lifetime>().value_or(1) == 0;
  const uint32_t lifetime = deletes ? 0 : lifetime_for(caller);
  MessageWriter writer = begin(caller, Class::Success);
  writer.add<AttributeType::Lifetime>(lifetime);
  if (!deletes && request.has(AttributeType::MobilityTicket)) {
    writer.add<AttributeType::MobilityTicket>(*allocation.ticket);
  }
  const size_t bytes = finish(caller, writer);
  if (!deletes) {
    allocation.lifetime_seconds = lifetime;
    set_expiry(number, now_ + Duration::seconds(lifetime));
    tell(ServerEventKind::Refreshed, allocation);
  } else if (family && allocation.relayed[1].relay != 0) {
    // Half of a dual allocation, with what belongs to it (section 8.1).
    RelayedAddress& half = *allocation.relayed_of(*family);
    close_relay(half.relay);
    half = {};
    if (allocation.relayed[0].relay == 0) std::swap(allocation.relayed[0], allocation.relayed[1]);
    allocation.peers.forget(*family);
  } else {
    end(number);
  }
  return bytes;
}

}  // namespace postern::server
