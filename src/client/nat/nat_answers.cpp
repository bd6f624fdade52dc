// What arrives at the sockets: whose answer it is, and whether it counts.
#include <algorithm>

#include "client/nat/nat_discovery.h"
#include "client/response.h"
#include "stun/message_view.h"

namespace postern::client::nat {

namespace {

using stun::Bytes;
using stun::MessageView;

// Ours: as in BindingExchange, one 401 and a few 438.
constexpr unsigned kMaxRounds = 5;

}  // namespace

NatDiscovery::Flight* NatDiscovery::find_flight(Bytes transaction_id) {
  const auto found = std::find_if(flights_.begin(), flights_.end(), [&](const Flight& flight) {
    const stun::TransactionId& id = flight.transaction.id();
    return flight.test != kNoTest &&
           std::equal(id.begin(), id.end(), transaction_id.begin(), transaction_id.end());
  });
  return found == flights_.end() ? nullptr : &*found;
}

void NatDiscovery::handle_datagram(Instant now, SocketId socket, Bytes bytes,
                                   const TransportAddress& source) {
  advance(now);
  if (is_open(socket)) handle_message(socket, bytes, source);
  proceed();
}

void NatDiscovery::handle_stream(Instant now, SocketId socket, Bytes bytes) {
  advance(now);
  Socket* const found = find_socket(socket);
  if (found == nullptr || !found->is_open || !found->deframer) return;
  wire::StreamDeframer& deframer = *found->deframer;
  deframer.feed(bytes);
  for (wire::Frame frame; deframer.next(frame);) handle_message(socket, frame.bytes, {});
  // What is no STUN is no answer: the test ends by its timeout.
  if (deframer.error() != Errc::Ok) ++stats_.malformed;
  proceed();
}

void NatDiscovery::handle_message(SocketId socket, Bytes bytes, const TransportAddress& source) {
  MessageView message;
  if (MessageView::parse(bytes, {}, message).errc != Errc::Ok) {
    ++stats_.malformed;
    return;
  }
  Flight* const flight = find_flight(message.transaction_id());
  if (flight == nullptr) {
    ++stats_.unknown_transaction;
    return;
  }
  const TestPlan& plan = tests_[flight->test].plan;
  const bool is_request = message.is(stun::Class::Request, stun::Method::Binding);
  if (is_request != (plan.name == TestName::Hairpin) ||
      (!is_request && !message.is(stun::Class::Success, stun::Method::Binding) &&
       !message.is(stun::Class::Error, stun::Method::Binding))) {
    ++stats_.unexpected;
  } else if (is_request) {
    // It has come back to this machine, by whichever way.
    if (socket != plan.other_socket) {
      ++stats_.unexpected;
      return;
    }
    Test& ended = tests_[flight->test];
    ended.arrived_at = socket;
    ended.source = source;
    ended.round_trip = flight->transaction.round_trip(now_);
    finish(flight->test, Outcome::Answered);
  } else {
    handle_answer(*flight, message, socket, source);
  }
}

void NatDiscovery::handle_answer(Flight& flight, const MessageView& message, SocketId socket,
                                 const TransportAddress& source) {
  const TestId id = flight.test;
  Test& asked = tests_[id];
  const bool may_come_from_elsewhere =
      asked.plan.request.change_request != stun::kind::ChangeFlagsValue{};
  const bool is_there = socket == asked.plan.socket ||
                        (asked.plan.other_socket != kNoSocket && socket == asked.plan.other_socket);
  if (!is_there || (!options_.is_reliable && !may_come_from_elsewhere && source != asked.plan.to)) {
    ++stats_.wrong_source;
    return;
  }
  if (message.fingerprint() == stun::FingerprintState::Invalid) {
    ++stats_.ignored;
    return;
  }
  const Response response =
      classify_response(message, flight.transaction.protection(), authenticator_);
  switch (response.kind) {
    case Response::Kind::Ignored:
    case Response::Kind::Unprotected:
      ++stats_.ignored;
      return;
    case Response::Kind::Challenge:
      if (flight.rounds < kMaxRounds &&
          authenticator_.answer_challenge(message, response.error_code,
                                          flight.transaction.protection()) == Errc::Ok &&
          send(flight) == Errc::Ok) {
        return;
      }
      break;
    case Response::Kind::Success:
    case Response::Kind::Error:
    case Response::Kind::Unusable:
      break;
  }
  asked.arrived_at = socket;
  asked.answer_bytes = static_cast<uint32_t>(message.bytes().size());
  asked.source = options_.is_reliable ? asked.plan.to : source;
  asked.round_trip = flight.transaction.round_trip(now_);
  asked.error_code = response.error_code;
  MappedAddress answer;
  if (response.kind != Response::Kind::Success ||
      read_mapped_address(message, TextStore({}), answer) != Errc::Ok) {
    return finish(id, Outcome::Refused);
  }
  if (response.judgement == Judgement::Authenticated) authenticator_.learn_from(message);
  asked.mapped = answer.address;
  asked.response_origin = answer.response_origin;
  asked.other_address = answer.other_address;
  if (public_address_.family == Family::None) public_address_ = answer.address;
  if (other_address_.family == Family::None) other_address_ = answer.other_address;
  finish(id, Outcome::Answered);
}

}  // namespace postern::client::nat
