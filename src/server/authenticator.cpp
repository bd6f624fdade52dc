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

bool signs(const stun::PreparedKey& key, const MessageView& request) {
  return stun::check_best_integrity(request, key) == Errc::Ok;
}

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

// The key of the client's allocation is known from when it was made.
bool Authenticator::recalls(const Attempt& attempt, Verdict& verdict) const {
  if (attempt.known == nullptr || attempt.known->username != verdict.username) return false;
  const Signature& signature = attempt.known->signature;
  const auto is_good = [&] {
    const bool is_same = signature.algorithm == verdict.signature.algorithm;
    switch (signature.source) {
      case KeySource::Users:
        return false;
      case KeySource::Secret:
        return is_same && users_.has_secrets();
      case KeySource::Asked:
        return is_same && asks_for_keys_ && !users_.has_user(as_bytes(verdict.username));
      case KeySource::Token:
        return attempt.unix_seconds < signature.valid_until;
    }
    return false;
  };
  if (!is_good() || !signs(signature.key, attempt.request)) return false;
  verdict.signature.key = signature.key;
  verdict.signature.source = signature.source;
  verdict.signature.valid_until = signature.valid_until;
  return true;
}

// RFC 7635 section 7.
Users::Match Authenticator::find_token_key(const Attempt& attempt, Bytes token,
                                           Verdict& verdict) const {
  const auto* const key = token_keys_.find(verdict.username, attempt.unix_seconds);
  if (key == nullptr) return Users::Match::Unknown;
  const auto opened = open_access_token(*key, token_keys_.server_name(), token);
  if (!opened) return Users::Match::Wrong;
  const int64_t remaining = opened->remaining(attempt.unix_seconds);
  if (remaining == 0) return Users::Match::Expired;
  if (!signs(opened->key, attempt.request)) return Users::Match::Wrong;
  verdict.is_new_key = true;
  verdict.signature.key = opened->key;
  verdict.signature.source = KeySource::Token;
  verdict.signature.valid_until = attempt.unix_seconds + remaining;
  return Users::Match::Right;
}

Users::Match Authenticator::find_key(const Attempt& attempt, Verdict& verdict) const {
  if (const auto token = attempt.request.get<AttributeType::AccessToken>()) {
    // The key that seals tokens may have been replaced since, as long as nobody makes anything new.
    const auto match = find_token_key(attempt, *token, verdict);
    return match != Users::Match::Right && recalls(attempt, verdict) ? Users::Match::Right : match;
  }
  if (recalls(attempt, verdict)) return Users::Match::Right;
  const bool is_tokens = attempt.known != nullptr && attempt.known->username == verdict.username &&
                         attempt.known->signature.source == KeySource::Token;
  if (is_tokens) return Users::Match::Wrong;
  Signature& signature = verdict.signature;
  const Bytes username = as_bytes(verdict.username);
  const auto is_right = [&attempt](const stun::PreparedKey& key) {
    return signs(key, attempt.request);
  };
  const Users::Match match =
      users_.find_key(username, signature.algorithm, attempt.unix_seconds, is_right, signature.key);
  if (match != Users::Match::Unknown || !attempt.password) {
    signature.source = users_.has_user(username) ? KeySource::Users : KeySource::Secret;
    return match;
  }
  const auto key = users_.key_from_password(username, signature.algorithm, *attempt.password);
  if (!key) return Users::Match::Unknown;
  verdict.is_new_key = true;
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
  const bool has_token = request.has(AttributeType::AccessToken);
  if (has_token && token_keys_.empty()) {
    ++stats_.bad_form;
    return {.error_code = 420};
  }

  Verdict verdict;
  verdict.signature.with_sha256 = with_sha256;
  verdict.signature.algorithm = *algorithm;
  if (name) {
    verdict.username = as_text(*name);
  } else if (const auto found = users_.name_of(*hash)) {
    verdict.username = *found;
  }
  const bool is_named = !verdict.username.empty() &&
                        verdict.username.size() <= stun::kMaxUsername &&
                        is_equal(*realm, as_bytes(users_.realm()));
  const auto match = is_named ? find_key(attempt, verdict) : Users::Match::Unknown;
  const bool is_fresh =
      nonces_.check(attempt.now, attempt.tuple.client, *nonce) == Nonces::State::Fresh;
  const bool may_ask = asks_for_keys_ && is_named && !attempt.password && !has_token;
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
  if (!token_keys_.empty()) {
    writer.add<AttributeType::ThirdPartyAuthorization>(as_bytes(token_keys_.server_name()));
  }
}

}  // namespace postern::server
