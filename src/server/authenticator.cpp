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

Authenticator::Verdict Authenticator::judge(Instant now, int64_t unix_seconds,
                                            const MessageView& request, const FiveTuple& tuple,
                                            const Allocation* known) {
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
  const auto is_right = [&request](const stun::PreparedKey& key) {
    return stun::check_best_integrity(request, key) == Errc::Ok;
  };
  Users::Match match = Users::Match::Unknown;
  if (!verdict.username.empty() && is_equal(*realm, as_bytes(users_.realm()))) {
    const bool is_known = known != nullptr && known->username == verdict.username &&
                          known->signature.algorithm == *algorithm &&
                          known->signature.is_time_limited && users_.has_secrets() &&
                          is_right(known->signature.key);
    if (is_known) {
      verdict.signature = known->signature;
      verdict.signature.with_sha256 = with_sha256;
      match = Users::Match::Right;
    } else {
      match = users_.find_key(as_bytes(verdict.username), *algorithm, unix_seconds, is_right,
                              verdict.signature.key);
      verdict.signature.is_time_limited = !users_.has_user(as_bytes(verdict.username));
    }
  }
  switch (match) {
    case Users::Match::Unknown:
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
  if (nonces_.check(now, tuple.client, *nonce) == Nonces::State::Fresh) {
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
