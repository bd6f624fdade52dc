// The data of tests/vectors and tests/registry. Their README.md say what is in the files.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "support/bytes.h"

namespace postern::testing {

using Json = nlohmann::json;

[[nodiscard]] Json read_vectors(const std::string& file);

// `hex` and `then` of a vector.
[[nodiscard]] ByteVector bytes_of(const Json& vector);

// Rows by the names of the columns.
using Row = std::map<std::string, std::string>;
[[nodiscard]] std::vector<Row> read_registry(const std::string& file);

}  // namespace postern::testing
