#include "server/access_token.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/byte_order.h"
#include "base/text.h"

namespace postern::server {

namespace {

using crypto::AesGcm;

constexpr size_t kLengthBytes = 2;
constexpr size_t kTimesBytes = 8 + 4;
constexpr size_t kMaxPlaintext = kLengthBytes + kMaxSessionKeyBytes + kTimesBytes;

}  // namespace

int64_t AccessToken::remaining(int64_t unix_seconds) const {
  const int64_t distance = unix_seconds > made_at ? unix_seconds - made_at : made_at - unix_seconds;
  return std::max<int64_t>(0, lifetime_seconds + kTokenDeltaSeconds - distance);
}

std::optional<AccessToken> open_access_token(const AesGcm& key, std::string_view server_name,
                                             Bytes token) {
  constexpr size_t kSealedAt = kLengthBytes + AesGcm::kNonceBytes;
  // RFC 5116 sections 5.1, 5.2: no other length of nonce.
  if (token.size() < kSealedAt || load_be16(token.data()) != AesGcm::kNonceBytes) {
    return std::nullopt;
  }
  const auto nonce = token.subspan<kLengthBytes, AesGcm::kNonceBytes>();
  const Bytes sealed = token.subspan(kSealedAt);
  constexpr size_t kLeast = kLengthBytes + kMinSessionKeyBytes + kTimesBytes + AesGcm::kTagBytes;
  if (sealed.size() < kLeast || sealed.size() > kMaxPlaintext + AesGcm::kTagBytes) {
    return std::nullopt;
  }
  std::array<uint8_t, kMaxPlaintext> buffer{};
  const auto plaintext = std::span(buffer).first(sealed.size() - AesGcm::kTagBytes);
  if (!key.open(nonce, as_bytes(server_name), sealed, plaintext)) return std::nullopt;
  // All that is left of it is the key.
  const size_t key_bytes = plaintext.size() - kLengthBytes - kTimesBytes;
  if (load_be16(plaintext.data()) != key_bytes) return std::nullopt;
  const auto times = plaintext.last(kTimesBytes);
  return AccessToken{
      .key = stun::PreparedKey(plaintext.subspan(kLengthBytes, key_bytes)),
      // 48 bits of seconds, and 16 of fractions.
      .made_at = static_cast<int64_t>(load_be64(times.data()) >> 16),
      .lifetime_seconds = load_be32(&times[8]),
  };
}

Errc TokenKeys::set(const std::vector<TokenKey>& keys) {
  if (keys.size() > kMaxTokenKeys) return Errc::BadCredentials;
  std::map<std::string, Entry, std::less<>> made;
  for (const TokenKey& each : keys) {
    const bool fits = !each.kid.empty() && each.kid.size() <= stun::kMaxUsername &&
                      crypto::Aes::is_key_size(each.key.size());
    if (!fits) return Errc::BadCredentials;
    const Entry entry{.key = AesGcm(each.key), .expires_at = each.expires_at};
    if (!made.emplace(each.kid, entry).second) return Errc::BadCredentials;
  }
  keys_ = std::move(made);
  return Errc::Ok;
}

const AesGcm* TokenKeys::find(std::string_view kid, int64_t unix_seconds) const {
  const auto found = keys_.find(kid);
  if (found == keys_.end()) return nullptr;
  const auto& [key, expires_at] = found->second;
  return expires_at && *expires_at <= unix_seconds ? nullptr : &key;
}

}  // namespace postern::server
