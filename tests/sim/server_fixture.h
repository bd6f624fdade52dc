// ServerTest: the server that we ship and one client whose requests are written by hand.
#pragma once

#include <gtest/gtest.h>

#include "sim/hand_client.h"
#include "sim/server_host.h"
#include "sim/turn_run.h"

namespace postern::sim {

class ServerTest : public testing::Test {
 protected:
  explicit ServerTest(const server::ServerOptions& options = default_options())
      : host(options), client(host) {
    EXPECT_EQ(host.core.users().set_user(as_bytes("user"), as_bytes("pass")), Errc::Ok);
  }

  static server::ServerOptions default_options() {
    server::ServerOptions options;
    options.realm = "example.org";
    options.relays_ipv6 = true;
    options.can_forbid_fragments = true;
    return options;
  }
  void wait(int64_t seconds) { client.now = client.now + Duration::seconds(seconds); }
  [[nodiscard]] Outgoing from_peer(const TransportAddress& peer, std::string_view data) {
    const auto sent = host.peer_send(client.now, peer, client.relayed(), as_bytes(data));
    EXPECT_TRUE(sent.has_value());
    return sent.value_or(Outgoing{});
  }
  [[nodiscard]] bool hears(const TransportAddress& peer) {
    return host.peer_send(client.now, peer, client.relayed(), as_bytes("x")).has_value();
  }
  void send(const TransportAddress& peer, std::string_view data) {
    client.tell(client.indication(stun::Method::Send, [&](stun::MessageWriter& writer) {
      writer.add<stun::AttributeType::XorPeerAddress>(peer);
      writer.add<stun::AttributeType::Data>(as_bytes(data));
    }));
  }

  ServerHost host;
  HandClient client;
};

}  // namespace postern::sim
