// What clients of several kinds are opened with, read from the mailbox.
#pragma once

#include "bindings/mailbox.h"
#include "client/authenticator.h"
#include "client/rto.h"

namespace postern::bindings {

// Views on the inbox.
struct OpenSettings {
  OpenRequest request{};
  TransportAddress server{};
  Bytes software{};
  client::Credentials credentials{};

  // What the request leaves open is as in `timing`.
  [[nodiscard]] client::RetransmissionOptions retransmission(
      client::RetransmissionOptions timing = {}) const;
  [[nodiscard]] client::AuthenticatorOptions authentication() const;
};

// False where the request is malformed.
[[nodiscard]] bool read_open_settings(Bytes bytes, OpenSettings& out);
[[nodiscard]] bool read_credentials(Bytes bytes, client::Credentials& out);

}  // namespace postern::bindings
