#include "server/turn_server.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "server/error_code.h"
#include "stun/message_type.h"
#include "wire/demux.h"

namespace postern::server {

using stun::AttributeType;
using stun::Class;
using stun::ErrorCode;
using stun::MessageView;
using stun::MessageWriter;
using stun::Method;

namespace {

// Ours: for each place some 400 bytes; at 1,024 requests in 40 seconds two of them meet.
constexpr size_t kAnswers = 512;

constexpr std::array<uint16_t, 1> kAccessToken = {
    static_cast<uint16_t>(AttributeType::AccessToken)};

NonceOptions nonce_options(const ServerOptions& options) {
  NonceOptions nonces = options.nonces;
  nonces.features.bits = static_cast<uint32_t>(stun::SecurityFeature::PasswordAlgorithms);
  if (options.hides_usernames && !options.asks_for_keys) {
    nonces.features.bits |= static_cast<uint32_t>(stun::SecurityFeature::UsernameAnonymity);
  }
  return nonces;
}

uint64_t seed_from(Bytes secret, std::string_view purpose) {
  const auto digest = crypto::hmac<crypto::Sha256>(secret, as_bytes(purpose));
  return load_be64(digest.data());
}

}  // namespace

TurnServer::TurnServer(const ServerOptions& options, Bytes secret)
    : options_(options),
      secret_(secret),
      users_(options.realm),
      token_keys_(options.server_name.empty() ? options.realm : options.server_name),
      nonces_(secret, nonce_options(options)),
      authenticator_(users_, token_keys_, nonces_, options.asks_for_keys),
      limiter_(options.unauthenticated, seed_from(secret, "sources")),
      questions_(options.limits.questions),
      answers_(kAnswers, seed_from(secret, "answers")),
      by_tuple_(0, TupleHash{.seed = seed_from(secret, "tuples")}),
      per_source_(0, SourceHash{.seed = seed_from(secret, "quotas")}) {
  options_.limits.allocations = std::min(options_.limits.allocations, kMostAllocations);
  derive(Purpose::Indication, indication_id_);
}

void TurnServer::set_time_of_day(Instant now, int64_t unix_seconds) {
  advance(now);
  unix_offset_seconds_ = unix_seconds - (now_ - Instant()).in_microseconds() / 1'000'000;
}

void TurnServer::add_link(Link link, const LinkInfo& info) { links_.insert_or_assign(link, info); }

int64_t TurnServer::unix_seconds() const {
  return unix_offset_seconds_ + (now_ - Instant()).in_microseconds() / 1'000'000;
}

const LinkInfo* TurnServer::find_link(Link link) const {
  const auto found = links_.find(link);
  return found == links_.end() ? nullptr : &found->second;
}

// A clock that runs backwards is held still.
void TurnServer::advance(Instant now) { now_ = std::max(now_, now); }

// --- What comes in

Outcome TurnServer::handle_message(Instant now, const FiveTuple& tuple, Bytes bytes,
                                   std::span<uint8_t> out) {
  advance(now);
  if (bytes.empty()) {
    ++stats_.malformed;
    return {};
  }
  if (wire::classify(bytes[0]) == wire::Protocol::TurnChannel) {
    return handle_channel_data(tuple, bytes);
  }
  MessageView message;
  const auto failure = MessageView::parse(bytes, {.allow_classic = true}, message);
  if (failure.errc != Errc::Ok || message.fingerprint() == stun::FingerprintState::Invalid) {
    ++stats_.malformed;
    return {};
  }
  if (message.message_class() == Class::Indication) return handle_indication(tuple, message);
  const LinkInfo* const link = find_link(tuple.link);
  const bool is_binding = message.method() == static_cast<uint16_t>(Method::Binding);
  if (message.message_class() != Class::Request || link == nullptr ||
      (message.is_classic() && !is_binding)) {
    ++stats_.unexpected;
    return {};
  }
  Caller caller{
      .now = now_, .tuple = tuple, .request = message, .out = out, .link = *link, .to = tuple};
  return handle_request(caller);
}

Outcome TurnServer::handle_request(Caller& caller) {
  const bool may_repeat = !caller.link.is_reliable && !caller.link.is_stream;
  if (may_repeat) {
    const auto known = answers_.find(caller.now, caller.tuple, caller.request);
    if (!known.empty()) {
      std::copy(known.begin(), known.end(), caller.out.begin());
      return {.kind = Outcome::Kind::Reply, .to = caller.tuple, .bytes = known.size()};
    }
  }
  const size_t bytes = answer_request(caller);
  if (bytes == 0) return {};
  if (!caller.is_authentic) {
    // Not on connections: their clients have shown that they are where they say. Nor where a
    // password was asked for, which the limiter has seen.
    const bool is_seen = !may_repeat || caller.password;
    if (!is_seen && !limiter_.may_answer(caller.now, caller.tuple.client)) {
      ++stats_.rate_limited;
      return {};
    }
  } else if (may_repeat) {
    answers_.keep(caller.now, caller.tuple, caller.out.first(bytes));
  }
  return {.kind = Outcome::Kind::Reply, .to = caller.to, .bytes = bytes};
}

size_t TurnServer::answer_request(Caller& caller) {
  const MessageView& request = caller.request;
  switch (static_cast<Method>(request.method())) {
    case Method::Binding:
      return answer_binding(caller);
    case Method::Allocate:
    case Method::Refresh:
    case Method::CreatePermission:
    case Method::ChannelBind:
    case Method::Connect:
    case Method::ConnectionBind:
      break;
    default:
      ++stats_.unexpected;
      return 0;
  }
  if (options_.needs_authentication) {
    const auto verdict = authenticator_.judge({.now = caller.now,
                                               .unix_seconds = unix_seconds(),
                                               .request = request,
                                               .tuple = caller.tuple,
                                               .known = concerned(caller),
                                               .password = caller.password});
    if (verdict.wants_key) {
      ask_key(caller, verdict.username);
      return 0;
    }
    if (verdict.error_code == code_of(ErrorCode::BadRequest)) {
      return refuse(caller, ErrorCode::BadRequest);
    }
    if (verdict.error_code == code_of(ErrorCode::UnknownAttribute)) {
      return refuse_unknown(caller, kAccessToken);
    }
    if (verdict.error_code != 0) return challenge(caller, verdict.error_code);
    caller.signature = verdict.signature;
    caller.username = verdict.username;
    caller.is_new_key = verdict.is_new_key;
  }
  caller.is_authentic = true;
  std::array<uint16_t, kMaxUnknownTold> unknown{};
  if (const size_t count = request.unknown_required(unknown); count > 0) {
    return refuse_unknown(caller, std::span(unknown).first(std::min(count, unknown.size())));
  }
  return dispatch(caller);
}

// The allocation that the request is about, if there is one.
const Allocation* TurnServer::concerned(const Caller& caller) const {
  auto number = number_of(caller.tuple);
  if (caller.request.method() == static_cast<uint16_t>(Method::ConnectionBind)) {
    const auto id = caller.request.get<AttributeType::ConnectionId>();
    const auto found = id ? connections_.find(*id) : connections_.end();
    if (found != connections_.end()) number = found->second.allocation;
  }
  return number ? allocations_[*number].get() : nullptr;
}

size_t TurnServer::dispatch(Caller& caller) {
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
    default:
      return bind_connection(caller);
  }
}

