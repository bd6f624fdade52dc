#include "server/users.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "crypto/hmac.h"
#include "crypto/sha1.h"

namespace postern::server {

namespace {

// Ours, as the client has it: far above any real password.
constexpr size_t kMaxPasswordBytes = 512;

// SHA-1 is 20 bytes: 26 characters and two bits, filled up to 28 (RFC 4648 section 4).
constexpr size_t kSha1InBase64 = 28;

std::array<uint8_t, kSha1InBase64> to_base64(const crypto::Sha1::Digest& digest) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::array<uint8_t, kSha1InBase64> out{};
  for (size_t i = 0, at = 0; i < digest.size(); i += 3) {
    const auto byte = [&](size_t k) { return k < digest.size() ? uint32_t{digest[k]} : 0; };
    const uint32_t bits = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    for (unsigned shift = 24; shift > 0; ++at) {
      shift -= 6;
      out[at] = static_cast<uint8_t>(kAlphabet[(bits >> shift) & 63]);
    }
  }
  out.back() = '=';
  return out;
}

}  // namespace

Errc Users::set_user(Bytes username, Bytes password) {
  if (username.empty() || username.size() > stun::kMaxUsername || password.empty() ||
      password.size() > kMaxPasswordBytes) {
    return Errc::BadCredentials;
  }
  const auto key = [&](stun::PasswordAlgorithm algorithm) {
    const auto made = stun::long_term_key(algorithm, username, as_bytes(realm_), password);
    return stun::PreparedKey(made.view());
  };
  users_.insert_or_assign(std::string(as_text(username)),
                          Keys{.md5 = key(stun::PasswordAlgorithm::Md5),
                               .sha256 = key(stun::PasswordAlgorithm::Sha256)});
  const auto hash = stun::userhash(username, as_bytes(realm_));
  names_.insert_or_assign(std::string(as_text(hash)), std::string(as_text(username)));
  return Errc::Ok;
}

bool Users::remove_user(Bytes username) {
  const auto found = users_.find(as_text(username));
  if (found == users_.end()) return false;
  const auto hash = stun::userhash(username, as_bytes(realm_));
  if (const auto name = names_.find(as_text(hash)); name != names_.end()) names_.erase(name);
  users_.erase(found);
  return true;
}

Errc Users::set_secrets(std::vector<std::string> secrets) {
  const bool fit = std::all_of(secrets.begin(), secrets.end(), [](const std::string& secret) {
    return !secret.empty() && secret.size() <= kMaxSecretBytes;
  });
  if (!fit || secrets.size() > kMaxSecrets) return Errc::BadCredentials;
  secrets_ = std::move(secrets);
  return Errc::Ok;
}

const Users::Keys* Users::find(Bytes username) const {
  const auto found = users_.find(as_text(username));
  return found == users_.end() ? nullptr : &found->second;
}

std::optional<std::string_view> Users::name_of(Bytes userhash) const {
  const auto found = names_.find(as_text(userhash));
  if (found == names_.end()) return std::nullopt;
  return found->second;
}

std::optional<int64_t> Users::expiry_in(Bytes username) {
  // Twelve digits last for 30,000 years, and fit.
  constexpr size_t kMaxDigits = 12;
  int64_t seconds = 0;
  size_t digits = 0;
  for (const uint8_t character : username) {
    if (character == ':') break;
    if (character < '0' || character > '9' || digits == kMaxDigits) return std::nullopt;
    seconds = seconds * 10 + (character - '0');
    ++digits;
  }
  if (digits == 0) return std::nullopt;
  return seconds;
}

std::optional<stun::PreparedKey> Users::key_from_password(Bytes username,
                                                          stun::PasswordAlgorithm algorithm,
                                                          Bytes password) const {
  if (password.empty() || password.size() > kMaxPasswordBytes) return std::nullopt;
  return stun::PreparedKey(
      stun::long_term_key(algorithm, username, as_bytes(realm_), password).view());
}

stun::PreparedKey Users::key_from_secret(std::string_view secret, Bytes username,
                                         stun::PasswordAlgorithm algorithm) const {
  const auto password = to_base64(crypto::hmac<crypto::Sha1>(as_bytes(secret), username));
  return stun::PreparedKey(
      stun::long_term_key(algorithm, username, as_bytes(realm_), password).view());
}

}  // namespace postern::server
