#include "server/peer_policy.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace postern::server {

namespace {

auto find_in(const std::vector<Prefix>& prefixes, const TransportAddress& address) {
  return std::find_if(prefixes.begin(), prefixes.end(),
                      [&address](const Prefix& prefix) { return prefix.contains(address); });
}

}  // namespace

std::string_view name_of(const Verdict& verdict) {
  switch (verdict.reason) {
    case Verdict::Reason::Allowed:
      return "allowed";
    case Verdict::Reason::PortZero:
      return "port-zero";
    case Verdict::Reason::Denied:
      return "denied";
    case Verdict::Reason::Unlisted:
      return "unlisted";
    case Verdict::Reason::Special:
      break;
  }
  return name_of(verdict.range);
}

PeerPolicy::PeerPolicy(PeerRules rules) : rules_(std::move(rules)) {
  assert(rules_.nat64.size() <= kMaxNat64Prefixes &&
         std::all_of(rules_.nat64.begin(), rules_.nat64.end(), is_nat64_prefix));
}

Verdict PeerPolicy::judge(const TransportAddress& peer) const {
  if (peer.port == 0) return {.reason = Verdict::Reason::PortZero};
  return judge_host(peer);
}

Verdict PeerPolicy::judge_host(const TransportAddress& peer) const {
  if (const Verdict outer = judge_as_it_stands(peer, true); !outer.is_allowed()) return outer;
  const bool may_be_opened = range_of(peer) != Range::Nat64;
  for (const TransportAddress& address : embedded_ipv4(peer, rules_.nat64)) {
    Verdict inner = judge_as_it_stands(address, may_be_opened);
    inner.is_embedded = true;
    if (!inner.is_allowed()) return inner;
  }
  return {};
}

Verdict PeerPolicy::judge_as_it_stands(const TransportAddress& address, bool may_be_opened) const {
  if (const auto denied = find_in(rules_.denied, address); denied != rules_.denied.end()) {
    return {.reason = Verdict::Reason::Denied,
            .rule = static_cast<size_t>(denied - rules_.denied.begin())};
  }
  const Range range = range_of(address);
  const Relaying relaying = relaying_of(range);
  const bool is_listed = find_in(rules_.allowed, address) != rules_.allowed.end();
  const bool is_opened = relaying == Relaying::IfOpened && may_be_opened && is_listed;
  const bool is_behind = is_translated(address);
  if (relaying != Relaying::Always && !is_opened && !is_behind) {
    return {.reason = Verdict::Reason::Special, .range = range};
  }
  if (rules_.only_allowed && !is_listed && !is_behind) return {.reason = Verdict::Reason::Unlisted};
  return {};
}

bool PeerPolicy::is_translated(const TransportAddress& address) const {
  return find_in(rules_.nat64, address) != rules_.nat64.end();
}

}  // namespace postern::server
