// Member: the client that we ship at the server that we ship, over a bad network: its relay, and
// what has become of it.
#pragma once

#include <gtest/gtest.h>

#include <optional>

#include "client/turn/turn_client.h"
#include "sim/network.h"
#include "sim/server_host.h"
#include "sim/turn_run.h"

namespace postern::sim {

struct Member {
  // `number`: of several at one host.
  explicit Member(ServerHost& host, unsigned number = 0,
                  const client::Credentials& credentials = user_pass())
      : client(options()),
        net(host, endpoint_of(client, [this](const client::PeerData&) { ++received; }),
            Carrier::Datagram, number) {
    net.tuple.client = TransportAddress::ipv4(203, 0, 113, static_cast<uint8_t>(number % 250 + 1),
                                              static_cast<uint16_t>(20000 + number));
    net.route =
        random_route({.loss = 10, .duplication = 2, .reordering = 5, .jitter = ms(30)}, number);
    net.after_input = [this] {
      while (const auto event = client.poll_event()) {
        if (event->kind == TurnEventKind::Allocated) is_allocated = true;
        if (event->kind == TurnEventKind::ChannelBound) channel = event->number;
        if (event->kind == TurnEventKind::Lost || event->kind == TurnEventKind::PermissionLost ||
            event->kind == TurnEventKind::ChannelLost ||
            event->kind == TurnEventKind::AllocateFailed) {
          lost = true;
        }
        if (event->kind == TurnEventKind::AllocateFailed) failure.emplace(*event, net.now);
        if (event->kind == TurnEventKind::Closed) closed = true;
      }
    };
    EXPECT_EQ(client.set_credentials(net.now, credentials), Errc::Ok);
    net.refill();
    EXPECT_EQ(client.allocate(net.now), Errc::Ok);
    net.drain();
  }

  static client::TurnClientOptions options() {
    client::TurnClientOptions options;
    options.server = kServer;
    return options;
  }

  client::TurnClient client;
  Network net;
  bool is_allocated = false;
  bool lost = false;
  bool closed = false;
  std::optional<TurnRecord> failure{};
  uint32_t channel = 0;
  unsigned received = 0;
};

}  // namespace postern::sim
