// Addresses in linear memory, for JavaScript, which makes its own views.
#pragma once

#include <cstdint>

namespace postern::bindings {

[[nodiscard]] inline uint32_t address_of(const void* what) {
  return static_cast<uint32_t>(reinterpret_cast<uintptr_t>(what));
}

}  // namespace postern::bindings
