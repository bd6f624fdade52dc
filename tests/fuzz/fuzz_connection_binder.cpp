// A ConnectionBind on a connection to a server that sends anything: it ends with one event, in
// time, and from then on, if it was accepted, every byte is the peer's.
#include "client/turn/connection_binder.h"
#include "hostile_server.h"
#include "require.h"

namespace postern::fuzz {

using namespace client;  // NOLINT(google-build-using-namespace)

Authenticator arbitrary_authenticator(FuzzedDataProvider& input) {
  Authenticator authenticator;
  Credentials credentials = arbitrary_credentials(input);
  if (input.ConsumeIntegralInRange(0, 7) == 0) credentials.mechanism = Mechanism::ThirdParty;
  require(authenticator.set_credentials(credentials) == Errc::Ok);
  return authenticator;
}

struct World {
  FuzzedDataProvider input;
  ConnectionBinder binder{arbitrary_authenticator(input), RetransmissionOptions{}, kNonce};
  Instant now{};
  stun::TransactionId id{};  // of the last request
  unsigned ended = 0;

  void hear(stun::Bytes bytes) {
    // In memory of its own, so that reading beyond its end is noticed.
    const std::vector<uint8_t> copy(bytes.begin(), bytes.end());
    const bool was_bound = binder.is_bound();
    const size_t used = binder.handle_stream(now, copy);
    require(used <= copy.size() && (!was_bound || used == 0));
  }
  void answer() {
    std::array<uint8_t, 2400> buffer;
    const auto message = hostile_answer(input, buffer, id, stun::Method::ConnectionBind);
    if (!message) return;
    const size_t cut = input.ConsumeIntegralInRange<size_t>(0, message->size());
    hear(message->first(cut));
    drain();
    hear(message->subspan(cut));
  }
  void drain() {
    std::array<uint8_t, kMaxTurnRequestBytes> out;
    while (const size_t size = binder.poll_transmit(out)) {
      stun::MessageView view;
      require(stun::MessageView::parse({out.data(), size}, {}, view).errc == Errc::Ok);
      require(view.is(stun::Class::Request, stun::Method::ConnectionBind));
      std::copy_n(view.transaction_id().begin(), id.size(), id.begin());
    }
    while (const auto event = binder.poll_event()) {
      require(++ended == 1);
      require((event->kind == TurnEventKind::Connected) == binder.is_bound());
      touch(event->reason);
      touch(event->realm);
    }
    require(binder.poll_timeout().is_never() == (ended == 1));
  }
};

using Step = void (*)(World& world);
constexpr Step kSteps[] = {
    [](World& world) { world.answer(); },
    [](World& world) { world.hear(arbitrary_bytes(world.input, 3000)); },
    [](World& world) {
      world.now = world.now + Duration::milliseconds(world.input.ConsumeIntegral<uint16_t>());
      world.binder.handle_timeout(world.now);
    },
    [](World& world) {
      const std::vector<uint8_t> random = arbitrary_bytes(world.input, 40);
      static_cast<void>(world.binder.provide_entropy(random));
    },
    [](World& world) { world.binder.handle_transport_closed(world.now); },
};

}  // namespace postern::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace postern::fuzz;  // NOLINT(google-build-using-namespace)
  World world{.input = {data, size}};
  static_cast<void>(world.binder.provide_entropy(std::array<uint8_t, 40>{}));
  require(world.binder.start(world.now, world.input.ConsumeIntegral<uint32_t>()) ==
          postern::Errc::Ok);
  for (world.drain(); world.input.remaining_bytes() > 0; world.drain()) {
    world.input.PickValueInArray(kSteps)(world);
  }
  world.binder.handle_transport_closed(world.now);
  world.drain();
  require(world.ended == 1);
  return 0;
}
