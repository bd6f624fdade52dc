// TurnPort: a TurnClient behind the mailbox.
#pragma once

#include "base/fixed_bytes.h"
#include "bindings/client_port.h"
#include "bindings/open_settings.h"
#include "client/turn/turn_client.h"

namespace postern::bindings {

class TurnPort final : public ClientPort {
 public:
  TurnPort(uint32_t handle, const OpenSettings& settings);
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

  // What a ConnectionBinder of this relay is made with.
  [[nodiscard]] const client::Authenticator& authenticator() const {
    return client_.authenticator();
  }
  [[nodiscard]] const client::RetransmissionOptions& retransmission() const {
    return retransmission_;
  }
  [[nodiscard]] Bytes software() const { return software_.view(); }

 private:
  int32_t allocate(Instant now, Bytes request);
  int32_t command_peer(Command command, Instant now, Bytes request);
  int32_t command_number(Command command, Instant now, Bytes request);
  int32_t set_credentials(Instant now, Bytes request);
  bool handle_datagram(const Incoming& incoming, const TransportAddress& source, Instant now,
                       Outbox& outbox);
  bool handle_stream(const Incoming& incoming, Instant now, Outbox& outbox);
  bool send(const Incoming& incoming, Instant now, Outbox& outbox);
  void write_data(const client::PeerData& data, const Incoming& incoming, Outbox& outbox) const;

  TransportAddress server_;
  client::RetransmissionOptions retransmission_;
  FixedBytes<client::kMaxSoftwareBytes> software_;
  client::TurnClient client_;
  bool is_in_stream_ = false;  // the outbox was full before the bytes were used up
  uint64_t send_failed_ = 0;
};

}  // namespace postern::bindings
