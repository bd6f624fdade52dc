// What a response means for the transaction that it answers, before the method has its say: the
// checks of RFC 8489 section 6.3 that are the same for Binding and for every TURN method, in their
// order: authentication, unknown attributes, ERROR-CODE.
#pragma once

#include <cstdint>

#include "base/errc.h"
#include "client/authenticator.h"
#include "stun/message_view.h"

namespace postern::client {

struct Response {
  enum class Kind : uint8_t {
    Ignored,      // as if it had never come
    Unprotected,  // ignored for its integrity; on a reliable transport nothing else can come
    Challenge,    // 401 or 438: the Authenticator may answer it
    Success,
    Error,
    Unusable  // the transaction has failed, for the reason in `errc`
  };
  Kind kind = Kind::Ignored;
  Errc errc = Errc::Ok;
  uint16_t error_code = 0;  // of an error response, as far as it could be read
  Judgement judgement = Judgement::Ignore;
};

// `message` is a success or error response whose ID is that of the request.
[[nodiscard]] Response classify_response(const stun::MessageView& message,
                                         const Protection& request,
                                         const Authenticator& authenticator);

}  // namespace postern::client
