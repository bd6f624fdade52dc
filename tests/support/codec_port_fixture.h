// CodecPort with messages put into its input arena.
#pragma once

#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <string>

#include "bindings/codec_port.h"
#include "support/codec_jobs.h"

namespace postern::testing {

using bindings::CodecPort;

inline constexpr uint32_t kHuge = std::numeric_limits<uint32_t>::max();
inline constexpr uint32_t kAllowClassic = CodecPort::kAllowClassic;
inline constexpr uint32_t kHugeNumbers[] = {64, 65, 0x7FFFFFFF, 0x80000000, kHuge - 3, kHuge};

class CodecPortTest : public ::testing::Test {
 protected:
  int32_t decode(const ByteVector& bytes, uint32_t flags = 0) {
    fill_input(*port_, bytes);
    return port_->decode(static_cast<uint32_t>(bytes.size()), flags);
  }
  [[nodiscard]] CodecPort::Words& words() { return port_->words(); }
  [[nodiscard]] std::string output_digits(size_t count) {
    return hex(port_->output().first(count));
  }
  // The value that read() has left.
  [[nodiscard]] std::string value_digits() {
    return hex(port_->input().subspan(words().value_offset, words().value_length));
  }
  [[nodiscard]] std::string text() {
    return {reinterpret_cast<const char*>(words().text.data()), words().value_length};
  }
  std::unique_ptr<CodecPort> port_ = make_port();
};

}  // namespace postern::testing
