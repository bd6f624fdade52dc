// FixedBytes: a byte string of bounded length that lives in place, for what a machine has to keep
// of its caller's or the server's words.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace postern {

template <size_t kCapacity>
class FixedBytes {
 public:
  // False, and nothing changed, where the bytes do not fit.
  [[nodiscard]] bool assign(std::span<const uint8_t> bytes) {
    if (bytes.size() > kCapacity) return false;
    clear();
    std::copy(bytes.begin(), bytes.end(), bytes_.begin());
    size_ = bytes.size();
    return true;
  }

  // Overwrites what was kept: it may have been a password.
  void clear() {
    std::fill_n(bytes_.begin(), size_, uint8_t{0});
    size_ = 0;
  }

  [[nodiscard]] std::span<const uint8_t> view() const { return std::span(bytes_).first(size_); }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] bool holds(std::span<const uint8_t> bytes) const {
    return std::equal(bytes.begin(), bytes.end(), view().begin(), view().end());
  }

 private:
  std::array<uint8_t, kCapacity> bytes_{};
  size_t size_ = 0;
};

}  // namespace postern
