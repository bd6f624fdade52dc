// Answers to a request, made of a fuzzer's input: parts that lead a client on, in any
// order, and arbitrary ones.
#pragma once

#include <fuzzer/FuzzedDataProvider.h>

#include <array>
#include <vector>

#include "client/authenticator.h"
#include "stun/long_term.h"
#include "stun/message_writer.h"

namespace postern::fuzz {

// User name, realm and password alike.
inline constexpr uint8_t kCredential[] = {'u'};
inline constexpr uint8_t kNonce[] = {'o', 'b', 'M', 'a', 't', 'J', 'o',
                                     's', '2', 'A', 'A', 'A', 'D'};
inline constexpr uint8_t kAlgorithms[] = {0, 2, 0, 0, 0, 1, 0, 0};

inline std::vector<uint8_t> arbitrary_bytes(FuzzedDataProvider& input, size_t limit) {
  return input.ConsumeBytes<uint8_t>(input.ConsumeIntegralInRange<size_t>(0, limit));
}

inline client::Credentials arbitrary_credentials(FuzzedDataProvider& input) {
  return {.mechanism = client::Mechanism{input.ConsumeIntegralInRange<uint8_t>(0, 2)},
          .username = kCredential,
          .password = kCredential};
}

inline void add_part(FuzzedDataProvider& input, stun::MessageWriter& writer) {
  using enum stun::AttributeType;
  const auto address = TransportAddress::ipv4(192, 0, 2, input.ConsumeIntegral<uint8_t>(), 3478);
  constexpr std::array<uint16_t, 6> kCodes = {300, 400, 401, 420, 438, 500};
  switch (input.ConsumeIntegralInRange(0, 8)) {
    case 0:
    case 1:
      return writer.add<ErrorCode>({.code = input.PickValueInArray(kCodes), .reason = kNonce});
    case 2:
      return writer.add<Realm>(kCredential);
    case 3:
      return writer.add<Nonce>(
          std::span(kNonce).first(input.ConsumeIntegralInRange<size_t>(0, 13)));
    case 4:
      return writer.add<PasswordAlgorithms>(
          std::span(kAlgorithms).first(input.ConsumeBool() ? 8 : 4));
    case 5:
      return writer.add<XorMappedAddress>(address);
    case 6:
      return writer.add<AlternateServer>(address);
    default:
      return writer.add_raw(input.ConsumeIntegral<uint16_t>(), arbitrary_bytes(input, 200));
  }
}

inline stun::PreparedKey arbitrary_key(FuzzedDataProvider& input) {
  using enum stun::PasswordAlgorithm;
  if (input.ConsumeBool()) return stun::PreparedKey(kCredential);
  return stun::PreparedKey(
      stun::long_term_key(input.ConsumeBool() ? Md5 : Sha256, kCredential, kCredential, kCredential)
          .view());
}

// What the server says, in `buffer`; nothing where it does not fit.
inline Result<stun::Bytes> hostile_answer(FuzzedDataProvider& input, std::span<uint8_t> buffer,
                                          const stun::TransactionId& id,
                                          stun::Method method = stun::Method::Binding) {
  stun::MessageWriter writer(
      buffer, input.ConsumeBool() ? stun::Class::Success : stun::Class::Error, method, id);
  for (int parts = input.ConsumeIntegralInRange(0, 8); parts > 0; --parts) add_part(input, writer);
  const unsigned ends = input.ConsumeIntegral<uint8_t>();
  if (ends & 1) writer.add_integrity(arbitrary_key(input));
  if (ends & 2) writer.add_integrity_sha256(arbitrary_key(input));
  if (ends & 4) writer.add_fingerprint();
  return writer.finish();
}

}  // namespace postern::fuzz
