// What the tests of a run say. Whatever does not fit together is unknown.
#include <algorithm>

#include "client/nat/nat_discovery.h"

namespace postern::client::nat {

namespace {

template <typename Value>
Finding<Value> unknown(Reason reason) {
  return Finding<Value>::unknown(reason);
}

}  // namespace

const Test* NatDiscovery::of(TestId id) const { return id == kNoTest ? nullptr : &tests_[id]; }

bool NatDiscovery::is_answered(TestId id) const {
  return id != kNoTest && tests_[id].is_answered();
}

bool NatDiscovery::is_behind_nat(TestId id) const {
  return is_answered(id) && tests_[id].mapped != tests_[id].local;
}

// Why the server's other address tells nothing; Reason::None: it may.
Reason NatDiscovery::why_no_other() const {
  const TransportAddress& other = other_address_;
  const TransportAddress& server = options_.server;
  if (other.family == Family::None || other.port == 0) return Reason::NoOtherAddress;
  if (other.family != server.family) return Reason::NoOtherAddress;
  if (other.is_same_host(server) || other.port == server.port) return Reason::OtherAddressSame;
  return Reason::None;
}

// Whether the losses of a run leave silence without a meaning. What was sent a round trip and more
// before the answer came was lost, or its answer was.
bool NatDiscovery::is_lossy(uint8_t run) const {
  const auto counts = [run](const Test& test) {
    return test.plan.run == run && test.plan.name != TestName::Hairpin &&
           (test.is_answered() || test.outcome == Outcome::Refused);
  };
  Duration round_trip = Duration::seconds(60);
  for (const Test& test : tests_) {
    if (counts(test)) round_trip = std::min(round_trip, test.answered_after);
  }
  size_t answered = 0;
  size_t lost = 0;
  for (const Test& test : tests_) {
    if (!counts(test)) continue;
    ++answered;
    const size_t known = std::min<size_t>(test.requests_sent, test.sent_after.size());
    for (size_t i = 0; i < known; ++i) {
      // Half as much again, for what takes longer at times.
      if (test.sent_after[i] + round_trip * 3 / 2 < test.answered_after) ++lost;
    }
  }
  if (lost == 0) return false;
  const double share = static_cast<double>(lost) / static_cast<double>(lost + answered);
  double all = 1;
  for (unsigned i = 0; i < 2 * options_.retransmission.rc; ++i) all *= share;
  return all > kMaxChanceOfSilence;
}

// The plain requests around a test: both answered, with the same mapped address.
Reason NatDiscovery::frame_fault(TestId before, TestId after) const {
  for (const TestId id : {before, after}) {
    const Test* const test = of(id);
    if (test != nullptr && test->outcome == Outcome::NotSent) return Reason::NotSent;
    if (test == nullptr || !test->is_answered()) return Reason::NoAnswer;
  }
  return tests_[before].mapped == tests_[after].mapped ? Reason::None : Reason::MappingChanged;
}

template <typename Use>
void NatDiscovery::for_each_first(const Run& run, Use use) const {
  for (const TestId id : {run.filtering.before, run.mapping.first, run.hairpin.before[0],
                          run.hairpin.before[1], run.fragments.before}) {
    if (is_answered(id)) use(tests_[id]);
  }
}

Findings NatDiscovery::judge(const Run& run) const {
  return {.behind_nat = judge_behind_nat(run),
          .mapping = judge_mapping(run),
          .filtering = judge_filtering(run),
          .hairpinning = judge_hairpinning(run),
          .preserves_port = judge_port(run),
          .request_fragments = judge_request_fragments(run),
          .answer_fragments = judge_answer_fragments(run)};
}

Finding<Answer> NatDiscovery::judge_behind_nat(const Run& run) const {
  size_t mapped = 0;
  size_t same = 0;
  for_each_first(run, [&](const Test& test) { ++(test.mapped == test.local ? same : mapped); });
  if (mapped + same == 0) return unknown<Answer>(Reason::NoAnswer);
  if (mapped > 0 && same > 0) return unknown<Answer>(Reason::Inconsistent);
  return Finding<Answer>::of(mapped > 0 ? Answer::Yes : Answer::No);
}

Finding<Answer> NatDiscovery::judge_port(const Run& run) const {
  size_t kept = 0;
  size_t changed = 0;
  for_each_first(
      run, [&](const Test& test) { ++(test.mapped.port == test.local.port ? kept : changed); });
  if (kept + changed == 0) return unknown<Answer>(Reason::NoAnswer);
  if (kept > 0 && changed > 0) return unknown<Answer>(Reason::Inconsistent);
  return Finding<Answer>::of(kept > 0 ? Answer::Yes : Answer::No);
}

// RFC 5780 section 4.3.
Finding<Behaviour> NatDiscovery::judge_mapping(const Run& run) const {
  const MappingTests& tests = run.mapping;
  const Test* const first = of(tests.first);
  if (first == nullptr) return unknown<Behaviour>(Reason::NoAnswer);
  if (!first->is_answered()) return unknown<Behaviour>(frame_fault(tests.first, tests.first));
  const Reason no_other = why_no_other();
  if (no_other != Reason::None) {
    // Section 4.3: who is not translated has a mapping that depends on nothing.
    return is_behind_nat(tests.first) ? unknown<Behaviour>(no_other)
                                      : Finding<Behaviour>::of(Behaviour::EndpointIndependent);
  }
  if (tests.address == kNoTest) return unknown<Behaviour>(Reason::NoOtherAddress);
  for (size_t i = 1; i < tests.sockets.size(); ++i) {
    const SocketId socket = tests.sockets[i];
    if (socket != kNoSocket && sockets_[socket - 1].is_local_port_taken) {
      return unknown<Behaviour>(Reason::LocalPort);
    }
  }
  for (const TestId id : {tests.address, tests.both}) {
    const Test& test = tests_[id];
    if (test.outcome == Outcome::Refused) return unknown<Behaviour>(Reason::OtherAddressRefused);
    if (test.outcome == Outcome::NotSent) {
      // Over TCP: nobody took the connection.
      return unknown<Behaviour>(options_.is_reliable ? Reason::OtherAddressSilent
                                                     : Reason::NotSent);
    }
    if (!test.is_answered()) return unknown<Behaviour>(Reason::OtherAddressSilent);
    // Where the way there is not translated, it is no way through the NAT.
    if (test.mapped == test.local && first->mapped != first->local) {
      return unknown<Behaviour>(Reason::OtherAddressInside);
    }
  }
  const Reason fault = frame_fault(tests.first, tests.again);
  if (fault != Reason::None) return unknown<Behaviour>(fault);
  const bool is_first_address = tests_[tests.address].mapped == first->mapped;
  const bool is_first_both = tests_[tests.both].mapped == first->mapped;
  const bool is_same_there = tests_[tests.both].mapped == tests_[tests.address].mapped;
  if (is_first_address && is_first_both) {
    return Finding<Behaviour>::of(Behaviour::EndpointIndependent);
  }
  if (is_first_address || is_first_both) return unknown<Behaviour>(Reason::Inconsistent);
  return Finding<Behaviour>::of(is_same_there ? Behaviour::AddressDependent
                                              : Behaviour::AddressAndPortDependent);
}

// What forbids to judge by a CHANGE-REQUEST test; silence is not among it.
Reason NatDiscovery::change_fault(TestId id, Place place) const {
  const Test& test = tests_[id];
  switch (test.outcome) {
    case Outcome::Refused:
      return Reason::ChangeRequestRefused;
    case Outcome::NotSent:
      return Reason::NotSent;
    case Outcome::Answered:
      if (test.source == options_.server) return Reason::ChangeRequestIgnored;
      return test.source == address_of(place) ? Reason::None : Reason::ChangeRequestElsewhere;
    case Outcome::Waiting:
    case Outcome::Silent:
    case Outcome::NotNeeded:
      break;
  }
  return Reason::None;
}

// Why the silence of a place may be the server's and not the filter's.
Reason NatDiscovery::silence_fault(const Run& run, Place place) const {
  if (is_lossy(run.number)) return Reason::Lossy;
  const FilteringTests& tests = run.filtering;
  const Test* const open = of(tests.open[place]);
  if (open == nullptr || open->outcome == Outcome::Silent) {
    // Routers that answer themselves what nobody has asked for let nothing out to where it came
    // from. Then the place has to have answered another socket, to which it had sent nothing.
    return is_answered(place == kAddress ? run.mapping.address : run.mapping.both)
               ? Reason::None
               : Reason::OtherAddressSilent;
  }
  if (open->outcome == Outcome::Refused) return Reason::OtherAddressRefused;
  if (open->outcome == Outcome::NotSent) return Reason::NotSent;
  const Test* const again = of(tests.again[place]);
  // Sent there, it got another mapping: then the filter of the first one can't be opened.
  if (again == nullptr) return Reason::None;
  const Reason fault = change_fault(tests.again[place], place);
  if (fault != Reason::None) return fault;
  return again->is_answered() ? Reason::None : Reason::ChangeRequestUnanswered;
}

// RFC 5780 section 4.4.
Finding<Behaviour> NatDiscovery::judge_filtering(const Run& run) const {
  const FilteringTests& tests = run.filtering;
  if (!is_answered(tests.before)) {
    return unknown<Behaviour>(frame_fault(tests.before, tests.before));
  }
  const Reason no_other = why_no_other();
  if (no_other != Reason::None) return unknown<Behaviour>(no_other);
  // It was named too late.
  if (tests.change[kPort] == kNoTest) return unknown<Behaviour>(Reason::NoOtherAddress);
  for (const Place place : kPlaces) {
    const Reason fault = change_fault(tests.change[place], place);
    if (fault != Reason::None) return unknown<Behaviour>(fault);
  }
  const Reason frame = frame_fault(tests.before, tests.after);
  if (frame != Reason::None) return unknown<Behaviour>(frame);
  for (const Place place : {kBoth, kAddress, kPort}) {
    if (is_answered(tests.change[place])) continue;
    const Reason fault = silence_fault(run, place);
    if (fault != Reason::None) return unknown<Behaviour>(fault);
  }
  const bool port = is_answered(tests.change[kPort]);
  const bool address = is_answered(tests.change[kAddress]);
  const bool both = is_answered(tests.change[kBoth]);
  if (port && address && both) return Finding<Behaviour>::of(Behaviour::EndpointIndependent);
  if (address || both) return unknown<Behaviour>(Reason::Inconsistent);
  return Finding<Behaviour>::of(port ? Behaviour::AddressDependent
                                     : Behaviour::AddressAndPortDependent);
}

Finding<Answer> NatDiscovery::judge_hairpinning(const Run& run) const {
  const HairpinTests& tests = run.hairpin;
  if (is_answered(tests.hairpin[0]) || is_answered(tests.hairpin[1])) {
    return Finding<Answer>::of(Answer::Yes);
  }
  if (is_answered(run.filtering.before) && !is_behind_nat(run.filtering.before)) {
    return unknown<Answer>(Reason::NoNat);
  }
  if (!is_answered(tests.before[0]) || !is_answered(tests.before[1])) {
    return unknown<Answer>(Reason::NoAnswer);
  }
  // The mapped address is one that this machine has no way to: of another family (NAT64), or none.
  if (tests.hairpin[0] == kNoTest) return unknown<Answer>(Reason::NotSent);
  for (size_t i = 0; i < tests.sockets.size(); ++i) {
    if (tests_[tests.hairpin[i]].outcome == Outcome::NotSent) {
      return unknown<Answer>(Reason::NotSent);
    }
    const Reason fault = frame_fault(tests.before[i], tests.after[i]);
    if (fault != Reason::None) return unknown<Answer>(fault);
  }
  if (is_lossy(run.number)) return unknown<Answer>(Reason::Lossy);
  // What the one socket sent to the other's mapped address has opened its own filter only where
  // both have one mapping for all.
  const Finding<Behaviour> mapping = judge_mapping(run);
  if (!mapping.is_known()) return unknown<Answer>(mapping.reason);
  return mapping.value == Behaviour::EndpointIndependent
             ? Finding<Answer>::of(Answer::No)
             : unknown<Answer>(Reason::MappingDependent);
}

Finding<Answer> NatDiscovery::judge_request_fragments(const Run& run) const {
  const FragmentTests& tests = run.fragments;
  const Test* const request = of(tests.request);
  if (request == nullptr) return unknown<Answer>(frame_fault(tests.before, tests.before));
  // Whatever the answer is, the request has arrived; so has the other long one.
  for (const TestId id : {tests.request, tests.both}) {
    if (is_answered(id) || tests_[id].outcome == Outcome::Refused) {
      return Finding<Answer>::of(Answer::Yes);
    }
  }
  if (request->outcome == Outcome::NotSent) return unknown<Answer>(Reason::NotSent);
  const Reason fault = frame_fault(tests.before, tests.after);
  if (fault != Reason::None) return unknown<Answer>(fault);
  if (is_lossy(run.number)) return unknown<Answer>(Reason::Lossy);
  // A server that leaves every request with PADDING unanswered tells nothing.
  if (tests_[tests.briefly].outcome == Outcome::Silent) {
    return unknown<Answer>(Reason::PaddingUnanswered);
  }
  return Finding<Answer>::of(Answer::No);
}

Finding<Answer> NatDiscovery::judge_answer_fragments(const Run& run) const {
  const FragmentTests& tests = run.fragments;
  const Finding<Answer> request = judge_request_fragments(run);
  if (!request.is_known()) return request;
  const Test& both = tests_[tests.both];
  if (both.is_answered()) {
    return both.answer_bytes > kUnfragmentedBytes ? Finding<Answer>::of(Answer::Yes)
                                                  : unknown<Answer>(Reason::PaddingNotReturned);
  }
  if (both.outcome == Outcome::Refused) return unknown<Answer>(Reason::PaddingRefused);
  if (request.value == Answer::No) return unknown<Answer>(Reason::RequestFragmentsBlocked);
  if (both.outcome == Outcome::NotSent) return unknown<Answer>(Reason::NotSent);
  const Reason fault = frame_fault(tests.before, tests.after);
  if (fault != Reason::None) return unknown<Answer>(fault);
  if (is_lossy(run.number)) return unknown<Answer>(Reason::Lossy);
  return is_answered(tests.briefly) ? Finding<Answer>::of(Answer::No)
                                    : unknown<Answer>(Reason::PaddingUnanswered);
}

}  // namespace postern::client::nat
