// The client allocates nothing: neither when it is made nor in anything that it does.
#include <gtest/gtest.h>

#include <array>
#include <memory>

#include "sim/allocation_counter.h"
#include "sim/long_term_server.h"
#include "sim/simulation.h"

namespace postern::sim {
namespace {

TEST(AllocationCounter, Counts) {
  const uint64_t before = allocations_so_far();
  const auto memory = std::make_unique<std::array<uint8_t, 100>>();
  EXPECT_NE(memory, nullptr);
  EXPECT_EQ(allocations_so_far(), before + 1);
}

// Counts what the client itself allocates while `use` is at work.
template <typename Use>
uint64_t allocations_in(Use&& use) {
  const uint64_t before = allocations_so_far();
  use();
  return allocations_so_far() - before;
}

TEST(Allocation, NoneInAWholeExchange) {
  const std::array<uint8_t, EntropyPool::kCapacity> entropy{};
  std::array<uint8_t, client::kMaxRequestBytes> out{};
  const client::Credentials credentials{.mechanism = client::Mechanism::LongTerm,
                                        .username = as_bytes("user"),
                                        .password = as_bytes("pass")};
  LongTermServer server({.algorithms = kSha256ThenMd5});
  client::StunClient client(datagram_options());
  uint64_t allocated = 0;
  Instant now;

  for (int round = 0; round < 3; ++round) {
    size_t size = 0;
    allocated += allocations_in([&] {
      client.provide_entropy(entropy);
      if (round == 0) {
        EXPECT_EQ(client.set_credentials(credentials), Errc::Ok);
      }
      EXPECT_TRUE(client.start_binding(now).has_value());
      size = client.poll_transmit(out);
      now = client.poll_timeout();
      client.handle_timeout(now);  // one retransmission
      size = client.poll_transmit(out);
    });
    bool has_ended = false;
    while (!has_ended) {
      const Message answer =
          server.answer(parse(Message(out.begin(), out.begin() + static_cast<ptrdiff_t>(size))));
      allocated += allocations_in([&] {
        client.handle_datagram(now, answer, kStranger);
        client.handle_datagram(now, answer, kServer);
        size = client.poll_transmit(out);
        has_ended = client.poll_event().has_value();
      });
    }
  }
  EXPECT_EQ(server.accepted, 3U);
  EXPECT_EQ(allocated, 0U);
}

TEST(Allocation, NoneOnAStream) {
  const std::array<uint8_t, EntropyPool::kCapacity> entropy{};
  std::array<uint8_t, client::kMaxRequestBytes> out{};
  client::StunClient client(reliable_options());
  client.provide_entropy(entropy);
  EXPECT_TRUE(client.start_binding(Instant()).has_value());
  const size_t size = client.poll_transmit(out);
  const Message answer =
      success(parse(Message(out.begin(), out.begin() + static_cast<ptrdiff_t>(size))));
  bool has_ended = false;
  EXPECT_EQ(allocations_in([&] {
              for (const uint8_t& byte : answer) client.handle_stream(Instant(), {&byte, 1});
              has_ended = client.poll_event().has_value();
            }),
            0U);
  EXPECT_TRUE(has_ended);
}

TEST(Allocation, NoneToMakeOne) {
  EXPECT_EQ(allocations_in([] {
              const client::StunClient client{client::StunClientOptions{}};
              EXPECT_TRUE(client.poll_timeout().is_never());
            }),
            0U);
}

}  // namespace
}  // namespace postern::sim
