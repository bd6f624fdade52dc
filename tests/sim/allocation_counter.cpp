#include "sim/allocation_counter.h"

#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<uint64_t> allocations{0};
std::atomic<int64_t> in_use{0};

void count(void* memory, int sign) {
  const auto bytes = static_cast<int64_t>(malloc_usable_size(memory));
  in_use.fetch_add(sign * bytes, std::memory_order_relaxed);
}

void* allocate(std::size_t size) noexcept {
  allocations.fetch_add(1, std::memory_order_relaxed);
  void* const memory = std::malloc(size == 0 ? 1 : size);
  if (memory != nullptr) count(memory, 1);
  return memory;
}

void release(void* memory) noexcept {
  if (memory != nullptr) count(memory, -1);
  std::free(memory);
}

}  // namespace

uint64_t postern::sim::allocations_so_far() { return allocations.load(std::memory_order_relaxed); }

int64_t postern::sim::bytes_in_use() { return in_use.load(std::memory_order_relaxed); }

// The array and sized forms of the library call these. Over-aligned types are not counted.
void* operator new(std::size_t size) {
  if (void* const memory = allocate(size)) return memory;
  throw std::bad_alloc();
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return allocate(size); }
void operator delete(void* memory) noexcept { release(memory); }
void operator delete(void* memory, std::size_t) noexcept { release(memory); }
