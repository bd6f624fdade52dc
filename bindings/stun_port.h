// StunPort: a StunClient behind the mailbox.
#pragma once

#include "bindings/client_port.h"
#include "bindings/open_settings.h"
#include "client/stun_client.h"

namespace postern::bindings {

class StunPort final : public ClientPort {
 public:
  StunPort(uint32_t handle, const OpenSettings& settings);
  // What the settings could not be taken for.
  [[nodiscard]] Errc set_up(const OpenSettings& settings);

  int32_t command(Command command, Instant now, Bytes request) override;
  [[nodiscard]] bool handle_input(const Incoming& incoming, Instant now, Outbox& outbox) override;
  void handle_timeout(Instant now) override { client_.handle_timeout(now); }
  [[nodiscard]] bool drain(Outbox& outbox) override;
  [[nodiscard]] Instant poll_timeout() const override { return client_.poll_timeout(); }
  [[nodiscard]] size_t stats(std::span<double> out) const override;
  [[nodiscard]] size_t entropy_available() const override { return client_.entropy_available(); }
  size_t provide_entropy(Bytes bytes) override { return client_.provide_entropy(bytes); }

 private:
  int32_t start_binding(Instant now, Bytes request);
  void write_event(const client::Event& event, Outbox& outbox) const;

  TransportAddress server_;
  client::StunClient client_;
};

}  // namespace postern::bindings
