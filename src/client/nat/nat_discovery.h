// NatDiscovery: what lies between this machine and a server with two addresses (RFC 5780), as a
// machine without I/O. It says which sockets it needs and what each one sends where; answers,
// silence and time go in; tests, and in the end the findings, come out.
//
//   discovery.start(now);                    // or any input, and then, in any order,
//   while ((sent = discovery.poll_transmit(out)).size) send(sent.socket, sent.to, out);
//   while (event = discovery.poll_event()) use(*event);
//   wake_at(discovery.poll_timeout());       // then handle_timeout(now)
//
// How it keeps from guessing:
//   - Each topic has a fresh socket, and nothing is sent to the server's other address or port
//     before the filter was tested (section 4.4), from no socket.
//   - Silence counts only between two plain requests of the same socket that were answered, and
//     only where nothing failed to be sent. Then, where the NAT lets it, something is sent to the
//     place that was silent, which opens the filter: a server that still does not answer from there
//     is not one to tell anything by.
//   - Each test is two transactions, retransmitted as RFC 8489 section 6.2.1 has it.
//   - Everything is done twice, with other sockets.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/entropy_pool.h"
#include "base/fixed_bytes.h"
#include "base/instant.h"
#include "client/authenticator.h"
#include "client/binding.h"
#include "client/nat/nat_runs.h"
#include "client/nat/nat_test.h"
#include "client/nat/nat_verdict.h"
#include "client/rto.h"
#include "client/transaction.h"
#include "wire/stream_deframer.h"

