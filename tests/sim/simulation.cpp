#include "sim/simulation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

namespace postern::sim {

using client::StunClientOptions;

namespace {

template <typename Kind>
const Kind& expect_kind(const client::Event& event) {
  static const Kind kOther{};
  const auto* const kind = std::get_if<Kind>(&event);
  EXPECT_NE(kind, nullptr) << "another kind of event: " << event.index();
  return kind == nullptr ? kOther : *kind;
}

// Moves the text out of the event, whose views are about to end.
Outcome take(Instant at, client::Event event) {
  Outcome outcome{.at = at};
  const auto move_text = [](stun::Bytes& view, std::string& text) {
    text = as_text(view);
    view = {};
  };
  if (auto* mapped = std::get_if<client::MappedAddress>(&event)) {
    move_text(mapped->software, outcome.software);
  } else if (auto* error = std::get_if<client::ErrorResponse>(&event)) {
    move_text(error->reason, outcome.reason);
    move_text(error->software, outcome.software);
    move_text(error->alternate_domain, outcome.alternate_domain);
  } else if (auto* failed = std::get_if<client::Failed>(&event)) {
    move_text(failed->reason, outcome.reason);
    move_text(failed->realm, outcome.realm);
  }
  outcome.event = event;
  return outcome;
}

}  // namespace

Script always(std::function<Message(const Request& request)> answer) {
  return [answer = std::move(answer)](const Request& request) { return Messages{answer(request)}; };
}

const client::MappedAddress& Outcome::mapped() const {
  return expect_kind<client::MappedAddress>(event);
}
const client::ErrorResponse& Outcome::error() const {
  return expect_kind<client::ErrorResponse>(event);
}
const client::Failed& Outcome::failed() const { return expect_kind<client::Failed>(event); }

StunClientOptions datagram_options() {
  StunClientOptions options;
  options.server = kServer;
  return options;
}

StunClientOptions reliable_options() {
  StunClientOptions options = datagram_options();
  options.is_reliable = true;
  return options;
}

Simulation::Simulation(const StunClientOptions& options, uint32_t seed)
    : client(options), random_(seed) {}

void Simulation::refill() {
  if (!supplies_entropy) return;
  std::array<uint8_t, EntropyPool::kCapacity> bytes{};
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random_());
  client.provide_entropy(bytes);
}

client::TransactionHandle Simulation::start(const client::BindingRequest& request) {
  refill();
  const auto handle = client.start_binding(now, request);
  EXPECT_TRUE(handle.has_value()) << code_of(handle.error());
  drain();
  return handle.value_or({});
}

void Simulation::set_credentials(client::Mechanism mechanism, std::string_view username,
                                 std::string_view password, std::string_view realm) {
  EXPECT_EQ(client.set_credentials({.mechanism = mechanism,
                                    .username = as_bytes(username),
                                    .password = as_bytes(password),
                                    .realm = as_bytes(realm)}),
            Errc::Ok);
}

void Simulation::inject(Duration delay, Message message, const TransportAddress& source) {
  under_way_.emplace(now + delay, Packet{Direction::ToClient, std::move(message), source});
}

void Simulation::send(Direction direction, const Message& message, const TransportAddress& source) {
  for (const Duration delay : route(direction, sent_[static_cast<size_t>(direction)]++)) {
    under_way_.emplace(now + delay, Packet{direction, message, source});
  }
}

void Simulation::drain() {
  std::array<uint8_t, client::kMaxRequestBytes> out{};
  while (const size_t size = client.poll_transmit(out)) {
    const Message request(out.begin(), out.begin() + static_cast<ptrdiff_t>(size));
    requests.push_back({now, request});
    send(Direction::ToServer, request, {});
  }
  while (const auto event = client.poll_event()) outcomes.push_back(take(now, *event));
}

void Simulation::deliver(const Packet& packet) {
  if (packet.direction == Direction::ToClient) {
    client.handle_datagram(now, packet.bytes, packet.source);
    return;
  }
  for (const Message& answer : server(parse(packet.bytes))) {
    send(Direction::ToClient, answer, answers_come_from);
  }
}

void Simulation::advance_to(Instant instant) {
  now = instant;
  refill();
  client.handle_timeout(now);
  // What is due has been done: the client never asks to be woken in the past.
  EXPECT_GT(client.poll_timeout(), now);
  const Instant deadline = client.poll_timeout();
  client.handle_timeout(now);
  EXPECT_EQ(client.poll_timeout(), deadline) << "a second call is a no-op";
  drain();
}

bool Simulation::step() {
  drain();
  const bool has_packet = !under_way_.empty();
  const Instant arrival = has_packet ? under_way_.begin()->first : Instant::never();
  const Instant deadline = client.poll_timeout();
  if (arrival.is_never() && deadline.is_never()) return false;
  if (deadline < arrival) {
    advance_to(deadline);
    return true;
  }
  now = arrival;
  const Packet packet = std::move(under_way_.extract(under_way_.begin()).mapped());
  deliver(packet);
  drain();
  return true;
}

void Simulation::run_until(Instant end) {
  while (true) {
    drain();
    const Instant arrival = under_way_.empty() ? Instant::never() : under_way_.begin()->first;
    if (std::min(arrival, client.poll_timeout()) > end) break;
    step();
  }
  if (now < end) advance_to(end);
}

void Simulation::run() {
  while (step()) {
  }
}

const Outcome& Simulation::only_outcome() {
  run();
  static const Outcome kNone{};
  EXPECT_EQ(outcomes.size(), 1U);
  return outcomes.empty() ? kNone : outcomes.front();
}

std::vector<double> Simulation::send_times_ms() const {
  std::vector<double> times;
  for (const SentRequest& request : requests) times.push_back(request.at.in_milliseconds());
  return times;
}

}  // namespace postern::sim
