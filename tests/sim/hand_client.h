// HandClient: requests to a TURN server, written attribute by attribute, right or wrong.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "sim/long_term_server.h"
#include "sim/served.h"

namespace postern::sim {

using Fill = std::function<void(stun::MessageWriter& writer)>;

// A received message with the bytes that it is a view on.
class Reply {
 public:
  explicit Reply(Message bytes);
  Reply(const Reply& other) : Reply(other.bytes_) {}
  Reply& operator=(const Reply&) = delete;

  [[nodiscard]] const Request& view() const { return view_; }
  [[nodiscard]] const Message& bytes() const { return bytes_; }
  [[nodiscard]] bool is_success() const { return view_.message_class() == stun::Class::Success; }
  // 0 where there is no ERROR-CODE.
  [[nodiscard]] uint16_t code() const;
  template <stun::AttributeType kType>
  [[nodiscard]] auto get(size_t nth = 0) const {
    return view_.get<kType>(nth);
  }
  [[nodiscard]] bool has(stun::AttributeType type) const { return view_.has(type); }
  [[nodiscard]] bool is_signed() const {
    return view_.integrity_offset() != 0 || view_.integrity_sha256_offset() != 0;
  }

 private:
  Message bytes_;
  Request view_;
};

class HandClient {
 public:
  explicit HandClient(Served& server) : server_(server) {}

  FiveTuple tuple;
  Instant now;
  std::string username = "user";
  std::string password = "pass";
  std::string nonce;
  std::string realm;
  bool hides_username = false;
  bool uses_sha256 = false;

  [[nodiscard]] Message unsigned_request(stun::Method method, const Fill& fill = {});
  [[nodiscard]] Message signed_request(stun::Method method, const Fill& fill = {});
  [[nodiscard]] Message indication(stun::Method method, const Fill& fill = {});
  [[nodiscard]] static Message channel_data(uint16_t number, stun::Bytes data);

  // Sends bytes and takes what comes back; it is one message, or the test fails.
  Reply exchange(const Message& bytes);
  // A signed request. What its answer has of realm and nonce is learned.
  Reply ask(stun::Method method, const Fill& fill = {});
  // For what nobody answers.
  void tell(const Message& bytes);
  // Both requests of an allocation for UDP.
  Reply allocate(const Fill& fill = {});
  Reply permit(const TransportAddress& peer);
  Reply bind(uint16_t number, const TransportAddress& peer);
  Reply refresh(std::optional<uint32_t> lifetime = {});
  // The integrity of the answer is there and right.
  [[nodiscard]] bool verifies(const Reply& reply) const;

  // Of the last allocation that was made.
  [[nodiscard]] const TransportAddress& relayed() const { return relayed_; }

 private:
  [[nodiscard]] stun::PreparedKey key() const;
  void learn(const Reply& challenge);

  Served& server_;
  uint32_t next_id_ = 1;
  TransportAddress relayed_{};
};

}  // namespace postern::sim
