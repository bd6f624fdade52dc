#include "support/vectors.h"

#include <fstream>
#include <sstream>
#include <stdexcept>

namespace postern::testing {

namespace {

std::ifstream open(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot open " + path);
  return file;
}

std::vector<std::string> fields_of(const std::string& line) {
  std::vector<std::string> fields;
  std::istringstream rest(line);
  for (std::string field; std::getline(rest, field, ',');) fields.push_back(field);
  return fields;
}

}  // namespace

Json read_vectors(const std::string& file) {
  auto stream = open(POSTERN_TEST_VECTORS "/" + file);
  return Json::parse(stream);
}

ByteVector bytes_of(const Json& vector) {
  ByteVector bytes = unhex(vector.at("hex").get<std::string>());
  if (vector.contains("then")) {
    const ByteVector more = unhex(vector.at("then").at("hex").get<std::string>());
    for (auto times = vector.at("then").at("times").get<int>(); times > 0; --times)
      append(bytes, more);
  }
  return bytes;
}

std::vector<Row> read_registry(const std::string& file) {
  auto stream = open(POSTERN_TEST_VECTORS "/../registry/" + file);
  std::string line;
  std::getline(stream, line);
  const auto columns = fields_of(line);
  std::vector<Row> rows;
  while (std::getline(stream, line)) {
    const auto fields = fields_of(line);
    if (fields.size() != columns.size()) throw std::runtime_error("bad row: " + line);
    Row row;
    for (size_t i = 0; i < columns.size(); ++i) row[columns[i]] = fields[i];
    rows.push_back(row);
  }
  return rows;
}

}  // namespace postern::testing
