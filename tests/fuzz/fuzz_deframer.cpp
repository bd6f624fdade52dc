// A byte stream gives the same frames, the same error and the same rest, however it is cut.
#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <array>
#include <random>
#include <vector>

#include "require.h"
#include "wire/stream_deframer.h"

namespace postern::fuzz {
namespace {

struct Outcome {
  std::vector<std::pair<wire::FrameType, std::vector<uint8_t>>> frames;
  Errc errc = Errc::Ok;
  size_t pending = 0;

  bool operator==(const Outcome&) const = default;
};

class Splitter {
 public:
  explicit Splitter(size_t limit) : buffer_(limit), deframer_(buffer_) {}

  void give(std::span<const uint8_t> bytes) {
    const std::vector<uint8_t> chunk(bytes.begin(), bytes.end());  // gone when this returns
    deframer_.feed(chunk);
    for (wire::Frame frame; deframer_.next(frame);) {
      require(frame.bytes.size() >= wire::kFrameHeadBytes && frame.bytes.size() <= buffer_.size());
      outcome_.frames.emplace_back(frame.type,
                                   std::vector<uint8_t>(frame.bytes.begin(), frame.bytes.end()));
    }
  }
  [[nodiscard]] Outcome finish() {
    outcome_.errc = deframer_.error();
    outcome_.pending = deframer_.pending();
    return outcome_;
  }

 private:
  std::vector<uint8_t> buffer_;
  wire::StreamDeframer deframer_;
  Outcome outcome_;
};

}  // namespace
}  // namespace postern::fuzz

// The last bytes of the input say how to cut, so that a stream alone is a seed.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace postern::fuzz;  // NOLINT(google-build-using-namespace)
  FuzzedDataProvider input(data, size);
  constexpr std::array<size_t, 4> kLimits = {postern::wire::kMaxFrameBytes, 1500, 64, 3};
  const size_t limit = input.PickValueInArray(kLimits);
  const size_t longest_chunk = input.ConsumeIntegralInRange<size_t>(1, 100);
  std::minstd_rand random(input.ConsumeIntegral<uint16_t>() + 1U);
  const auto stream = input.ConsumeRemainingBytes<uint8_t>();

  Splitter whole(limit);
  whole.give(stream);
  Splitter cut(limit);
  for (std::span<const uint8_t> rest = stream; !rest.empty();) {
    const size_t bytes = std::min<size_t>(random() % (longest_chunk + 1), rest.size());
    cut.give(rest.first(bytes));
    rest = rest.subspan(bytes);
  }
  require(whole.finish() == cut.finish());
  return 0;
}
