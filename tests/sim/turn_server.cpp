#include "sim/turn_server.h"

#include <algorithm>
#include <utility>

#include "wire/demux.h"

namespace postern::sim {

using stun::AttributeType;
using stun::Class;
using stun::Method;

namespace {

// RFC 8489 section 6.3.1: as long as a request may come again.
constexpr Duration kForgetAnswers = Duration::seconds(40);
// RFC 8656 section 7.2: the dynamic ports.
constexpr uint16_t kFirstPort = 49152;

std::string_view reason_for(uint16_t code) {
  switch (code) {
#define POSTERN_ERROR_CODE(enumerator, number, reason, hint, reference) \
  case number:                                                          \
    return reason;
#include "stun/registry/error_codes.def"
#undef POSTERN_ERROR_CODE
    default:
      return "Error";
  }
}

bool carries_integrity(const Request& request) {
  return request.integrity_offset() != 0 || request.integrity_sha256_offset() != 0;
}

bool is_turn_request(const Request& request) {
  switch (static_cast<Method>(request.method())) {
    case Method::Binding:
    case Method::Allocate:
    case Method::Refresh:
    case Method::CreatePermission:
    case Method::ChannelBind:
    case Method::Connect:
    case Method::ConnectionBind:
      return true;
    default:
      return false;
  }
}

unsigned count_of(const std::map<uint16_t, unsigned>& errors, uint16_t code) {
  const auto found = errors.find(code);
  return found == errors.end() ? 0 : found->second;
}

std::vector<Outgoing> to(const FiveTuple& tuple, Messages messages) {
  std::vector<Outgoing> replies;
  for (Message& message : messages) replies.push_back({tuple, std::move(message)});
  return replies;
}

}  // namespace

TurnServer::TurnServer(TurnServerOptions given, LongTermServerOptions users)
    : options(std::move(given)), credentials(std::move(users)), next_port_(kFirstPort) {}

void TurnServer::restart() {
  allocations_.clear();
  reservations_.clear();
  answered_.clear();
  connections.clear();
  credentials.rotate_nonce();
  nonce_uses_ = 0;
}

const TurnAllocation* TurnServer::allocation_of(const FiveTuple& tuple) const {
  for (const TurnAllocation& allocation : allocations_) {
    if (allocation.is_reached_by(tuple)) return &allocation;
  }
  return nullptr;
}

TurnAllocation* TurnServer::find(const FiveTuple& tuple) {
  return const_cast<TurnAllocation*>(allocation_of(tuple));
}

TurnAllocation* TurnServer::find_relayed(const TransportAddress& relayed) {
  for (TurnAllocation& allocation : allocations_) {
    if (allocation.has_relayed(relayed)) return &allocation;
  }
  return nullptr;
}

// Everything that has lapsed by now is gone before anything else happens.
void TurnServer::advance(Instant now) {
  now_ = std::max(now_, now);
  std::erase_if(answered_, [&](const Answered& answered) { return answered.forget <= now_; });
  std::erase_if(reservations_, [&](const Reservation& held) { return held.expires <= now_; });
  std::erase_if(connections, [&](const PeerConnection& peer) { return peer.expires <= now_; });
  std::erase_if(allocations_, [&](const TurnAllocation& allocation) {
    if (now_ < allocation.expires) return false;
    drop_connections(allocation);
    ++tally.allocations_expired;
    return true;
  });
  const bool is_old =
      options.nonce_lifetime > Duration() && nonce_since_ + options.nonce_lifetime <= now_;
  const bool is_worn = options.nonce_uses > 0 && nonce_uses_ >= options.nonce_uses;
  if (!is_old && !is_worn) return;
  credentials.rotate_nonce();
  nonce_since_ = now_;
  nonce_uses_ = 0;
}

void TurnServer::handle_closed(Instant now, const FiveTuple& tuple) {
  advance(now);
  std::erase_if(connections, [&](const PeerConnection& peer) { return peer.data == tuple; });
  std::erase_if(allocations_, [&](const TurnAllocation& allocation) {
    if (allocation.tuple != tuple || !allocation.ticket.empty()) return false;
    drop_connections(allocation);
    return true;
  });
}

std::vector<Outgoing> TurnServer::handle(Instant now, stun::Bytes bytes, const FiveTuple& tuple) {
  advance(now);
  if (is_silent) return {};
  for (PeerConnection& peer : connections) {
    if (peer.data != tuple) continue;
    peer.from_client.insert(peer.from_client.end(), bytes.begin(), bytes.end());
    return {};
  }
  if (!bytes.empty() && wire::classify(bytes[0]) == wire::Protocol::TurnChannel) {
    return handle_channel_data(bytes, tuple);
  }
  Request request;
  if (Request::parse(bytes, {}, request).errc != Errc::Ok ||
      request.fingerprint() == stun::FingerprintState::Invalid) {
    ++violations.malformed;
    return {};
  }
  if (request.message_class() == Class::Indication) return handle_indication(request, tuple);
  if (request.message_class() != Class::Request || !is_turn_request(request)) {
    ++violations.unexpected;
    return {};
  }
  if (auto again = replay(request, tuple)) return to(tuple, std::move(*again));

  ++tally.requests[static_cast<Method>(request.method())];
  Caller caller{.tuple = tuple, .request = request};
  const unsigned challenges = count_of(tally.errors, 401) + count_of(tally.errors, 438);
  Messages replies = handle_request(caller);
  answered_.push_back(
      {.tuple = tuple,
       .request = Message(bytes.begin(), bytes.end()),
       .replies = replies,
       .is_challenge = count_of(tally.errors, 401) + count_of(tally.errors, 438) != challenges,
       .forget = now_ + kForgetAnswers});
  return to(tuple, std::move(replies));
}

// The same answer to the same request, byte for byte.
std::optional<Messages> TurnServer::replay(const Request& request, const FiveTuple& tuple) {
  for (const Answered& answered : answered_) {
    const auto id = stun::Bytes(answered.request).subspan(8, stun::kTransactionIdBytes);
    if (answered.tuple != tuple || !equal(id, request.transaction_id())) continue;
    if (!equal(answered.request, request.bytes())) {
      ++violations.reused_transaction_ids;
      return std::nullopt;
    }
    ++violations.retransmissions;
    if (tuple.carrier == Carrier::Stream) ++violations.retransmissions_on_stream;
    if (answered.is_challenge) ++violations.repeats_of_challenged;
    return answered.replies;
  }
  return std::nullopt;
}

Messages TurnServer::handle_request(Caller& caller) {
  const bool is_binding = caller.request.method() == static_cast<uint16_t>(Method::Binding);
  const auto planned = refusals_.find(static_cast<Method>(caller.request.method()));
  const bool is_due = planned != refusals_.end() && !planned->second.is_signed &&
                      (planned->second.at_once || carries_integrity(caller.request));
  if (is_due) return {*refuse(caller)};
  if (options.needs_authentication && !is_binding) {
    if (auto refusal = authenticate(caller)) return {std::move(*refusal)};
  }
  if (auto refusal = refuse(caller)) return {std::move(*refusal)};
  if (auto refusal = refuse_unknown(caller)) return {std::move(*refusal)};
  return dispatch(caller);
}

Messages TurnServer::dispatch(const Caller& caller) {
  switch (static_cast<Method>(caller.request.method())) {
    case Method::Allocate:
      return allocate(caller);
    case Method::Refresh:
      return refresh(caller);
    case Method::CreatePermission:
      return create_permission(caller);
    case Method::ChannelBind:
      return bind_channel(caller);
    case Method::Connect:
      return connect(caller);
    case Method::ConnectionBind:
      return bind_connection(caller);
    default: {
      ResponseBuilder builder(caller.request, Class::Success);
      builder.add<AttributeType::XorMappedAddress>(caller.tuple.client);
      ++tally.successes[Method::Binding];
      return {finish(caller, builder)};
    }
  }
}

// --- Authentication (RFC 8489 section 9.2.4).

std::optional<Message> TurnServer::authenticate(Caller& caller) {
  const Request& request = caller.request;
  const Verdict verdict = credentials.judge(request);
  const auto challenge = [&](uint16_t code) {
    ResponseBuilder builder(request, Class::Error);
    add_error(builder, code);
    credentials.add_challenge(builder);
    return finish(caller, builder);
  };
  switch (verdict) {
    case Verdict::Unsigned:
      ++violations.unsigned_requests;
      return challenge(401);
    case Verdict::BadForm:
      ++violations.bad_form;
      return refusal_of(caller, 400);
    case Verdict::UnknownUser:
      ++violations.unknown_user;
      return challenge(401);
    case Verdict::WrongIntegrity:
      ++violations.wrong_integrity;
      return challenge(401);
    case Verdict::StaleNonce:
      if (credentials.has_issued(*request.get<AttributeType::Nonce>())) {
        ++violations.stale_nonce;
      } else {
        ++violations.unknown_nonce;
      }
      if (options.signs_stale_nonce) caller.key = credentials.key_for(request);
      return challenge(438);
    case Verdict::Authentic:
      break;
  }
  ++credentials.accepted;
  ++nonce_uses_;
  caller.key = credentials.key_for(request);
  caller.username = credentials.user_of(request);
  const auto chosen = request.get<AttributeType::PasswordAlgorithm>();
  const auto md5 = static_cast<uint16_t>(stun::PasswordAlgorithm::Md5);
  for (stun::Bytes list = credentials.options.algorithms; chosen && chosen->algorithm == md5;) {
    const auto offered = stun::kind::take_algorithm(list);
    if (!offered) break;
    if (offered->algorithm == md5) continue;
    ++violations.weaker_algorithm;
    break;
  }
  return std::nullopt;
}

std::optional<Message> TurnServer::refuse(const Caller& caller) {
  const auto planned = refusals_.find(static_cast<Method>(caller.request.method()));
  if (planned == refusals_.end()) return std::nullopt;
  Refusal& refusal = planned->second;
  ResponseBuilder builder(caller.request, Class::Error);
  add_error(builder, refusal.code, refusal.reason);
  if (refusal.code == 401 || refusal.code == 438) credentials.add_challenge(builder);
  for (const TransportAddress& address : refusal.alternate_servers) {
    builder.add<AttributeType::AlternateServer>(address);
  }
  if (!refusal.alternate_domain.empty()) {
    builder.add<AttributeType::AlternateDomain>(as_bytes(refusal.alternate_domain));
  }
  if (!refusal.unknown_attributes.empty()) {
    Message types;
    for (const uint16_t type : refusal.unknown_attributes) {
      types.push_back(static_cast<uint8_t>(type >> 8));
      types.push_back(static_cast<uint8_t>(type));
    }
    builder.add<AttributeType::UnknownAttributes>(types);
  }
  if (--refusal.times == 0) refusals_.erase(planned);
  return finish(caller, builder);
}

// RFC 8489 section 6.3.1.
std::optional<Message> TurnServer::refuse_unknown(const Caller& caller) {
  constexpr size_t kMostTypes = 16;
  std::array<uint16_t, kMostTypes> unknown{};
  size_t count = std::min(caller.request.unknown_required(unknown), kMostTypes);
  for (const AttributeType type : options.not_understood) {
    if (caller.request.has(type) && count < kMostTypes)
      unknown[count++] = static_cast<uint16_t>(type);
  }
  if (count == 0) return std::nullopt;
  ++violations.unknown_required;
  Message types(2 * count);
  for (size_t i = 0; i < count; ++i) store_be16(&types[2 * i], unknown[i]);
  ResponseBuilder builder(caller.request, Class::Error);
  add_error(builder, 420);
  builder.add<AttributeType::UnknownAttributes>(types);
  return finish(caller, builder);
}

// RFC 8656 section 5: a user may touch none but the own allocations.
TurnAllocation* TurnServer::own_allocation(const Caller& caller, Messages& refusal) {
  TurnAllocation* const allocation = find(caller.tuple);
  if (allocation == nullptr) {
    ++violations.allocation_mismatch;
    refusal = {refusal_of(caller, 437)};
    return nullptr;
  }
  if (allocation->username != caller.username) {
    ++violations.wrong_credentials;
    refusal = {refusal_of(caller, 441)};
    return nullptr;
  }
  return allocation;
}

// --- Writing.

void TurnServer::add_error(ResponseBuilder& builder, uint16_t code,
                           std::optional<std::string> reason) {
  std::string text = reason ? *std::move(reason) : std::string(reason_for(code));
  if (options.pads_reasons) text.resize((text.size() + 3) / 4 * 4 + 4, '\0');
  builder.error(code, text);
  ++tally.errors[code];
}

// SOFTWARE, the integrity that the request asks for, and FINGERPRINT.
Message TurnServer::finish(const Caller& caller, ResponseBuilder& builder) {
  if (!options.software.empty()) builder.add<AttributeType::Software>(as_bytes(options.software));
  if (caller.key) {
    if (caller.request.integrity_sha256_offset() != 0) {
      builder.sign_sha256(*caller.key);
    } else {
      builder.sign_sha1(*caller.key);
    }
  }
  if (options.has_fingerprint) builder.fingerprint();
  return builder.build();
}

Message TurnServer::refusal_of(const Caller& caller, uint16_t code) {
  ResponseBuilder builder(caller.request, Class::Error);
  add_error(builder, code);
  return finish(caller, builder);
}

Message TurnServer::success(const Caller& caller) {
  ResponseBuilder builder(caller.request, Class::Success);
  ++tally.successes[static_cast<Method>(caller.request.method())];
  return finish(caller, builder);
}

Message TurnServer::next_token(size_t bytes) {
  Message token(bytes, 0xE0);
  store_be64(&token[bytes - 8], next_number_++);
  return token;
}

stun::TransactionId TurnServer::next_transaction_id() {
  const Message token = next_token(stun::kTransactionIdBytes);
  stun::TransactionId id{};
  std::copy(token.begin(), token.end(), id.begin());
  return id;
}

}  // namespace postern::sim