namespace postern::client::nat {

// RFC 5780 section 5: at most ten new transactions a second.
inline constexpr Duration kPace = Duration::milliseconds(100);
// Ours: a test whose first transaction has no answer by then begins a second one. Not a multiple
// of the RTO, so that the two do not retransmit at once.
inline constexpr Duration kSecondAfter = Duration::milliseconds(250);
// Ours: four requests in 3.5 s, and 2 s more. With the second transaction that makes eight: a
// network that loses a fifth each way loses all of them once in 3,500 times.
inline constexpr RetransmissionOptions kNatRetransmission{
    .rto = kDefaultRto, .rc = 4, .rm = 4, .ti = Duration::milliseconds(9'500)};
// Ours: how likely a test may be to lose all that it sends, one run's silence to count: in two runs
// one in ten thousand.
inline constexpr double kMaxChanceOfSilence = 0.01;
// RFC 5780 section 7.6: the MTU of the interface, which for all that is known is Ethernet's.
inline constexpr uint16_t kPaddingBytes = 1500;
// IPv4 and UDP take 28 bytes of an Ethernet frame's 1,500: a longer message has fragments.
inline constexpr uint32_t kUnfragmentedBytes = 1472;
// Ours: of a lifetime, in parts of the longest wait; and never finer than half a second.
inline constexpr int64_t kLifetimeParts = 32;
inline constexpr Duration kLifetimePrecision = Duration::milliseconds(500);

inline constexpr size_t kMaxNatRequestBytes = kMaxRequestBytes + attribute_bytes(kPaddingBytes);

struct NatOptions {
  TransportAddress server{};
  // Over TCP: mapping only.
  bool is_reliable = false;
  bool confirms = true;
  // How long to wait at most for a mapping to expire; 0: its lifetime is not measured.
  Duration longest_wait{};
  bool fingerprint = false;
  RetransmissionOptions retransmission = kNatRetransmission;
  AuthenticatorOptions authentication{};
};

struct NatEvent {
  enum class Kind : uint8_t { OpenSocket, CloseSocket, TestStarted, TestEnded, Done };
  Kind kind = Kind::Done;
  SocketId socket = kNoSocket;
  // OpenSocket: over TCP, where to connect to, and the socket whose local port it shares.
  TransportAddress remote{};
  SocketId same_port_as = kNoSocket;
  TestId test = kNoTest;
};

struct NatTransmit {
  size_t size = 0;  // 0: there is nothing to send
  SocketId socket = kNoSocket;
  TransportAddress to{};
};

struct NatStats {
  uint64_t malformed = 0;
  uint64_t unexpected = 0;           // requests, other methods
  uint64_t unknown_transaction = 0;  // or its answer came before
  uint64_t wrong_source = 0;         // or on a socket that it does not belong to
  uint64_t ignored = 0;              // for its integrity or fingerprint
};

class NatDiscovery {
 public:
  explicit NatDiscovery(const NatOptions& options);
  NatDiscovery(const NatDiscovery&) = delete;
  NatDiscovery& operator=(const NatDiscovery&) = delete;

  // --- Commands, before start().

  [[nodiscard]] Errc set_credentials(const Credentials& credentials) {
    return authenticator_.set_credentials(credentials);
  }
  [[nodiscard]] Errc set_software(stun::Bytes text) {
    return software_.assign(text) ? Errc::Ok : Errc::AttributeLength;
  }
  // Takes as many random bytes as there is room for, and returns how many. Without any, what is due
  // to be sent waits.
  size_t provide_entropy(std::span<const uint8_t> bytes) { return entropy_.provide(bytes); }
  void start(Instant now);

  // --- Input.

  // `local`: how the socket is called on this machine, with its port.
  void handle_opened(Instant now, SocketId socket, const TransportAddress& local);
  // It could not be opened, or is gone.
  void handle_closed(Instant now, SocketId socket, bool is_local_port_taken = false);
  void handle_send_failure(Instant now, SocketId socket);
  void handle_datagram(Instant now, SocketId socket, stun::Bytes bytes,
                       const TransportAddress& source);
  void handle_stream(Instant now, SocketId socket, stun::Bytes bytes);
  void handle_timeout(Instant now);

  // --- Output.

  // `out` has room for kMaxNatRequestBytes.
  [[nodiscard]] NatTransmit poll_transmit(std::span<uint8_t> out);
  [[nodiscard]] std::optional<NatEvent> poll_event();
  [[nodiscard]] Instant poll_timeout() const;

  // --- Queries.

  [[nodiscard]] const Test& test(TestId id) const { return tests_[id]; }
  [[nodiscard]] size_t test_count() const { return tests_.size(); }
  // After Done.
  [[nodiscard]] const Findings& findings() const { return findings_; }
  [[nodiscard]] const Lifetime& lifetime() const { return lifetime_; }
  // The first mapped address, and what the server said of itself with it. Family::None: none.
  [[nodiscard]] const TransportAddress& public_address() const { return public_address_; }
  [[nodiscard]] const TransportAddress& other_address() const { return other_address_; }
  [[nodiscard]] const NatStats& stats() const { return stats_; }

 private:
  struct Socket {
    bool is_open = false;
    bool has_failed = false;
    bool is_local_port_taken = false;
    TransportAddress local{};
    std::vector<uint8_t> stream_buffer{};
    std::optional<wire::StreamDeframer> deframer{};
  };
  // A transaction of a test.
  struct Flight {
    TestId test = kNoTest;
    std::array<uint8_t, kMaxNatRequestBytes> buffer{};
    Transaction transaction{buffer};
    unsigned rounds = 0;
  };
  struct Launch {
    Instant at;
    TestId test = kNoTest;
    bool is_second = false;
  };
  static constexpr size_t kMaxFlights = 24;

  void advance(Instant now);
  // Goes as far as it can without another input.
  void proceed();
  void schedule();

  // nat_discovery.cpp: sockets, transactions, pacing.
  [[nodiscard]] SocketId open_socket(const TransportAddress& remote = {},
                                     SocketId same_port_as = kNoSocket);
  void close_socket(SocketId socket);
  [[nodiscard]] Socket* find_socket(SocketId socket);
  [[nodiscard]] bool is_settled(SocketId socket) const;
  [[nodiscard]] bool is_open(SocketId socket) const;
  [[nodiscard]] TestId add_test(const TestPlan& plan);
  // Whether a test has ended by it, as it could not be sent.
  [[nodiscard]] bool launch_due();
  [[nodiscard]] bool launch(const Launch& launch);
  [[nodiscard]] Errc send(Flight& flight);
  static void end_flight(Flight& flight);
  void finish(TestId id, Outcome outcome);
  [[nodiscard]] bool is_under_way(TestId id) const;

  // nat_answers.cpp.
  void handle_message(SocketId socket, stun::Bytes bytes, const TransportAddress& source);
  void handle_answer(Flight& flight, const stun::MessageView& message, SocketId socket,
                     const TransportAddress& source);
  [[nodiscard]] Flight* find_flight(stun::Bytes transaction_id);

  // nat_schedule.cpp: which test comes when. The functions may be called at any time, as often as
  // one likes: they begin what can begin, and say whether everything is over.
  [[nodiscard]] bool is_over(TestId& id, const TestPlan& plan);
  [[nodiscard]] TestPlan plan(Topic topic, TestName name, SocketId socket) const;
  [[nodiscard]] TestPlan plan_for(Topic topic, Place place, TestName name_of_port,
                                  SocketId socket) const;
  [[nodiscard]] TransportAddress address_of(Place place) const;
  void open_sockets(Run& run);
  void close_sockets(const Run& run);
  [[nodiscard]] bool first_half_is_over(Run& run);
  [[nodiscard]] bool filter_is_tested(FilteringTests& tests);
  [[nodiscard]] bool hairpin_is_tested(HairpinTests& tests, const FilteringTests& filtering);
  [[nodiscard]] bool fragments_are_tested(FragmentTests& tests);
  [[nodiscard]] bool filter_is_opened(FilteringTests& tests);
  [[nodiscard]] bool mapping_is_tested(MappingTests& tests);
  [[nodiscard]] bool mapping_is_tested_on_streams(MappingTests& tests);

  // nat_lifetime.cpp.
  [[nodiscard]] bool lifetime_is_measured();
  [[nodiscard]] bool mapping_is_held(LifetimeTests& tests);
  [[nodiscard]] bool lifetime_question_is_over(LifetimeTests& tests);
  [[nodiscard]] bool next_wait(const Test& asked);
  void end_lifetime(Reason reason);

  // nat_judgement.cpp: what the tests of a run say.
  [[nodiscard]] const Test* of(TestId id) const;
  [[nodiscard]] bool is_answered(TestId id) const;
  [[nodiscard]] bool is_behind_nat(TestId id) const;
  [[nodiscard]] Reason why_no_other() const;
  [[nodiscard]] bool is_lossy(uint8_t run) const;
  [[nodiscard]] Reason frame_fault(TestId before, TestId after) const;
  [[nodiscard]] Reason change_fault(TestId id, Place place) const;
  [[nodiscard]] Reason silence_fault(const Run& run, Place place) const;
  [[nodiscard]] Findings judge(const Run& run) const;
  [[nodiscard]] Finding<Answer> judge_behind_nat(const Run& run) const;
  [[nodiscard]] Finding<Answer> judge_port(const Run& run) const;
  [[nodiscard]] Finding<Behaviour> judge_mapping(const Run& run) const;
  [[nodiscard]] Finding<Behaviour> judge_filtering(const Run& run) const;
  [[nodiscard]] Finding<Answer> judge_hairpinning(const Run& run) const;
  [[nodiscard]] Finding<Answer> judge_request_fragments(const Run& run) const;
  [[nodiscard]] Finding<Answer> judge_answer_fragments(const Run& run) const;
  template <typename Use>
  void for_each_first(const Run& run, Use use) const;

  NatOptions options_;
  Instant now_{};
  Authenticator authenticator_;
  EntropyPool entropy_;
  FixedBytes<kMaxSoftwareBytes> software_;

  std::vector<Socket> sockets_;  // of SocketId 1 and on
  std::vector<Test> tests_;
  std::vector<Launch> launches_;
  std::vector<NatEvent> events_;
  size_t next_event_ = 0;
  std::array<Flight, kMaxFlights> flights_{};
  Instant next_launch_{};

  Run run_{};
  LifetimeTests lifetime_tests_{};
  bool is_done_ = true;

  TransportAddress public_address_{};
  TransportAddress other_address_{};
  Findings findings_{};
  Lifetime lifetime_{};
  NatStats stats_{};
};

}  // namespace postern::client::nat
