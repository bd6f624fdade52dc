#include "client/response.h"

namespace postern::client {

Response classify_response(const stun::MessageView& message, const Protection& request,
                           const Authenticator& authenticator) {
  const bool is_error = message.message_class() == stun::Class::Error;
  const auto error = message.get<stun::AttributeType::ErrorCode>();

  Response response;
  if (is_error && error) response.error_code = error->code;
  response.judgement = authenticator.judge(message, response.error_code, request);
  switch (response.judgement) {
    case Judgement::Ignore:
      response.kind = Response::Kind::Ignored;
      return response;
    case Judgement::Violation:
      response.kind = Response::Kind::Unprotected;
      return response;
    case Judgement::Challenge:
      response.kind = Response::Kind::Challenge;
      break;
    case Judgement::Accepted:
    case Judgement::Authenticated:
      response.kind = is_error ? Response::Kind::Error : Response::Kind::Success;
      break;
  }
  // Sections 6.3.3 and 6.3.4.
  if (message.unknown_required({}) > 0) {
    response.kind = Response::Kind::Unusable;
    response.errc = Errc::UnknownAttributes;
  } else if (is_error && !error) {
    response.kind = Response::Kind::Unusable;
    response.errc = error.error();
  }
  return response;
}

}  // namespace postern::client
