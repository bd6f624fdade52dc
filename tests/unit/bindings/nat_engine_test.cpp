// NatEngine through its mailbox, as JavaScript uses it.
#include "bindings/nat_engine.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <vector>

#include "sim/nat_world.h"

namespace postern::bindings {
namespace {

class NatEngineTest : public testing::Test {
 protected:
  int32_t open(uint32_t longest_wait = 0) {
    OpenRequest request{};
    request.server_port = sim::NatWorld::kFirst.port;
    request.address_bytes = 4;
    std::vector<uint8_t> bytes(sizeof request);
    std::memcpy(bytes.data(), &request, sizeof request);
    const auto address = sim::NatWorld::kFirst.address_bytes();
    bytes.insert(bytes.end(), address.begin(), address.end());
    std::copy(bytes.begin(), bytes.end(), engine->inbox().begin());
    return engine->open(0, static_cast<uint32_t>(bytes.size()), 1, longest_wait);
  }

  void push(NatInput input, uint32_t socket, const TransportAddress& address) {
    const auto raw = address.address_bytes();
    const InputRecord record{.input = static_cast<uint32_t>(input),
                             .handle = socket,
                             .bytes = static_cast<uint32_t>(raw.size()),
                             .port = address.port,
                             .address_bytes = static_cast<uint32_t>(raw.size())};
    const auto at = engine->inbox().subspan(used);
    std::memcpy(at.data(), &record, sizeof record);
    std::copy(raw.begin(), raw.end(), at.begin() + sizeof record);
    used += static_cast<uint32_t>(sizeof record) + padded(raw.size());
  }

  // The heads of what comes out.
  std::vector<OutputHead> process(double now) {
    for (uint8_t& byte : engine->entropy()) byte = next_random++;
    std::vector<OutputHead> heads;
    const uint32_t count = engine->process(used, now);
    used = 0;
    size_t at = 0;
    for (uint32_t i = 0; i < count; ++i) {
      OutputHead head{};
      std::memcpy(&head, &engine->outbox()[at], sizeof head);
      heads.push_back(head);
      switch (static_cast<NatOutput>(head.output)) {
        case NatOutput::Transmit:
        case NatOutput::OpenSocket:
          at += sizeof(NatPlaceRecord);
          break;
        case NatOutput::CloseSocket:
          at += sizeof(OutputHead);
          break;
        case NatOutput::Test:
          at += sizeof(NatTestRecord);
          break;
        case NatOutput::Done:
          std::memcpy(&done, &engine->outbox()[at], sizeof done);
          at += sizeof done;
          break;
      }
      at += padded(head.payload_bytes);
    }
    return heads;
  }

  std::unique_ptr<NatEngine> engine = std::make_unique<NatEngine>();
  NatDoneRecord done{};
  uint32_t used = 0;
  uint8_t next_random = 1;
};

TEST_F(NatEngineTest, AsksForItsSocketsAndSends) {
  ASSERT_EQ(open(), 0);
  EXPECT_EQ(engine->inbox()[4], 0) << "the request is wiped";
  const auto wanted = process(0);
  ASSERT_EQ(wanted.size(), 5U);
  for (size_t i = 0; i < wanted.size(); ++i) {
    EXPECT_EQ(wanted[i].output, static_cast<uint32_t>(NatOutput::OpenSocket));
    EXPECT_EQ(wanted[i].handle, i + 1);
  }
  TransportAddress local = sim::NatWorld::kInside;
  local.port = 40'000;
  push(NatInput::Opened, 1, local);
  const auto sent = process(1);
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_EQ(sent[0].output, static_cast<uint32_t>(NatOutput::Test));
  EXPECT_EQ(sent[1].output, static_cast<uint32_t>(NatOutput::Transmit));
  EXPECT_EQ(sent[1].handle, 1U);
  EXPECT_GT(engine->status().next_timeout, 1);
  EXPECT_EQ(open(), -static_cast<int32_t>(Errc::TooManyClients)) << "an instance is one discovery";
}

TEST_F(NatEngineTest, SocketsThatAreNotToBeHad) {
  ASSERT_EQ(open(), 0);
  process(0);
  for (uint32_t socket = 1; socket <= 5; ++socket) push(NatInput::Closed, socket, {});
  const auto heads = process(1);
  ASSERT_FALSE(heads.empty());
  EXPECT_EQ(heads.back().output, static_cast<uint32_t>(NatOutput::Done));
  for (const NatFindingWords& finding : done.findings) {
    EXPECT_EQ(finding.value, 0U);
    EXPECT_NE(finding.reason, static_cast<uint32_t>(client::nat::Reason::None));
  }
  EXPECT_EQ(engine->status().next_timeout, -1);
}

TEST_F(NatEngineTest, WhatIsNoRequestIsRefused) {
  EXPECT_EQ(engine->open(0, 3, 1, 0), -static_cast<int32_t>(Errc::BadRecord));
  EXPECT_EQ(engine->process(0, 0), 0U);
  ASSERT_EQ(open(), 0);
  // Cut short, of no kind, of no socket.
  EXPECT_EQ(process(0).size(), 5U);
  used = 7;
  process(1);
  push(static_cast<NatInput>(77), 1, {});
  push(NatInput::Opened, 200, sim::NatWorld::kInside);
  push(NatInput::SendFailed, 0, {});
  EXPECT_TRUE(process(2).empty());
}

}  // namespace
}  // namespace postern::bindings
