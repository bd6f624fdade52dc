#include "server/authenticator.h"

#include <algorithm>

#include "base/text.h"
#include "stun/integrity.h"
#include "stun/nonce_cookie.h"

namespace postern::server {

using stun::AttributeType;
using stun::MessageView;
using stun::PasswordAlgorithm;

namespace {

bool is_equal(Bytes a, Bytes b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

}  // namespace

// Section 9.2.4, the third step. Nothing: the request is malformed.
std::optional<PasswordAlgorithm> Authenticator::algorithm_of(const MessageView& request) {
  const auto chosen = request.get<AttributeType::PasswordAlgorithm>();
  const auto offered = request.get<AttributeType::PasswordAlgorithms>();
  const bool has_chosen = chosen.error() != Errc::AttributeMissing;
  const bool has_offered = offered.error() != Errc::AttributeMissing;
  const auto nonce = request.get<AttributeType::Nonce>();
  const bool has_cookie = nonce && stun::read_nonce_cookie(*nonce).has_value();
  if (!has_cookie || (!has_chosen && !has_offered)) return PasswordAlgorithm::Md5;
  if (!chosen || !offered || !is_equal(*offered, kOfferedAlgorithms)) return std::nullopt;
  const auto algorithm = static_cast<PasswordAlgorithm>(chosen->algorithm);
  const bool is_known =
      algorithm == PasswordAlgorithm::Md5 || algorithm == PasswordAlgorithm::Sha256;
  if (!is_known || !chosen->parameters.empty()) return std::nullopt;
  return algorithm;
}

bool Authenticator::is_remembered(const Allocation& allocation, const Verdict& verdict) const {
  if (allocation.username != verdict.username ||
      allocation.signature.algorithm != verdict.signature.algorithm) {
    return false;
  }
  switch (allocation.signature.source) {
    case KeySource::Users:
      return false;
    case KeySource::Secret:
      return users_.has_secrets();
    case KeySource::Asked:
      return asks_for_keys_;
  }
  return false;
}

Users::Match Authenticator::find_key(const Attempt& attempt, Verdict& verdict) const {
  const auto is_right = [&attempt](const stun::PreparedKey& key) {
    return stun::check_best_integrity(attempt.request, key) == Errc::Ok;
  };
  Signature& signature = verdict.signature;
  if (attempt.known != nullptr && is_remembered(*attempt.known, verdict) &&
      is_right(attempt.known->signature.key)) {
    signature.key = attempt.known->signature.key;
    signature.source = attempt.known->signature.source;
    return Users::Match::Right;
  }
  const Bytes username = as_bytes(verdict.username);
  const Users::Match match =
      users_.find_key(username, signature.algorithm, attempt.unix_seconds, is_right, signature.key);
  if (match != Users::Match::Unknown || !attempt.password) {
    signature.source = users_.has_user(username) ? KeySource::Users : KeySource::Secret;
    return match;
  }
  const auto key = users_.key_from_password(username, signature.algorithm, *attempt.password);
  if (!key) return Users::Match::Unknown;
  signature.key = *key;
  signature.source = KeySource::Asked;
  return is_right(*key) ? Users::Match::Right : Users::Match::Wrong;
}

Authenticator::Verdict Authenticator::judge(const Attempt& attempt) {
  const MessageView& request = attempt.request;
  const bool with_sha256 = request.integrity_sha256_offset() != 0;
  if (!with_sha256 && request.integrity_offset() == 0) {
    ++stats_.challenged;
    return {.error_code = 401};
  }
  const auto name = request.get<AttributeType::Username>();
  const auto hash = request.get<AttributeType::Userhash>();
  const auto realm = request.get<AttributeType::Realm>();
  const auto nonce = request.get<AttributeType::Nonce>();
  const auto algorithm = algorithm_of(request);
  if (!(name || hash) || !realm || !nonce || !algorithm) {
    ++stats_.bad_form;
    return {.error_code = 400};
  }

  Verdict verdict;
  verdict.signature.with_sha256 = with_sha256;
  verdict.signature.algorithm = *algorithm;
  if (name) {
    verdict.username = as_text(*name);
  } else if (const auto found = users_.name_of(*hash)) {
    verdict.username = *found;
  }
  const bool is_named = !verdict.username.empty() && is_equal(*realm, as_bytes(users_.realm()));
  const auto match = is_named ? find_key(attempt, verdict) : Users::Match::Unknown;
  const bool is_fresh =
      nonces_.check(attempt.now, attempt.tuple.client, *nonce) == Nonces::State::Fresh;
  const bool may_ask = asks_for_keys_ && is_named && !attempt.password;
  switch (match) {
    case Users::Match::Unknown:
      if (may_ask && is_fresh)
        return {.error_code = 401, .wants_key = true, .username = verdict.username};
      if (may_ask) break;
      ++stats_.unknown_user;
      return {.error_code = 401};
    case Users::Match::Expired:
      ++stats_.expired_user;
      return {.error_code = 401};
    case Users::Match::Wrong:
      ++stats_.wrong_password;
      return {.error_code = 401};
    case Users::Match::Right:
      break;
  }
  if (is_fresh) {
    ++stats_.accepted;
  } else {
    ++stats_.stale_nonce;
    verdict.error_code = 438;
  }
  return verdict;
}

void Authenticator::add_challenge(stun::MessageWriter& writer, Instant now,
                                  const FiveTuple& tuple) const {
  std::array<uint8_t, kNonceBytes> nonce{};
  const size_t size = nonces_.write(now, tuple.client, nonce);
  writer.add<AttributeType::Realm>(as_bytes(users_.realm()));
  writer.add<AttributeType::Nonce>(Bytes(nonce).first(size));
  writer.add<AttributeType::PasswordAlgorithms>(kOfferedAlgorithms);
}

}  // namespace postern::server
