// Where allocations, and the sockets of their relayed addresses, are kept and found.
#include <algorithm>
#include <utility>

#include "base/text.h"
#include "server/turn_server.h"

namespace postern::server {

using stun::ErrorCode;

namespace {

// A RelayId is an index and how often it was given out before. 0 is none.
constexpr unsigned kIndexBits = 18;
constexpr uint32_t kIndexMask = (1U << kIndexBits) - 1;
constexpr uint32_t kGenerationMask = (1U << (32 - kIndexBits)) - 1;

constexpr RelayId make_relay_id(size_t index, uint32_t generation) {
  return (generation & kGenerationMask) << kIndexBits | static_cast<uint32_t>(index + 1);
}

// One less in a table of counts, which holds none that is 0.
template <typename Counts, typename Key>
void release(Counts& counts, const Key& key) {
  const auto found = counts.find(key);
  if (--found->second == 0) counts.erase(found);
}

}  // namespace

std::optional<uint32_t> TurnServer::number_of(const FiveTuple& tuple) const {
  const auto found = by_tuple_.find(tuple);
  if (found == by_tuple_.end()) return std::nullopt;
  return found->second;
}

Allocation* TurnServer::find(const FiveTuple& tuple) {
  const auto number = number_of(tuple);
  return number ? allocations_[*number].get() : nullptr;
}

std::optional<uint32_t> TurnServer::own(const Caller& caller, size_t& refusal) {
  const auto number = number_of(caller.tuple);
  if (!number || !allocations_[*number]->is_open) {
    refusal = refuse(caller, ErrorCode::AllocationMismatch);
    return std::nullopt;
  }
  if (!is_users(*allocations_[*number], caller)) {
    refusal = refuse(caller, ErrorCode::WrongCredentials);
    return std::nullopt;
  }
  return number;
}

// RFC 8656 section 5: all requests about an allocation are its user's. Tokens name no user, and one
// that runs out is followed by another, perhaps sealed with another key (RFC 7635 section 9): there
// it is the 5-tuple, or the ticket, by which the client is known.
bool TurnServer::is_users(const Allocation& allocation, const Caller& caller) {
  const bool has_token = caller.signature.source == KeySource::Token;
  const bool had_token = allocation.signature.source == KeySource::Token;
  return has_token == had_token && (has_token || allocation.username == caller.username);
}

// Tokens that are sealed with one key have one user name, and many users.
std::string TurnServer::account_of(const Caller& caller) {
  std::string account(caller.username);
  if (caller.signature.source == KeySource::Token) {
    account += '\0';
    account += as_text(caller.signature.key.sha1.to_bytes());
  }
  return account;
}

uint32_t TurnServer::add_allocation(const Caller& caller) {
  if (free_.empty()) {
    free_.push_back(static_cast<uint32_t>(allocations_.size()));
    allocations_.emplace_back();
  }
  const uint32_t number = free_.back();
  free_.pop_back();
  ++count_;
  allocations_[number] = std::make_unique<Allocation>();
  Allocation& allocation = *allocations_[number];
  allocation.tuple = caller.tuple;
  allocation.username = caller.username;
  allocation.signature = caller.signature;
  allocation.account = account_of(caller);
  allocation.source = source_of(caller.tuple.client);
  ++per_account_[allocation.account];
  ++per_source_[allocation.source];
  by_tuple_.emplace(caller.tuple, number);
  return number;
}

// The old 5-tuple reaches the allocation until the client has sent from the new one.
void TurnServer::set_tuple(uint32_t number, const FiveTuple& tuple) {
  Allocation& allocation = *allocations_[number];
  const FiveTuple old = std::exchange(allocation.tuple, tuple);
  if (allocation.moved_from == tuple) {
    // Back before anything was sent from where it had gone.
    allocation.moved_from.reset();
    by_tuple_.erase(old);
    return;
  }
  by_tuple_.emplace(tuple, number);
  if (allocation.moved_from) {
    by_tuple_.erase(old);
  } else {
    allocation.moved_from = old;
  }
}

void TurnServer::confirm_move(Allocation& allocation) {
  by_tuple_.erase(*allocation.moved_from);
  allocation.moved_from.reset();
}

void TurnServer::give_ticket(uint32_t number) {
  Allocation& allocation = *allocations_[number];
  drop_ticket(allocation);
  derive(Purpose::Ticket, allocation.ticket.emplace());
  by_ticket_.insert_or_assign(load_be64(allocation.ticket->data()), number);
}

void TurnServer::drop_ticket(const Allocation& allocation) {
  if (allocation.ticket) by_ticket_.erase(load_be64(allocation.ticket->data()));
}

void TurnServer::set_expiry(uint32_t number, Instant at) {
  Allocation& allocation = *allocations_[number];
  Deadline deadline{.at = allocation.expires_at, .owner = Owner::Allocation, .number = number};
  deadlines_.erase(deadline);
  allocation.expires_at = deadline.at = at;
  if (!at.is_never()) deadlines_.insert(deadline);
}

void TurnServer::tell(ServerEventKind kind, const Allocation& allocation) {
  ServerEvent event;
  event.kind = kind;
  event.relay = allocation.relayed[0].relay;
  event.protocol = allocation.protocol;
  event.tuple = allocation.tuple;
  events_.push_back(event);
}

void TurnServer::end(uint32_t number) {
  Allocation& allocation = *allocations_[number];
  set_expiry(number, Instant::never());
  drop_connections(number);
  drop_ticket(allocation);
  if (allocation.is_open) tell(ServerEventKind::Ended, allocation);
  for (const RelayedAddress& entry : allocation.relayed) {
    if (entry.relay != 0) close_relay(entry.relay);
  }
  // A port that nobody has heard of.
  if (!allocation.is_open && allocation.reserved != 0) lapse_reservation(allocation.reserved);
  by_tuple_.erase(allocation.tuple);
  if (allocation.moved_from) by_tuple_.erase(*allocation.moved_from);
  release(per_account_, allocation.account);
  release(per_source_, allocation.source);
  allocations_[number].reset();
  free_.push_back(number);
  --count_;
}

void TurnServer::end_all() {
  questions_.clear();
  for (uint32_t number = 0; number < allocations_.size(); ++number) {
    if (allocations_[number]) end(number);
  }
  while (!reservations_.empty()) lapse_reservation(reservations_.begin()->first);
}

void TurnServer::remove_link(Instant now, Link link) {
  advance(now);
  const auto found = links_.find(link);
  if (found == links_.end()) return;
  const FiveTuple tuple = {.link = link, .client = found->second.remote};
  links_.erase(found);
  if (const auto number = number_of(tuple)) leave(*number, tuple);
  leave_connection(link);
  questions_.forget(link);
}

void TurnServer::leave(uint32_t number, const FiveTuple& tuple) {
  Allocation& allocation = *allocations_[number];
  if (allocation.moved_from == tuple) {
    confirm_move(allocation);
  } else if (!allocation.ticket || !allocation.is_open) {
    // RFC 8016 section 3.2.1: with a ticket it may be taken up again from elsewhere.
    end(number);
  }
}

RelayId TurnServer::add_relay(uint32_t allocation, Relay::State state) {
  if (free_relays_.empty()) {
    if (relays_.size() == kIndexMask) return 0;
    free_relays_.push_back(static_cast<uint32_t>(relays_.size()));
    relays_.emplace_back();
  }
  const uint32_t index = free_relays_.back();
  free_relays_.pop_back();
  Relay& relay = relays_[index];
  relay.state = state;
  relay.allocation = allocation;
  relay.address = {};
  return make_relay_id(index, relay.generation);
}

TurnServer::Relay* TurnServer::find_relay(RelayId id) {
  return const_cast<Relay*>(std::as_const(*this).find_relay(id));
}

const TurnServer::Relay* TurnServer::find_relay(RelayId id) const {
  const size_t index = (id & kIndexMask) - size_t{1};
  if (id == 0 || index >= relays_.size()) return nullptr;
  const Relay& relay = relays_[index];
  const bool is_this =
      relay.state != Relay::State::Free && make_relay_id(index, relay.generation) == id;
  return is_this ? &relay : nullptr;
}

void TurnServer::close_relay(RelayId id) {
  Relay* const relay = find_relay(id);
  if (relay == nullptr) return;
  ServerEvent event;
  event.kind = ServerEventKind::CloseRelay;
  event.relay = id;
  events_.push_back(event);
  relay->state = Relay::State::Free;
  ++relay->generation;
  free_relays_.push_back((id & kIndexMask) - 1);
}

// RFC 8656 section 7.2: the port after the allocation's, for another allocation.
void TurnServer::reserve(Allocation& allocation, uint16_t port) {
  Relay* const relay = find_relay(allocation.reserved);
  relay->state = Relay::State::Reserved;
  relay->address = allocation.relayed[0].address;
  relay->address.port = port;
  derive(Purpose::Token, allocation.reservation);
  const uint64_t token = load_be64(allocation.reservation.data());
  const Instant expires_at = now_ + turn::kReservationLifetime;
  reservations_.emplace(allocation.reserved, Reservation{.token = token, .expires_at = expires_at});
  by_token_.emplace(token, allocation.reserved);
  deadlines_.insert({.at = expires_at, .owner = Owner::Reservation, .number = allocation.reserved});
}

// Its socket stays.
void TurnServer::drop_reservation(RelayId relay) {
  const auto found = reservations_.find(relay);
  if (found == reservations_.end()) return;
  by_token_.erase(found->second.token);
  deadlines_.erase({.at = found->second.expires_at, .owner = Owner::Reservation, .number = relay});
  reservations_.erase(found);
}

void TurnServer::lapse_reservation(RelayId relay) {
  drop_reservation(relay);
  close_relay(relay);
}

// Pseudo-random bytes, all different, from the secret.
void TurnServer::derive(Purpose purpose, std::span<uint8_t> out) {
  std::array<uint8_t, 9> input{};
  input[0] = static_cast<uint8_t>(purpose);
  store_be64(&input[1], derived_++);
  constexpr std::array<uint8_t, 7> kLabel = {'d', 'e', 'r', 'i', 'v', 'e', 'd'};
  const auto digest = secret_.mac(kLabel, input);
  std::copy_n(digest.begin(), out.size(), out.begin());
}

void TurnServer::put(const FiveTuple& to, Bytes answer) {
  if (const LinkInfo* const link = find_link(to.link); link != nullptr && !link->is_reliable) {
    answers_.keep(now_, to, answer);
  }
  waiting_.push_back({.to = to, .bytes = {answer.begin(), answer.end()}});
}

}  // namespace postern::server
