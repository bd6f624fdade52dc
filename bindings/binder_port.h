// BinderPort: a ConnectionBinder behind the mailbox.
#pragma once

#include "bindings/client_port.h"
#include "bindings/turn_port.h"
#include "client/turn/connection_binder.h"

namespace postern::bindings {

class BinderPort final : public ClientPort {
 public:
  BinderPort(uint32_t handle, const TurnPort& relay);
  [[nodiscard]] Errc start(Instant now, uint32_t connection_id) {
    return binder_.start(now, connection_id);
  }

  int32_t command(Command command, Instant now, Bytes request) override;
  [[nodiscard]] bool handle_input(const Incoming& incoming, Instant now, Outbox& outbox) override;
  void handle_timeout(Instant now) override { binder_.handle_timeout(now); }
  [[nodiscard]] bool drain(Outbox& outbox) override;
  [[nodiscard]] Instant poll_timeout() const override { return binder_.poll_timeout(); }
  [[nodiscard]] size_t stats(std::span<double> out) const override;
  [[nodiscard]] size_t entropy_available() const override { return binder_.entropy_available(); }
  size_t provide_entropy(Bytes bytes) override { return binder_.provide_entropy(bytes); }

 private:
  bool handle_stream(const Incoming& incoming, Instant now, Outbox& outbox);

  client::ConnectionBinder binder_;
};

}  // namespace postern::bindings
