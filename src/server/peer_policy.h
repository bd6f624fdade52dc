// PeerPolicy: to which peers a server relays. A TURN server stands inside a network and sends what
// strangers tell it to, so by default only addresses of the public Internet are peers, judged by
// each form that leads to them (RFC 8656 sections 21.1.7, 21.4).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/transport_address.h"
#include "server/prefix.h"
#include "server/special_ranges.h"

namespace postern::server {

struct PeerRules {
  // Opens special ranges, as far as they can be: see special_ranges.def.
  std::vector<Prefix> allowed{};
  // Nothing else is relayed to, for servers that only stand before others. Special ranges are as
  // they were, and so are those that can never be opened.
  bool only_allowed = false;
  // Wins over `allowed`, and also counts for IPv4 addresses inside IPv6 addresses. Each denies all
  // ports of a host: where the server listens at other addresses than it relays from, those belong
  // here, so that nobody relays to the server itself; where they are the same, its relays could not
  // reach each other any more.
  std::vector<Prefix> denied{};
  // Prefixes of the translators in the server's network (RFC 6052 section 2.2): they are open as
  // far as the IPv4 addresses behind them are. At most kMaxNat64Prefixes, each is_nat64_prefix().
  std::vector<Prefix> nat64{};
};

struct Verdict {
  enum class Reason : uint8_t { Allowed, PortZero, Special, Denied, Unlisted };
  Reason reason = Reason::Allowed;
  // Special: what the address is, or the IPv4 address in it.
  Range range = Range::Global;
  // Denied: by which of PeerRules::denied.
  size_t rule = 0;
  // It is the IPv4 address inside that is refused.
  bool is_embedded = false;

  [[nodiscard]] bool is_allowed() const { return reason == Reason::Allowed; }
};

// For messages and metrics: "allowed", "port-zero", "denied", "unlisted" (only_allowed), or the
// name of the range.
[[nodiscard]] std::string_view name_of(const Verdict& verdict);

// An address is allowed when it is not denied and is Global or opened. An IPv6 address that holds
// IPv4 addresses is allowed when it is, and each of those is:
//
//   mapped, compatible, 6to4, Teredo, 64:ff9b:1::/48   never, whatever is inside
//   NAT64 64:ff9b::/96                                 where what is inside is Global and not
//   denied:
//                                                      translators drop everything else (RFC 6052
//                                                      section 3.1), and `allowed` means addresses
//                                                      of this network, not of the translator's
//   a prefix of PeerRules::nat64                       where what is inside is allowed
//   translated, ISATAP                                 where the outer address has been opened, and
//                                                      what is inside is allowed
//
// With only_allowed each of them has to be listed: the address as it stands, unless it is of a
// prefix of PeerRules::nat64, and what is inside.
class PeerPolicy {
 public:
  PeerPolicy() = default;
  explicit PeerPolicy(PeerRules rules);

  // For what is sent to one port: channels, Send indications, connections.
  [[nodiscard]] Verdict judge(const TransportAddress& peer) const;
  // For permissions, which are for all ports and name an arbitrary one (RFC 8656 section 10.1).
  [[nodiscard]] Verdict judge_host(const TransportAddress& peer) const;

 private:
  // Without looking inside. `may_be_opened`: whether `allowed` counts.
  [[nodiscard]] Verdict judge_as_it_stands(const TransportAddress& address,
                                           bool may_be_opened) const;
  [[nodiscard]] bool is_translated(const TransportAddress& address) const;

  PeerRules rules_;
};

}  // namespace postern::server
