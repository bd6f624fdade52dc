#include "sim/forgery.h"

#include <cstdlib>

#include "sim/messages.h"

namespace postern::sim {

using stun::AttributeType;

namespace {

Request view_of(const Message& request) {
  Request view;
  if (Request::parse(request, {}, view).errc != Errc::Ok) std::abort();
  return view;
}

Message sign(ResponseBuilder& builder, Forgery forgery) {
  const stun::PreparedKey key(as_bytes("not the key"));
  if (forgery == Forgery::Sha1) builder.sign_sha1(key);
  if (forgery == Forgery::Sha256) builder.sign_sha256(key);
  return builder.build();
}

}  // namespace

Message forged_success(const Message& request, Forgery forgery) {
  constexpr uint32_t kLifetime = 3600;
  ResponseBuilder builder(view_of(request), stun::Class::Success);
  builder.add<AttributeType::XorRelayedAddress>(kForged)
      .add<AttributeType::XorMappedAddress>(kForged)
      .add<AttributeType::Lifetime>(kLifetime);
  return sign(builder, forgery);
}

Message forged_error(const Message& request, uint16_t code, Forgery forgery) {
  ResponseBuilder builder(view_of(request), stun::Class::Error);
  builder.error(code, "forged");
  return sign(builder, forgery);
}

}  // namespace postern::sim
