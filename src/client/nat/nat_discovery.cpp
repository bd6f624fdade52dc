// Sockets, transactions and their pace. nat_answers.cpp takes what arrives, nat_schedule.cpp says
// what is asked, nat_judgement.cpp what it means.
#include "client/nat/nat_discovery.h"

#include <algorithm>

namespace postern::client::nat {

namespace {

// Ours: more than two runs and a search for a lifetime make. Beyond it a test is not sent.
constexpr size_t kMaxTests = 256;
// Ours: an answer over TCP, whose texts keep to what RFC 8489 lets a writer send.
constexpr size_t kStreamBufferBytes = 2304;

}  // namespace

NatDiscovery::NatDiscovery(const NatOptions& options)
    : options_(options), authenticator_(options.authentication) {}

void NatDiscovery::advance(Instant now) { now_ = std::max(now_, now); }

// --- Sockets

SocketId NatDiscovery::open_socket(const TransportAddress& remote, SocketId same_port_as) {
  sockets_.emplace_back();
  const auto id = static_cast<SocketId>(sockets_.size());
  if (options_.is_reliable) {
    Socket& socket = sockets_.back();
    socket.stream_buffer.resize(kStreamBufferBytes);
    socket.deframer.emplace(socket.stream_buffer);
  }
  events_.push_back({.kind = NatEvent::Kind::OpenSocket,
                     .socket = id,
                     .remote = remote,
                     .same_port_as = same_port_as,
                     .test = kNoTest});
  return id;
}

void NatDiscovery::close_socket(SocketId socket) {
  Socket* const found = find_socket(socket);
  if (found == nullptr || (found->has_failed && !found->is_open)) return;
  found->has_failed = true;
  found->is_open = false;
  events_.push_back({.kind = NatEvent::Kind::CloseSocket,
                     .socket = socket,
                     .remote = {},
                     .same_port_as = kNoSocket,
                     .test = kNoTest});
}

NatDiscovery::Socket* NatDiscovery::find_socket(SocketId socket) {
  return socket == kNoSocket || socket > sockets_.size() ? nullptr : &sockets_[socket - 1];
}

bool NatDiscovery::is_open(SocketId socket) const {
  return socket != kNoSocket && sockets_[socket - 1].is_open;
}

bool NatDiscovery::is_settled(SocketId socket) const {
  return is_open(socket) || (socket != kNoSocket && sockets_[socket - 1].has_failed);
}

void NatDiscovery::handle_opened(Instant now, SocketId socket, const TransportAddress& local) {
  advance(now);
  Socket* const found = find_socket(socket);
  if (found == nullptr || found->has_failed) return;
  found->is_open = true;
  found->local = local;
  proceed();
}

void NatDiscovery::handle_closed(Instant now, SocketId socket, bool is_local_port_taken) {
  advance(now);
  Socket* const found = find_socket(socket);
  if (found == nullptr || found->has_failed) return;
  found->is_open = false;
  found->has_failed = true;
  found->is_local_port_taken = is_local_port_taken;
  for (size_t id = 0; id < tests_.size(); ++id) {
    if (tests_[id].plan.socket != socket) continue;
    if (is_under_way(static_cast<TestId>(id))) {
      finish(static_cast<TestId>(id), Outcome::NotSent);
    }
  }
  proceed();
}

void NatDiscovery::handle_send_failure(Instant now, SocketId socket) {
  advance(now);
  for (Test& each : tests_) {
    if (each.plan.socket == socket && each.outcome == Outcome::Waiting) {
      each.has_failed_to_send = true;
    }
  }
}

// --- Tests and their transactions

TestId NatDiscovery::add_test(const TestPlan& plan) {
  const auto id = static_cast<TestId>(tests_.size());
  Test& made = tests_.emplace_back();
  made.plan = plan;
  const Socket* const socket = find_socket(plan.socket);
  if (socket != nullptr) made.local = socket->local;
  events_.push_back({.kind = NatEvent::Kind::TestStarted,
                     .socket = plan.socket,
                     .remote = {},
                     .same_port_as = kNoSocket,
                     .test = id});
  if (!is_open(plan.socket) || tests_.size() > kMaxTests) {
    finish(id, Outcome::NotSent);
  } else {
    launches_.push_back({.at = now_, .test = id, .is_second = false});
  }
  return id;
}

bool NatDiscovery::is_under_way(TestId id) const { return tests_[id].outcome == Outcome::Waiting; }

bool NatDiscovery::launch_due() {
  bool has_ended_one = false;
  while (!is_done_ && !launches_.empty() && next_launch_ <= now_) {
    const auto first =
        std::min_element(launches_.begin(), launches_.end(),
                         [](const Launch& a, const Launch& b) { return a.at < b.at; });
    if (first->at > now_) break;
    const Launch due = *first;
    if (is_under_way(due.test) && !launch(due)) break;
    if (!is_under_way(due.test)) has_ended_one = true;
    launches_.erase(std::find_if(launches_.begin(), launches_.end(), [&due](const Launch& each) {
      return each.test == due.test && each.is_second == due.is_second;
    }));
  }
  return has_ended_one;
}

// False where it has to wait.
bool NatDiscovery::launch(const Launch& launch) {
  const auto free = std::find_if(flights_.begin(), flights_.end(),
                                 [](const Flight& each) { return each.test == kNoTest; });
  if (free == flights_.end() || entropy_.available() < stun::kTransactionIdBytes) return false;
  free->test = launch.test;
  free->rounds = 0;
  if (send(*free) != Errc::Ok) {
    finish(launch.test, Outcome::NotSent);
    return true;
  }
  next_launch_ = now_ + kPace;
  if (!launch.is_second) {
    tests_[launch.test].first_sent = now_;
    if (!options_.is_reliable) {
      launches_.push_back({.at = now_ + kSecondAfter, .test = launch.test, .is_second = true});
    }
  }
  return true;
}

Errc NatDiscovery::send(Flight& flight) {
  Test& asked = tests_[flight.test];
  stun::TransactionId id;
  if (const Errc errc = entropy_.take(id); errc != Errc::Ok) return errc;
  Protection protection;
  const auto size = encode_binding_request(flight.buffer, id, asked.plan.request, software_.view(),
                                           authenticator_, protection);
  if (!size) return size.error();
  ++flight.rounds;
  flight.transaction.start(now_, id, *size, protection,
                           options_.is_reliable
                               ? RetransmissionSchedule::reliable(options_.retransmission)
                               : RetransmissionSchedule::unreliable(options_.retransmission.rto,
                                                                    options_.retransmission));
  return Errc::Ok;
}

void NatDiscovery::end_flight(Flight& flight) {
  flight.transaction.end();
  flight.test = kNoTest;
}

void NatDiscovery::finish(TestId id, Outcome outcome) {
  Test& ended = tests_[id];
  if (ended.outcome != Outcome::Waiting) return;
  ended.answered_after = now_ - ended.first_sent;
  ended.outcome =
      outcome == Outcome::Silent && ended.has_failed_to_send ? Outcome::NotSent : outcome;
  for (Flight& flight : flights_) {
    if (flight.test == id) end_flight(flight);
  }
  events_.push_back({.kind = NatEvent::Kind::TestEnded,
                     .socket = ended.plan.socket,
                     .remote = {},
                     .same_port_as = kNoSocket,
                     .test = id});
}

// --- Time

void NatDiscovery::handle_timeout(Instant now) {
  advance(now);
  for (Flight& flight : flights_) {
    if (flight.test == kNoTest) continue;
    if (flight.transaction.handle_timeout(now_) != Transaction::Tick::TimesOut) continue;
    const TestId id = flight.test;
    end_flight(flight);
    const bool has_more = std::any_of(flights_.begin(), flights_.end(),
                                      [id](const Flight& each) { return each.test == id; }) ||
                          std::any_of(launches_.begin(), launches_.end(),
                                      [id](const Launch& each) { return each.test == id; });
    if (!has_more) finish(id, Outcome::Silent);
  }
  proceed();
}

Instant NatDiscovery::poll_timeout() const {
  if (is_done_) return Instant::never();
  Instant next = lifetime_tests_.ask_at;
  bool has_room = false;
  for (const Flight& flight : flights_) {
    if (flight.test == kNoTest) has_room = true;
    next = std::min(next, flight.transaction.deadline());
  }
  if (has_room && entropy_.available() >= stun::kTransactionIdBytes) {
    for (const Launch& launch : launches_) next = std::min(next, std::max(launch.at, next_launch_));
  }
  return next;
}

// --- Output

NatTransmit NatDiscovery::poll_transmit(std::span<uint8_t> out) {
  for (Flight& flight : flights_) {
    if (flight.test == kNoTest) continue;
    const size_t size = flight.transaction.poll_transmit(out);
    if (size == 0) continue;
    Test& asked = tests_[flight.test];
    if (asked.requests_sent < asked.sent_after.size()) {
      asked.sent_after[asked.requests_sent] = now_ - asked.first_sent;
    }
    ++asked.requests_sent;
    asked.last_sent = now_;
    return {.size = size, .socket = asked.plan.socket, .to = asked.plan.to};
  }
  return {};
}

std::optional<NatEvent> NatDiscovery::poll_event() {
  if (next_event_ == events_.size()) {
    events_.clear();
    next_event_ = 0;
    return std::nullopt;
  }
  return events_[next_event_++];
}

}  // namespace postern::client::nat
