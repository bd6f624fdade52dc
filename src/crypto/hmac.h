// HMAC (RFC 2104) with a key that is prepared once and used for many messages.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include "crypto/sha1.h"
#include "crypto/sha256.h"

namespace postern::crypto {

// The midstates of the inner and the outer hash after the key block, which is all that a key is
// needed for: a message then costs its own blocks and one more (RFC 2104 4). They can compute any
// MAC, so they are as secret as the key.
template <typename Hash>
class PreparedHmac {
 public:
  using Digest = typename Hash::Digest;

  explicit PreparedHmac(std::span<const uint8_t> key);

  // The MAC of the pieces as if they were one message: STUN needs the header with another length in
  // it, followed by the message as it is.
  [[nodiscard]] Digest mac(std::span<const uint8_t> first, std::span<const uint8_t> second = {},
                           std::span<const uint8_t> third = {}) const;

  // The words in the byte order of this machine, for keeping a key outside, as opaque bytes.
  static constexpr size_t kSerializedSize = 2 * sizeof(typename Hash::State);
  using Serialized = std::array<uint8_t, kSerializedSize>;
  [[nodiscard]] Serialized to_bytes() const { return std::bit_cast<Serialized>(*this); }
  [[nodiscard]] static PreparedHmac from_bytes(std::span<const uint8_t, kSerializedSize> bytes) {
    Serialized copy;
    std::copy(bytes.begin(), bytes.end(), copy.begin());
    return std::bit_cast<PreparedHmac>(copy);
  }

 private:
  typename Hash::State inner_;
  typename Hash::State outer_;
};

template <typename Hash>
PreparedHmac<Hash>::PreparedHmac(std::span<const uint8_t> key) {
  static_assert(std::is_trivially_copyable_v<PreparedHmac>);
  static_assert(sizeof(PreparedHmac) == kSerializedSize);
  constexpr uint8_t kInnerPad = 0x36;
  constexpr uint8_t kOuterPad = 0x5c;

  std::array<uint8_t, Hash::kBlockSize> block{};
  if (key.size() > block.size()) {
    const Digest digest = Hash::hash(key);
    std::copy(digest.begin(), digest.end(), block.begin());
  } else {
    std::copy(key.begin(), key.end(), block.begin());
  }
  for (uint8_t& byte : block) byte ^= kInnerPad;
  inner_ = Hash::compress_first(block);
  for (uint8_t& byte : block) byte ^= kInnerPad ^ kOuterPad;
  outer_ = Hash::compress_first(block);
}

template <typename Hash>
auto PreparedHmac<Hash>::mac(std::span<const uint8_t> first, std::span<const uint8_t> second,
                             std::span<const uint8_t> third) const -> Digest {
  Hash inner(inner_, 1);
  inner.update(first);
  inner.update(second);
  inner.update(third);
  const Digest digest = inner.finish();

  Hash outer(outer_, 1);
  outer.update(digest);
  return outer.finish();
}

extern template class PreparedHmac<Sha1>;
extern template class PreparedHmac<Sha256>;

// For a key that is used once.
template <typename Hash>
[[nodiscard]] typename Hash::Digest hmac(std::span<const uint8_t> key,
                                         std::span<const uint8_t> message) {
  return PreparedHmac<Hash>(key).mac(message);
}

}  // namespace postern::crypto
