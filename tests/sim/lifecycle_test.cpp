// How transactions start and end, whatever the order in which the client is called.
#include <gtest/gtest.h>

#include "sim/simulation.h"

namespace postern::sim {
namespace {

using client::kMaxTransactions;

const Route kBlackHole = [](Direction, size_t) { return Fate{}; };

TEST(Idle, AsksForNothing) {
  Simulation sim;
  EXPECT_TRUE(sim.client.poll_timeout().is_never());
  EXPECT_FALSE(sim.client.poll_event().has_value());
  std::array<uint8_t, client::kMaxRequestBytes> out{};
  EXPECT_EQ(sim.client.poll_transmit(out), 0U);
  sim.client.handle_timeout(at_ms(1000));
  EXPECT_TRUE(sim.client.poll_timeout().is_never());
}

TEST(Timeout, EarlyOrTwiceIsANoOp) {
  Simulation sim;
  sim.route = kBlackHole;
  sim.start();
  for (const int64_t early : {0, 1, 250, 499}) {
    sim.client.handle_timeout(at_ms(early));
    sim.drain();
    EXPECT_EQ(sim.requests.size(), 1U);
    EXPECT_EQ(sim.client.poll_timeout(), at_ms(500));
  }
  for (int i = 0; i < 3; ++i) sim.client.handle_timeout(at_ms(500));
  sim.now = at_ms(500);
  sim.drain();
  EXPECT_EQ(sim.requests.size(), 2U);
  EXPECT_EQ(sim.client.poll_timeout(), at_ms(1500));
}

TEST(Timeout, ClockThatRunsBackwardsIsHeldStill) {
  Simulation sim;
  sim.now = at_ms(1000);
  sim.start();
  sim.client.handle_timeout(at_ms(10));
  sim.client.handle_datagram(at_ms(20), success(parse(sim.requests[0].bytes)), kServer);
  sim.drain();
  ASSERT_EQ(sim.outcomes.size(), 1U);
  EXPECT_EQ(sim.outcomes[0].mapped().exchange.round_trip, ms(0));
}

TEST(Cancel, EndsATransactionOnce) {
  Simulation sim;
  const auto handle = sim.start();
  EXPECT_EQ(sim.client.cancel(sim.now, handle), Errc::Ok);
  EXPECT_EQ(sim.client.cancel(sim.now, handle), Errc::NoSuchHandle);
  EXPECT_EQ(sim.client.cancel(sim.now, {}), Errc::NoSuchHandle);
  EXPECT_TRUE(sim.client.poll_timeout().is_never());
  EXPECT_EQ(sim.only_outcome().failed().errc, Errc::Cancelled);
  EXPECT_EQ(sim.outcomes[0].failed().exchange.transaction, handle);
  EXPECT_EQ(sim.client.stats().late, 1U) << "the answer";
}

TEST(Cancel, TakesBackWhatWasNotSent) {
  Simulation sim;
  sim.supplies_entropy = false;
  sim.client.provide_entropy(Message(EntropyPool::kCapacity, 1));
  const auto handle = sim.client.start_binding(sim.now);
  ASSERT_TRUE(handle.has_value());
  EXPECT_EQ(sim.client.cancel(sim.now, *handle), Errc::Ok);
  sim.drain();
  EXPECT_TRUE(sim.requests.empty());
}

TEST(Cancel, LeavesTheOthersAlone) {
  Simulation sim;
  const auto first = sim.start();
  const auto second = sim.start();
  EXPECT_NE(first, second);
  EXPECT_EQ(sim.client.cancel(sim.now, first), Errc::Ok);
  sim.run();
  ASSERT_EQ(sim.outcomes.size(), 2U);
  EXPECT_EQ(sim.outcomes[1].mapped().exchange.transaction, second);
}

TEST(Cancel, KnowsAHandleFromItsSuccessor) {
  Simulation sim;
  const auto first = sim.start();
  sim.run();
  const auto second = sim.start();
  EXPECT_EQ(sim.client.cancel(sim.now, first), Errc::NoSuchHandle);
  EXPECT_EQ(sim.client.cancel(sim.now, second), Errc::Ok);
}

TEST(Limit, OfTransactionsCountsEventsThatWait) {
  Simulation sim;
  for (size_t i = 0; i < kMaxTransactions; ++i) sim.start();
  EXPECT_EQ(sim.client.start_binding(sim.now).error(), Errc::TooManyTransactions);
  for (const SentRequest& request : sim.requests) {
    sim.client.handle_datagram(sim.now, success(parse(request.bytes)), kServer);
  }
  EXPECT_EQ(sim.client.start_binding(sim.now).error(), Errc::TooManyTransactions);
  ASSERT_TRUE(sim.client.poll_event().has_value());
  EXPECT_TRUE(sim.client.start_binding(sim.now).has_value());
}

TEST(Events, ComeInTheOrderOfTheEnds) {
  Simulation sim;
  std::vector<client::TransactionHandle> handles;
  for (size_t i = 0; i < kMaxTransactions; ++i) handles.push_back(sim.start());
  for (size_t i = kMaxTransactions; i-- > 0;) {
    EXPECT_EQ(sim.client.cancel(sim.now, handles[i]), Errc::Ok);
  }
  for (size_t i = kMaxTransactions; i-- > 0;) {
    const auto event = sim.client.poll_event();
    ASSERT_TRUE(event.has_value());
    EXPECT_EQ(client::exchange_of(*event).transaction, handles[i]);
  }
  EXPECT_FALSE(sim.client.poll_event().has_value());
}

TEST(Entropy, IsNeededForEachTransaction) {
  Simulation sim;
  sim.supplies_entropy = false;
  EXPECT_EQ(sim.client.start_binding(sim.now).error(), Errc::EntropyNeeded);
  EXPECT_EQ(sim.client.send_indication(sim.now), Errc::EntropyNeeded);
  EXPECT_EQ(sim.client.provide_entropy(Message(stun::kTransactionIdBytes, 7)), 12U);
  EXPECT_EQ(sim.client.entropy_available(), 12U);
  sim.start();
  EXPECT_EQ(sim.client.start_binding(sim.now).error(), Errc::EntropyNeeded);
  EXPECT_EQ(sim.only_outcome().mapped().address, kMapped) << "retransmission needs none";
}

TEST(Entropy, MissingForTheAnswerToAChallengeEndsTheTransaction) {
  Simulation sim;
  sim.supplies_entropy = false;
  sim.client.provide_entropy(Message(stun::kTransactionIdBytes, 7));
  sim.set_credentials(client::Mechanism::LongTerm, "user", "pass");
  sim.server = always([](const Request& request) {
    return ResponseBuilder(request, stun::Class::Error)
        .error(401, "")
        .add<stun::AttributeType::Realm>(as_bytes("realm"))
        .add<stun::AttributeType::Nonce>(as_bytes("nonce"))
        .build();
  });
  sim.start();
  EXPECT_EQ(sim.only_outcome().failed().errc, Errc::EntropyNeeded);
}

TEST(Transport, ClosedEndsEverything) {
  Simulation sim;
  sim.start();
  EXPECT_EQ(sim.client.send_indication(sim.now), Errc::Ok);
  sim.client.handle_transport_closed(sim.now);
  sim.client.handle_transport_closed(sim.now);
  std::array<uint8_t, client::kMaxRequestBytes> out{};
  EXPECT_EQ(sim.client.poll_transmit(out), 0U);
  EXPECT_EQ(sim.only_outcome().failed().errc, Errc::TransportClosed);
  EXPECT_EQ(sim.client.start_binding(sim.now).error(), Errc::TransportClosed);
}

TEST(Transport, SoftErrorsPass) {
  Simulation sim;
  sim.start();
  sim.client.handle_transport_error(sim.now, client::TransportError::Soft);
  EXPECT_EQ(sim.only_outcome().mapped().address, kMapped);
}

TEST(Transport, HardErrorsEndWhatIsUnderWayAndNothingElse) {
  Simulation sim;
  sim.start();
  sim.client.handle_transport_error(sim.now, client::TransportError::Hard);
  sim.drain();
  ASSERT_EQ(sim.outcomes.size(), 1U);
  EXPECT_EQ(sim.outcomes[0].failed().errc, Errc::TransportClosed);
  sim.start();
  sim.run();
  EXPECT_EQ(sim.outcomes.at(1).mapped().address, kMapped);
}

TEST(Indication, IsSentOnceAndNotWaitedFor) {
  Simulation sim;
  sim.client.provide_entropy(Message(100, 9));
  EXPECT_EQ(sim.client.send_indication(sim.now), Errc::Ok);
  EXPECT_TRUE(sim.client.poll_timeout().is_never());
  std::array<uint8_t, client::kMaxRequestBytes> out{};
  const size_t size = sim.client.poll_transmit(out);
  const Message message(out.begin(), out.begin() + static_cast<ptrdiff_t>(size));
  const stun::MessageView view = parse(message);
  EXPECT_TRUE(view.is(stun::Class::Indication, stun::Method::Binding));
  EXPECT_EQ(view.fingerprint(), stun::FingerprintState::Valid);
  EXPECT_EQ(sim.client.poll_transmit(out), 0U);
}

TEST(Transmit, KeepsWhatDoesNotFit) {
  Simulation sim;
  sim.client.provide_entropy(Message(100, 9));
  ASSERT_TRUE(sim.client.start_binding(sim.now).has_value());
  EXPECT_EQ(sim.client.send_indication(sim.now), Errc::Ok);
  std::array<uint8_t, client::kMaxRequestBytes> out{};
  EXPECT_EQ(sim.client.poll_transmit(std::span(out).first(19)), 0U);
  EXPECT_EQ(sim.client.poll_transmit(out), stun::kHeaderBytes);
  EXPECT_EQ(sim.client.poll_transmit(std::span(out).first(27)), 0U);
  EXPECT_EQ(sim.client.poll_transmit(out), client::kBindingIndicationBytes);
}

TEST(Size, IsModest) { EXPECT_LT(sizeof(client::StunClient), 16U * 1024); }

}  // namespace
}  // namespace postern::sim
