// Random runs with fixed seeds: a network that loses, doubles, delays and corrupts, a server that
// challenges, and a caller who starts, cancels and polls whenever it likes. Whatever happens, every
// transaction ends exactly once, in time, and with nothing that the server did not say.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "sim/long_term_server.h"
#include "sim/simulation.h"

namespace postern::sim {
namespace {

using client::Mechanism;

class Random {
 public:
  explicit Random(uint32_t seed) : engine_(seed) {}
  // One in n.
  bool once_in(uint32_t n) { return engine_() % n == 0; }
  uint32_t below(uint32_t n) { return static_cast<uint32_t>(engine_() % n); }

 private:
  std::mt19937 engine_;
};

bool is_protected(const stun::MessageView& message) {
  return message.integrity_offset() != 0 || message.integrity_sha256_offset() != 0;
}

class RandomRun : public testing::TestWithParam<uint32_t> {
 protected:
  RandomRun()
      : random(GetParam()),
        is_signed(random.once_in(2)),
        is_reliable(random.once_in(4)),
        server({.algorithms = random.once_in(2) ? stun::Bytes(kSha256ThenMd5) : stun::Bytes{}}),
        sim(is_reliable ? reliable_options() : datagram_options(), GetParam()) {
    if (is_signed) sim.set_credentials(Mechanism::LongTerm, "user", "pass");
    sim.server = [this](const Request& request) { return answers(request); };
    sim.route = [this](Direction, size_t) {
      Fate fate;
      if (!is_reliable && random.once_in(3)) return fate;
      fate.push_back(ms(random.below(800)));
      if (!is_reliable && random.once_in(5)) fate.push_back(ms(random.below(60'000)));
      return fate;
    };
  }

  Messages answers(const Request& request) {
    Messages all;
    if (random.once_in(10)) server.rotate_nonce();
    const Message right = is_signed ? server.answer(request) : success(request);
    // A reliable transport brings no forgeries: who could make one would have the connection. And
    // where nothing is signed, a forgery could not be told from the truth.
    if (!is_reliable && is_protected(request) && random.once_in(4)) {
      all.push_back(success(request, kForged));
    }
    if (!is_reliable && is_protected(parse(right)) && random.once_in(4)) {
      Message broken = right;
      broken[4 + random.below(static_cast<uint32_t>(broken.size() - 4))] ^= 0x10;
      all.push_back(broken);
    }
    all.push_back(right);
    return all;
  }

  void start_something() {
    sim.refill();
    if (const auto handle = sim.client.start_binding(sim.now)) {
      started[handle->value] = sim.now;
    } else {
      EXPECT_EQ(handle.error(), Errc::TooManyTransactions);
    }
  }

  void cancel_something() {
    if (started.empty()) return;
    const auto chosen =
        std::next(started.begin(), random.below(static_cast<uint32_t>(started.size())));
    const Errc errc = sim.client.cancel(sim.now, {chosen->first});
    EXPECT_TRUE(errc == Errc::Ok || errc == Errc::NoSuchHandle);
  }

  Random random;
  const bool is_signed;
  const bool is_reliable;
  LongTermServer server;
  Simulation sim;
  std::map<uint32_t, Instant> started;
};

TEST_P(RandomRun, EndsEveryTransactionOnceAndRight) {
  sim.start();  // also fills the entropy pool
  started[1] = sim.now;
  for (int i = 0; i < 400; ++i) {
    if (random.once_in(6)) start_something();
    if (random.once_in(25)) cancel_something();
    if (random.once_in(10)) sim.client.handle_timeout(sim.now);
    sim.step();
    if (random.once_in(20)) sim.run_until(sim.now + ms(random.below(5000)));
  }
  sim.run();

  EXPECT_TRUE(sim.client.poll_timeout().is_never());
  ASSERT_EQ(sim.outcomes.size(), started.size());
  for (const Outcome& outcome : sim.outcomes) {
    const client::Exchange& exchange = client::exchange_of(outcome.event);
    ASSERT_EQ(started.count(exchange.transaction.value), 1U)
        << "an end without a start, or a second";
    const Duration took = outcome.at - started[exchange.transaction.value];
    started.erase(exchange.transaction.value);
    // A transaction's RTO is at most 3 s here, and 79 RTO is its length; each challenge begins one.
    EXPECT_LE(took, Duration::seconds(3 * 79) * (1 + client::kMaxChallenges));
    EXPECT_GE(exchange.requests_sent, 1U);
    EXPECT_LE(exchange.requests_sent, client::kDefaultRc * (1 + client::kMaxChallenges));
    if (const auto* mapped = std::get_if<client::MappedAddress>(&outcome.event)) {
      EXPECT_EQ(mapped->address, kMapped);
      EXPECT_EQ(exchange.authenticated, is_signed);
    } else {
      const Errc errc = outcome.failed().errc;
      EXPECT_TRUE(errc == Errc::Timeout || errc == Errc::Cancelled ||
                  errc == Errc::IntegrityMismatch || errc == Errc::StaleNonceLimit)
          << code_of(errc);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomRun, testing::Range(1U, 101U));

// Bytes that look like answers and are not: no seed may end a signed transaction.
TEST(RandomBytes, NeverEndASignedTransaction) {
  std::mt19937 random(20);
  Simulation sim;
  sim.set_credentials(Mechanism::ShortTerm, "user", "secret");
  sim.server = [](const Request&) { return Messages{}; };
  sim.start();
  const Message request = sim.requests[0].bytes;
  for (int i = 0; i < 20'000; ++i) {
    Message bytes(stun::kHeaderBytes + random() % 120);
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
    std::copy_n(request.begin(), stun::kHeaderBytes, bytes.begin());
    bytes[0] = 0x01;
    bytes[1] = random() % 2 == 0 ? 0x01 : 0x11;
    store_be16(&bytes[2], static_cast<uint16_t>((bytes.size() - stun::kHeaderBytes) & ~size_t{3}));
    sim.client.handle_datagram(sim.now, bytes, kServer);
    ASSERT_FALSE(sim.client.poll_event().has_value());
  }
  const client::StunClientStats& stats = sim.client.stats();
  EXPECT_EQ(stats.malformed + stats.bad_integrity + stats.bad_fingerprint, 20'000U);
}

}  // namespace
}  // namespace postern::sim
