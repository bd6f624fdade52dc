#include "client/turn/turn_request.h"

#include <algorithm>

namespace postern::client {

namespace {

using stun::AttributeType;
using stun::MessageView;
using stun::MessageWriter;
using stun::Method;

// The message that `add_attributes` fills, signed.
template <typename AddAttributes>
Errc encode(const RequestFrame& frame, Method method, EncodedRequest& out,
            AddAttributes add_attributes) {
  MessageWriter writer(frame.buffer, stun::Class::Request, method, frame.id);
  if (!frame.software.empty()) writer.add<AttributeType::Software>(frame.software);
  add_attributes(writer);
  out.protection = frame.authenticator.sign(writer);
  if (frame.fingerprint) writer.add_fingerprint();
  const auto message = writer.finish();
  if (!message) return message.error();
  out.bytes = message->size();
  return Errc::Ok;
}

void add_families(MessageWriter& writer, const AllocateRequest& request) {
  if (request.both_families) {
    // RFC 8656 section 7.1: IPv4 comes without being asked for.
    writer.add<AttributeType::AdditionalAddressFamily>(Family::IPv6);
    writer.add_value<stun::kind::AddressFamily>(kDraftAdditionalAddressFamily, Family::IPv6);
  } else if (request.family != Family::None) {
    writer.add<AttributeType::RequestedAddressFamily>(request.family);
  }
}

// Some servers write 0.0.0.0:0 for the address that they could not give.
TransportAddress usable(const Result<TransportAddress>& address) {
  return address && address->port != 0 ? *address : TransportAddress{};
}

void read_refused_family(const MessageView& response, Allocation& out) {
  auto error = response.get<AttributeType::AddressErrorCode>();
  if (!error) {
    const stun::AttributeView old = response.find(kDraftAddressErrorCode);
    if (old.offset == 0) return;
    error = stun::kind::FamilyErrorReason::read(old.value, response.cookie_and_id());
  }
  if (!error) return;
  out.refused_family = error->family;
  out.refused_code = error->error.code;
}

}  // namespace

Errc encode_allocate(const RequestFrame& frame, const AllocateRequest& request,
                     EncodedRequest& out) {
  return encode(frame, Method::Allocate, out, [&request](MessageWriter& writer) {
    writer.add<AttributeType::RequestedTransport>(request.transport);
    if (request.lifetime_seconds != 0) {
      writer.add<AttributeType::Lifetime>(request.lifetime_seconds);
    }
    if (request.dont_fragment) writer.add<AttributeType::DontFragment>(true);
    // Section 7.1: a reserved port has its family, and is as even or odd as it is.
    if (request.token) {
      writer.add<AttributeType::ReservationToken>(*request.token);
    } else {
      add_families(writer, request);
      if (request.even_port != EvenPort::Any) {
        writer.add<AttributeType::EvenPort>(request.even_port == EvenPort::Reserve);
      }
    }
    // RFC 8016 section 3.1.1: an empty one asks for a ticket.
    if (request.mobility) writer.add<AttributeType::MobilityTicket>({});
  });
}

Errc encode_refresh(const RequestFrame& frame, std::optional<uint32_t> lifetime_seconds,
                    stun::Bytes ticket, EncodedRequest& out) {
  return encode(frame, Method::Refresh, out, [&](MessageWriter& writer) {
    if (lifetime_seconds) writer.add<AttributeType::Lifetime>(*lifetime_seconds);
    if (!ticket.empty()) writer.add<AttributeType::MobilityTicket>(ticket);
  });
}

Errc encode_create_permission(const RequestFrame& frame, std::span<const TransportAddress> peers,
                              EncodedRequest& out) {
  return encode(frame, Method::CreatePermission, out, [peers](MessageWriter& writer) {
    for (const TransportAddress& peer : peers) writer.add<AttributeType::XorPeerAddress>(peer);
  });
}

Errc encode_channel_bind(const RequestFrame& frame, uint16_t channel, const TransportAddress& peer,
                         EncodedRequest& out) {
  return encode(frame, Method::ChannelBind, out, [channel, &peer](MessageWriter& writer) {
    writer.add<AttributeType::ChannelNumber>(channel);
    writer.add<AttributeType::XorPeerAddress>(peer);
  });
}

Errc encode_connect(const RequestFrame& frame, const TransportAddress& peer, EncodedRequest& out) {
  return encode(frame, Method::Connect, out, [&peer](MessageWriter& writer) {
    writer.add<AttributeType::XorPeerAddress>(peer);
  });
}

Errc encode_connection_bind(const RequestFrame& frame, uint32_t connection_id,
                            EncodedRequest& out) {
  return encode(frame, Method::ConnectionBind, out, [connection_id](MessageWriter& writer) {
    writer.add<AttributeType::ConnectionId>(connection_id);
  });
}

Errc read_allocation(const MessageView& response, const AllocateRequest& request, Allocation& out) {
  out = Allocation{};
  out.is_tcp = request.transport == turn::kTransportTcp;
  const auto first = response.get<AttributeType::XorRelayedAddress>();
  if (!first) return first.error();
  out.relayed = {usable(first), usable(response.get<AttributeType::XorRelayedAddress>(1))};
  if (out.relayed[0].family == Family::None) std::swap(out.relayed[0], out.relayed[1]);
  if (out.relayed[0].family == Family::None) return Errc::AttributeValue;
  // Servers that know no families overlook the wish, and give an IPv4 address.
  const bool is_other = request.family != Family::None && !request.token &&
                        !request.both_families && out.relayed[0].family != request.family;
  if (is_other) return Errc::AddressFamilyMismatch;
  out.mapped = response.get<AttributeType::XorMappedAddress>().value_or({});
  const auto default_lifetime =
      static_cast<uint32_t>(turn::kDefaultLifetime.in_microseconds() / 1'000'000);
  out.lifetime_seconds = response.get<AttributeType::Lifetime>().value_or(default_lifetime);
  read_refused_family(response, out);
  if (const auto token = response.get<AttributeType::ReservationToken>()) {
    std::copy(token->begin(), token->end(), out.token.emplace().begin());
  }
  if (const auto ticket = response.get<AttributeType::MobilityTicket>()) {
    // One that is too long is as good as none.
    static_cast<void>(out.ticket.assign(*ticket));
  }
  return Errc::Ok;
}

}  // namespace postern::client
