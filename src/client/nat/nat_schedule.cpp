// Which test comes when. Each function below reads like the script of its topic: is_over() begins a
// test that was not begun, and says whether it has ended; what comes after waits for that.

#include "client/nat/nat_discovery.h"

namespace postern::client::nat {

namespace {

// The bits of a place in CHANGE-REQUEST (RFC 5780 section 7.2).
stun::kind::ChangeFlagsValue change_flags(Place place) {
  return {.change_ip = place != kPort, .change_port = place != kAddress};
}

constexpr TestName name_for(Place place, TestName name_of_port) {
  return static_cast<TestName>(static_cast<size_t>(name_of_port) + place);
}
static_assert(name_for(kAddress, TestName::OtherPort) == TestName::OtherAddress &&
              name_for(kBoth, TestName::ChangePort) == TestName::ChangeBoth &&
              name_for(kBoth, TestName::AgainPort) == TestName::AgainBoth);

}  // namespace

void NatDiscovery::start(Instant now) {
  advance(now);
  is_done_ = false;
  run_ = {.number = 1, .filtering = {}, .mapping = {}, .hairpin = {}, .fragments = {}};
  open_sockets(run_);
  proceed();
}

void NatDiscovery::proceed() {
  do {
    schedule();
  } while (launch_due());
}

void NatDiscovery::schedule() {
  while (!is_done_) {
    if (run_.number > 0) {
      const bool is_run_over = (options_.is_reliable || first_half_is_over(run_)) &&
                               mapping_is_tested(run_.mapping) &&
                               (options_.is_reliable || filter_is_opened(run_.filtering));
      if (!is_run_over) break;
      const Findings found = judge(run_);
      findings_ = run_.number == 1 ? found : combine(findings_, found);
      close_sockets(run_);
      const bool comes_again =
          run_.number == 1 && options_.confirms && public_address_.family != Family::None;
      run_ = {.number = static_cast<uint8_t>(comes_again ? 2 : 0),
              .filtering = {},
              .mapping = {},
              .hairpin = {},
              .fragments = {}};
      if (comes_again) open_sockets(run_);
      continue;
    }
    if (!lifetime_is_measured()) break;
    is_done_ = true;
    events_.push_back({});
  }
}

// --- Plans

TestPlan NatDiscovery::plan(Topic topic, TestName name, SocketId socket) const {
  TestPlan made{.topic = topic,
                .name = name,
                .run = run_.number,
                .socket = socket,
                .to = options_.server,
                .request = {},
                .other_socket = kNoSocket};
  made.request.fingerprint = options_.fingerprint;
  return made;
}

TransportAddress NatDiscovery::address_of(Place place) const {
  TransportAddress address = place == kPort ? options_.server : other_address_;
  address.port = place == kAddress ? options_.server.port : other_address_.port;
  return address;
}

TestPlan NatDiscovery::plan_for(Topic topic, Place place, TestName name_of_port,
                                SocketId socket) const {
  TestPlan made = plan(topic, name_for(place, name_of_port), socket);
  if (name_of_port == TestName::OtherPort) {
    made.to = address_of(place);
  } else {
    made.request.change_request = change_flags(place);
  }
  return made;
}

bool NatDiscovery::is_over(TestId& id, const TestPlan& plan) {
  if (id == kNoTest) id = add_test(plan);
  return !is_under_way(id);
}

void NatDiscovery::open_sockets(Run& run) {
  if (options_.is_reliable) {
    run.mapping.sockets[0] = open_socket(options_.server);
    return;
  }
  run.filtering.socket = open_socket();
  run.mapping.sockets.fill(open_socket());
  for (SocketId& socket : run.hairpin.sockets) socket = open_socket();
  run.fragments.socket = open_socket();
}

void NatDiscovery::close_sockets(const Run& run) {
  close_socket(run.filtering.socket);
  for (const SocketId socket : run.mapping.sockets) close_socket(socket);
  for (const SocketId socket : run.hairpin.sockets) close_socket(socket);
  close_socket(run.fragments.socket);
}

// --- Before anything was sent to the server's other addresses

bool NatDiscovery::first_half_is_over(Run& run) {
  // Not `&&`: they go on side by side.
  const bool filter = filter_is_tested(run.filtering);
  const bool hairpin = hairpin_is_tested(run.hairpin, run.filtering);
  const bool fragments = fragments_are_tested(run.fragments);
  return filter && hairpin && fragments;
}

// RFC 5780 section 4.4, with erratum 7971: all three places, so that what is lost shows as a
// pattern that no filter makes.
bool NatDiscovery::filter_is_tested(FilteringTests& tests) {
  const SocketId socket = tests.socket;
  if (!is_settled(socket)) return false;
  if (!is_over(tests.before, plan(Topic::Filtering, TestName::Before, socket))) return false;
  if (!is_answered(tests.before) || why_no_other() != Reason::None) return true;
  bool is_done = true;
  for (const Place place : kPlaces) {
    if (!is_over(tests.change[place],
                 plan_for(Topic::Filtering, place, TestName::ChangePort, socket))) {
      is_done = false;
    }
  }
  return is_done && is_over(tests.after, plan(Topic::Filtering, TestName::After, socket));
}

// RFC 5780 section 3.4. Each of two sockets sends to the mapped address of the other, which lets
// the other's answer through a filter, too.
bool NatDiscovery::hairpin_is_tested(HairpinTests& tests, const FilteringTests& filtering) {
  // Whether there is a NAT has to be known.
  if (filtering.before == kNoTest || is_under_way(filtering.before)) return false;
  if (!is_behind_nat(filtering.before)) return true;
  bool has_begun = true;
  for (size_t i = 0; i < tests.sockets.size(); ++i) {
    if (!is_settled(tests.sockets[i]) ||
        !is_over(tests.before[i], plan(Topic::Hairpinning, TestName::Before, tests.sockets[i]))) {
      has_begun = false;
    }
  }
  if (!has_begun) return false;
  if (!is_answered(tests.before[0]) || !is_answered(tests.before[1])) return true;
  for (const TestId id : tests.before) {
    const TransportAddress& mapped = tests_[id].mapped;
    if (mapped.family != options_.server.family || mapped.port == 0) return true;
  }
  for (size_t i = 0; i < tests.sockets.size(); ++i) {
    TestPlan across = plan(Topic::Hairpinning, TestName::Hairpin, tests.sockets[i]);
    across.to = tests_[tests.before[1 - i]].mapped;
    across.other_socket = tests.sockets[1 - i];
    static_cast<void>(is_over(tests.hairpin[i], across));
  }
  // One that arrives is enough.
  if (is_answered(tests.hairpin[0]) || is_answered(tests.hairpin[1])) {
    for (const TestId id : tests.hairpin) finish(id, Outcome::NotNeeded);
    return true;
  }
  if (is_under_way(tests.hairpin[0]) || is_under_way(tests.hairpin[1])) return false;
  bool is_done = true;
  for (size_t i = 0; i < tests.sockets.size(); ++i) {
    if (!is_over(tests.after[i], plan(Topic::Hairpinning, TestName::After, tests.sockets[i]))) {
      is_done = false;
    }
  }
  return is_done;
}

// RFC 5780 section 3.5. What has PADDING and RESPONSE-PORT is answered with an error (section 6.1),
// which is short: so requests and answers can be told apart.
bool NatDiscovery::fragments_are_tested(FragmentTests& tests) {
  const SocketId socket = tests.socket;
  if (!is_settled(socket)) return false;
  if (!is_over(tests.before, plan(Topic::Fragments, TestName::Before, socket))) return false;
  if (!is_answered(tests.before)) return true;
  TestPlan request = plan(Topic::Fragments, TestName::PaddedRequest, socket);
  request.request.padding_bytes = kPaddingBytes;
  request.request.response_port = tests_[tests.before].mapped.port;
  TestPlan briefly = plan(Topic::Fragments, TestName::PaddedBriefly, socket);
  briefly.request.padding_bytes = 4;
  TestPlan both = plan(Topic::Fragments, TestName::PaddedBoth, socket);
  both.request.padding_bytes = kPaddingBytes;
  // Not `&&`: they go on side by side.
  const bool request_is_over = is_over(tests.request, request);
  const bool briefly_is_over = is_over(tests.briefly, briefly);
  const bool both_is_over = is_over(tests.both, both);
  return request_is_over && briefly_is_over && both_is_over &&
         is_over(tests.after, plan(Topic::Fragments, TestName::After, socket));
}

// --- After that

// RFC 5780 section 4.3.
bool NatDiscovery::mapping_is_tested(MappingTests& tests) {
  if (options_.is_reliable) return mapping_is_tested_on_streams(tests);
  const SocketId socket = tests.sockets[0];
  if (!is_settled(socket)) return false;
  if (!is_over(tests.first, plan(Topic::Mapping, TestName::Before, socket))) return false;
  if (!is_answered(tests.first) || why_no_other() != Reason::None) return true;
  const bool address =
      is_over(tests.address, plan_for(Topic::Mapping, kAddress, TestName::OtherPort, socket));
  const bool both =
      is_over(tests.both, plan_for(Topic::Mapping, kBoth, TestName::OtherPort, socket));
  return address && both && is_over(tests.again, plan(Topic::Mapping, TestName::After, socket));
}

// All connections stay open to the end: a NAT may forget the mapping of one that is closed.
bool NatDiscovery::mapping_is_tested_on_streams(MappingTests& tests) {
  SocketId& first = tests.sockets[0];
  if (!is_settled(first)) return false;
  if (!is_over(tests.first, plan(Topic::Mapping, TestName::Before, first))) return false;
  if (!is_answered(tests.first) || why_no_other() != Reason::None) return true;
  for (const size_t i : {size_t{1}, size_t{2}}) {
    if (tests.sockets[i] == kNoSocket) {
      tests.sockets[i] = open_socket(address_of(i == 1 ? kAddress : kBoth), first);
    }
  }
  if (!is_settled(tests.sockets[1]) || !is_settled(tests.sockets[2])) return false;
  const bool address = is_over(
      tests.address, plan_for(Topic::Mapping, kAddress, TestName::OtherPort, tests.sockets[1]));
  const bool both =
      is_over(tests.both, plan_for(Topic::Mapping, kBoth, TestName::OtherPort, tests.sockets[2]));
  return address && both && is_over(tests.again, plan(Topic::Mapping, TestName::After, first));
}

// Sends to the places that were silent, and has them answer again: where the mapping stays the
// same, nothing is in the way any more.
bool NatDiscovery::filter_is_opened(FilteringTests& tests) {
  if (!is_answered(tests.before) || !is_answered(tests.after)) return true;
  const auto was_silent = [this, &tests](Place place) {
    const Test* const change = of(tests.change[place]);
    return change != nullptr && change->outcome == Outcome::Silent;
  };
  bool is_opened = true;
  for (const Place place : kPlaces) {
    if (was_silent(place) &&
        !is_over(tests.open[place],
                 plan_for(Topic::Filtering, place, TestName::OtherPort, tests.socket))) {
      is_opened = false;
    }
  }
  if (!is_opened) return false;
  bool is_done = true;
  for (const Place place : kPlaces) {
    if (!was_silent(place) || !is_answered(tests.open[place]) ||
        of(tests.open[place])->mapped != of(tests.before)->mapped) {
      continue;
    }
    if (!is_over(tests.again[place],
                 plan_for(Topic::Filtering, place, TestName::AgainPort, tests.socket))) {
      is_done = false;
    }
  }
  return is_done;
}

}  // namespace postern::client::nat
