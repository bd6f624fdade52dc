// The codec as JavaScript drives it, by somebody who lies about every number and writes to the
// arenas between calls. Whatever comes back lies within the arenas.
#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <memory>

#include "bindings/codec_port.h"
#include "require.h"

namespace postern::fuzz {
namespace {

using bindings::CodecPort;

// Small, arbitrary, or far too large.
uint32_t number(FuzzedDataProvider& input) {
  switch (input.ConsumeIntegralInRange(0, 3)) {
    case 0:
      return input.ConsumeIntegral<uint32_t>();
    case 1:
      return 0xFFFFFFFF - input.ConsumeIntegral<uint8_t>();
    default:
      return input.ConsumeIntegral<uint8_t>();
  }
}

void require_failure(int32_t result) {
  require(code_of(static_cast<Errc>(-result & 0xFF)).starts_with("ERR_ST"));
  require((-static_cast<int64_t>(result) >> 8) <= CodecPort::kInputBytes);
}

void require_value(CodecPort& port, int32_t result) {
  if (result < 0) return require_failure(result);
  if (result == 0) return;
  const auto& words = port.words();
  require(uint64_t{words.value_offset} + words.value_length <= 2 * CodecPort::kInputBytes);
}

void write_arena(FuzzedDataProvider& input, std::span<uint8_t> arena) {
  const size_t at = input.ConsumeBool() ? 0 : input.ConsumeIntegral<uint8_t>() * size_t{4};
  const auto bytes = input.ConsumeBytes<uint8_t>(input.ConsumeIntegralInRange<size_t>(0, 600));
  std::copy(bytes.begin(), bytes.end(), arena.begin() + static_cast<ptrdiff_t>(at));
}

void call(FuzzedDataProvider& input, CodecPort& port) {
  const uint32_t a = number(input);
  const uint32_t b = number(input);
  const uint32_t c = number(input);
  switch (input.ConsumeIntegralInRange(0, 15)) {
    case 0: {
      const int32_t result = port.decode(a, b);
      return result < 0 ? require_failure(result) : require(result < 1 << 20);
    }
    case 1:
      for (int32_t& length : port.words().batch) length = static_cast<int32_t>(number(input));
      return port.decode_batch(a, b);
    case 2:
      return require_value(port, port.read(a, b, c));
    case 3:
      return require_value(port, port.read_at(a, b));
    case 4:
      return require_value(port, std::min(port.walk(a, b), 1) == 1 ? 1 : 0);
    case 5:
      return require(port.unknown_required(a) <= 16383);
    case 6:
      return require(code_of(static_cast<Errc>(port.verify(a, b, c))) != "ERR_INTERNAL");
    case 7:
      return port.verify_batch(a, b, c);
    case 8:
      return port.prepare_short_term_key(a);
    case 9:
      return port.prepare_long_term_key(a & 3, b, c, a);
    case 10:
      return port.userhash(a, b);
    case 11:
      return require(port.nonce_features(a) < 1 << 24);
    case 12: {
      const int32_t length = port.encode(a);
      if (a > 0) length < 0 ? require_failure(length) : require(length <= 65552);
      return;
    }
    case 13: {
      const int32_t frames = port.split(a, b);
      if (frames < 0) return require_failure(frames);
      require(frames <= 32 && port.words().numbers[0] <= CodecPort::kInputBytes);
      return;
    }
    default:
      return write_arena(input, input.ConsumeBool() ? port.input() : port.output());
  }
}

}  // namespace
}  // namespace postern::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto port = std::make_unique<postern::bindings::CodecPort>();
  std::destroy_at(port.get());
  std::construct_at(port.get());
  FuzzedDataProvider input(data, size);
  postern::fuzz::write_arena(input, port->input());
  while (input.remaining_bytes() > 0) postern::fuzz::call(input, *port);
  return 0;
}
