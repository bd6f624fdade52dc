// A byte stream gives the same frames, the same error and the same rest, however it is cut.
#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <array>
#include <random>
#include <vector>

#include "require.h"
#include "wire/stream_deframer.h"

namespace postern::fuzz {

struct Outcome {
  std::vector<std::pair<wire::FrameType, std::vector<uint8_t>>> frames;
  Errc errc = Errc::Ok;
  size_t pending = 0;

  bool operator==(const Outcome&) const = default;
};

// In chunks of up to `longest_chunk` bytes, each gone when the next one comes.
Outcome deframe(std::span<const uint8_t> stream, size_t limit, size_t longest_chunk,
                uint32_t seed) {
  std::vector<uint8_t> buffer(limit);
  wire::StreamDeframer deframer(buffer);
  Outcome outcome;
  std::minstd_rand random(seed);
  while (!stream.empty()) {
    const size_t bytes = std::min<size_t>(random() % (longest_chunk + 1), stream.size());
    const std::vector<uint8_t> chunk(stream.begin(),
                                     stream.begin() + static_cast<ptrdiff_t>(bytes));
    stream = stream.subspan(bytes);
    deframer.feed(chunk);
    for (wire::Frame frame; deframer.next(frame);) {
      require(frame.bytes.size() >= wire::kFrameHeadBytes && frame.bytes.size() <= limit);
      outcome.frames.emplace_back(frame.type,
                                  std::vector<uint8_t>(frame.bytes.begin(), frame.bytes.end()));
    }
  }
  outcome.errc = deframer.error();
  outcome.pending = deframer.pending();
  return outcome;
}

}  // namespace postern::fuzz

// The last bytes of the input say how to cut, so that a stream and four bytes are a seed.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace postern::fuzz;  // NOLINT(google-build-using-namespace)
  FuzzedDataProvider input(data, size);
  constexpr std::array<size_t, 4> kLimits = {1500, 64, 3, postern::wire::kMaxFrameBytes};
  const size_t limit = input.PickValueInArray(kLimits);
  const size_t longest_chunk = input.ConsumeIntegralInRange<size_t>(1, 100);
  const uint32_t seed = input.ConsumeIntegral<uint16_t>() + 1U;
  const auto stream = input.ConsumeRemainingBytes<uint8_t>();
  require(deframe(stream, limit, longest_chunk, seed) == deframe(stream, limit, 1U << 30, seed));
  return 0;
}
