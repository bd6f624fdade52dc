// Messages for tests: the addresses that everybody uses, and the answers to a Binding request.
#pragma once

#include "base/transport_address.h"
#include "sim/response_builder.h"

namespace postern::sim {

inline const TransportAddress kServer = TransportAddress::ipv4(192, 0, 2, 1, 3478);
inline const TransportAddress kStranger = TransportAddress::ipv4(198, 51, 100, 66, 3478);
inline const TransportAddress kMapped = TransportAddress::ipv4(203, 0, 113, 7, 40000);
inline const TransportAddress kForged = TransportAddress::ipv4(198, 51, 100, 99, 666);

// The message must be well-formed; the test fails if it is not.
[[nodiscard]] stun::MessageView parse(const Message& message);

// Success with XOR-MAPPED-ADDRESS, not signed.
[[nodiscard]] Message success(const Request& request, const TransportAddress& address = kMapped);

}  // namespace postern::sim
