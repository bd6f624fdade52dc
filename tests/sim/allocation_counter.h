// Counts what operator new gives out, in the whole test program.
#pragma once

#include <cstdint>

namespace postern::sim {

[[nodiscard]] uint64_t allocations_so_far();
// What has been given out and not given back.
[[nodiscard]] int64_t bytes_in_use();

}  // namespace postern::sim
