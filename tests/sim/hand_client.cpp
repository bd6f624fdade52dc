#include "sim/hand_client.h"

#include <gtest/gtest.h>

#include <utility>

#include "stun/integrity.h"
#include "stun/long_term.h"
#include "turn/channel_data.h"

namespace postern::sim {

using stun::AttributeType;
using stun::Class;
using stun::Method;
using stun::PasswordAlgorithm;

namespace {

constexpr size_t kRoom = 2048;

void apply(const Fill& fill, stun::MessageWriter& writer) {
  if (fill) fill(writer);
}

stun::TransactionId id_of(uint32_t number) {
  stun::TransactionId id{};
  store_be32(id.data(), number);
  return id;
}

}  // namespace

Reply::Reply(Message bytes) : bytes_(std::move(bytes)), view_(parse(bytes_)) {}

uint16_t Reply::code() const {
  const auto error = get<AttributeType::ErrorCode>();
  return error ? error->code : uint16_t{0};
}

stun::PreparedKey HandClient::key() const {
  const auto algorithm = uses_sha256 ? PasswordAlgorithm::Sha256 : PasswordAlgorithm::Md5;
  return stun::PreparedKey(
      stun::long_term_key(algorithm, as_bytes(username), as_bytes(realm), as_bytes(password))
          .view());
}

Message HandClient::unsigned_request(Method method, const Fill& fill) {
  std::array<uint8_t, kRoom> buffer{};
  stun::MessageWriter writer(buffer, Class::Request, method, id_of(next_id_++));
  apply(fill, writer);
  return take_message(writer);
}

Message HandClient::signed_request(Method method, const Fill& fill) {
  return unsigned_request(method, [&](stun::MessageWriter& writer) {
    apply(fill, writer);
    if (hides_username) {
      writer.add<AttributeType::Userhash>(stun::userhash(as_bytes(username), as_bytes(realm)));
    } else {
      writer.add<AttributeType::Username>(as_bytes(username));
    }
    writer.add<AttributeType::Realm>(as_bytes(realm));
    writer.add<AttributeType::Nonce>(as_bytes(nonce));
    if (uses_sha256) {
      writer.add<AttributeType::PasswordAlgorithms>(kSha256ThenMd5);
      writer.add<AttributeType::PasswordAlgorithm>(
          {.algorithm = static_cast<uint16_t>(PasswordAlgorithm::Sha256), .parameters = {}});
      writer.add_integrity_sha256(key());
    } else {
      writer.add_integrity(key());
    }
  });
}

Message HandClient::indication(Method method, const Fill& fill) {
  std::array<uint8_t, kRoom> buffer{};
  stun::MessageWriter writer(buffer, Class::Indication, method, id_of(next_id_++));
  apply(fill, writer);
  return take_message(writer);
}

Message HandClient::channel_data(uint16_t number, stun::Bytes data) {
  Message message(turn::kChannelHeaderBytes);
  store_be16(message.data(), number);
  store_be16(&message[2], static_cast<uint16_t>(data.size()));
  message.insert(message.end(), data.begin(), data.end());
  return message;
}

Reply HandClient::exchange(const Message& bytes) {
  const auto replies = server_.handle(now, bytes, tuple);
  EXPECT_EQ(replies.size(), 1U);
  if (replies.empty()) return Reply(unsigned_request(Method::Binding));
  EXPECT_EQ(replies[0].to, tuple);
  return Reply(replies[0].bytes);
}

void HandClient::tell(const Message& bytes) {
  EXPECT_TRUE(server_.handle(now, bytes, tuple).empty());
}

void HandClient::learn(const Reply& challenge) {
  if (const auto text = challenge.get<AttributeType::Realm>()) realm = as_text(*text);
  if (const auto text = challenge.get<AttributeType::Nonce>()) nonce = as_text(*text);
}

Reply HandClient::ask(Method method, const Fill& fill) {
  Reply reply = exchange(signed_request(method, fill));
  learn(reply);
  if (const auto address = reply.get<AttributeType::XorRelayedAddress>()) relayed_ = *address;
  return reply;
}

Reply HandClient::allocate(const Fill& fill) {
  const Fill whole = [&](stun::MessageWriter& writer) {
    writer.add<AttributeType::RequestedTransport>(kProtocolUdp);
    apply(fill, writer);
  };
  const Reply challenge = exchange(unsigned_request(Method::Allocate, whole));
  EXPECT_EQ(challenge.code(), 401);
  learn(challenge);
  return ask(Method::Allocate, whole);
}

Reply HandClient::permit(const TransportAddress& peer) {
  return ask(Method::CreatePermission,
             [&](stun::MessageWriter& writer) { writer.add<AttributeType::XorPeerAddress>(peer); });
}

Reply HandClient::bind(uint16_t number, const TransportAddress& peer) {
  return ask(Method::ChannelBind, [&](stun::MessageWriter& writer) {
    writer.add<AttributeType::ChannelNumber>(number);
    writer.add<AttributeType::XorPeerAddress>(peer);
  });
}

Reply HandClient::refresh(std::optional<uint32_t> lifetime) {
  return ask(Method::Refresh, [&](stun::MessageWriter& writer) {
    if (lifetime) writer.add<AttributeType::Lifetime>(*lifetime);
  });
}

bool HandClient::verifies(const Reply& reply) const {
  return (reply.view().integrity_sha256_offset() != 0) == uses_sha256 &&
         stun::check_best_integrity(reply.view(), key()) == Errc::Ok;
}

}  // namespace postern::sim
