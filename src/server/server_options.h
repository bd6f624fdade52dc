// What a TurnServer is told once, before it begins.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/transport_address.h"
#include "server/nonces.h"
#include "server/peers.h"
#include "server/source_limiter.h"

namespace postern::server {

// What the numbers of relays suffice for.
inline constexpr size_t kMostAllocations = 65536;

struct ServerLimits {
  size_t allocations = 16384;  // at most kMostAllocations
  // Quotas (486); 0: none. A user of access tokens is whoever has the same token. A source is a
  // host, or an IPv6 /64, and counts what was allocated from there, wherever it has moved since.
  size_t allocations_per_user = 0;
  size_t allocations_per_source = 0;
  PeerLimits peers{};
  // Peers' TCP connections of one allocation, in whatever state.
  size_t connections = 64;
  // Requests that wait for a password: see ServerOptions::asks_for_keys. One source has a quarter.
  size_t questions = 256;
};

struct ServerOptions {
  std::string realm = "postern";
  // Whom access tokens are for (RFC 7635 section 6.1), at most kMaxServerName; empty: the realm.
  std::string server_name{};
  std::string software{};  // told to who is authentic; empty for none
  bool needs_authentication = true;
  // The caller may know users that Users does not: their requests wait while it is asked for the
  // password (ServerEventKind::AskKey). A USERHASH says nothing then, so none is asked for.
  bool asks_for_keys = false;
  // RFC 8656 section 7.2: what the client gets that names no lifetime, and the most that any gets.
  uint32_t default_lifetime_seconds = 600;
  uint32_t max_lifetime_seconds = 3600;
  bool relays_ipv4 = true;
  bool relays_ipv6 = false;
  bool relays_udp = true;
  bool relays_tcp = true;
  // RFC 8489 section 9.2: hidden user names, where all users are known in advance.
  bool hides_usernames = false;
  bool allows_mobility = true;
  // RFC 5780: RESPONSE-PORT, which sends an answer to another port of who asks.
  bool allows_response_port = true;
  // Where clients are sent that come while the server is draining: the first of their family. None:
  // they are told 508, and look for themselves.
  std::vector<TransportAddress> alternates{};
  std::string alternate_domain{};  // the name in the alternates' certificates; empty for none
  // Whether the caller's sockets can set the DF bit (RFC 8656 section 12).
  bool can_forbid_fragments = false;
  ServerLimits limits{};
  NonceOptions nonces{};
  SourceLimits unauthenticated{};
};

}  // namespace postern::server
