#include "server/nonces.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <string_view>

#include "base/byte_order.h"
#include "crypto/constant_time.h"

namespace postern::server {

namespace {

using stun::Bytes;

constexpr std::string_view kDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr size_t kTimeAt = stun::kNonceCookieCharacters;
constexpr size_t kMacAt = kTimeAt + kNonceTimeCharacters;
// What the time has: 36 bits of seconds, more than two thousand years.
constexpr uint64_t kTimeMask = (uint64_t{1} << (6 * kNonceTimeCharacters)) - 1;

using MacText = std::array<uint8_t, kNonceMacCharacters>;

// Rounded down, so that no nonce is from the future; instants before the origin wrap around.
uint64_t seconds_of(Instant now) {
  const int64_t microseconds = (now - Instant()).in_microseconds();
  const int64_t seconds = microseconds / 1'000'000 - (microseconds % 1'000'000 < 0 ? 1 : 0);
  return static_cast<uint64_t>(seconds) & kTimeMask;
}

void write_time(uint64_t seconds, std::span<uint8_t, kNonceTimeCharacters> out) {
  for (size_t i = out.size(); i-- > 0; seconds >>= 6) {
    out[i] = static_cast<uint8_t>(kDigits[seconds & 63]);
  }
}

std::optional<uint64_t> read_time(Bytes text) {
  uint64_t seconds = 0;
  for (const uint8_t character : text) {
    const size_t digit = kDigits.find(static_cast<char>(character));
    if (digit == std::string_view::npos) return std::nullopt;
    seconds = seconds << 6 | digit;
  }
  return seconds;
}

// 126 of the 256 bits.
MacText mac_text(const crypto::PreparedHmac<crypto::Sha256>& key, Bytes cookie_and_time,
                 const TransportAddress& client) {
  // Other things are made from the same secret, none of which begins like this.
  std::array<uint8_t, 5 + 1 + 2 + 16> purpose_and_client{'n', 'o', 'n', 'c', 'e'};
  purpose_and_client[5] = static_cast<uint8_t>(client.family);
  store_be16(&purpose_and_client[6], client.port);
  std::copy(client.bytes.begin(), client.bytes.end(), purpose_and_client.begin() + 8);

  const auto mac = key.mac(purpose_and_client, cookie_and_time);
  MacText text{};
  for (size_t i = 0; i < text.size(); ++i) {
    const size_t bit = i * 6;
    const unsigned two_bytes = load_be16(&mac[bit / 8]);
    text[i] = static_cast<uint8_t>(kDigits[(two_bytes >> (10 - bit % 8)) & 63]);
  }
  return text;
}

}  // namespace

Nonces::Nonces(Bytes secret, const NonceOptions& options)
    : key_(secret),
      lifetime_seconds_(static_cast<uint64_t>(options.lifetime.in_microseconds() / 1'000'000)),
      features_(options.features) {
  assert(lifetime_seconds_ > 0 && lifetime_seconds_ <= kTimeMask / 2 + 1);
}

size_t Nonces::write(Instant now, const TransportAddress& client,
                     std::span<uint8_t, kNonceBytes> out) const {
  stun::write_nonce_cookie(features_, out.first<stun::kNonceCookieCharacters>());
  write_time(seconds_of(now), out.subspan<kTimeAt, kNonceTimeCharacters>());
  const MacText mac = mac_text(key_, out.first<kMacAt>(), client);
  std::copy(mac.begin(), mac.end(), out.begin() + kMacAt);
  return out.size();
}

Nonces::State Nonces::check(Instant now, const TransportAddress& client, Bytes nonce) const {
  if (nonce.size() != kNonceBytes) return State::Foreign;
  const Bytes cookie_and_time = nonce.first(kMacAt);
  const auto made_at = read_time(cookie_and_time.subspan(kTimeAt));
  if (!made_at) return State::Foreign;
  const auto is_by = [&](const Key& key) {
    return crypto::equal_constant_time(mac_text(key, cookie_and_time, client),
                                       nonce.subspan(kMacAt));
  };
  const bool is_ours =
      is_by(key_) || (previous_ && now < previous_->until && is_by(previous_->key));
  if (!is_ours) return State::Foreign;
  // One that claims to be from the future is very old.
  const uint64_t age = (seconds_of(now) - *made_at) & kTimeMask;
  return age < lifetime_seconds_ ? State::Fresh : State::Stale;
}

void Nonces::rotate_secret(Instant now, Bytes secret) {
  const Duration lifetime = Duration::seconds(static_cast<int64_t>(lifetime_seconds_));
  previous_ = Previous{.key = key_, .until = now + lifetime};
  key_ = Key(secret);
}

}  // namespace postern::server
