// Users: who may allocate, by long-term credentials (RFC 8489 section 9.2): users that are known in
// advance, and those whom a web service vouches for with a shared secret (the time-limited
// credentials of draft-uberti-behave-turn-rest). Names and passwords are prepared strings
// (OpaqueString) in UTF-8.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/errc.h"
#include "base/result.h"
#include "stun/attribute_kinds.h"
#include "stun/long_term.h"
#include "stun/prepared_key.h"
#include "stun/registry.h"

namespace postern::server {

using stun::Bytes;

// Ours: one that is valid, and one that is being replaced, with room to spare.
inline constexpr size_t kMaxSecrets = 4;
inline constexpr size_t kMaxSecretBytes = 256;

class Users {
 public:
  explicit Users(std::string realm) : realm_(std::move(realm)) {}

  [[nodiscard]] const std::string& realm() const { return realm_; }

  // Adds a user, or changes the password. The password itself is not kept. Errc::BadCredentials
  // where one of them is empty or too long.
  [[nodiscard]] Errc set_user(Bytes username, Bytes password);
  // False where there is no such user.
  bool remove_user(Bytes username);
  // Any of them makes a password valid. Errc::BadCredentials where there are too many, or one is
  // empty or too long; nothing is changed then.
  [[nodiscard]] Errc set_secrets(std::vector<std::string> secrets);

  [[nodiscard]] bool has_secrets() const { return !secrets_.empty(); }
  // Whether the user is one that is known in advance.
  [[nodiscard]] bool has_user(Bytes username) const { return find(username) != nullptr; }
  // The key of a user who is not kept; nothing where the password is empty or too long.
  [[nodiscard]] std::optional<stun::PreparedKey> key_from_password(
      Bytes username, stun::PasswordAlgorithm algorithm, Bytes password) const;

  // The name that a USERHASH stands for; nothing where it is nobody's.
  [[nodiscard]] std::optional<std::string_view> name_of(Bytes userhash) const;

  enum class Match : uint8_t {
    Unknown,  // no such user
    Expired,  // the time in the name is over
    Wrong,    // the password is another one
    Right
  };
  // Looks for the key with which `is_right` agrees, a function of const PreparedKey&, and leaves it
  // in `key`. `unix_seconds`: the time of day.
  template <typename IsRight>
  [[nodiscard]] Match find_key(Bytes username, stun::PasswordAlgorithm algorithm,
                               int64_t unix_seconds, IsRight is_right,
                               stun::PreparedKey& key) const;

  // The time that begins a time-limited user name, such as 1735689600:alice; nothing where there is
  // none.
  [[nodiscard]] static std::optional<int64_t> expiry_in(Bytes username);

 private:
  struct Keys {
    stun::PreparedKey md5;
    stun::PreparedKey sha256;
  };

  [[nodiscard]] const Keys* find(Bytes username) const;
  [[nodiscard]] stun::PreparedKey key_from_secret(std::string_view secret, Bytes username,
                                                  stun::PasswordAlgorithm algorithm) const;

  std::string realm_;
  std::map<std::string, Keys, std::less<>> users_;
  std::map<std::string, std::string, std::less<>> names_;  // by USERHASH
  std::vector<std::string> secrets_;
};

template <typename IsRight>
Users::Match Users::find_key(Bytes username, stun::PasswordAlgorithm algorithm,
                             int64_t unix_seconds, IsRight is_right, stun::PreparedKey& key) const {
  if (const Keys* const keys = find(username)) {
    key = algorithm == stun::PasswordAlgorithm::Sha256 ? keys->sha256 : keys->md5;
    return is_right(key) ? Match::Right : Match::Wrong;
  }
  if (secrets_.empty()) return Match::Unknown;
  const auto expiry = expiry_in(username);
  if (!expiry) return Match::Unknown;
  if (*expiry < unix_seconds) return Match::Expired;
  for (const std::string& secret : secrets_) {
    key = key_from_secret(secret, username, algorithm);
    if (is_right(key)) return Match::Right;
  }
  return Match::Wrong;
}

}  // namespace postern::server
