// A client between a caller who does anything and a server that sends anything: every transaction
// ends with one event, whatever is sent is well-formed, and time always goes on.
#include "client/stun_client.h"
#include "hostile_server.h"
#include "require.h"

namespace postern::fuzz {
namespace {

using namespace client;  // NOLINT(google-build-using-namespace)

struct World {
  explicit World(FuzzedDataProvider& from)
      : input(from), client(StunClientOptions{.is_reliable = from.ConsumeBool()}) {}

  void step() {
    switch (input.ConsumeIntegralInRange(0, 11)) {
      case 0:
        return (void)client.cancel(now, {input.ConsumeIntegralInRange(0U, 8U)});
      case 1:
        return client.handle_transport_error(now, TransportError{input.ConsumeBool()});
      case 2:
        return (void)client.set_credentials(
            {.mechanism = Mechanism{input.ConsumeIntegralInRange<uint8_t>(0, 2)},
             .username = kCredential,
             .password = kCredential});
      case 3:
        return (void)client.send_indication(now);
      case 4:
        return client.handle_stream(now, arbitrary_bytes(input, 600));
      case 5:
        now = now + Duration::milliseconds(input.ConsumeIntegral<uint16_t>());
        for (int i = 0; client.poll_timeout() <= now; ++i, client.handle_timeout(now))
          require(i < 1000);
        return;
      case 6:
      case 7:
        return start();
      default:
        return answer();
    }
  }

  void start() {
    client.provide_entropy(std::array<uint8_t, 12>{input.ConsumeIntegral<uint8_t>()});
    const BindingRequest request{.fingerprint = input.ConsumeBool(),
                                 .change_request = {input.ConsumeBool(), false},
                                 .response_port = {},
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

  void drain() {
    std::array<uint8_t, kMaxRequestBytes> out;
    while (const size_t size = client.poll_transmit(out)) {
      stun::MessageView view;
      require(stun::MessageView::parse({out.data(), size}, {}, view).errc == Errc::Ok);
      require(view.method() == static_cast<uint16_t>(stun::Method::Binding));
      std::copy_n(view.transaction_id().begin(), id.size(), id.begin());
    }
    while (const auto event = client.poll_event()) {
      require(exchange_of(*event).transaction.value != 0 && ++ended <= started);
      if (const auto* error = std::get_if<ErrorResponse>(&*event)) touch(error->reason);
      if (const auto* failed = std::get_if<Failed>(&*event)) touch(failed->realm);
    }
    require(client.poll_timeout().is_never() == (started == ended));
  }

  FuzzedDataProvider& input;
  StunClient client;
  Instant now;
  stun::TransactionId id{};  // of the last request
  unsigned started = 0;
  unsigned ended = 0;
};

}  // namespace
}  // namespace postern::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzedDataProvider input(data, size);
  postern::fuzz::World world(input);
  for (; input.remaining_bytes() > 0; world.drain()) world.step();
  world.client.handle_transport_closed(world.now);
  world.drain();
  postern::fuzz::require(world.started == world.ended);
  return 0;
}
