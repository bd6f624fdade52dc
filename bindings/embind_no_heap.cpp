// An allocator for a module that allocates nothing once it has started: all that Embind might ask
// for comes from a kilobyte, and nothing is given back. What asks for more gets a null pointer, and
// traps.
#include <cstddef>
#include <cstdint>

namespace {

constexpr size_t kBytes = 1024;
constexpr size_t kAlignment = 16;

alignas(kAlignment) uint8_t arena[kBytes];
size_t used = 0;

}  // namespace

extern "C" {

void* malloc(size_t size) {
  size = (size + kAlignment - 1) & ~(kAlignment - 1);
  if (size > kBytes - used) return nullptr;
  void* const block = &arena[used];
  used += size;
  return block;
}

void free(void* /*block*/) {}

}  // extern "C"
