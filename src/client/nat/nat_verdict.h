// What NAT discovery finds, in the words of RFC 4787. What can't be known is unknown, with the
// reason; nothing is a guess.
#pragma once

#include <array>
#include <cstdint>

#include "base/instant.h"
#include "base/transport_address.h"

namespace postern::client::nat {

// RFC 4787 sections 4.1 and 5.
enum class Behaviour : uint8_t {
  Unknown,
  EndpointIndependent,
  AddressDependent,
  AddressAndPortDependent
};

enum class Answer : uint8_t { Unknown, No, Yes };

// Why something is unknown.
enum class Reason : uint8_t {
  None,
  NotTested,
  NoNat,                    // there is nothing to test
  NoAnswer,                 // a plain request was not answered, before or after
  NotSent,                  // this machine did not send a request
  Lossy,                    // so much is lost that silence tells nothing
  LocalPort,                // no second connection can be made from one local port
  NoOtherAddress,           // the server names none
  OtherAddressSame,         // it has the address or the port of the first
  OtherAddressSilent,       // nobody answers there
  OtherAddressRefused,      // an error came from there
  OtherAddressInside,       // it is on this side of the NAT
  ChangeRequestRefused,     // an error came
  ChangeRequestIgnored,     // the answer came from where the request went
  ChangeRequestElsewhere,   // it came from an address that was not announced
  ChangeRequestUnanswered,  // no answer came where no filter was in the way either
  MappingChanged,           // between two requests to the same address
  MappingDependent,         // silence can't be told from a filter
  PaddingRefused,           // the server does not know PADDING
  PaddingNotReturned,       // its answer was short
  PaddingUnanswered,        // it did not answer a short one either
  RequestFragmentsBlocked,  // so that answers can't be tested
  ResponsePortRefused,      // the server does not know RESPONSE-PORT
  ResponsePortIgnored,      // the answer came to where the request came from
  ResponsePortUnanswered,
  Inconsistent,  // what came fits no behaviour
  RunsDiffer     // the second run found something else
};

template <typename Value>
struct Finding {
  Value value = Value::Unknown;
  Reason reason = Reason::NotTested;  // None where the value is known
  std::array<Value, 2> of_runs{};     // where the runs differ

  [[nodiscard]] static constexpr Finding of(Value found) { return {found, Reason::None, {}}; }
  [[nodiscard]] static constexpr Finding unknown(Reason why) { return {Value::Unknown, why, {}}; }
  [[nodiscard]] constexpr bool is_known() const { return value != Value::Unknown; }
  bool operator==(const Finding&) const = default;
};

// What two runs say together: no more than they agree on.
template <typename Value>
[[nodiscard]] constexpr Finding<Value> combine(const Finding<Value>& a, const Finding<Value>& b) {
  if (a.is_known() && b.is_known() && a.value != b.value) {
    return {Value::Unknown, Reason::RunsDiffer, {a.value, b.value}};
  }
  return a.is_known() ? b : a;
}

struct Findings {
  Finding<Answer> behind_nat{};
  Finding<Behaviour> mapping{};
  Finding<Behaviour> filtering{};
  Finding<Answer> hairpinning{};
  Finding<Answer> preserves_port{};
  // Whether fragments pass.
  Finding<Answer> request_fragments{};
  Finding<Answer> answer_fragments{};
};

[[nodiscard]] constexpr Findings combine(const Findings& a, const Findings& b) {
  return {.behind_nat = combine(a.behind_nat, b.behind_nat),
          .mapping = combine(a.mapping, b.mapping),
          .filtering = combine(a.filtering, b.filtering),
          .hairpinning = combine(a.hairpinning, b.hairpinning),
          .preserves_port = combine(a.preserves_port, b.preserves_port),
          .request_fragments = combine(a.request_fragments, b.request_fragments),
          .answer_fragments = combine(a.answer_fragments, b.answer_fragments)};
}

// How long a mapping lives that nothing is sent through.
struct Lifetime {
  Reason reason = Reason::NotTested;  // None where it was measured
  Duration at_least{};                // it was alive after so long
  Duration at_most{};                 // and gone after so long; 0 where it never was
};

}  // namespace postern::client::nat
