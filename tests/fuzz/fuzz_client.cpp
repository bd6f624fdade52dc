// A client between a caller who does anything and a server that sends anything: every transaction
// ends with one event, whatever is sent is well-formed, and time always goes on.
#include "client/stun_client.h"
#include "hostile_server.h"
#include "require.h"

namespace postern::fuzz {

using namespace client;  // NOLINT(google-build-using-namespace)

struct World {
  FuzzedDataProvider input;
  StunClient client{StunClientOptions{.is_reliable = input.ConsumeBool()}};
  Instant now{};
  stun::TransactionId id{};  // of the last request
  unsigned started = 0;
  unsigned ended = 0;

  void start() {
    client.provide_entropy(std::array<uint8_t, 12>{input.ConsumeIntegral<uint8_t>()});
    const BindingRequest request{.change_request = {input.ConsumeBool(), false},
                                 .padding_bytes = input.ConsumeIntegral<uint8_t>()};
    if (client.start_binding(now, request)) ++started;
  }
  void answer() {
    std::array<uint8_t, 2400> buffer;
    const auto message = hostile_answer(input, buffer, id);
    if (!message) return;
    if (input.ConsumeBool()) return client.handle_stream(now, *message);
    client.handle_datagram(now, *message, {.port = input.ConsumeBool()});
  }
  void wait() {
    now = now + Duration::milliseconds(input.ConsumeIntegral<uint16_t>());
    for (int i = 0; client.poll_timeout() <= now; client.handle_timeout(now)) require(++i < 100);
  }
  void drain() {
    std::array<uint8_t, kMaxRequestBytes> out;
    while (const size_t size = client.poll_transmit(out)) {
      stun::MessageView view;
      require(stun::MessageView::parse({out.data(), size}, {}, view).errc == Errc::Ok);
      std::copy_n(view.transaction_id().begin(), id.size(), id.begin());
    }
    while (const auto event = client.poll_event()) {
      require(exchange_of(*event).transaction.value != 0 && ++ended <= started);
      if (const auto* error = std::get_if<ErrorResponse>(&*event)) touch(error->reason);
      if (const auto* failed = std::get_if<Failed>(&*event)) touch(failed->realm);
    }
    require(client.poll_timeout().is_never() == (started == ended));
  }
};

using Step = void (*)(World& world);
constexpr Step kSteps[] = {
    [](World& world) { world.start(); },
    [](World& world) { world.answer(); },
    [](World& world) { world.wait(); },
    [](World& world) { (void)world.client.send_indication(world.now); },
    [](World& world) { (void)world.client.cancel(world.now, {world.started}); },
    [](World& world) { (void)world.client.set_credentials(arbitrary_credentials(world.input)); },
    [](World& world) { world.client.handle_stream(world.now, arbitrary_bytes(world.input, 600)); },
    [](World& world) { world.client.handle_transport_error(world.now, TransportError::Hard); },
};

}  // namespace postern::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  postern::fuzz::World world{.input = {data, size}};
  for (; world.input.remaining_bytes() > 0; world.drain())
    world.input.PickValueInArray(postern::fuzz::kSteps)(world);
  world.client.handle_transport_closed(world.now);
  world.drain();
  postern::fuzz::require(world.started == world.ended);
  return 0;
}
