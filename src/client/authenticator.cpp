#include "client/authenticator.h"

#include <algorithm>

namespace postern::client {

namespace {

using stun::AttributeType;
using stun::Bytes;
using stun::ErrorCode;
using stun::PasswordAlgorithm;

bool is(uint16_t error_code, ErrorCode expected) {
  return error_code == static_cast<uint16_t>(expected);
}

// RFC 8489 section 9.2.2: the realm goes into the key without quotes and trailing NULs.
Bytes without_quotes(Bytes realm) {
  realm = stun::without_trailing_nul(realm);
  if (realm.size() >= 2 && realm.front() == '"' && realm.back() == '"') {
    realm = realm.subspan(1, realm.size() - 2);
  }
  return realm;
}

// RFC 8489 section 9.1.4: the response has to use an algorithm of the request. If it holds both
// attributes against section 9.1.3, the stronger one decides.
Errc check_integrity(const stun::MessageView& response, const Protection& request,
                     size_t least_sha256_bytes) {
  if (request.sha256 && response.integrity_sha256_offset() != 0) {
    return stun::check_integrity_sha256(response, *request.key, least_sha256_bytes);
  }
  if (request.sha1) return stun::check_integrity(response, *request.key);
  return Errc::IntegrityMissing;
}

}  // namespace

Errc Authenticator::set_credentials(const Credentials& credentials) {
  if (credentials.username.size() > stun::kMaxUsername ||
      credentials.password.size() > kMaxPasswordBytes ||
      credentials.realm.size() > stun::kMaxTextRead ||
      credentials.access_token.size() > kMaxAccessTokenBytes) {
    return Errc::BadCredentials;
  }
  mechanism_ = credentials.mechanism;
  short_term_integrity_ = options_.short_term_integrity;
  is_challenged_ = false;
  has_algorithms_ = false;
  algorithm_ = PasswordAlgorithm::Md5;
  nonce_.clear();
  algorithms_.clear();
  password_.clear();
  access_token_.clear();
  key_.reset();
  realm_is_given_ = !credentials.realm.empty();
  // They were measured above.
  static_cast<void>(username_.assign(credentials.username));
  static_cast<void>(realm_.assign(credentials.realm));
  if (mechanism_ == Mechanism::ShortTerm) key_.emplace(credentials.password);
  if (mechanism_ == Mechanism::ThirdParty) {
    static_cast<void>(access_token_.assign(credentials.access_token));
    key_.emplace(credentials.password);
  }
  if (mechanism_ == Mechanism::LongTerm) {
    static_cast<void>(password_.assign(credentials.password));
  }
  return Errc::Ok;
}

Errc Authenticator::change_credentials(const Credentials& credentials) {
  const Authenticator before = *this;
  if (const Errc errc = set_credentials(credentials); errc != Errc::Ok) return errc;
  const bool is_for_others = realm_is_given_ && !realm_.holds(before.realm_.view());
  if (!before.is_challenged_ || before.mechanism_ != mechanism_ || is_for_others) return Errc::Ok;
  realm_ = before.realm_;
  nonce_ = before.nonce_;
  algorithms_ = before.algorithms_;
  has_algorithms_ = before.has_algorithms_;
  algorithm_ = before.algorithm_;
  hides_username_ = before.hides_username_;
  is_challenged_ = true;
  ++identity_;
  derive_key();
  return Errc::Ok;
}

Protection Authenticator::sign(stun::MessageWriter& writer) const {
  Protection protection{.mechanism = mechanism_, .identity = identity_};
  if (mechanism_ == Mechanism::ShortTerm) {
    writer.add<AttributeType::Username>(username_.view());
    protection.sha1 = short_term_integrity_ != ShortTermIntegrity::Sha256;
    protection.sha256 = short_term_integrity_ != ShortTermIntegrity::Sha1;
  } else if (waits_for_challenge(mechanism_) && is_challenged_) {
    if (hides_username_ && mechanism_ == Mechanism::LongTerm) {
      writer.add<AttributeType::Userhash>(userhash_);
    } else {
      writer.add<AttributeType::Username>(username_.view());
    }
    // Raw: they go back as they came, be they longer than a writer may make them by itself.
    writer.add_raw(static_cast<uint16_t>(AttributeType::Realm), realm_.view());
    writer.add_raw(static_cast<uint16_t>(AttributeType::Nonce), nonce_.view());
    if (mechanism_ == Mechanism::ThirdParty) {
      writer.add<AttributeType::AccessToken>(access_token_.view());
    }
    if (has_algorithms_) {
      writer.add<AttributeType::PasswordAlgorithms>(algorithms_.view());
      writer.add<AttributeType::PasswordAlgorithm>(
          {.algorithm = static_cast<uint16_t>(algorithm_), .parameters = {}});
    }
    // Section 9.2.5: who offered algorithms gets MESSAGE-INTEGRITY-SHA256 only; who did not may
    // not know it.
    protection.sha256 = has_algorithms_;
    protection.sha1 = !has_algorithms_;
  }
  if (protection.is_signed()) protection.key = key_;
  if (protection.sha1) writer.add_integrity(*key_);
  if (protection.sha256) writer.add_integrity_sha256(*key_);
  return protection;
}

Judgement Authenticator::judge(const stun::MessageView& response, uint16_t error_code,
                               const Protection& request) const {
  const bool long_term = waits_for_challenge(request.mechanism);
  const bool is_challenge = is(error_code, ErrorCode::Unauthenticated) ||
                            (long_term && is(error_code, ErrorCode::StaleNonce));
  // Section 9.2.5, "For all other responses".
  if (long_term && !is_challenge &&
      lacks_announced_algorithms(response, options_.challenge.feature_bits)) {
    return Judgement::Ignore;
  }
  if (!request.is_signed()) return is_challenge ? Judgement::Challenge : Judgement::Accepted;

  const bool has_integrity =
      response.integrity_offset() != 0 || response.integrity_sha256_offset() != 0;
  if (long_term && !has_integrity) {
    // Section 9.2.4: a server that refuses the credentials has no key to sign its refusal with.
    if (is_challenge) return Judgement::Challenge;
    // Section 9.2.5: dropped, and yet no violation, since the server could not have signed it.
    if (is(error_code, ErrorCode::BadRequest)) return Judgement::Ignore;
  }
  if (check_integrity(response, request, options_.least_sha256_bytes) != Errc::Ok) {
    return Judgement::Violation;
  }
  return long_term && is_challenge ? Judgement::Challenge : Judgement::Authenticated;
}

void Authenticator::learn_from(const stun::MessageView& response) {
  if (short_term_integrity_ != ShortTermIntegrity::Both) return;
  short_term_integrity_ = response.integrity_sha256_offset() != 0 ? ShortTermIntegrity::Sha256
                                                                  : ShortTermIntegrity::Sha1;
}

Errc Authenticator::answer_challenge(const stun::MessageView& response, uint16_t error_code,
                                     const Protection& request) {
  if (!waits_for_challenge(mechanism_)) return Errc::CredentialsNeeded;
  const auto challenge = read_challenge(response, options_.challenge);
  if (!challenge) return challenge.error();
  const bool knows_realm = realm_is_given_ || is_challenged_;
  if (!challenge->realm && !knows_realm) return Errc::AttributeMissing;
  const Bytes realm = challenge->realm ? *challenge->realm : realm_.view();
  if (realm_is_given_ && !realm_.holds(realm)) return Errc::CredentialsNeeded;
  if (is_weaker(*challenge)) return Errc::BidDown;
  adopt(*challenge, realm);
  // Section 9.2.5: no second try with the same user name, realm and password.
  const bool refuses_these = request.is_signed() && request.identity == identity_;
  if (refuses_these && is(error_code, ErrorCode::Unauthenticated)) return Errc::Unauthenticated;
  return Errc::Ok;
}

// What the server has offered once, it offers for good: section 9.2.5 wants
// MESSAGE-INTEGRITY-SHA256 in all requests after a list, and a shorter list would let the password
// be tried with MD5.
bool Authenticator::is_weaker(const Challenge& challenge) const {
  if (!has_algorithms_) return false;
  return !challenge.algorithms || (algorithm_ == PasswordAlgorithm::Sha256 &&
                                   challenge.algorithm != PasswordAlgorithm::Sha256);
}

void Authenticator::adopt(const Challenge& challenge, Bytes realm) {
  const bool same_realm = is_challenged_ && realm_.holds(realm);
  const bool same_key = same_realm && algorithm_ == challenge.algorithm;
  if (!same_realm || hides_username_ != challenge.hides_username) ++identity_;
  // Both were measured when they were read. `realm` may be a view on realm_ itself.
  if (!realm_.holds(realm)) static_cast<void>(realm_.assign(realm));
  static_cast<void>(nonce_.assign(challenge.nonce));
  has_algorithms_ = challenge.algorithms.has_value();
  static_cast<void>(algorithms_.assign(challenge.algorithms.value_or(Bytes{})));
  algorithm_ = challenge.algorithm;
  hides_username_ = challenge.hides_username;
  is_challenged_ = true;
  if (!same_key) derive_key();
}

// A token brings its own.
void Authenticator::derive_key() {
  if (mechanism_ != Mechanism::LongTerm) return;
  const Bytes key_realm = without_quotes(realm_.view());
  userhash_ = stun::userhash(username_.view(), key_realm);
  key_.emplace(
      stun::long_term_key(algorithm_, username_.view(), key_realm, password_.view()).view());
}

}  // namespace postern::client
