// Binding: the answer that tells who asks their address (RFC 8489 section 6.3.1), from another
// socket where RFC 5780 section 6.1 or RFC 3489 section 8.1 has it so.
#include <algorithm>

#include "server/turn_server.h"

namespace postern::server {

using stun::AttributeType;
using stun::Class;
using stun::ErrorCode;
using stun::MessageWriter;

namespace {

// Ours: RFC 5780 section 6.1 asks for as much PADDING as the link's MTU. The answer is no longer
// than the request, so that nobody gets more sent to somebody else than they have sent.
constexpr size_t kMaxPadding = 0xFFFC - 256;

enum Other : size_t { kOtherAddress, kOtherPort, kOtherBoth };

}  // namespace

size_t TurnServer::answer_binding(Caller& caller) {
  const stun::MessageView& request = caller.request;
  std::array<uint16_t, kMaxUnknownTold> unknown{};
  if (const size_t count = request.unknown_required(unknown); count > 0) {
    return refuse_unknown(caller, std::span(unknown).first(std::min(count, unknown.size())));
  }
  const LinkInfo& here = caller.link;
  const auto change = request.get<AttributeType::ChangeRequest>().value_or({});
  if ((change.change_ip || change.change_port) && !here.others) {
    constexpr std::array<uint16_t, 1> kType = {static_cast<uint16_t>(AttributeType::ChangeRequest)};
    return refuse_unknown(caller, kType);
  }
  const auto port = request.get<AttributeType::ResponsePort>();
  const bool is_padded = request.has(AttributeType::Padding);
  if (port && is_padded) return refuse(caller, ErrorCode::BadRequest);

  TransportAddress origin = here.local;
  TransportAddress other{};
  if (here.others) {
    const auto address_of = [this, &here](Other which) {
      const LinkInfo* const link = find_link((*here.others)[which]);
      return link == nullptr ? TransportAddress{} : link->local;
    };
    other = address_of(kOtherBoth);
    if (change.change_ip || change.change_port) {
      const Other which = !change.change_port ? kOtherAddress
                          : !change.change_ip ? kOtherPort
                                              : kOtherBoth;
      caller.to.link = (*here.others)[which];
      origin = address_of(which);
    }
  }
  if (port && options_.allows_response_port && !here.is_reliable) caller.to.client.port = *port;

  MessageWriter writer = begin(caller, Class::Success);
  const TransportAddress& mapped = caller.tuple.client;
  if (request.is_classic()) {
    writer.add<AttributeType::MappedAddress>(mapped);
    writer.add<AttributeType::SourceAddress>(origin);
    writer.add<AttributeType::ChangedAddress>(other.port != 0 ? other : here.local);
    return finish(caller, writer);
  }
  writer.add<AttributeType::XorMappedAddress>(mapped);
  if (here.others) {
    writer.add<AttributeType::MappedAddress>(mapped);
    writer.add<AttributeType::ResponseOrigin>(origin);
    writer.add<AttributeType::OtherAddress>(other);
    if (is_padded) add_padding(caller, writer);
  }
  return finish(caller, writer);
}

// As much as makes the answer as long as the request.
void TurnServer::add_padding(const Caller& caller, MessageWriter& writer) {
  constexpr size_t kHeader = 4;
  const size_t longest = std::min(caller.request.bytes().size(), kMaxPadding);
  const size_t used = writer.size() + kHeader;
  padding_.assign(longest > used ? longest - used : 0, 0);
  writer.add<AttributeType::Padding>(padding_);
}

}  // namespace postern::server
