// How long a mapping lives (RFC 5780 section 4.6): one socket sends and is left alone, another asks
// whether it is still reached.
#include <algorithm>

#include "client/nat/nat_discovery.h"

namespace postern::client::nat {

void NatDiscovery::end_lifetime(Reason reason) {
  LifetimeTests& tests = lifetime_tests_;
  lifetime_ = {.reason = reason, .at_least = {}, .at_most = {}};
  if (reason == Reason::None) {
    lifetime_.at_least = tests.alive;
    lifetime_.at_most = tests.surely_expired;
  }
  tests.is_over = true;
  tests.ask_at = Instant::never();
  close_socket(tests.held);
  close_socket(tests.asking);
}

// A binary search: the longest wait first, since nothing more is asked where it is not too long.
bool NatDiscovery::lifetime_is_measured() {
  LifetimeTests& tests = lifetime_tests_;
  if (tests.is_over || options_.longest_wait <= Duration{} || options_.is_reliable ||
      public_address_.family == Family::None) {
    return true;
  }
  if (tests.held == kNoSocket) {
    tests.held = open_socket();
    tests.asking = open_socket();
  }
  if (!is_settled(tests.held) || !is_settled(tests.asking)) return false;
  while (mapping_is_held(tests) && lifetime_question_is_over(tests)) {
    if (!next_wait(tests_[tests.asked])) return true;
    tests.refreshed = kNoTest;
    tests.asked = kNoTest;
  }
  return tests.is_over;
}

// Sends from the one socket, and waits. False while it does, and where nothing answers.
bool NatDiscovery::mapping_is_held(LifetimeTests& tests) {
  if (!is_over(tests.refreshed, plan(Topic::Lifetime, TestName::Before, tests.held))) return false;
  if (!is_answered(tests.refreshed)) {
    end_lifetime(frame_fault(tests.refreshed, tests.refreshed));
    return false;
  }
  if (tests.asked != kNoTest) return true;
  if (tests.ask_at.is_never()) tests.ask_at = now_ + tests.wait;
  if (now_ < tests.ask_at) return false;
  tests.ask_at = Instant::never();
  return true;
}

// From the other socket: whether an answer still comes to the first.
bool NatDiscovery::lifetime_question_is_over(LifetimeTests& tests) {
  TestPlan ask = plan(Topic::Lifetime, TestName::ResponsePort, tests.asking);
  ask.request.response_port = tests_[tests.refreshed].mapped.port;
  ask.other_socket = tests.held;
  return is_over(tests.asked, ask);
}

// How long to wait next, after what has come of the last wait. False where the search is over.
bool NatDiscovery::next_wait(const Test& asked) {
  LifetimeTests& tests = lifetime_tests_;
  const auto end = [this, &tests](Reason reason) {
    const bool rests_on_silence = reason == Reason::None && tests.expired > Duration{};
    end_lifetime(rests_on_silence && is_lossy(0) ? Reason::Lossy : reason);
    return false;
  };
  if (asked.outcome == Outcome::NotSent) return end(Reason::NotSent);
  if (asked.outcome == Outcome::Refused) return end(Reason::ResponsePortRefused);
  // Section 4.6: an answer at the other socket means that the mapping had gone, and its port was
  // given to that one.
  const bool is_alive = asked.is_answered() && asked.arrived_at == tests.held;
  if (!tests.has_response_port) {
    // The first question comes at once: its answer says what the server can do.
    if (!is_alive) {
      return end(asked.is_answered() ? Reason::ResponsePortIgnored
                                     : Reason::ResponsePortUnanswered);
    }
    tests.has_response_port = true;
    tests.wait = options_.longest_wait;
    return true;
  }
  if (tests.is_confirming) return end(is_alive ? Reason::RunsDiffer : Reason::None);
  if (is_alive) {
    tests.alive = tests.wait;
    if (tests.wait >= options_.longest_wait) return end(Reason::None);
  } else {
    tests.expired = tests.wait;
    tests.surely_expired = tests.wait + (asked.last_sent - asked.first_sent);
  }
  const Duration precision = std::max(kLifetimePrecision, options_.longest_wait / kLifetimeParts);
  if (tests.expired - tests.alive > precision) {
    tests.wait = tests.alive + (tests.expired - tests.alive) / 2;
    return true;
  }
  if (!options_.confirms) return end(Reason::None);
  tests.is_confirming = true;
  tests.wait = tests.expired;
  return true;
}

}  // namespace postern::client::nat
