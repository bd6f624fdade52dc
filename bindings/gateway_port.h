// GatewayPort: what a gateway asks the core, as calls of numbers. JavaScript copies a message into
// the inbox and makes one call, which is over before the next: nothing waits here, and nothing is
// allocated per message.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "server/screening.h"

namespace postern::bindings {

class GatewayPort {
 public:
  // The longest message (65,552 bytes) and more: what is longer is no message, however long it is.
  static constexpr uint32_t kInboxBytes = 0x10000 + 64;

  // Flags in the result of screen().
  static constexpr uint32_t kFlagBits = 2;
  static constexpr uint32_t kCarriesData = 1;
  static constexpr uint32_t kIsRequest = 2;

  // A list that a prefix goes to: the order of RULES in js/gateway/layout.js.
  enum class RuleList : uint32_t { Allowed, Denied, Nat64 };

  // What reply() leaves, as 32-bit words.
  struct ReplyWords {
    uint32_t content_bytes = 0;
    uint32_t lifetime = 0;
    uint32_t error_code = 0;
  };

  [[nodiscard]] std::span<uint8_t> inbox() { return inbox_; }
  [[nodiscard]] ReplyWords& reply_words() { return reply_; }

  // The rules of the next open(): a prefix as text in the inbox. False when it is none, or cannot
  // be in that list.
  bool add_rule(uint32_t list, uint32_t bytes);
  // A handle. `methods`: a server::MethodSet; 0 for those of RFC 8656. `only_allowed`: see
  // server::PeerRules.
  uint32_t open(uint32_t methods, bool only_allowed);
  void close(uint32_t handle);

  // One message of a client, in the inbox: its length without padding, shifted by kFlagBits, with
  // flags; or minus the server::Ruling.
  int32_t screen(uint32_t handle, uint32_t bytes);
  // ChannelData by its first four bytes as a number: its length without padding, or 0.
  static uint32_t channel_data(uint32_t head, uint32_t bytes);
  // One message of a server, in the inbox: its server::Reply::Type.
  uint32_t reply(uint32_t bytes);
  // An address as text in the inbox: 1 when it is allowed as a peer, 0 when not, -1 when it is
  // none.
  int32_t judge(uint32_t handle, uint32_t bytes);
  // Why the last peer or address was refused, as text in the inbox; its length.
  uint32_t reason();

 private:
  [[nodiscard]] std::span<const uint8_t> in_inbox(uint32_t bytes) const;
  [[nodiscard]] std::string_view text_in_inbox(uint32_t bytes) const;
  [[nodiscard]] const server::Screening* find(uint32_t handle) const;

  server::ScreeningRules rules_;  // of the next open()
  std::vector<std::unique_ptr<server::Screening>> screenings_;
  server::Verdict verdict_{};  // of the last that was refused
  ReplyWords reply_{};
  alignas(8) std::array<uint8_t, kInboxBytes> inbox_{};
};

}  // namespace postern::bindings
