// EntropyPool: random bytes that the caller supplies ahead of need, since the core has no source of
// its own. Transaction IDs are made of them and must be unpredictable (RFC 8489 section 5), so the
// bytes come from a cryptographic source and each is given out once.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/errc.h"

namespace postern {

class EntropyPool {
 public:
  // Ours: 21 transaction IDs.
  static constexpr size_t kCapacity = 256;

  // Takes as many bytes as there is room for, and returns how many.
  size_t provide(std::span<const uint8_t> bytes) {
    const size_t count = std::min(bytes.size(), kCapacity - size_);
    std::copy_n(bytes.begin(), count, bytes_.begin() + static_cast<ptrdiff_t>(size_));
    size_ += count;
    return count;
  }

  [[nodiscard]] size_t available() const { return size_; }

  // Fills `out`, or Errc::EntropyNeeded and nothing taken.
  [[nodiscard]] Errc take(std::span<uint8_t> out) {
    if (out.size() > size_) return Errc::EntropyNeeded;
    size_ -= out.size();
    const auto taken = std::span(bytes_).subspan(size_, out.size());
    std::copy(taken.begin(), taken.end(), out.begin());
    std::fill(taken.begin(), taken.end(), uint8_t{0});
    return Errc::Ok;
  }

 private:
  std::array<uint8_t, kCapacity> bytes_{};
  size_t size_ = 0;
};

}  // namespace postern
