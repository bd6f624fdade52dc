#include "sim/turn_run.h"

#include <ostream>

#include "sim/allocation_counter.h"
#include "support/names.h"

namespace postern::sim {

namespace {

std::string copy(stun::Bytes bytes) { return {bytes.begin(), bytes.end()}; }

client::TurnClientOptions options_for(const Path& path, client::TurnClientOptions options) {
  options.is_reliable = path.is_reliable;
  options.pads_channel_data = path.is_stream();
  options.server = kServer;
  return options;
}

}  // namespace

TransportAddress peer_number(unsigned number) {
  return TransportAddress::ipv4(10, static_cast<uint8_t>(number >> 16),
                                static_cast<uint8_t>(number >> 8), static_cast<uint8_t>(number),
                                static_cast<uint16_t>(1000 + number % 60'000));
}

std::vector<TransportAddress> peers_up_to(unsigned count) {
  std::vector<TransportAddress> peers;
  for (unsigned i = 0; i < count; ++i) peers.push_back(peer_number(i));
  return peers;
}

std::vector<Path> all_streams() {
  std::vector<Path> paths = {kStream};
  for (const size_t piece : {1, 2, 3, 7}) {
    paths.push_back(kStream);
    paths.back().name = "StreamBy" + std::to_string(piece);
    paths.back().piece_bytes = piece;
  }
  return paths;
}

std::vector<Path> all_paths() {
  std::vector<Path> paths = all_streams();
  paths.insert(paths.begin(), {kDatagrams, kFramed});
  return paths;
}

void PrintTo(const Path& path, std::ostream* out) { *out << path.name; }

std::string path_name(const ::testing::TestParamInfo<Path>& info) { return info.param.name; }

TurnRecord::TurnRecord(const client::TurnEvent& event, Instant when)
    : TurnEvent(event),
      at(when),
      reason_text(copy(event.reason)),
      realm_text(copy(event.realm)),
      software_text(copy(event.software)),
      domain_text(copy(event.alternate_domain)),
      third_party_text(copy(event.third_party)) {}

void PrintTo(const TurnRecord& record, std::ostream* out) {
  *out << "kind " << static_cast<unsigned>(record.kind) << ", " << code_of(record.errc) << ", code "
       << record.error_code << ", " << record.reason_text;
}

client::Credentials user_pass(std::string_view username, std::string_view password) {
  return {.mechanism = client::Mechanism::LongTerm,
          .username = as_bytes(username),
          .password = as_bytes(password)};
}

Message text(std::string_view bytes) { return {bytes.begin(), bytes.end()}; }

template <typename Call>
auto TurnRun::measured(Call call) {
  const int64_t before = bytes_in_use();
  auto result = call();
  client_bytes += bytes_in_use() - before;
  return result;
}

bool TurnRun::keep(const std::optional<client::PeerData>& data) {
  if (!data) return false;
  received.push_back({.peer = data->peer,
                      .channel = data->channel,
                      .data = Message(data->data.begin(), data->data.end())});
  return true;
}

TurnRun::TurnRun(const Path& path, const TurnSetup& setup)
    : server(setup.server, setup.credentials),
      client(options_for(path, setup.client)),
      net(
          server,
          [this] {
            Endpoint endpoint = endpoint_of(client);
            endpoint.handle_timeout = [this](Instant now) {
              if (now == last_waking_) ++idle_wakings_;
              last_waking_ = now;
              measured([&] { return client.handle_timeout(now), 0; });
            };
            endpoint.poll_transmit = [this](std::span<uint8_t> out) {
              const size_t size = measured([&] { return client.poll_transmit(out); });
              if (size > 0)
                requests.emplace_back(out.begin(), out.begin() + static_cast<ptrdiff_t>(size));
              return size;
            };
            endpoint.handle_datagram = [this](Instant now, stun::Bytes bytes,
                                              const TransportAddress& source) {
              last_waking_ = Instant::never();
              keep(measured([&] { return client.handle_datagram(now, bytes, source); }));
            };
            endpoint.handle_stream = [this](Instant now, stun::Bytes bytes) {
              last_waking_ = Instant::never();
              measured([&] { return client.feed_stream(now, bytes), 0; });
              while (keep(measured([&] { return client.next_from_stream(now); }))) {
              }
            };
            return endpoint;
          }(),
          path.carrier, setup.seed),
      buffer_(client::kMaxDataOverhead + 70'000) {
  net.piece_bytes = path.piece_bytes;
  net.after_input = [this] { take_events(); };
  EXPECT_EQ(client.set_credentials(net.now, user_pass()), Errc::Ok);
}

TurnRun::~TurnRun() {
  EXPECT_EQ(idle_wakings_, 0U) << "woken with nothing to do";
  EXPECT_FALSE(net.is_stuck);
}

void TurnRun::take_events() {
  while (takes_events) {
    const auto event = measured([&] { return client.poll_event(); });
    if (!event) return;
    events.emplace_back(*event, net.now);
  }
}

unsigned TurnRun::count(TurnEventKind kind) const {
  unsigned found = 0;
  for (const TurnRecord& record : events) found += record.kind == kind ? 1U : 0U;
  return found;
}

unsigned TurnRun::requested(stun::Method method) const {
  const auto found = server.tally.requests.find(method);
  return found == server.tally.requests.end() ? 0 : found->second;
}

TurnRecord TurnRun::last(TurnEventKind kind) const {
  for (size_t i = events.size(); i-- > 0;) {
    if (events[i].kind == kind) return events[i];
  }
  ADD_FAILURE() << "no event of kind " << static_cast<unsigned>(kind);
  return TurnRecord({}, net.now);
}

TurnRecord TurnRun::await(TurnEventKind kind, Duration limit) { return await(kind, kind, limit); }

TurnRecord TurnRun::await(TurnEventKind kind, TurnEventKind other, Duration limit) {
  size_t seen = events.size();
  const TurnRecord* found = nullptr;
  static_cast<void>(net.run_until(net.now + limit, [&] {
    for (; seen < events.size() && found == nullptr; ++seen) {
      if (events[seen].kind == kind || events[seen].kind == other) found = &events[seen];
    }
    return found != nullptr;
  }));
  if (found != nullptr) return *found;
  ADD_FAILURE() << "no event of kind " << static_cast<unsigned>(kind);
  return TurnRecord({}, net.now);
}

TurnRecord TurnRun::allocate(const client::AllocateRequest& request) {
  net.refill();
  EXPECT_EQ(client.allocate(net.now, request), Errc::Ok);
  return await(TurnEventKind::Allocated, TurnEventKind::AllocateFailed, Duration::seconds(120));
}

void TurnRun::permit(const TransportAddress& peer) {
  EXPECT_EQ(client.permit(net.now, peer), Errc::Ok);
  EXPECT_TRUE(same_ip(await(TurnEventKind::Permitted).peer, peer));
}

uint16_t TurnRun::bind(const TransportAddress& peer) {
  const auto channel = client.bind_channel(net.now, peer);
  if (!channel) {
    ADD_FAILURE() << channel.error();
    return 0;
  }
  const TurnRecord bound = await(TurnEventKind::ChannelBound);
  EXPECT_EQ(bound.number, *channel);
  EXPECT_EQ(bound.peer, peer);
  return *channel;
}

void TurnRun::send(uint16_t channel, stun::Bytes data) {
  const auto size = client.write_channel_data(net.now, channel, data, buffer_);
  ASSERT_TRUE(size.has_value()) << size.error();
  net.send(stun::Bytes(buffer_).first(*size));
}

void TurnRun::send(const TransportAddress& peer, stun::Bytes data) {
  const auto size = client.write_data(net.now, peer, data, false, buffer_);
  ASSERT_TRUE(size.has_value()) << size.error();
  net.send(stun::Bytes(buffer_).first(*size));
}

bool TurnRun::is_clean(TurnViolations allowed) const {
  EXPECT_EQ(server.violations.malformed, allowed.malformed);
  EXPECT_EQ(server.violations.unsigned_requests, allowed.unsigned_requests);
  EXPECT_EQ(server.violations.stale_nonce, allowed.stale_nonce);
  EXPECT_EQ(server.violations.retransmissions, allowed.retransmissions);
  return server.violations == allowed;
}

}  // namespace postern::sim
