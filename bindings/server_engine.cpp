#include "bindings/server_engine.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include "base/text.h"
#include "bindings/client_port.h"
#include "bindings/event_payload.h"

namespace postern::bindings {

using server::Outcome;
using server::ServerEvent;
using server::ServerEventKind;

namespace {

// What any message of a client may bring into the outbox at most: itself, or an answer.
constexpr size_t kMessageRoom = padded(sizeof(ToPeerRecord) + wire::kMaxFrameBytes);
static_assert(kMessageRoom >= sizeof(TransmitRecord) + server::kMaxAnswerBytes);
static_assert(kMessageRoom <= kOutboxBytes);
constexpr size_t kAnswerRoom = sizeof(TransmitRecord) + server::kMaxAnswerBytes;
constexpr uint32_t kMinSecretBytes = 32;

template <typename Record>
void set_address(const TransportAddress& address, Record& record) {
  const Bytes raw = address.address_bytes();
  record.port = address.port;
  record.address_bytes = static_cast<uint32_t>(raw.size());
  if (!raw.empty()) std::memcpy(record.address.data(), raw.data(), raw.size());
}

// A text behind its length, as in TextsCommand.
bool take_text(Bytes& from, Bytes& out) {
  uint32_t length = 0;
  if (!take(from, length) || !take_bytes(from, length, out)) return false;
  from = from.subspan(std::min<size_t>(from.size(), padded(length) - length));
  return true;
}

bool take_prefixes(Bytes& from, uint32_t count, std::vector<server::Prefix>& out) {
  for (uint32_t i = 0; i < count; ++i) {
    Bytes text;
    if (!take_text(from, text)) return false;
    const auto prefix = server::parse_prefix(as_text(text));
    if (!prefix) return false;
    out.push_back(*prefix);
  }
  return true;
}

bool take_alternates(Bytes& from, uint32_t count, std::vector<TransportAddress>& out) {
  for (uint32_t i = 0; i < count; ++i) {
    AddressHeader header;
    TransportAddress address;
    if (!take(from, header) || !take_address(from, header.address_bytes, header.port, address)) {
      return false;
    }
    out.push_back(address);
  }
  return true;
}

bool take_string(Bytes& from, uint32_t count, std::string& out) {
  Bytes text;
  if (!take_bytes(from, count, text)) return false;
  out = std::string(as_text(text));
  return true;
}

// Everything but the secret.
server::ServerOptions options_from(const OpenServerRequest& request) {
  server::ServerOptions options;
  options.needs_authentication = request.needs_authentication != 0;
  options.asks_for_keys = request.asks_for_keys != 0;
  options.default_lifetime_seconds = request.default_lifetime_seconds;
  options.max_lifetime_seconds = request.max_lifetime_seconds;
  options.relays_ipv4 = request.relays_ipv4 != 0;
  options.relays_ipv6 = request.relays_ipv6 != 0;
  options.relays_udp = request.relays_udp != 0;
  options.relays_tcp = request.relays_tcp != 0;
  options.hides_usernames = request.hides_usernames != 0;
  options.allows_mobility = request.allows_mobility != 0;
  options.allows_response_port = request.allows_response_port != 0;
  options.limits = {
      .allocations = request.max_allocations,
      .allocations_per_user = request.max_allocations_per_user,
      .allocations_per_source = request.max_allocations_per_source,
      .peers = {.permissions = request.max_permissions, .channels = request.max_channels},
      .connections = request.max_connections};
  options.nonces.lifetime = Duration::seconds(request.nonce_lifetime_seconds);
  options.unauthenticated.per_second = request.unauthenticated_per_second;
  options.unauthenticated.burst = request.unauthenticated_burst;
  return options;
}

}  // namespace

ServerEngine::ServerEngine() = default;
ServerEngine::~ServerEngine() = default;

int32_t ServerEngine::open(double now_milliseconds, uint32_t bytes) {
  const std::span<uint8_t> arguments = std::span(inbox_).first(std::min(bytes, kInboxBytes));
  Bytes rest = arguments;
  OpenServerRequest request{};
  Bytes secret;
  Errc errc = Errc::BadRecord;
  const bool is_whole = take(rest, request) && take_bytes(rest, request.secret_bytes, secret);
  server::ServerOptions options = options_from(request);
  if (is_whole && take_string(rest, request.realm_bytes, options.realm) &&
      take_string(rest, request.software_bytes, options.software) &&
      take_string(rest, request.server_name_bytes, options.server_name) &&
      take_string(rest, request.alternate_domain_bytes, options.alternate_domain) &&
      take_alternates(rest, request.alternates, options.alternates) &&
      secret.size() >= kMinSecretBytes && options.server_name.size() <= server::kMaxServerName &&
      request.nonce_lifetime_seconds > 0 && request.unauthenticated_per_second > 0 &&
      request.unauthenticated_burst > 0) {
    errc = Errc::Ok;
    connections_.clear();
    outbox_.clear();
    is_in_stream_ = false;
    inbox_at_ = inbox_end_ = 0;
    status_ = {.next_timeout = -1, .has_more = 0, .accepted = 0};
    server_ = std::make_unique<server::TurnServer>(options, secret);
    server_->handle_timeout(Instant::from_milliseconds(now_milliseconds));
  }
  std::fill(arguments.begin(), arguments.end(), uint8_t{0});
  return failure(errc);
}

int32_t ServerEngine::command(uint32_t command, double now_milliseconds, uint32_t bytes) {
  if (server_ == nullptr) return failure(Errc::NoSuchHandle);
  if (has_more()) return failure(Errc::QueueFull);
  const std::span<uint8_t> arguments = std::span(inbox_).first(std::min(bytes, kInboxBytes));
  const int32_t result = run(static_cast<ServerCommand>(command),
                             Instant::from_milliseconds(now_milliseconds), arguments);
  std::fill(arguments.begin(), arguments.end(), uint8_t{0});
  return result;
}

int32_t ServerEngine::run(ServerCommand command, Instant now, Bytes arguments) {
  uint32_t number = 0;
  switch (command) {
    case ServerCommand::SetUser:
    case ServerCommand::RemoveUser:
    case ServerCommand::SetSecrets:
      return run_texts(command, arguments);
    case ServerCommand::SetTokenKeys:
      return set_token_keys(arguments);
    case ServerCommand::SetPolicy:
      return set_policy(arguments);
    case ServerCommand::AddLink:
      return add_link(arguments);
    case ServerCommand::RelayOpened:
    case ServerCommand::PeerAccepted:
      return run_relay(command, now, arguments);
    case ServerCommand::AnswerKey: {
      KeyCommand header;
      Bytes password;
      if (!take(arguments, header) || !take_bytes(arguments, header.password_bytes, password)) {
        return failure(Errc::BadRecord);
      }
      server_->key_answer(now, header.question, password);
      return 0;
    }
    case ServerCommand::EndAll:
      server_->end_all();
      return 0;
    default:
      return take(arguments, number) ? run_number(command, now, number) : failure(Errc::BadRecord);
  }
}

int32_t ServerEngine::run_texts(ServerCommand command, Bytes arguments) {
  TextsCommand header;
  if (!take(arguments, header)) return failure(Errc::BadRecord);
  std::vector<std::string> texts;
  for (uint32_t i = 0; i < header.count; ++i) {
    Bytes text;
    if (!take_text(arguments, text)) return failure(Errc::BadRecord);
    texts.emplace_back(as_text(text));
  }
  server::Users& users = server_->users();
  if (command == ServerCommand::SetSecrets) return failure(users.set_secrets(std::move(texts)));
  if (command == ServerCommand::SetUser && texts.size() == 2) {
    return failure(users.set_user(as_bytes(texts[0]), as_bytes(texts[1])));
  }
  if (command == ServerCommand::RemoveUser && texts.size() == 1) {
    return users.remove_user(as_bytes(texts[0])) ? 0 : failure(Errc::NoSuchHandle);
  }
  return failure(Errc::BadRecord);
}

int32_t ServerEngine::set_token_keys(Bytes arguments) {
  TextsCommand header;
  if (!take(arguments, header)) return failure(Errc::BadRecord);
  std::vector<server::TokenKey> keys;
  for (uint32_t i = 0; i < header.count; ++i) {
    TokenKeyHeader key;
    Bytes kid;
    Bytes bytes;
    if (!take(arguments, key) || !take_text(arguments, kid) || !take_text(arguments, bytes)) {
      return failure(Errc::BadRecord);
    }
    keys.push_back({.kid = std::string(as_text(kid)), .key = {bytes.begin(), bytes.end()}});
    if (key.expires_at_seconds != 0) keys.back().expires_at = key.expires_at_seconds;
  }
  return failure(server_->token_keys().set(keys));
}

int32_t ServerEngine::run_number(ServerCommand command, Instant now, uint32_t number) {
  switch (command) {
    case ServerCommand::SetDraining:
      server_->set_draining(number != 0);
      return 0;
    case ServerCommand::SetTimeOfDay:
      server_->set_time_of_day(now, number);
      return 0;
    case ServerCommand::RemoveLink:
      connections_.erase(number);
      server_->remove_link(now, number);
      return 0;
    case ServerCommand::RelayFailed:
      server_->relay_failed(now, number);
      return 0;
    case ServerCommand::PeerConnected:
      server_->peer_connected(now, number);
      return 0;
    case ServerCommand::PeerRefused:
      server_->peer_refused(now, number);
      return 0;
    case ServerCommand::PeerClosed:
      server_->peer_closed(number);
      return 0;
    default:
      return failure(Errc::BadRecord);
  }
}

int32_t ServerEngine::set_policy(Bytes arguments) {
  PolicyCommand header;
  server::PeerRules rules;
  if (!take(arguments, header)) return failure(Errc::BadRecord);
  rules.only_allowed = header.only_allowed != 0;
  if (!take_prefixes(arguments, header.allowed, rules.allowed) ||
      !take_prefixes(arguments, header.denied, rules.denied) ||
      !take_prefixes(arguments, header.nat64, rules.nat64) ||
      rules.nat64.size() > server::kMaxNat64Prefixes ||
      !std::all_of(rules.nat64.begin(), rules.nat64.end(), server::is_nat64_prefix)) {
    return failure(Errc::AttributeValue);
  }
  server_->policy() = server::PeerPolicy(std::move(rules));
  return 0;
}

int32_t ServerEngine::add_link(Bytes arguments) {
  LinkCommand header;
  server::LinkInfo info;
  if (!take(arguments, header) ||
      !take_address(arguments, header.local_bytes, header.local_port, info.local) ||
      !take_address(arguments, header.remote_bytes, header.remote_port, info.remote)) {
    return failure(Errc::BadRecord);
  }
  info.is_stream = header.is_stream != 0;
  info.is_reliable = header.is_reliable != 0;
  if (header.has_others != 0) info.others = header.others;
  server_->add_link(header.link, info);
  if (info.remote.family != Family::None) {
    connections_.erase(header.link);
    Connection& connection = connections_[header.link];
    connection.remote = info.remote;
  }
  return 0;
}

int32_t ServerEngine::run_relay(ServerCommand command, Instant now, Bytes arguments) {
  RelayCommand header;
  TransportAddress address;
  if (!take(arguments, header) ||
      !take_address(arguments, header.address_bytes, header.port, address)) {
    return failure(Errc::BadRecord);
  }
  if (command == ServerCommand::RelayOpened) {
    server_->relay_opened(now, header.relay, address);
  } else {
    status_.accepted = server_->peer_accepted(now, header.relay, address).value_or(0);
  }
  return 0;
}

uint32_t ServerEngine::process(uint32_t bytes, double now_milliseconds) {
  outbox_.clear();
  if (server_ == nullptr) return 0;
  const Instant now = Instant::from_milliseconds(now_milliseconds);
  if (!has_more()) {
    inbox_at_ = 0;
    inbox_end_ = std::min(bytes, kInboxBytes);
    input_index_ = 0;
  }
  if (server_->poll_timeout() <= now) server_->handle_timeout(now);
  const bool is_done = work_off_inbox(now) && drain();
  status_.has_more = is_done ? 0 : 1;
  const Instant next = server_->poll_timeout();
  status_.next_timeout = next.is_never() ? -1 : next.in_milliseconds();
  return outbox_.records();
}

bool ServerEngine::work_off_inbox(Instant now) {
  while (inbox_at_ < inbox_end_) {
    Bytes rest = std::span(inbox_).subspan(inbox_at_, inbox_end_ - inbox_at_);
    InputRecord record;
    Bytes payload;
    if (!take(rest, record) || !take_bytes(rest, record.bytes, payload)) {
      inbox_at_ = inbox_end_;
      return true;
    }
    Incoming incoming{
        .handle = record.handle, .index = input_index_, .address = {}, .bytes = payload};
    if (take_address(incoming.bytes, record.address_bytes, record.port, incoming.address) &&
        !handle_input(static_cast<ServerInput>(record.input), incoming, now)) {
      return false;
    }
    inbox_at_ += static_cast<uint32_t>(sizeof record) + padded(payload.size());
    ++input_index_;
  }
  return true;
}

bool ServerEngine::handle_input(ServerInput input, const Incoming& incoming, Instant now) {
  switch (input) {
    case ServerInput::Message: {
      if (incoming.address.family != Family::None) {
        return handle_message(incoming, incoming.address, now, incoming.bytes);
      }
      const auto found = connections_.find(incoming.handle);
      return found == connections_.end() ||
             handle_message(incoming, found->second.remote, now, incoming.bytes);
    }
    case ServerInput::Stream:
      return handle_stream(incoming, now);
    case ServerInput::PeerData:
      return handle_peer_data(incoming, now);
  }
  return true;
}

bool ServerEngine::handle_message(const Incoming& incoming, const TransportAddress& source,
                                  Instant now, Bytes message) {
  // The server answers in at most as much as it was sent, or in kMaxAnswerBytes.
  if (!outbox_.has_room(sizeof(ToPeerRecord) + std::max(message.size(), kAnswerRoom))) return false;
  const Outcome outcome =
      server_->handle_message(now, {.link = incoming.handle, .client = source}, message,
                              outbox_.payload_room(sizeof(TransmitRecord)));
  if (outcome.kind == Outcome::Kind::Reply) {
    write_transmit(outcome.to, outcome.bytes);
  } else if (outcome.kind == Outcome::Kind::ToPeer) {
    ToPeerRecord record{};
    record.head.handle = outcome.relay;
    record.dont_fragment = outcome.dont_fragment ? 1 : 0;
    write_data(ServerOutput::ToPeer, record, outcome.peer, outcome.data, incoming);
  }
  return true;
}

bool ServerEngine::handle_stream(const Incoming& incoming, Instant now) {
  const auto found = connections_.find(incoming.handle);
  if (found == connections_.end() || found->second.is_joined) return true;
  Connection& connection = found->second;
  if (!is_in_stream_) connection.deframer.feed(incoming.bytes);
  for (;;) {
    // Before the next frame, as events tell what becomes of the stream.
    is_in_stream_ = !drain() || !outbox_.has_room(kMessageRoom);
    if (is_in_stream_) return false;
    if (connection.is_joined) {
      const Bytes rest = incoming.bytes.last(connection.deframer.pending());
      ToPeerRecord record{};
      record.head.handle = incoming.handle;
      if (!rest.empty()) write_data(ServerOutput::Leftover, record, {}, rest, incoming);
      return true;
    }
    wire::Frame frame;
    if (connection.deframer.next(frame)) {
      if (!handle_message(incoming, connection.remote, now, frame.bytes)) return false;
    } else if (connection.deframer.room_wanted() == 0 && connection.deframer.error() == Errc::Ok) {
      return true;
    } else if (!may_go_on(connection)) {
      ++broken_streams_;
      outbox_.add(OutputHead{static_cast<uint32_t>(ServerOutput::CloseLink), incoming.handle, 0},
                  0);
      connections_.erase(found);
      return true;
    }
  }
}

bool ServerEngine::may_go_on(Connection& connection) {
  const size_t wanted = connection.deframer.room_wanted();
  if (connection.deframer.error() != Errc::Ok ||
      (wanted > kMaxStrangersFrame && !connection.has_allocation)) {
    return false;
  }
  std::vector<uint8_t> buffer(wanted);
  connection.deframer.set_buffer(buffer);
  connection.buffer = std::move(buffer);
  return true;
}

bool ServerEngine::handle_peer_data(const Incoming& incoming, Instant now) {
  if (!outbox_.has_room(sizeof(TransmitRecord) + incoming.bytes.size() +
                        server::kMaxPeerOverhead)) {
    return false;
  }
  const auto sent =
      server_->handle_peer_data(now, incoming.handle, incoming.address, incoming.bytes,
                                outbox_.payload_room(sizeof(TransmitRecord)));
  if (sent) write_transmit(sent->to, sent->bytes);
  return true;
}

bool ServerEngine::drain() {
  for (;;) {
    if (!outbox_.has_room(kAnswerRoom)) return false;
    server::FiveTuple to;
    const size_t sent = server_->poll_transmit(outbox_.payload_room(sizeof(TransmitRecord)), to);
    if (sent == 0) break;
    write_transmit(to, sent);
  }
  for (;;) {
    if (!outbox_.has_room(kMaxEventBytes<ServerEventRecord>)) return false;
    const auto event = server_->poll_event();
    if (!event) return true;
    heed(*event);
    write_event(*event);
  }
}

void ServerEngine::heed(const ServerEvent& event) {
  const bool is_join = event.kind == ServerEventKind::JoinPeer;
  const auto found = connections_.find(is_join ? event.link : event.tuple.link);
  if (found == connections_.end()) return;
  if (is_join) found->second.is_joined = true;
  if (event.kind == ServerEventKind::Allocated || event.kind == ServerEventKind::Moved) {
    found->second.has_allocation = true;
  }
}

void ServerEngine::write_transmit(const server::FiveTuple& to, size_t bytes) {
  TransmitRecord record{};
  record.head = {static_cast<uint32_t>(ServerOutput::Transmit), to.link,
                 static_cast<uint32_t>(bytes)};
  set_address(to.client, record);
  outbox_.add(record, bytes);
}

void ServerEngine::write_data(ServerOutput output, ToPeerRecord record, const TransportAddress& to,
                              Bytes data, const Incoming& incoming) {
  record.head.output = static_cast<uint32_t>(output);
  record.length = static_cast<uint32_t>(data.size());
  set_address(to, record);
  size_t payload_bytes = 0;
  if (lies_within(data, incoming.bytes)) {
    record.input = incoming.index;
    record.offset = static_cast<uint32_t>(data.data() - incoming.bytes.data());
  } else {
    record.input = kNoInput;
    payload_bytes = data.size();
    std::copy(data.begin(), data.end(), outbox_.payload_room(sizeof record).begin());
  }
  record.head.payload_bytes = static_cast<uint32_t>(payload_bytes);
  outbox_.add(record, payload_bytes);
}

void ServerEngine::write_event(const ServerEvent& event) {
  ServerEventRecord record{};
  EventPayload payload(outbox_.payload_room(sizeof record));
  record.event = static_cast<uint32_t>(event.kind);
  record.reserved = event.reserved;
  record.link = event.link != 0 ? event.link : event.tuple.link;
  record.connection = event.connection;
  record.question = event.question;
  record.family = static_cast<uint32_t>(event.family);
  record.protocol = event.protocol;
  record.port_wish = static_cast<uint32_t>(event.port);
  payload.add(event.peer, record.addresses[0]);
  payload.add(event.tuple.client, record.addresses[1]);
  const server::Allocation* const allocation = server_->allocation_of(event.relay);
  if (allocation != nullptr) {
    record.lifetime_seconds = allocation->lifetime_seconds;
    payload.add(allocation->relayed[0].address, record.addresses[2]);
    payload.add(allocation->relayed[1].address, record.addresses[3]);
    payload.add(as_bytes(allocation->username), record.text_bytes[0]);
  }
  if (event.kind == ServerEventKind::AskKey) {
    payload.add(as_bytes(server_->asked_name(event.question)), record.text_bytes[0]);
  }
  record.head = {static_cast<uint32_t>(ServerOutput::Event), event.relay, payload.size()};
  outbox_.add(record, payload.size());
}

uint32_t ServerEngine::stats() {
  if (server_ == nullptr || has_more()) return 0;
  const server::ServerStats& stats = server_->stats();
  const server::AuthenticatorStats& authenticator = server_->authenticator_stats();
  std::array<double, 32> counters{};
  const size_t count = write_counters(
      counters, server_->allocation_count(), stats.allocations_made, stats.allocations_expired,
      stats.relayed_to_peers, stats.relayed_to_peers_bytes, stats.relayed_to_clients,
      stats.relayed_to_clients_bytes, stats.malformed, stats.unexpected, stats.rate_limited,
      stats.without_allocation, stats.without_permission, stats.unknown_channel,
      stats.bad_indication, stats.stray_peer_data, stats.forbidden_peers, stats.refused,
      stats.questions_asked, stats.questions_dropped, stats.questions_lapsed,
      authenticator.accepted, authenticator.challenged, authenticator.bad_form,
      authenticator.unknown_user, authenticator.expired_user, authenticator.wrong_password,
      authenticator.stale_nonce, broken_streams_);
  std::memcpy(outbox_.whole().data(), counters.data(), count * sizeof counters[0]);
  return static_cast<uint32_t>(count);
}

}  // namespace postern::bindings
