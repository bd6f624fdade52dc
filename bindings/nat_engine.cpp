#include "bindings/nat_engine.h"

#include <algorithm>
#include <cstring>

#include "bindings/client_port.h"
#include "bindings/open_settings.h"

namespace postern::bindings {

namespace {

using client::nat::NatEvent;
using client::nat::SocketId;

// Room for one more output, whichever it is.
constexpr size_t kLongestOutput =
    std::max(sizeof(NatPlaceRecord) + client::nat::kMaxNatRequestBytes,
             sizeof(NatTestRecord) + sizeof(NatDoneRecord) + 6 * kMaxAddressText) +
    8;

template <typename Value>
NatFindingWords words_of(const client::nat::Finding<Value>& finding) {
  return {.value = static_cast<uint32_t>(finding.value),
          .reason = static_cast<uint32_t>(finding.reason),
          .of_runs = {static_cast<uint32_t>(finding.of_runs[0]),
                      static_cast<uint32_t>(finding.of_runs[1])}};
}

uint32_t in_milliseconds(Duration duration) {
  return static_cast<uint32_t>(duration.in_microseconds() / 1000);
}

}  // namespace

int32_t NatEngine::open(double now_milliseconds, uint32_t bytes, uint32_t confirms,
                        uint32_t longest_wait_milliseconds) {
  const std::span<uint8_t> request = std::span(inbox_).first(std::min(bytes, kInboxBytes));
  OpenSettings settings;
  Errc errc = discovery_ ? Errc::TooManyClients : Errc::BadRecord;
  if (errc == Errc::BadRecord && read_open_settings(request, settings)) {
    client::nat::NatOptions options;
    options.server = settings.server;
    options.is_reliable = settings.request.is_reliable != 0;
    options.confirms = confirms != 0;
    options.longest_wait = Duration::milliseconds(longest_wait_milliseconds);
    options.fingerprint = settings.request.fingerprint != 0;
    options.authentication = settings.authentication();
    options.retransmission = settings.retransmission(client::nat::kNatRetransmission);
    client::nat::NatDiscovery& discovery = discovery_.emplace(options);
    errc = discovery.set_software(settings.software);
    if (errc == Errc::Ok) errc = discovery.set_credentials(settings.credentials);
    if (errc == Errc::Ok) {
      discovery.start(Instant::from_milliseconds(now_milliseconds));
    } else {
      discovery_.reset();
    }
  }
  std::fill(request.begin(), request.end(), uint8_t{0});
  return errc == Errc::Ok ? 0 : failure(errc);
}

uint32_t NatEngine::process(uint32_t bytes, double now_milliseconds) {
  const Instant now = Instant::from_milliseconds(now_milliseconds);
  outbox_.clear();
  if (!discovery_) return 0;
  if (status_.has_more == 0) {
    inbox_at_ = 0;
    inbox_end_ = std::min(bytes, kInboxBytes);
  }
  discovery_->provide_entropy(entropy_);
  std::fill(entropy_.begin(), entropy_.end(), uint8_t{0});
  bool is_done = drain();
  while (is_done && inbox_at_ < inbox_end_) {
    Bytes rest = std::span(inbox_).subspan(inbox_at_, inbox_end_ - inbox_at_);
    InputRecord record;
    Bytes payload;
    if (!take(rest, record) || !take_bytes(rest, record.bytes, payload)) {
      inbox_at_ = inbox_end_;
      break;
    }
    handle_input(now, record, payload);
    inbox_at_ += static_cast<uint32_t>(sizeof record) + padded(payload.size());
    is_done = drain();
  }
  if (is_done) {
    discovery_->handle_timeout(now);
    is_done = drain();
  }
  status_.has_more = is_done ? 0 : 1;
  const Instant next = discovery_->poll_timeout();
  status_.next_timeout = next.is_never() ? -1 : next.in_milliseconds();
  return outbox_.records();
}

void NatEngine::handle_input(Instant now, const InputRecord& record, Bytes payload) {
  const auto socket = static_cast<SocketId>(record.handle);
  TransportAddress address;
  if (!take_address(payload, record.address_bytes, record.port, address)) return;
  switch (static_cast<NatInput>(record.input)) {
    case NatInput::Message:
      return discovery_->handle_datagram(now, socket, payload, address);
    case NatInput::Stream:
      return discovery_->handle_stream(now, socket, payload);
    case NatInput::Opened:
      return discovery_->handle_opened(now, socket, address);
    case NatInput::Closed:
      return discovery_->handle_closed(now, socket);
    case NatInput::LocalPortTaken:
      return discovery_->handle_closed(now, socket, true);
    case NatInput::SendFailed:
      return discovery_->handle_send_failure(now, socket);
  }
}

bool NatEngine::drain() {
  for (;;) {
    if (!outbox_.has_room(kLongestOutput)) return false;
    const auto event = discovery_->poll_event();
    if (!event) break;
    switch (event->kind) {
      case NatEvent::Kind::OpenSocket:
        write_place(NatOutput::OpenSocket, event->socket, event->same_port_as, event->remote, 0);
        break;
      case NatEvent::Kind::CloseSocket:
        outbox_.add(OutputHead{static_cast<uint32_t>(NatOutput::CloseSocket), event->socket, 0}, 0);
        break;
      case NatEvent::Kind::TestStarted:
      case NatEvent::Kind::TestEnded:
        write_test(event->test);
        break;
      case NatEvent::Kind::Done:
        write_done();
        break;
    }
  }
  for (;;) {
    if (!outbox_.has_room(kLongestOutput)) return false;
    const auto sent = discovery_->poll_transmit(outbox_.payload_room(sizeof(NatPlaceRecord)));
    if (sent.size == 0) return true;
    write_place(NatOutput::Transmit, sent.socket, client::nat::kNoSocket, sent.to, sent.size);
  }
}

void NatEngine::write_place(NatOutput output, SocketId socket, SocketId same_port_as,
                            const TransportAddress& place, size_t payload_bytes) {
  NatPlaceRecord record{};
  record.head = {static_cast<uint32_t>(output), socket, static_cast<uint32_t>(payload_bytes)};
  record.same_port_as = same_port_as;
  record.port = place.port;
  const Bytes raw = place.address_bytes();
  record.address_bytes = static_cast<uint32_t>(raw.size());
  if (!raw.empty()) std::memcpy(record.address.data(), raw.data(), raw.size());
  outbox_.add(record, payload_bytes);
}

void NatEngine::write_test(client::nat::TestId id) {
  const client::nat::Test& test = discovery_->test(id);
  NatTestRecord record{};
  EventPayload payload(outbox_.payload_room(sizeof record));
  record.test = id;
  record.topic = static_cast<uint32_t>(test.plan.topic);
  record.name = static_cast<uint32_t>(test.plan.name);
  record.run = test.plan.run;
  record.outcome = static_cast<uint32_t>(test.outcome);
  record.change_address = test.plan.request.change_request.change_ip ? 1 : 0;
  record.change_port = test.plan.request.change_request.change_port ? 1 : 0;
  record.response_port = test.plan.request.response_port.value_or(0);
  record.padding_bytes = test.plan.request.padding_bytes;
  record.requests_sent = test.requests_sent;
  record.round_trip_microseconds = as_round_trip(test.round_trip);
  record.arrived_at = test.arrived_at;
  record.answer_bytes = test.answer_bytes;
  record.error_code = test.error_code;
  const std::array<const TransportAddress*, 6> addresses = {
      &test.local,  &test.plan.to,         &test.mapped,
      &test.source, &test.response_origin, &test.other_address};
  for (size_t i = 0; i < addresses.size(); ++i) {
    if (addresses[i]->family != Family::None) payload.add(*addresses[i], record.addresses[i]);
  }
  record.head = {static_cast<uint32_t>(NatOutput::Test), test.plan.socket, payload.size()};
  outbox_.add(record, payload.size());
}

void NatEngine::write_done() {
  const client::nat::Findings& found = discovery_->findings();
  const client::nat::Lifetime& lifetime = discovery_->lifetime();
  NatDoneRecord record{};
  EventPayload payload(outbox_.payload_room(sizeof record));
  record.findings = {words_of(found.behind_nat),      words_of(found.mapping),
                     words_of(found.filtering),       words_of(found.hairpinning),
                     words_of(found.preserves_port),  words_of(found.request_fragments),
                     words_of(found.answer_fragments)};
  record.lifetime_reason = static_cast<uint32_t>(lifetime.reason);
  record.at_least_milliseconds = in_milliseconds(lifetime.at_least);
  record.at_most_milliseconds = in_milliseconds(lifetime.at_most);
  payload.add(discovery_->public_address(), record.addresses[0]);
  payload.add(discovery_->other_address(), record.addresses[1]);
  record.head = {static_cast<uint32_t>(NatOutput::Done), 0, payload.size()};
  outbox_.add(record, payload.size());
}

uint32_t NatEngine::stats() {
  if (!discovery_) return 0;
  const client::nat::NatStats& stats = discovery_->stats();
  std::array<double, 5> values{};
  const size_t count = write_counters(values, stats.malformed, stats.unexpected,
                                      stats.unknown_transaction, stats.wrong_source, stats.ignored);
  std::memcpy(outbox_.whole().data(), values.data(), sizeof values);
  return static_cast<uint32_t>(count);
}

}  // namespace postern::bindings
