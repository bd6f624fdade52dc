#include "bindings/open_settings.h"

namespace postern::bindings {

namespace {

[[nodiscard]] bool take_credentials(Bytes& rest, const CredentialsCommand& head,
                                    client::Credentials& out) {
  if (head.mechanism > static_cast<uint32_t>(client::Mechanism::ThirdParty)) return false;
  out.mechanism = static_cast<client::Mechanism>(head.mechanism);
  return take_bytes(rest, head.username_bytes, out.username) &&
         take_bytes(rest, head.password_bytes, out.password) &&
         take_bytes(rest, head.realm_bytes, out.realm) &&
         take_bytes(rest, head.token_bytes, out.access_token);
}

}  // namespace

bool read_open_settings(Bytes bytes, OpenSettings& out) {
  OpenRequest& request = out.request;
  return take(bytes, request) &&
         take_address(bytes, request.address_bytes, request.server_port, out.server) &&
         take_bytes(bytes, request.software_bytes, out.software) &&
         take_credentials(bytes,
                          {.mechanism = request.mechanism,
                           .username_bytes = request.username_bytes,
                           .password_bytes = request.password_bytes,
                           .realm_bytes = request.realm_bytes,
                           .token_bytes = request.token_bytes},
                          out.credentials);
}

bool read_credentials(Bytes bytes, client::Credentials& out) {
  CredentialsCommand head;
  return take(bytes, head) && take_credentials(bytes, head, out);
}

client::RetransmissionOptions OpenSettings::retransmission(
    client::RetransmissionOptions timing) const {
  if (request.rto_microseconds != 0) timing.rto = Duration::microseconds(request.rto_microseconds);
  if (request.rc != 0) timing.rc = request.rc;
  if (request.rm != 0) timing.rm = request.rm;
  if (request.ti_microseconds != 0) timing.ti = Duration::microseconds(request.ti_microseconds);
  return timing;
}

client::AuthenticatorOptions OpenSettings::authentication() const {
  client::AuthenticatorOptions options;
  if (request.feature_bits_from_left != 0) {
    options.challenge.feature_bits = stun::FeatureBitOrder::FromLeft;
  }
  return options;
}

}  // namespace postern::bindings