// --- Answers

MessageWriter TurnServer::begin(const Caller& caller, Class message_class) {
  const auto id = caller.request.transaction_id();
  const uint16_t type = stun::make_message_type(message_class, caller.request.method());
  if (caller.request.is_classic()) {
    return MessageWriter::classic(caller.out, type, id.first<16>());
  }
  return {caller.out, type, id.first<stun::kTransactionIdBytes>()};
}

size_t TurnServer::finish(MessageWriter& writer, const Signature* signature,
                          bool fingerprint) const {
  if (signature != nullptr) {
    // Whom the server does not know it does not tell what it is.
    if (!options_.software.empty()) {
      writer.add<AttributeType::Software>(as_bytes(options_.software));
    }
    if (options_.needs_authentication) {
      if (signature->with_sha256) {
        writer.add_integrity_sha256(signature->key);
      } else {
        writer.add_integrity(signature->key);
      }
    }
  }
  if (fingerprint) writer.add_fingerprint();
  const auto message = writer.finish();
  return message ? message->size() : 0;
}

size_t TurnServer::finish(const Caller& caller, MessageWriter& writer) const {
  const bool fingerprint = caller.request.fingerprint() == stun::FingerprintState::Valid;
  return finish(writer, caller.is_authentic ? &caller.signature : nullptr, fingerprint);
}

size_t TurnServer::challenge(const Caller& caller, uint16_t code) {
  MessageWriter writer = begin(caller, Class::Error);
  writer.add<AttributeType::ErrorCode>(error_value(code));
  authenticator_.add_challenge(writer, caller.now, caller.tuple);
  return finish(caller, writer);
}

size_t TurnServer::refuse(const Caller& caller, ErrorCode code) {
  if (caller.is_authentic) ++stats_.refused;
  MessageWriter writer = begin(caller, Class::Error);
  writer.add<AttributeType::ErrorCode>(error_value(code_of(code)));
  return finish(caller, writer);
}

size_t TurnServer::refuse_unknown(const Caller& caller, std::span<const uint16_t> types) {
  if (caller.is_authentic) ++stats_.refused;
  MessageWriter writer = begin(caller, Class::Error);
  writer.add<AttributeType::ErrorCode>(error_value(code_of(ErrorCode::UnknownAttribute)));
  std::array<uint8_t, 2 * kMaxUnknownTold> list{};
  for (size_t i = 0; i < types.size(); ++i) store_be16(&list[2 * i], types[i]);
  writer.add<AttributeType::UnknownAttributes>(Bytes(list).first(2 * types.size()));
  return finish(caller, writer);
}

// --- Time and output

void TurnServer::handle_timeout(Instant now) {
  advance(now);
  stats_.questions_lapsed += questions_.lapse(now_);
  while (!deadlines_.empty() && deadlines_.begin()->at <= now_) {
    const Deadline due = *deadlines_.begin();
    switch (due.owner) {
      case Owner::Allocation:
        ++stats_.allocations_expired;
        end(due.number);
        break;
      case Owner::Reservation:
        lapse_reservation(due.number);
        break;
      case Owner::Connection:
        lapse_connection(due.number);
        break;
    }
  }
}

Instant TurnServer::poll_timeout() const {
  const Instant first = deadlines_.empty() ? Instant::never() : deadlines_.begin()->at;
  return std::min(first, questions_.deadline());
}

size_t TurnServer::poll_transmit(std::span<uint8_t> out, FiveTuple& to) {
  if (waiting_.empty()) return 0;
  const Waiting next = std::move(waiting_.front());
  waiting_.pop_front();
  to = next.to;
  std::copy(next.bytes.begin(), next.bytes.end(), out.begin());
  return next.bytes.size();
}

std::optional<ServerEvent> TurnServer::poll_event() {
  if (events_.empty()) return std::nullopt;
  const ServerEvent event = events_.front();
  events_.pop_front();
  return event;
}

}  // namespace postern::server
