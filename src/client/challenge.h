// Challenge: what a 401 or 438 response asks of the client (RFC 8489 sections 9.2.1, 9.2.5): realm,
// nonce, password algorithm, and whether the user name is to be hidden. Reading only; whether to
// answer is the Authenticator's decision.
#pragma once

#include <cstdint>
#include <optional>

#include "base/result.h"
#include "stun/message_view.h"
#include "stun/nonce_cookie.h"
#include "stun/registry.h"

namespace postern::client {

enum class AlgorithmChoice : uint8_t {
  FirstOffered,  // RFC 8489 section 9.2.5: the first of the list that is known here
  Strongest      // RFC 8656 section 6: SHA-256 wherever it is offered
};

struct ChallengeOptions {
  // How the server counts the bits of its nonce cookie: see stun/nonce_cookie.h.
  stun::FeatureBitOrder feature_bits = stun::FeatureBitOrder::FromRight;
  AlgorithmChoice algorithm = AlgorithmChoice::FirstOffered;
};

// Ours: a list of 16 algorithms without parameters; two are registered.
inline constexpr size_t kMaxAlgorithmListBytes = 64;

// Views on the response.
struct Challenge {
  std::optional<stun::Bytes> realm{};  // a 438 may leave it out
  stun::Bytes nonce{};
  // PASSWORD-ALGORITHMS as it came; nothing where the server follows RFC 5389.
  std::optional<stun::Bytes> algorithms{};
  stun::PasswordAlgorithm algorithm = stun::PasswordAlgorithm::Md5;  // the choice made from it
  bool hides_username = false;
};

// Errc::BidDown where the nonce announces password algorithms that the response does not hold,
// UnknownPasswordAlgorithm where none of them is known here, AttributeMissing or AttributeLength.
[[nodiscard]] Result<Challenge> read_challenge(const stun::MessageView& response,
                                               const ChallengeOptions& options);

// Whether the nonce announces password algorithms and the list is not there: somebody may have
// taken it out. False where there is no nonce, or one without cookie.
[[nodiscard]] bool lacks_announced_algorithms(const stun::MessageView& response,
                                              stun::FeatureBitOrder feature_bits);

}  // namespace postern::client
