// The mailbox between JavaScript and the server, beside what it shares with that of the clients
// (mailbox.h). js/server/layout.js mirrors this file.
#pragma once

#include <array>
#include <cstdint>

#include "bindings/mailbox.h"

namespace postern::bindings {

// --- What open() finds in the inbox. Secret (32 bytes or more), realm, software, the server's name
// for tokens and the alternates' domain follow, then so many alternates: an AddressHeader each, and
// the address.
struct OpenServerRequest {
  uint32_t secret_bytes;
  uint32_t realm_bytes;
  uint32_t software_bytes;
  uint32_t server_name_bytes;
  uint32_t alternate_domain_bytes;
  uint32_t alternates;
  uint32_t needs_authentication;
  uint32_t asks_for_keys;
  uint32_t default_lifetime_seconds;
  uint32_t max_lifetime_seconds;
  uint32_t relays_ipv4;
  uint32_t relays_ipv6;
  uint32_t relays_udp;
  uint32_t relays_tcp;
  uint32_t hides_usernames;
  uint32_t allows_mobility;
  uint32_t allows_response_port;
  uint32_t max_allocations;
  uint32_t max_allocations_per_user;
  uint32_t max_allocations_per_source;
  uint32_t max_permissions;
  uint32_t max_channels;
  uint32_t max_connections;
  uint32_t nonce_lifetime_seconds;
  uint32_t unauthenticated_per_second;
  uint32_t unauthenticated_burst;
};

struct AddressHeader {
  uint32_t port;
  uint32_t address_bytes;
};

// --- Commands: what happens seldom. Each finds its arguments at the start of the inbox.
enum class ServerCommand : uint32_t {
  SetUser,        // TextsCommand: name, password
  RemoveUser,     // TextsCommand: name
  SetSecrets,     // TextsCommand
  SetPolicy,      // PolicyCommand
  SetTokenKeys,   // TextsCommand, which counts keys: see TokenKeyHeader
  SetDraining,    // ServerNumberCommand: 0 or 1
  SetTimeOfDay,   // ServerNumberCommand: seconds since 1970
  AddLink,        // LinkCommand
  RemoveLink,     // ServerNumberCommand: the link
  RelayOpened,    // RelayCommand: the address that clients are told
  RelayFailed,    // ServerNumberCommand: the relay
  PeerConnected,  // ServerNumberCommand: the connection, as in the next two
  PeerRefused,
  PeerClosed,
  PeerAccepted,  // RelayCommand: the peer. See ServerStatus
  AnswerKey,     // KeyCommand
  EndAll
};

struct ServerNumberCommand {
  uint32_t number;
};

// So many texts follow, each behind its length as a word, padded.
struct TextsCommand {
  uint32_t count;
};

// Prefixes follow as texts, as in TextsCommand: those that are allowed, denied, and of NAT64.
struct PolicyCommand {
  uint32_t only_allowed;
  uint32_t allowed;
  uint32_t denied;
  uint32_t nat64;
};

// Of each key of SetTokenKeys; its name and the key follow as texts. 0: it does not expire.
struct TokenKeyHeader {
  uint32_t expires_at_seconds;
};

// The password follows; none: there is no such user.
struct KeyCommand {
  uint32_t question;
  uint32_t password_bytes;
};

// Its local address follows, then the remote one.
struct LinkCommand {
  uint32_t link;
  uint32_t local_port;
  uint32_t local_bytes;
  uint32_t remote_port;
  uint32_t remote_bytes;
  uint32_t is_stream;
  uint32_t is_reliable;
  uint32_t has_others;
  std::array<uint32_t, 3> others;
};

// The address follows.
struct RelayCommand {
  uint32_t relay;
  uint32_t port;
  uint32_t address_bytes;
};

// What JavaScript reads, without a call, after process() and the commands.
struct ServerStatus {
  // As in Status.
  double next_timeout;
  uint32_t has_more;
  // The connection that PeerAccepted has made; 0: the peer has no permission.
  uint32_t accepted;
};

// --- Inputs: InputRecord, whose `handle` is a link, or a relay.
enum class ServerInput : uint32_t {
  Message,  // one of a client's, from the address; from the link's own where there is none
  Stream,   // any piece of a link's
  PeerData  // a datagram of the peer at the address, for the relay
};

// --- Outputs; the heads' `handle` is a link, or a relay.
enum class ServerOutput : uint32_t {
  Transmit,   // TransmitRecord, and the message
  ToPeer,     // ToPeerRecord
  Leftover,   // ToPeerRecord: what came on a link after it was joined to a peer
  CloseLink,  // OutputHead: what comes on this stream can't be followed any more
  Event       // ServerEventRecord
};

struct TransmitRecord {
  OutputHead head;
  uint32_t port;
  uint32_t address_bytes;
  std::array<uint32_t, 4> address;  // raw bytes
};

// The data is a part of what went in, or the payload where `input` is kNoInput.
struct ToPeerRecord {
  OutputHead head;
  uint32_t input;
  uint32_t offset;
  uint32_t length;
  uint32_t dont_fragment;
  uint32_t port;
  uint32_t address_bytes;
  std::array<uint32_t, 4> address;
};

// server::ServerEvent. The texts of `addresses` and those of `text_bytes` follow.
struct ServerEventRecord {
  OutputHead head;
  uint32_t event;  // server::ServerEventKind
  uint32_t reserved;
  uint32_t link;
  uint32_t connection;
  uint32_t question;
  uint32_t family;    // 4 or 6
  uint32_t protocol;  // IP's
  uint32_t port_wish;
  uint32_t lifetime_seconds;
  std::array<OutputAddress, 4> addresses;  // peer, client, relayed addresses
  std::array<uint32_t, 1> text_bytes;      // user name; of AskKey: whose
};

}  // namespace postern::bindings
