// NAT discovery over TCP: three connections from one local port, to addresses that see it as the
// NAT has it.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>

#include "client/nat/nat_discovery.h"
#include "sim/nat_box.h"
#include "sim/nat_world.h"
#include "sim/response_builder.h"
#include "stun/message_view.h"

namespace postern::sim {
namespace {

using client::nat::Answer;
using client::nat::Behaviour;
using client::nat::NatDiscovery;
using client::nat::NatEvent;
using client::nat::Reason;
using client::nat::SocketId;
using stun::AttributeType;

class TcpWorld {
 public:
  explicit TcpWorld(const NatBoxOptions& box) : box_(box) {}

  // What becomes of a connection: none is refused when it is left empty.
  std::function<bool(NatDiscovery& discovery, const NatEvent& open)> refuses;
  // Of an answer: pieces of so many bytes.
  size_t piece_bytes = SIZE_MAX;
  bool names_other = true;
  unsigned opened = 0;
  unsigned closed = 0;
  std::vector<uint16_t> local_ports;

  NatDiscovery discovery{{.server = NatWorld::kFirst,
                          .is_reliable = true,
                          .confirms = true,
                          .longest_wait = Duration::seconds(60),
                          .fingerprint = false,
                          .retransmission = client::nat::kNatRetransmission,
                          .authentication = {}}};

  bool run() {
    std::array<uint8_t, EntropyPool::kCapacity> entropy{};
    uint8_t next = 0;
    Instant now;
    discovery.start(now);
    for (int steps = 0; steps < 1000; ++steps) {
      for (uint8_t& byte : entropy) byte = next++;
      next = static_cast<uint8_t>(next + 7);
      discovery.provide_entropy(entropy);
      while (const auto event = discovery.poll_event()) {
        if (event->kind == NatEvent::Kind::Done) return true;
        if (event->kind == NatEvent::Kind::CloseSocket) ++closed;
        if (event->kind == NatEvent::Kind::OpenSocket) open(now, *event);
      }
      std::vector<uint8_t> out(client::nat::kMaxNatRequestBytes);
      for (;;) {
        const auto sent = discovery.poll_transmit(out);
        if (sent.size == 0) break;
        answer(now, sent.socket,
               Message(out.begin(), out.begin() + static_cast<ptrdiff_t>(sent.size)));
      }
      const Instant deadline = discovery.poll_timeout();
      if (!deadline.is_never()) now = std::max(now, deadline);
      discovery.handle_timeout(now);
    }
    return false;
  }

 private:
  void open(Instant now, const NatEvent& event) {
    ++opened;
    TransportAddress local = NatWorld::kInside;
    local.port = event.same_port_as == client::nat::kNoSocket
                     ? static_cast<uint16_t>(50'000 + opened)
                     : locals_[event.same_port_as].port;
    if (refuses && refuses(discovery, event)) return;
    locals_[event.socket] = local;
    remotes_[event.socket] = event.remote;
    local_ports.push_back(local.port);
    discovery.handle_opened(now, event.socket, local);
  }

  void answer(Instant now, SocketId socket, const Message& bytes) {
    Request request;
    ASSERT_EQ(stun::MessageView::parse(bytes, {}, request).errc, Errc::Ok);
    ResponseBuilder builder(request, stun::Class::Success);
    builder.add<AttributeType::XorMappedAddress>(box_.send(now, locals_[socket], remotes_[socket]));
    if (names_other) builder.add<AttributeType::OtherAddress>(NatWorld::kOther);
    const Message message = builder.build();
    for (size_t at = 0; at < message.size(); at += piece_bytes) {
      const size_t count = std::min(piece_bytes, message.size() - at);
      discovery.handle_stream(now, socket, std::span(message).subspan(at, count));
      if (count == message.size()) break;
    }
  }

  NatBox box_;
  std::map<SocketId, TransportAddress> locals_;
  std::map<SocketId, TransportAddress> remotes_;
};

TEST(NatDiscoveryOverTcp, EachMapping) {
  for (const Depends mapping :
       {Depends::OnNothing, Depends::OnAddress, Depends::OnAddressAndPort}) {
    NatBoxOptions box;
    box.mapping = mapping;
    TcpWorld world(box);
    world.piece_bytes = 7;
    ASSERT_TRUE(world.run());
    const auto& found = world.discovery.findings();
    EXPECT_EQ(static_cast<int>(found.mapping.value), static_cast<int>(mapping) + 1);
    EXPECT_EQ(static_cast<int>(found.behind_nat.value), static_cast<int>(Answer::Yes));
    EXPECT_FALSE(found.filtering.is_known());
    EXPECT_FALSE(found.hairpinning.is_known());
    // Three connections a run, from one local port.
    EXPECT_EQ(world.opened, 6U);
    EXPECT_EQ(world.closed, 6U);
    ASSERT_EQ(world.local_ports.size(), 6U);
    EXPECT_EQ(world.local_ports[0], world.local_ports[1]);
    EXPECT_EQ(world.local_ports[0], world.local_ports[2]);
    EXPECT_NE(world.local_ports[0], world.local_ports[3]);
  }
}

TEST(NatDiscoveryOverTcp, ASystemWithoutASecondConnectionFromOnePort) {
  TcpWorld world({});
  world.refuses = [](NatDiscovery& discovery, const NatEvent& open) {
    if (open.same_port_as != client::nat::kNoSocket) {
      discovery.handle_closed({}, open.socket, true);
    }
    return open.same_port_as != client::nat::kNoSocket;
  };
  ASSERT_TRUE(world.run());
  EXPECT_EQ(static_cast<int>(world.discovery.findings().mapping.reason),
            static_cast<int>(Reason::LocalPort));
}

TEST(NatDiscoveryOverTcp, NobodyTakesTheOtherConnections) {
  TcpWorld world({});
  world.refuses = [](NatDiscovery& discovery, const NatEvent& open) {
    if (open.remote != NatWorld::kFirst) discovery.handle_closed({}, open.socket);
    return open.remote != NatWorld::kFirst;
  };
  ASSERT_TRUE(world.run());
  EXPECT_EQ(static_cast<int>(world.discovery.findings().mapping.reason),
            static_cast<int>(Reason::OtherAddressSilent));
}

TEST(NatDiscoveryOverTcp, AServerWithOneAddress) {
  TcpWorld world({});
  world.names_other = false;
  ASSERT_TRUE(world.run());
  EXPECT_EQ(static_cast<int>(world.discovery.findings().mapping.reason),
            static_cast<int>(Reason::NoOtherAddress));
  EXPECT_EQ(world.opened, 2U);
}

}  // namespace
}  // namespace postern::sim
