#include "stun/long_term.h"

#include <algorithm>

#include "crypto/md5.h"
#include "crypto/sha256.h"

namespace postern::stun {

namespace {

constexpr std::array<uint8_t, 1> kColon = {':'};

template <typename Hash>
void hash_key(LongTermKey& key, std::span<const uint8_t> username, std::span<const uint8_t> realm,
              std::span<const uint8_t> password) {
  Hash hash;
  hash.update(username);
  hash.update(kColon);
  hash.update(realm);
  hash.update(kColon);
  hash.update(password);
  const auto digest = hash.finish();
  std::copy(digest.begin(), digest.end(), key.bytes.begin());
  key.size = digest.size();
}

}  // namespace

LongTermKey long_term_key(PasswordAlgorithm algorithm, std::span<const uint8_t> username,
                          std::span<const uint8_t> realm, std::span<const uint8_t> password) {
  LongTermKey key;
  if (algorithm == PasswordAlgorithm::Sha256) {
    hash_key<crypto::Sha256>(key, username, realm, password);
  } else {
    hash_key<crypto::Md5>(key, username, realm, password);
  }
  return key;
}

std::array<uint8_t, kUserhashBytes> userhash(std::span<const uint8_t> username,
                                             std::span<const uint8_t> realm) {
  crypto::Sha256 hash;
  hash.update(username);
  hash.update(kColon);
  hash.update(realm);
  return hash.finish();
}

}  // namespace postern::stun
