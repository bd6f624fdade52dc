#include "crypto/sha1.h"

#include "crypto/sha1_rounds.h"

namespace postern::crypto {

#if defined(__wasm_simd128__)
using Schedule = sha1::VectorSchedule;
#else
using Schedule = sha1::ScalarSchedule;
#endif

void Sha1Compression::compress(State& state, const uint8_t* blocks, size_t count) {
  sha1::compress<Schedule>(state, blocks, count);
}

template class BlockHash<Sha1Compression>;

}  // namespace postern::crypto
