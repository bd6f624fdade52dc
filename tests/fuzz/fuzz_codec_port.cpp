// The codec as JavaScript drives it, by somebody who lies about every number and writes to the
// arenas between calls. Whatever comes back makes sense.
#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <memory>

#include "bindings/codec_port.h"
#include "require.h"

namespace postern::fuzz {

using bindings::CodecPort;

void require_result(int32_t result, int32_t most) {
  require(result <= most);
  if (result >= 0) return;
  require(code_of(static_cast<Errc>(-result & 0xFF)).starts_with("ERR_ST"));
  require(-result >> 8 <= static_cast<int32_t>(CodecPort::kInputBytes));
}

void require_value(CodecPort& port, int32_t result) {
  require_result(result, 0xFFFF);
  const auto& words = port.words();
  require(uint64_t{words.value_offset} + words.value_length <= CodecPort::kInputBytes);
}

using Call = void (*)(CodecPort& port, uint32_t a, uint32_t b, uint32_t c);
constexpr Call kCalls[] = {
    [](auto& port, auto a, auto b, auto) { require_result(port.decode(a, b), (1 << 20) - 1); },
    [](auto& port, auto a, auto b, auto) { port.decode_batch(a, b); },
    [](auto& port, auto a, auto b, auto c) { require_value(port, port.read(a, b, c)); },
    [](auto& port, auto a, auto b, auto) { require_value(port, port.read_at(a, b)); },
    [](auto& port, auto a, auto b, auto) { require(port.walk(a, b) >= -1); },
    [](auto& port, auto a, auto, auto) { require(port.unknown_required(a) <= 16383); },
    [](auto& port, auto a, auto b, auto c) { require(port.verify(a, b, c) < 64); },
    [](auto& port, auto a, auto b, auto c) { port.verify_batch(a, b, c); },
    [](auto& port, auto a, auto, auto) { port.prepare_short_term_key(a); },
    [](auto& port, auto a, auto b, auto c) { port.prepare_long_term_key(a, b, c, a); },
    [](auto& port, auto a, auto b, auto) { port.userhash(a, b); },
    [](auto& port, auto a, auto, auto) { require(port.nonce_features(a) < 1 << 24); },
    [](auto& port, auto a, auto, auto) { require_result(port.encode(a | 1), 65552); },
    [](auto& port, auto a, auto b, auto) { require_result(port.split(a, b), 32); },
    [](auto& port, auto a, auto b, auto) { port.words().batch[a % 64] = static_cast<int32_t>(b); },
};

// Small, far too large, or arbitrary.
uint32_t number(FuzzedDataProvider& input) {
  const auto byte = input.ConsumeIntegral<uint8_t>();
  if (byte < 0xF0) return byte < 0xE0 ? byte : 0xFFFFFF00U + byte;
  return input.ConsumeIntegral<uint32_t>();
}

void write_arena(FuzzedDataProvider& input, std::span<uint8_t> arena) {
  const size_t at = number(input) % 1024 * 4;
  const auto bytes = input.ConsumeBytes<uint8_t>(input.ConsumeIntegralInRange<size_t>(0, 600));
  std::copy(bytes.begin(), bytes.end(), arena.begin() + static_cast<ptrdiff_t>(at));
}

}  // namespace postern::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace postern::fuzz;  // NOLINT(google-build-using-namespace)
  static const auto port = std::make_unique<CodecPort>();
  std::construct_at(port.get());
  for (FuzzedDataProvider input(data, size); input.remaining_bytes() > 0;) {
    write_arena(input, input.ConsumeBool() ? port->input() : port->output());
    for (unsigned calls = number(input) % 16; calls > 0; --calls) {
      const uint32_t numbers[] = {number(input), number(input), number(input)};
      input.PickValueInArray(kCalls)(*port, numbers[0], numbers[1], numbers[2]);
    }
  }
  return 0;
}
