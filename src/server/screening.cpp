#include "server/screening.h"

#include <algorithm>
#include <utility>

#include "stun/message_view.h"
#include "turn/channel_data.h"
#include "wire/demux.h"

namespace postern::server {

namespace {

using stun::AttributeType;
using stun::AttributeView;
using stun::Class;
using stun::MessageView;
using stun::Method;

constexpr size_t kMaxPadding = 3;

// RESPONSE-ADDRESS makes servers of RFC 3489 answer to another host, DESTINATION-ADDRESS is the
// peer of drafts and of MS-TURN.
constexpr bool names_another_host(uint16_t type) {
  return type == static_cast<uint16_t>(AttributeType::ResponseAddress) ||
         type == static_cast<uint16_t>(AttributeType::DestinationAddress);
}

// Send is an indication and nothing else (RFC 8656 section 11), Binding may be one (RFC 8489
// section 3), the others are requests.
constexpr bool is_sent_by_clients(uint16_t method, Class message_class) {
  if (method == static_cast<uint16_t>(Method::Send)) return message_class == Class::Indication;
  if (message_class == Class::Indication) return method == static_cast<uint16_t>(Method::Binding);
  return message_class == Class::Request;
}

constexpr Screened refused(Ruling ruling) { return {.ruling = ruling}; }

}  // namespace

size_t channel_data_bytes(const uint8_t* head, size_t bytes) {
  if (bytes < turn::kChannelHeaderBytes) return 0;
  const turn::ChannelHeader header = turn::read_channel_header(head);
  const size_t content = turn::kChannelHeaderBytes + size_t{header.length};
  const bool is_whole = content <= bytes && bytes <= content + kMaxPadding;
  return turn::is_channel(header.channel) && is_whole ? content : 0;
}

Screening::Screening(ScreeningRules rules)
    : policy_(std::move(rules.peers)), methods_(rules.methods) {}

Screened Screening::screen(std::span<const uint8_t> message) const {
  if (message.size() < turn::kChannelHeaderBytes) return refused(Ruling::Malformed);
  if (wire::classify(message[0]) == wire::Protocol::Stun) return screen_stun(message);
  const size_t content = channel_data_bytes(message.data(), message.size());
  if (content == 0) return refused(Ruling::Malformed);
  return {.ruling = Ruling::Data, .content_bytes = content};
}

Screened Screening::screen_stun(std::span<const uint8_t> message) const {
  MessageView view;
  if (MessageView::parse(message, {}, view).errc != Errc::Ok) return refused(Ruling::Malformed);
  const uint16_t method = view.method();
  const bool is_listed = (methods_ & set_of(static_cast<Method>(method))) != 0;
  if (!is_listed || !is_sent_by_clients(method, view.message_class())) {
    return refused(Ruling::Method);
  }
  // RFC 8656 section 10.1: a permission is for all ports, and its port means nothing.
  const bool is_for_host = method == static_cast<uint16_t>(Method::CreatePermission);
  for (AttributeView attribute = view.at(stun::kHeaderBytes); attribute.offset != 0;
       attribute = view.at(MessageView::next_offset(attribute))) {
    if (names_another_host(attribute.type)) return refused(Ruling::Attribute);
    if (attribute.type != static_cast<uint16_t>(AttributeType::XorPeerAddress)) continue;
    const auto peer = stun::kind::XorAddress::read(attribute.value, view.cookie_and_id());
    if (!peer) return refused(Ruling::Malformed);
    const Verdict verdict = is_for_host ? judge_host(*peer) : judge(*peer);
    if (!verdict.is_allowed()) return {.ruling = Ruling::Peer, .verdict = verdict};
  }
  const bool is_data = method == static_cast<uint16_t>(Method::Send);
  return {.ruling = is_data ? Ruling::Data : Ruling::Control,
          .content_bytes = message.size(),
          .is_request = view.message_class() == Class::Request};
}

Reply read_reply(std::span<const uint8_t> message) {
  if (message.size() < turn::kChannelHeaderBytes) return {};
  if (wire::classify(message[0]) != wire::Protocol::Stun) {
    const size_t content = channel_data_bytes(message.data(), message.size());
    if (content == 0) return {};
    return {.type = Reply::Type::Data, .content_bytes = content};
  }
  MessageView view;
  if (MessageView::parse(message, {}, view).errc != Errc::Ok) return {};
  Reply reply{.type = Reply::Type::Control, .content_bytes = message.size()};
  if (view.is(Class::Indication, Method::Data)) {
    reply.type = Reply::Type::Data;
  } else if (view.message_class() == Class::Error) {
    reply.type = Reply::Type::Error;
    const auto error = view.get<AttributeType::ErrorCode>();
    if (error) reply.error_code = error->code;
  } else if (view.is(Class::Success, Method::Allocate) ||
             view.is(Class::Success, Method::Refresh)) {
    reply.type = Reply::Type::Allocated;
    reply.lifetime = view.get<AttributeType::Lifetime>().value_or(0);
  }
  return reply;
}

}  // namespace postern::server
