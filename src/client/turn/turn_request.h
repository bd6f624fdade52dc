// The requests of TURN as bytes: laying down their attributes (RFC 8656 sections 7.1, 8.1, 10.1,
// 12.1; RFC 6062 section 5; RFC 8016 section 3). No state, no time.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/result.h"
#include "client/authenticator.h"
#include "client/transaction.h"
#include "client/turn/allocation.h"
#include "stun/message_writer.h"

namespace postern::client {

// Ours.
inline constexpr size_t kMaxPeersPerRequest = 16;
// Room for the longest request: SOFTWARE and what CreatePermission or Refresh has of its own.
inline constexpr size_t kMaxTurnMethodBytes =
    attribute_bytes(kMaxSoftwareBytes) +
    std::max(kMaxPeersPerRequest * attribute_bytes(16 + 4),
             attribute_bytes(4) + attribute_bytes(kMaxTicketBytes));
inline constexpr size_t kMaxTurnRequestBytes =
    kMaxFrameworkBytes + attribute_bytes(kMaxAccessTokenBytes) + kMaxTurnMethodBytes;

// Drafts of RFC 8656 had these numbers for ADDITIONAL-ADDRESS-FAMILY and ADDRESS-ERROR-CODE, and
// servers still do. Both are comprehension-optional: whoever knows one leaves out the other.
inline constexpr uint16_t kDraftAdditionalAddressFamily = 0x8032;
inline constexpr uint16_t kDraftAddressErrorCode = 0x8033;

// What all requests share.
struct RequestFrame {
  std::span<uint8_t> buffer;
  const stun::TransactionId& id;
  stun::Bytes software;
  const Authenticator& authenticator;
  bool fingerprint = false;
};

struct EncodedRequest {
  size_t bytes = 0;
  Protection protection;
};

// Errc::MessageTooLong where it does not fit.
[[nodiscard]] Errc encode_allocate(const RequestFrame& frame, const AllocateRequest& request,
                                   EncodedRequest& out);
// `lifetime_seconds`: nothing leaves it to the server. `ticket`: to move; empty otherwise.
[[nodiscard]] Errc encode_refresh(const RequestFrame& frame,
                                  std::optional<uint32_t> lifetime_seconds, stun::Bytes ticket,
                                  EncodedRequest& out);
[[nodiscard]] Errc encode_create_permission(const RequestFrame& frame,
                                            std::span<const TransportAddress> peers,
                                            EncodedRequest& out);
[[nodiscard]] Errc encode_channel_bind(const RequestFrame& frame, uint16_t channel,
                                       const TransportAddress& peer, EncodedRequest& out);
[[nodiscard]] Errc encode_connect(const RequestFrame& frame, const TransportAddress& peer,
                                  EncodedRequest& out);
[[nodiscard]] Errc encode_connection_bind(const RequestFrame& frame, uint32_t connection_id,
                                          EncodedRequest& out);

// Errc::Ok and `out` filled from a success response to Allocate, or what it lacks.
[[nodiscard]] Errc read_allocation(const stun::MessageView& response,
                                   const AllocateRequest& request, Allocation& out);

}  // namespace postern::client
