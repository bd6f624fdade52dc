// Answers that an attacker on the way would make: the transaction ID is right, the key is not.
#pragma once

#include "sim/response_builder.h"

namespace postern::sim {

enum class Forgery : uint8_t { Unsigned, Sha1, Sha256 };

// A success response with all that an Allocate or a Refresh asks for, and kForged addresses in it.
[[nodiscard]] Message forged_success(const Message& request, Forgery forgery);
[[nodiscard]] Message forged_error(const Message& request, uint16_t code, Forgery forgery);

}  // namespace postern::sim
