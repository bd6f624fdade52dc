#include "sim/long_term_server.h"

#include <utility>

#include "stun/integrity.h"
#include "stun/long_term.h"

namespace postern::sim {

using stun::AttributeType;

namespace {

std::string nonce_text(unsigned number) { return "nonce-" + std::to_string(number); }

}  // namespace

LongTermServer::LongTermServer(LongTermServerOptions given) : options(std::move(given)) {}

std::string LongTermServer::nonce() const {
  std::string text;
  if (options.has_cookie && (!options.algorithms.empty() || options.hides_username)) {
    stun::SecurityFeatures features;
    const auto mask = [&](stun::SecurityFeature feature) {
      return stun::SecurityFeatures::mask(feature, options.feature_bits);
    };
    if (!options.algorithms.empty())
      features.bits |= mask(stun::SecurityFeature::PasswordAlgorithms);
    if (options.hides_username) features.bits |= mask(stun::SecurityFeature::UsernameAnonymity);
    std::array<uint8_t, stun::kNonceCookieCharacters> cookie{};
    stun::write_nonce_cookie(features, cookie);
    text = as_text(cookie);
  }
  return text + nonce_text(nonce_number_);
}

bool LongTermServer::has_issued(stun::Bytes nonce) const {
  if (stun::read_nonce_cookie(nonce)) nonce = nonce.subspan(stun::kNonceCookieCharacters);
  for (unsigned number = 1; number <= nonce_number_; ++number) {
    if (equal(nonce, as_bytes(nonce_text(number)))) return true;
  }
  return false;
}

void LongTermServer::add_challenge(ResponseBuilder& builder) const {
  builder.add<AttributeType::Realm>(as_bytes(options.realm))
      .add<AttributeType::Nonce>(as_bytes(nonce()));
  if (!options.algorithms.empty() && options.announces_algorithms)
    builder.add<AttributeType::PasswordAlgorithms>(options.algorithms);
  if (options.third_party)
    builder.add<AttributeType::ThirdPartyAuthorization>(as_bytes(options.third_party->server_name));
}

Message LongTermServer::challenge(const Request& request, uint16_t code) const {
  ResponseBuilder builder(request, stun::Class::Error);
  builder.error(code, code == 438 ? "Stale Nonce" : "Unauthenticated");
  add_challenge(builder);
  return builder.build();
}

bool LongTermServer::has_token(const Request& request) const {
  return options.third_party && request.has(AttributeType::AccessToken);
}

std::string LongTermServer::user_of(const Request& request) const {
  return has_token(request) ? options.third_party->kid : options.username;
}

bool LongTermServer::names_user(const Request& request) const {
  const auto name = request.get<AttributeType::Username>();
  if (has_token(request)) {
    const auto token = request.get<AttributeType::AccessToken>();
    return name && equal(*name, as_bytes(options.third_party->kid)) && token &&
           equal(*token, options.third_party->access_token);
  }
  if (options.hides_username) {
    const auto hash = request.get<AttributeType::Userhash>();
    return hash && !name &&
           equal(*hash, stun::userhash(as_bytes(options.username), as_bytes(options.realm)));
  }
  return name && !request.has(AttributeType::Userhash) && equal(*name, as_bytes(options.username));
}

stun::PreparedKey LongTermServer::key_for(const Request& request) const {
  if (has_token(request)) return stun::PreparedKey(options.third_party->mac_key);
  const auto chosen = request.get<AttributeType::PasswordAlgorithm>();
  const auto algorithm = chosen ? static_cast<stun::PasswordAlgorithm>(chosen->algorithm)
                                : stun::PasswordAlgorithm::Md5;
  return stun::PreparedKey(stun::long_term_key(algorithm, as_bytes(options.username),
                                               as_bytes(options.realm), as_bytes(options.password))
                               .view());
}

Verdict LongTermServer::judge(const Request& request) const {
  const bool has_sha1 = request.integrity_offset() != 0;
  const bool has_sha256 = request.integrity_sha256_offset() != 0;
  if (!has_sha1 && !has_sha256) return Verdict::Unsigned;

  const auto realm = request.get<AttributeType::Realm>();
  const auto sent_nonce = request.get<AttributeType::Nonce>();
  const auto list = request.get<AttributeType::PasswordAlgorithms>();
  const auto chosen = request.get<AttributeType::PasswordAlgorithm>();
  const bool names_somebody =
      request.has(AttributeType::Username) || request.has(AttributeType::Userhash);
  // Offered algorithms come back byte for byte, with a choice from them and the SHA-256 integrity
  // only. A token brings its own key, which no algorithm makes.
  const bool follows_offer = has_token(request) ? true
                             : options.algorithms.empty()
                                 ? !list && !chosen && has_sha1 && !has_sha256
                                 : list && equal(*list, options.algorithms) && chosen &&
                                       chosen->parameters.empty() && has_sha256 && !has_sha1;
  if (!names_somebody || !realm || !sent_nonce || !follows_offer) return Verdict::BadForm;
  if (!names_user(request) || !equal(*realm, as_bytes(options.realm))) return Verdict::UnknownUser;
  if (stun::check_best_integrity(request, key_for(request)) != Errc::Ok)
    return Verdict::WrongIntegrity;
  return equal(*sent_nonce, as_bytes(nonce())) ? Verdict::Authentic : Verdict::StaleNonce;
}

Message LongTermServer::answer(const Request& request) {
  switch (judge(request)) {
    case Verdict::Unsigned:
    case Verdict::UnknownUser:
    case Verdict::WrongIntegrity:
      return challenge(request, 401);
    case Verdict::BadForm:
      ++refused_form;
      return error(request, 400, "Bad Request");
    case Verdict::StaleNonce:
      return challenge(request, 438);
    case Verdict::Authentic:
      break;
  }
  ++accepted;
  ResponseBuilder builder(request, stun::Class::Success);
  builder.add<AttributeType::XorMappedAddress>(kMapped);
  if (request.integrity_sha256_offset() != 0) {
    builder.sign_sha256(key_for(request));
  } else {
    builder.sign_sha1(key_for(request));
  }
  return builder.build();
}

}  // namespace postern::sim
