// Responses on a TCP or TLS stream, which cuts them wherever it likes (RFC 8489 section 6.2.2).
#include <gtest/gtest.h>

#include <algorithm>

#include "sim/long_term_server.h"
#include "sim/simulation.h"

namespace postern::sim {
namespace {

using client::Mechanism;

class Stream : public testing::Test {
 protected:
  Stream() : sim(reliable_options()) {
    // Answers are put into the stream by hand.
    sim.server = [](const Request&) { return Messages{}; };
  }

  Message answer_to(const SentRequest& request, const TransportAddress& address = kMapped) {
    return success(parse(request.bytes), address);
  }

  void feed(const Message& bytes) {
    sim.client.handle_stream(sim.now, bytes);
    sim.drain();
  }

  // Every chunk is a copy that is gone after the call.
  void feed_in_chunks(const Message& bytes, size_t chunk) {
    for (size_t at = 0; at < bytes.size(); at += chunk) {
      const size_t end = std::min(at + chunk, bytes.size());
      feed(Message(bytes.begin() + static_cast<ptrdiff_t>(at),
                   bytes.begin() + static_cast<ptrdiff_t>(end)));
    }
  }

  Simulation sim;
};

TEST_F(Stream, CutAtEveryByte) {
  constexpr size_t kAnswerBytes = 32;
  for (size_t cut = 1; cut < kAnswerBytes; ++cut) {
    sim.start();
    const Message whole = answer_to(sim.requests.back());
    ASSERT_EQ(whole.size(), kAnswerBytes);
    const auto middle = whole.begin() + static_cast<ptrdiff_t>(cut);
    feed(Message(whole.begin(), middle));
    EXPECT_EQ(sim.outcomes.size(), cut - 1) << "not before the last byte";
    feed(Message(middle, whole.end()));
    ASSERT_EQ(sim.outcomes.size(), cut);
    EXPECT_EQ(sim.outcomes.back().mapped().address, kMapped);
  }
}

class StreamChunks : public Stream, public testing::WithParamInterface<size_t> {};

TEST_P(StreamChunks, OfAllTransactionsAtOnce) {
  Message stream;
  for (size_t i = 0; i < client::kMaxTransactions; ++i) {
    sim.start();
    const auto port = static_cast<uint16_t>(1000 + i);
    const auto address = TransportAddress::ipv4(203, 0, 113, 7, port);
    const Message answer = answer_to(sim.requests.back(), address);
    stream.insert(stream.end(), answer.begin(), answer.end());
  }
  feed_in_chunks(stream, GetParam());
  ASSERT_EQ(sim.outcomes.size(), client::kMaxTransactions);
  for (size_t i = 0; i < sim.outcomes.size(); ++i) {
    EXPECT_EQ(sim.outcomes[i].mapped().address.port, 1000 + i);
  }
}

TEST_P(StreamChunks, OfAChallenge) {
  LongTermServer server({.algorithms = kSha256ThenMd5});
  sim.set_credentials(Mechanism::LongTerm, "user", "pass");
  sim.start();
  feed_in_chunks(server.answer(parse(sim.requests.at(0).bytes)), GetParam());
  ASSERT_EQ(sim.requests.size(), 2U);
  feed_in_chunks(server.answer(parse(sim.requests.at(1).bytes)), GetParam());
  ASSERT_EQ(sim.outcomes.size(), 1U);
  EXPECT_TRUE(sim.outcomes[0].mapped().exchange.authenticated);
}

INSTANTIATE_TEST_SUITE_P(Sizes, StreamChunks, testing::Values(1, 2, 3, 7, 1000));

TEST_F(Stream, ManyMessagesInOneChunk) {
  sim.start();
  const Message right = answer_to(sim.requests[0]);
  Message stream;
  for (size_t i = 0; i < 50; ++i) {
    Message foreign = answer_to(sim.requests[0], kForged);
    foreign[19] ^= static_cast<uint8_t>(i + 1);
    stream.insert(stream.end(), foreign.begin(), foreign.end());
  }
  stream.insert(stream.end(), right.begin(), right.end());
  feed(stream);
  ASSERT_EQ(sim.outcomes.size(), 1U);
  EXPECT_EQ(sim.outcomes[0].mapped().address, kMapped);
  EXPECT_EQ(sim.client.stats().unknown_transaction, 50U);
}

TEST_F(Stream, MalformedMessageInARightFrameIsSkipped) {
  sim.start();
  Message overrun = answer_to(sim.requests[0], kForged);
  overrun[23] = 0xFF;
  feed(overrun);
  feed(answer_to(sim.requests[0]));
  ASSERT_EQ(sim.outcomes.size(), 1U);
  EXPECT_EQ(sim.outcomes[0].mapped().address, kMapped);
  EXPECT_EQ(sim.client.stats().malformed, 1U);
}

TEST_F(Stream, ChannelDataIsSkipped) {
  sim.start();
  feed({0x40, 0x00, 0x00, 0x01, 0xAA, 0x00, 0x00, 0x00});
  feed(answer_to(sim.requests[0]));
  ASSERT_EQ(sim.outcomes.size(), 1U);
  EXPECT_EQ(sim.client.stats().unexpected, 1U);
}

TEST_F(Stream, ThatIsNotStunEndsEverything) {
  sim.start();
  sim.start();
  const std::string banner = "SSH-2.0-OpenSSH\r\n";
  feed(Message(banner.begin(), banner.end()));
  ASSERT_EQ(sim.outcomes.size(), 2U);
  EXPECT_EQ(sim.outcomes[0].failed().errc, Errc::StreamDesynchronised);
  EXPECT_EQ(sim.outcomes[1].failed().errc, Errc::StreamDesynchronised);
  EXPECT_EQ(sim.client.start_binding(sim.now).error(), Errc::StreamDesynchronised);
  EXPECT_EQ(sim.client.send_indication(sim.now), Errc::StreamDesynchronised);
  feed(answer_to(sim.requests[0]));
  EXPECT_EQ(sim.outcomes.size(), 2U);
  sim.client.handle_transport_closed(sim.now);
  EXPECT_EQ(sim.client.start_binding(sim.now).error(), Errc::StreamDesynchronised)
      << "the first cause stays";
}

TEST_F(Stream, FrameAboveTheLimitEndsEverything) {
  sim.start();
  Message header = answer_to(sim.requests[0]);
  const size_t length = client::kMaxStreamMessageBytes - stun::kHeaderBytes + 4;
  store_be16(&header[2], static_cast<uint16_t>(length));
  feed(header);
  ASSERT_EQ(sim.outcomes.size(), 1U);
  EXPECT_EQ(sim.outcomes[0].failed().errc, Errc::FrameTooLong);
}

// An answer with every text as long as RFC 8489 lets a server write it.
TEST_F(Stream, LongestAnswerOfARightServerFits) {
  using stun::AttributeType;
  const std::string text(stun::kMaxTextWritten, 't');
  LongTermServer server;
  sim.start();
  const auto request = parse(sim.requests[0].bytes);
  const auto key = server.key_for(request);
  std::vector<uint8_t> list(client::kMaxAlgorithmListBytes, 0);
  const Message challenge = ResponseBuilder(request, stun::Class::Error)
                                .error(401, text)
                                .add<AttributeType::Realm>(as_bytes(text))
                                .add<AttributeType::Nonce>(as_bytes(text))
                                .add<AttributeType::PasswordAlgorithms>(list)
                                .add<AttributeType::Software>(as_bytes(text))
                                .sign_sha1(key)
                                .sign_sha256(key)
                                .fingerprint()
                                .build();
  EXPECT_LE(challenge.size(), client::kMaxStreamMessageBytes);
  feed_in_chunks(challenge, 100);
  ASSERT_EQ(sim.outcomes.size(), 1U);
  EXPECT_EQ(sim.outcomes[0].failed().errc, Errc::CredentialsNeeded);
  EXPECT_EQ(sim.outcomes[0].reason, text);
  EXPECT_EQ(sim.outcomes[0].realm, text);
}

TEST_F(Stream, ClosedEndsEverything) {
  sim.start();
  feed({0x01, 0x01, 0x00});  // half a header
  sim.client.handle_transport_closed(sim.now);
  sim.drain();
  ASSERT_EQ(sim.outcomes.size(), 1U);
  EXPECT_EQ(sim.outcomes[0].failed().errc, Errc::TransportClosed);
  EXPECT_EQ(sim.client.start_binding(sim.now).error(), Errc::TransportClosed);
  feed(Message(100, 0xFF));
  EXPECT_EQ(sim.client.stats().malformed, 0U) << "nobody reads any more";
  EXPECT_TRUE(sim.client.poll_timeout().is_never());
}

}  // namespace
}  // namespace postern::sim
