// Authenticator: the credential side of a client (RFC 8489 section 9). It signs requests, judges
// the integrity of responses, and answers challenges; transactions and timers are not its business.
// Credentials are prepared strings (OpaqueString or SASLprep) in UTF-8.
//
//   mechanism    first request         401 or 438                 later requests
//   None         unsigned              CredentialsNeeded          unsigned
//   ShortTerm    signed                an answer like any other   signed
//   LongTerm     unsigned              realm, nonce: try again    signed with the last challenge
//   ThirdParty   unsigned              realm, nonce: try again    signed with the token's key (RFC
//   7635)
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/errc.h"
#include "base/fixed_bytes.h"
#include "client/challenge.h"
#include "stun/integrity.h"
#include "stun/long_term.h"
#include "stun/message_view.h"
#include "stun/message_writer.h"
#include "stun/prepared_key.h"

namespace postern::client {

enum class Mechanism : uint8_t { None, ShortTerm, LongTerm, ThirdParty };

struct Credentials {
  Mechanism mechanism = Mechanism::None;
  stun::Bytes username{};  // ThirdParty: the key identifier (kid)
  stun::Bytes password{};  // ThirdParty: the session key (mac_key), which signs as it is
  // LongTerm: the only realm that may have them. Empty: whichever the server names.
  stun::Bytes realm{};
  // ThirdParty: what the authorization server gave for the TURN server (RFC 7635 section 6.2).
  stun::Bytes access_token{};
};

// Ours: far above any real password, and a bound for what is kept.
inline constexpr size_t kMaxPasswordBytes = 512;
// Ours: above the tokens of RFC 7635, whose ciphertext holds a key of 64 bytes at most.
inline constexpr size_t kMaxAccessTokenBytes = 512;

// RFC 8489 section 9.1.2: both, unless it is known by other means what the server supports. ICE
// agents of RFC 5389 know Sha1 only.
enum class ShortTermIntegrity : uint8_t { Both, Sha1, Sha256 };

struct AuthenticatorOptions {
  ChallengeOptions challenge{};
  ShortTermIntegrity short_term_integrity = ShortTermIntegrity::Both;
  // The shortest MESSAGE-INTEGRITY-SHA256 that a response may carry. RFC 8489 section 14.6 permits
  // no truncation unless the usage does; Binding, ICE and TURN do not.
  size_t least_sha256_bytes = stun::kSha256IntegrityBytes;
};

[[nodiscard]] constexpr bool waits_for_challenge(Mechanism mechanism) {
  return mechanism == Mechanism::LongTerm || mechanism == Mechanism::ThirdParty;
}

// How one request was signed: all that it takes to judge the responses to it. It stays with the
// request, because the credentials may change while that is on its way.
struct Protection {
  Mechanism mechanism = Mechanism::None;   // of the client; the request may be unsigned yet
  bool sha1 = false;                       // MESSAGE-INTEGRITY was sent
  bool sha256 = false;                     // MESSAGE-INTEGRITY-SHA256 was sent
  uint32_t identity = 0;                   // which user in which realm: see answer_challenge()
  std::optional<stun::PreparedKey> key{};  // none where nothing was signed

  [[nodiscard]] bool is_signed() const { return sha1 || sha256; }
};

enum class Judgement : uint8_t {
  Accepted,  // to be believed, although nothing proves it
  Authenticated,
  Challenge,  // 401 or 438: for answer_challenge()
  Ignore,     // as if it had never come
  Violation   // integrity is missing or wrong
};

class Authenticator {
 public:
  explicit Authenticator(const AuthenticatorOptions& options = {}) : options_(options) {}

  // Errc::BadCredentials, and nothing changed, where one is too long. Forgets realm and nonce.
  [[nodiscard]] Errc set_credentials(const Credentials& credentials);
  // The same, but what the server has challenged with stays, if it concerns the new credentials: no
  // request goes out unsigned, whose answer anybody could make.
  [[nodiscard]] Errc change_credentials(const Credentials& credentials);
  [[nodiscard]] Mechanism mechanism() const { return mechanism_; }

  // Whether `request` was signed for the user who signs now.
  [[nodiscard]] bool signs_like(const Protection& request) const {
    return request.identity == identity_;
  }

  // Adds what the mechanism asks for, integrity included: only FINGERPRINT may follow.
  Protection sign(stun::MessageWriter& writer) const;

  // `error_code` is that of an error response, 0 for a success response.
  [[nodiscard]] Judgement judge(const stun::MessageView& response, uint16_t error_code,
                                const Protection& request) const;

  // RFC 8489 section 9.1.5: what is learned from a response that was Authenticated.
  void learn_from(const stun::MessageView& response);

  // Takes over realm and nonce. Errc::Ok means: sign and send the request anew, under a new ID.
  [[nodiscard]] Errc answer_challenge(const stun::MessageView& response, uint16_t error_code,
                                      const Protection& request);

  // Whether a 300 (Try Alternate) may be followed. Section 10 lets it come unauthenticated, section
  // 14.8 forbids to follow it then: who answers first could send the client, and its credentials,
  // to a server of their own. The strict reading stands wherever there are credentials; without
  // any, nothing could be checked, and a false mapped address would do the same harm.
  [[nodiscard]] static bool may_redirect(const Protection& request, Judgement judgement) {
    return request.mechanism == Mechanism::None || judgement == Judgement::Authenticated;
  }
  // For TURN, where servers send their clients on before they challenge them, so that the request
  // was unsigned and the answer cannot be anything else. What the other server gets to see is no
  // more than this one would.
  [[nodiscard]] static bool may_redirect_allocation(const Protection& request,
                                                    Judgement judgement) {
    return !request.is_signed() || judgement == Judgement::Authenticated;
  }

 private:
  void adopt(const Challenge& challenge, stun::Bytes realm);
  void derive_key();
  [[nodiscard]] bool is_weaker(const Challenge& challenge) const;

  AuthenticatorOptions options_;
  Mechanism mechanism_ = Mechanism::None;
  FixedBytes<stun::kMaxUsername> username_;
  FixedBytes<kMaxPasswordBytes> password_;
  FixedBytes<kMaxAccessTokenBytes> access_token_;
  std::optional<stun::PreparedKey> key_;  // once it is known
  // Changes whenever a 401 to what was signed before would no longer speak of what is signed now.
  uint32_t identity_ = 0;

  // Short-term: what the server answered with.
  ShortTermIntegrity short_term_integrity_ = ShortTermIntegrity::Both;

  // Long-term: the last challenge.
  bool realm_is_given_ = false;  // by the caller
  bool is_challenged_ = false;
  bool hides_username_ = false;
  bool has_algorithms_ = false;
  stun::PasswordAlgorithm algorithm_ = stun::PasswordAlgorithm::Md5;
  FixedBytes<stun::kMaxTextRead> realm_;
  FixedBytes<stun::kMaxTextRead> nonce_;
  FixedBytes<kMaxAlgorithmListBytes> algorithms_;
  std::array<uint8_t, stun::kUserhashBytes> userhash_{};
};

}  // namespace postern::client
