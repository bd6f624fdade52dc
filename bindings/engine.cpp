#include "bindings/engine.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <string_view>

namespace postern::bindings {

namespace {

using client::StunClient;

// Handles: the slot in the low bits, its generation above; both together stay positive as int32_t.
constexpr uint32_t kSlotBits = 12;
constexpr uint32_t kSlotMask = (1U << kSlotBits) - 1;
constexpr uint32_t kGenerationMask = (1U << (31 - kSlotBits)) - 1;
static_assert(Engine::kMaxClients == 1U << kSlotBits);

// Room that an event takes at most: its record, four addresses and the longest texts.
constexpr uint32_t kMaxEventBytes =
    sizeof(Engine::OutputRecord) + 4 * kMaxAddressText + 3 * stun::kMaxTextRead;

constexpr int32_t failure(Errc errc) { return -static_cast<int32_t>(errc); }

constexpr uint32_t padded(size_t bytes) { return static_cast<uint32_t>((bytes + 3) & ~size_t{3}); }

std::string_view as_text(stun::Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

template <typename T>
bool take(stun::Bytes& from, T& out) {
  if (from.size() < sizeof out) return false;
  std::memcpy(&out, from.data(), sizeof out);
  from = from.subspan(sizeof out);
  return true;
}

bool take_bytes(stun::Bytes& from, uint32_t count, stun::Bytes& out) {
  if (from.size() < count) return false;
  out = from.first(count);
  from = from.subspan(count);
  return true;
}

// Collects the payload of an event while its record is filled.
class Payload {
 public:
  explicit Payload(uint8_t* at) : start_(at), at_(at) {}

  void add(const TransportAddress& address, Engine::OutputAddress& out) {
    out.port = address.port;
    out.text_bytes = static_cast<uint32_t>(format_address(
        address, std::span<char, kMaxAddressText>(reinterpret_cast<char*>(at_), kMaxAddressText)));
    at_ += out.text_bytes;
  }
  void add(stun::Bytes text, uint32_t& out) {
    out = static_cast<uint32_t>(text.size());
    at_ = std::copy(text.begin(), text.end(), at_);
  }
  [[nodiscard]] uint32_t size() const { return static_cast<uint32_t>(at_ - start_); }

 private:
  uint8_t* start_;
  uint8_t* at_;
};

void add_unknown(const client::UnknownTypes& types, Engine::OutputRecord& record) {
  record.unknown_count = static_cast<uint32_t>(types.count);
  std::copy(types.view().begin(), types.view().end(), record.unknown.begin());
}

}  // namespace

Engine::Slot* Engine::find(uint32_t handle) {
  const uint32_t index = handle & kSlotMask;
  if (index >= slots_.size()) return nullptr;
  Slot& slot = slots_[index];
  return slot.client != nullptr && slot.generation == handle >> kSlotBits ? &slot : nullptr;
}

uint32_t Engine::handle_of(const Slot& slot) const {
  return slot.generation << kSlotBits | static_cast<uint32_t>(&slot - slots_.data());
}

void Engine::mark_ready(Slot& slot) {
  if (slot.is_ready) return;
  slot.is_ready = true;
  ready_.push_back(handle_of(slot) & kSlotMask);
}

int32_t Engine::open(uint32_t bytes) {
  const std::span<uint8_t> whole = std::span(inbox_).first(std::min(bytes, kInboxBytes));
  stun::Bytes rest = whole;
  OpenRequest request;
  stun::Bytes server;
  stun::Bytes software;
  client::Credentials credentials;
  Errc errc = Errc::BadRecord;
  client::StunClientOptions options;
  if (take(rest, request) && take_bytes(rest, request.server_bytes, server) &&
      take_bytes(rest, request.software_bytes, software) &&
      take_bytes(rest, request.username_bytes, credentials.username) &&
      take_bytes(rest, request.password_bytes, credentials.password) &&
      take_bytes(rest, request.realm_bytes, credentials.realm) &&
      request.mechanism <= static_cast<uint32_t>(client::Mechanism::LongTerm)) {
    errc = Errc::Ok;
    credentials.mechanism = static_cast<client::Mechanism>(request.mechanism);
    options.is_reliable = request.is_reliable != 0;
    options.server =
        parse_address(as_text(server), static_cast<uint16_t>(request.server_port)).value_or({});
    auto& timing = options.retransmission;
    if (request.rto_microseconds != 0)
      timing.rto = Duration::microseconds(request.rto_microseconds);
    if (request.rc != 0) timing.rc = request.rc;
    if (request.rm != 0) timing.rm = request.rm;
    if (request.ti_microseconds != 0) timing.ti = Duration::microseconds(request.ti_microseconds);
    if (request.feature_bits_from_left != 0) {
      options.authentication.challenge.feature_bits = stun::FeatureBitOrder::FromLeft;
    }
  }
  if (errc == Errc::Ok) {
    auto slot = std::find_if(slots_.begin(), slots_.end(),
                             [](const Slot& candidate) { return candidate.client == nullptr; });
    if (slot == slots_.end() && slots_.size() < kMaxClients) slot = slots_.emplace(slots_.end());
    if (slot == slots_.end()) {
      errc = Errc::TooManyClients;
    } else {
      auto made = std::unique_ptr<StunClient>(new (std::nothrow) StunClient(options));
      if (made == nullptr) errc = Errc::TooManyClients;
      if (errc == Errc::Ok) errc = made->set_software(software);
      if (errc == Errc::Ok) errc = made->set_credentials(credentials);
      if (errc == Errc::Ok) {
        slot->client = std::move(made);
        slot->generation = (slot->generation + 1) & kGenerationMask;
        slot->server = options.server;
        slot->deadline = Instant::never();
        std::fill(whole.begin(), whole.end(), uint8_t{0});
        return static_cast<int32_t>(handle_of(*slot));
      }
    }
  }
  std::fill(whole.begin(), whole.end(), uint8_t{0});
  return failure(errc);
}

void Engine::close(uint32_t handle) {
  Slot* const slot = find(handle);
  if (slot == nullptr) return;
  slot->client.reset();
  slot->deadline = Instant::never();
}

int32_t Engine::start_binding(uint32_t handle, double now_milliseconds, uint32_t bytes) {
  Slot* const slot = find(handle);
  if (slot == nullptr) return failure(Errc::NoSuchHandle);
  stun::Bytes rest = std::span(inbox_).first(std::min(bytes, kInboxBytes));
  StartRequest request;
  stun::Bytes entropy;
  if (!take(rest, request) || !take_bytes(rest, request.entropy_bytes, entropy)) {
    return failure(Errc::BadRecord);
  }
  client::BindingRequest binding{
      .fingerprint = request.fingerprint != 0,
      .change_request = {.change_ip = request.change_ip != 0,
                         .change_port = request.change_port != 0},
      .response_port = std::nullopt,
      .padding_bytes = static_cast<uint16_t>(std::min(request.padding_bytes, uint32_t{0xFFFF}))};
  if (request.response_port <= 0xFFFF) {
    binding.response_port = static_cast<uint16_t>(request.response_port);
  }
  slot->client->provide_entropy(entropy);
  const auto started =
      slot->client->start_binding(Instant::from_milliseconds(now_milliseconds), binding);
  mark_ready(*slot);
  return started ? static_cast<int32_t>(started->value & 0x7FFFFFFF) : failure(started.error());
}

int32_t Engine::send_indication(uint32_t handle, double now_milliseconds, uint32_t entropy_bytes) {
  Slot* const slot = find(handle);
  if (slot == nullptr) return failure(Errc::NoSuchHandle);
  slot->client->provide_entropy(std::span(inbox_).first(std::min(entropy_bytes, kInboxBytes)));
  const Errc errc = slot->client->send_indication(Instant::from_milliseconds(now_milliseconds));
  mark_ready(*slot);
  return failure(errc);
}

int32_t Engine::cancel(uint32_t handle, double now_milliseconds, uint32_t transaction) {
  Slot* const slot = find(handle);
  if (slot == nullptr) return failure(Errc::NoSuchHandle);
  const Errc errc = slot->client->cancel(Instant::from_milliseconds(now_milliseconds),
                                         client::TransactionHandle{transaction});
  mark_ready(*slot);
  return failure(errc);
}

void Engine::handle_input(const InputRecord& record, stun::Bytes payload, Instant now) {
  Slot* const slot = find(record.handle);
  if (slot == nullptr) return;
  StunClient& stun_client = *slot->client;
  switch (static_cast<Input>(record.input)) {
    case Input::Datagram:
      stun_client.handle_datagram(now, payload, slot->server);
      break;
    case Input::DatagramFrom: {
      stun::Bytes source;
      if (!take_bytes(payload, record.source_bytes, source)) break;
      const auto address =
          parse_address(as_text(source), static_cast<uint16_t>(record.source_port));
      stun_client.handle_datagram(now, payload, address.value_or({}));
      break;
    }
    case Input::Stream:
      stun_client.handle_stream(now, payload);
      break;
    case Input::SoftError:
      stun_client.handle_transport_error(now, client::TransportError::Soft);
      break;
    case Input::HardError:
      stun_client.handle_transport_error(now, client::TransportError::Hard);
      break;
    case Input::Closed:
      stun_client.handle_transport_closed(now);
      break;
  }
  mark_ready(*slot);
}

uint32_t Engine::process(uint32_t bytes, double now_milliseconds) {
  const Instant now = Instant::from_milliseconds(now_milliseconds);
  outbox_used_ = 0;
  outbox_records_ = 0;
  stun::Bytes rest = std::span(inbox_).first(std::min(bytes, kInboxBytes));
  InputRecord record;
  while (take(rest, record)) {
    stun::Bytes payload;
    if (!take_bytes(rest, record.bytes, payload)) break;
    rest = rest.subspan(std::min(size_t{padded(record.bytes)} - record.bytes, rest.size()));
    handle_input(record, payload, now);
  }
  for (Slot& slot : slots_) {
    if (slot.client == nullptr || slot.deadline > now) continue;
    slot.client->handle_timeout(now);
    mark_ready(slot);
  }
  size_t done = 0;
  for (; done < ready_.size(); ++done) {
    Slot& slot = slots_[ready_[done]];
    if (slot.client != nullptr) {
      if (!drain(slot)) break;
      slot.deadline = slot.client->poll_timeout();
    }
    slot.is_ready = false;
  }
  ready_.erase(ready_.begin(), ready_.begin() + static_cast<ptrdiff_t>(done));
  return outbox_records_;
}

double Engine::next_timeout() const {
  Instant next = Instant::never();
  for (const Slot& slot : slots_) {
    if (slot.client != nullptr) next = std::min(next, slot.deadline);
  }
  return next.is_never() ? -1 : next.in_milliseconds();
}

bool Engine::drain(Slot& slot) {
  const uint32_t handle = handle_of(slot);
  for (;;) {
    if (kOutboxBytes - outbox_used_ < sizeof(OutputRecord) + client::kMaxRequestBytes) return false;
    const std::span<uint8_t> room = std::span(outbox_).subspan(outbox_used_ + sizeof(OutputRecord));
    const size_t sent = slot.client->poll_transmit(room);
    if (sent == 0) break;
    OutputRecord record{};
    record.output = static_cast<uint32_t>(Output::Transmit);
    record.handle = handle;
    record.payload_bytes = static_cast<uint32_t>(sent);
    std::memcpy(&outbox_[outbox_used_], &record, sizeof record);
    outbox_used_ += static_cast<uint32_t>(sizeof record) + padded(sent);
    ++outbox_records_;
  }
  for (;;) {
    if (kOutboxBytes - outbox_used_ < padded(kMaxEventBytes)) return false;
    const auto event = slot.client->poll_event();
    if (!event) return true;
    write_event(handle, *event);
  }
}

void Engine::write_event(uint32_t handle, const client::Event& event) {
  OutputRecord record{};
  Payload payload(&outbox_[outbox_used_ + sizeof record]);
  const client::Exchange& exchange = client::exchange_of(event);
  record.handle = handle;
  record.transaction = exchange.transaction.value & 0x7FFFFFFF;
  record.requests_sent = exchange.requests_sent;
  record.round_trip_microseconds = kNoRoundTrip;
  if (exchange.round_trip) {
    record.round_trip_microseconds = static_cast<uint32_t>(
        std::clamp(exchange.round_trip->in_microseconds(), int64_t{0}, int64_t{kNoRoundTrip - 1}));
  }
  record.is_authenticated = exchange.authenticated ? 1 : 0;
  if (const auto* const mapped = std::get_if<client::MappedAddress>(&event)) {
    record.output = static_cast<uint32_t>(Output::MappedAddress);
    record.attribute = static_cast<uint32_t>(mapped->attribute);
    payload.add(mapped->address, record.addresses[0]);
    payload.add(exchange.source, record.addresses[1]);
    payload.add(mapped->response_origin, record.addresses[2]);
    payload.add(mapped->other_address, record.addresses[3]);
    payload.add(mapped->software, record.text_bytes[0]);
  } else if (const auto* const response = std::get_if<client::ErrorResponse>(&event)) {
    record.output = static_cast<uint32_t>(Output::ErrorResponse);
    record.error_code = response->code;
    record.may_redirect = response->may_redirect ? 1 : 0;
    payload.add(exchange.source, record.addresses[1]);
    payload.add(response->alternate_servers[0], record.addresses[2]);
    payload.add(response->alternate_servers[1], record.addresses[3]);
    payload.add(response->reason, record.text_bytes[0]);
    payload.add(response->software, record.text_bytes[1]);
    payload.add(response->alternate_domain, record.text_bytes[2]);
    add_unknown(response->unknown_attributes, record);
  } else if (const auto* const failed = std::get_if<client::Failed>(&event)) {
    record.output = static_cast<uint32_t>(Output::Failed);
    record.errc = static_cast<uint32_t>(failed->errc);
    record.error_code = failed->error_code;
    payload.add(exchange.source, record.addresses[1]);
    payload.add(failed->reason, record.text_bytes[0]);
    payload.add(failed->realm, record.text_bytes[1]);
    add_unknown(failed->unknown_attributes, record);
  }
  record.payload_bytes = payload.size();
  std::memcpy(&outbox_[outbox_used_], &record, sizeof record);
  outbox_used_ += static_cast<uint32_t>(sizeof record) + padded(payload.size());
  ++outbox_records_;
}

uint32_t Engine::stats(uint32_t handle) {
  Slot* const slot = find(handle);
  if (slot == nullptr) return 0;
  const client::StunClientStats& stats = slot->client->stats();
  const std::array<uint64_t, 8> counters = {
      stats.malformed, stats.unexpected,      stats.wrong_source,  stats.unknown_transaction,
      stats.late,      stats.bad_fingerprint, stats.bad_integrity, stats.ignored};
  for (size_t i = 0; i < counters.size(); ++i) {
    const auto value = static_cast<double>(counters[i]);
    std::memcpy(&outbox_[i * sizeof value], &value, sizeof value);
  }
  return counters.size();
}

}  // namespace postern::bindings
