// Screening: which messages of a client a gateway passes on to a TURN server, and to which peers.
// It reads and never writes: credentials and integrity stay between client and server. So it also
// protects a server that is set up to relay anywhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "server/peer_policy.h"
#include "stun/registry.h"

namespace postern::server {

// One bit for each method, by its number. Every method of TURN is below 32.
using MethodSet = uint32_t;

[[nodiscard]] constexpr MethodSet set_of(stun::Method method) {
  const auto number = static_cast<unsigned>(method);
  return number < 32 ? MethodSet{1} << number : 0;
}

// What a client of RFC 8656 sends. Those of RFC 6062 are left out: a bound connection carries bytes
// that nobody can screen any more.
inline constexpr MethodSet kTurnMethods =
    set_of(stun::Method::Binding) | set_of(stun::Method::Allocate) | set_of(stun::Method::Refresh) |
    set_of(stun::Method::Send) | set_of(stun::Method::CreatePermission) |
    set_of(stun::Method::ChannelBind);

struct ScreeningRules {
  PeerRules peers{};
  MethodSet methods = kTurnMethods;
};

enum class Ruling : uint8_t {
  Control,    // a request or an indication without data
  Data,       // ChannelData, or a Send indication: nothing authenticates them
  Malformed,  // neither a STUN message nor ChannelData, or more or less than one
  Method,     // a method that is not in the set, or a class that clients do not send
  Attribute,  // an attribute that makes some servers send to an address that is no peer's
  Peer        // a peer that is not allowed
};

struct Screened {
  Ruling ruling = Ruling::Malformed;
  // Control, Data: the message without the padding of ChannelData, which is the medium's.
  size_t content_bytes = 0;
  bool is_request = false;  // the server will answer it
  // Peer: why not.
  Verdict verdict{};
};

// A message that a server sends to its client.
struct Reply {
  enum class Type : uint8_t {
    Malformed,
    Control,
    Data,       // ChannelData, or a Data indication
    Allocated,  // the server holds an allocation for this 5-tuple, for `lifetime` from now on
    Error       // an error response
  };
  Type type = Type::Malformed;
  size_t content_bytes = 0;
  uint32_t lifetime = 0;    // seconds
  uint16_t error_code = 0;  // Error: 0 where it has none that can be read
};

// ChannelData by its first four bytes, which is all that there is to screen of it: no peer is named
// in it, and a channel was bound by a request that was screened. 0 when it is none, or of another
// length than `bytes`; otherwise its length without padding, of which 3 bytes at most may be there
// (RFC 8656 section 12.5).
[[nodiscard]] size_t channel_data_bytes(const uint8_t* head, size_t bytes);

class Screening {
 public:
  explicit Screening(ScreeningRules rules);

  // One message, as a whole. Each XOR-PEER-ADDRESS is judged, also a second one, and one that
  // stands behind the integrity: which of them counts is for the server to choose.
  [[nodiscard]] Screened screen(std::span<const uint8_t> message) const;

  // A peer of any port, or of all ports (see PeerPolicy).
  [[nodiscard]] Verdict judge(const TransportAddress& peer) const { return policy_.judge(peer); }
  [[nodiscard]] Verdict judge_host(const TransportAddress& peer) const {
    return policy_.judge_host(peer);
  }

 private:
  [[nodiscard]] Screened screen_stun(std::span<const uint8_t> message) const;

  PeerPolicy policy_;
  MethodSet methods_;
};

// The server is trusted; what is read here is what a gateway has to know of it.
[[nodiscard]] Reply read_reply(std::span<const uint8_t> message);

}  // namespace postern::server
