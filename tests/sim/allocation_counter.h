// Counts what operator new gives out, in the whole test program.
#pragma once

#include <cstdint>

namespace postern::sim {

[[nodiscard]] uint64_t allocations_so_far();

}  // namespace postern::sim
