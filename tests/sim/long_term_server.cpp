#include "sim/long_term_server.h"

#include <algorithm>
#include <utility>

#include "stun/integrity.h"
#include "stun/long_term.h"

namespace postern::sim {

using stun::AttributeType;

namespace {

bool equal(stun::Bytes a, stun::Bytes b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

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
  return text + "nonce-" + std::to_string(nonce_number_);
}

Message LongTermServer::challenge(const Request& request, uint16_t code) const {
  ResponseBuilder builder(request, stun::Class::Error);
  builder.error(code, code == 438 ? "Stale Nonce" : "Unauthenticated")
      .add<AttributeType::Realm>(as_bytes(options.realm))
      .add<AttributeType::Nonce>(as_bytes(nonce()));
  if (!options.algorithms.empty())
    builder.add<AttributeType::PasswordAlgorithms>(options.algorithms);
  return builder.build();
}

bool LongTermServer::names_user(const Request& request) const {
  if (options.hides_username) {
    const auto hash = request.get<AttributeType::Userhash>();
    return hash && !request.has(AttributeType::Username) &&
           equal(*hash, stun::userhash(as_bytes(options.username), as_bytes(options.realm)));
  }
  const auto name = request.get<AttributeType::Username>();
  return name && !request.has(AttributeType::Userhash) && equal(*name, as_bytes(options.username));
}

stun::PreparedKey LongTermServer::key_for(const Request& request) const {
  const auto chosen = request.get<AttributeType::PasswordAlgorithm>();
  const auto algorithm = chosen ? static_cast<stun::PasswordAlgorithm>(chosen->algorithm)
                                : stun::PasswordAlgorithm::Md5;
  return stun::PreparedKey(stun::long_term_key(algorithm, as_bytes(options.username),
                                               as_bytes(options.realm), as_bytes(options.password))
                               .view());
}

Message LongTermServer::answer(const Request& request) {
  const bool has_sha1 = request.integrity_offset() != 0;
  const bool has_sha256 = request.integrity_sha256_offset() != 0;
  if (!has_sha1 && !has_sha256) return challenge(request, 401);

  const auto realm = request.get<AttributeType::Realm>();
  const auto sent_nonce = request.get<AttributeType::Nonce>();
  const auto list = request.get<AttributeType::PasswordAlgorithms>();
  const auto chosen = request.get<AttributeType::PasswordAlgorithm>();
  const bool names_somebody =
      request.has(AttributeType::Username) || request.has(AttributeType::Userhash);
  // Offered algorithms come back byte for byte, with a choice from them and the SHA-256 integrity
  // only.
  const bool follows_offer = options.algorithms.empty()
                                 ? !list && !chosen && has_sha1 && !has_sha256
                                 : list && equal(*list, options.algorithms) && chosen &&
                                       chosen->parameters.empty() && has_sha256 && !has_sha1;
  if (!names_somebody || !realm || !sent_nonce || !follows_offer) {
    ++refused_form;
    return error(request, 400, "Bad Request");
  }
  const stun::PreparedKey key = key_for(request);
  if (!names_user(request) || !equal(*realm, as_bytes(options.realm)) ||
      stun::check_best_integrity(request, key) != Errc::Ok) {
    return challenge(request, 401);
  }
  if (!equal(*sent_nonce, as_bytes(nonce()))) return challenge(request, 438);
  ++accepted;
  ResponseBuilder builder(request, stun::Class::Success);
  builder.add<AttributeType::XorMappedAddress>(kMapped);
  if (has_sha256) {
    builder.sign_sha256(key);
  } else {
    builder.sign_sha1(key);
  }
  return builder.build();
}

}  // namespace postern::sim
