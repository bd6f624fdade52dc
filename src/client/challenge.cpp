#include "client/challenge.h"

namespace postern::client {

namespace {

using stun::AttributeType;
using stun::PasswordAlgorithm;

std::optional<PasswordAlgorithm> known_algorithm(const stun::kind::AlgorithmValue& entry) {
  // The algorithms of RFC 8489 section 18.5.1 have no parameters; with some they are others.
  if (!entry.parameters.empty()) return std::nullopt;
  switch (static_cast<PasswordAlgorithm>(entry.algorithm)) {
    case PasswordAlgorithm::Md5:
      return PasswordAlgorithm::Md5;
    case PasswordAlgorithm::Sha256:
      return PasswordAlgorithm::Sha256;
  }
  return std::nullopt;
}

std::optional<PasswordAlgorithm> choose(stun::Bytes list, AlgorithmChoice choice) {
  std::optional<PasswordAlgorithm> chosen;
  while (const auto entry = stun::kind::take_algorithm(list)) {
    const auto known = known_algorithm(*entry);
    if (!known) continue;
    if (!chosen) chosen = known;
    if (choice == AlgorithmChoice::FirstOffered) break;
    if (*known == PasswordAlgorithm::Sha256) chosen = known;
  }
  return chosen;
}

}  // namespace

bool lacks_announced_algorithms(const stun::MessageView& response,
                                stun::FeatureBitOrder feature_bits) {
  const auto nonce = response.get<AttributeType::Nonce>();
  if (!nonce) return false;
  const auto features = stun::read_nonce_cookie(*nonce);
  return features && features->has(stun::SecurityFeature::PasswordAlgorithms, feature_bits) &&
         !response.get<AttributeType::PasswordAlgorithms>();
}

Result<Challenge> read_challenge(const stun::MessageView& response,
                                 const ChallengeOptions& options) {
  Challenge challenge;
  const auto nonce = response.get<AttributeType::Nonce>();
  if (!nonce) return nonce.error();
  challenge.nonce = *nonce;

  const auto realm = response.get<AttributeType::Realm>();
  if (realm) {
    challenge.realm = *realm;
  } else if (realm.error() != Errc::AttributeMissing) {
    return realm.error();
  }

  if (lacks_announced_algorithms(response, options.feature_bits)) return Errc::BidDown;
  const auto algorithms = response.get<AttributeType::PasswordAlgorithms>();
  if (algorithms) {
    if (algorithms->size() > kMaxAlgorithmListBytes) return Errc::AttributeLength;
    const auto chosen = choose(*algorithms, options.algorithm);
    if (!chosen) return Errc::UnknownPasswordAlgorithm;
    challenge.algorithms = *algorithms;
    challenge.algorithm = *chosen;
  } else if (algorithms.error() != Errc::AttributeMissing) {
    return algorithms.error();
  }

  const auto features = stun::read_nonce_cookie(*nonce);
  challenge.hides_username =
      features && features->has(stun::SecurityFeature::UsernameAnonymity, options.feature_bits);
  return challenge;
}

}  // namespace postern::client
