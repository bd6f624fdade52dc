// src/stun/registry against tests/registry, both ways.
#include "stun/registry.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "stun/attribute_traits.h"
#include "stun/nonce_cookie.h"
#include "support/names.h"
#include "support/vectors.h"

namespace postern::stun {
namespace {

using testing::as_bytes;
using testing::read_registry;
using testing::Row;

struct Entry {
  std::string_view enumerator;
  std::string_view name;
  unsigned number;
  std::string_view reference;
};

const std::vector<Entry> kMethods = {
#define POSTERN_METHOD(enumerator, name, number, reference) {#enumerator, name, number, reference},
#include "stun/registry/methods.def"
#undef POSTERN_METHOD
};

const std::vector<Entry> kAttributes = {
#define POSTERN_ATTRIBUTE(enumerator, name, number, kind, status, reference) \
  {#enumerator, name, number, reference},
#include "stun/registry/attributes.def"
#undef POSTERN_ATTRIBUTE
};

const std::vector<Entry> kErrorCodes = {
#define POSTERN_ERROR_CODE(enumerator, number, reason, hint, reference) \
  {#enumerator, reason, number, reference},
#include "stun/registry/error_codes.def"
#undef POSTERN_ERROR_CODE
};

const std::vector<Entry> kPasswordAlgorithms = {
#define POSTERN_PASSWORD_ALGORITHM(enumerator, name, number, key_bytes) \
  {#enumerator, name, number, "RFC 8489 18.5.1"},
#include "stun/registry/password_algorithms.def"
#undef POSTERN_PASSWORD_ALGORITHM
};

const std::vector<Entry> kSecurityFeatures = {
#define POSTERN_SECURITY_FEATURE(enumerator, name, bit) {#enumerator, name, bit, "RFC 8489 18.1"},
#include "stun/registry/security_features.def"
#undef POSTERN_SECURITY_FEATURE
};

unsigned number_of(const Row& row, const char* column) {
  return static_cast<unsigned>(std::stoul(row.at(column), nullptr, 0));
}

// XOR-MAPPED-ADDRESS, ChannelBind, "Use TLS" and MD5 become XorMappedAddress, ChannelBind, UseTls
// and Md5.
std::string enumerator_of(std::string_view name) {
  std::string enumerator;
  for (size_t at = 0; at < name.size();) {
    size_t end = at;
    while (end < name.size() && std::isalnum(name[end])) ++end;
    const auto word = name.substr(at, end - at);
    const bool is_mixed =
        std::any_of(word.begin(), word.end(), [](char c) { return std::islower(c); });
    for (size_t i = 0; i < word.size(); ++i) {
      const int letter = i == 0     ? std::toupper(word[i])
                         : is_mixed ? word[i]
                                    : std::tolower(word[i]);
      enumerator += static_cast<char>(letter);
    }
    at = end + 1;
  }
  return enumerator;
}

using Names = std::set<std::pair<unsigned, std::string>>;

Names names_of(const std::vector<Entry>& table) {
  Names names;
  for (const Entry& entry : table) {
    EXPECT_TRUE(names.emplace(entry.number, entry.name).second) << entry.name << " is there twice";
  }
  return names;
}

Names names_of(const std::vector<Row>& rows, const char* number, const char* name) {
  Names names;
  for (const Row& row : rows) names.emplace(number_of(row, number), row.at(name));
  return names;
}

// The table may add a section to the document that the registry names, or words around it.
bool cites(std::string_view reference, const std::string& document) {
  const size_t at = reference.find(document);
  if (at == std::string_view::npos) return false;
  const size_t end = at + document.size();
  return end == reference.size() || !std::isdigit(reference[end]);
}

void expect_references(const std::vector<Entry>& table, const std::vector<Row>& rows,
                       const char* number) {
  for (const Row& row : rows) {
    for (const Entry& entry : table) {
      if (entry.number == number_of(row, number)) {
        EXPECT_TRUE(cites(entry.reference, row.at("reference")))
            << entry.name << ": " << entry.reference << ", not " << row.at("reference");
      }
    }
  }
}

TEST(RegistryTest, Methods) {
  const auto rows = read_registry("methods.csv");
  EXPECT_EQ(names_of(kMethods), names_of(rows, "number", "name"));
  expect_references(kMethods, rows, "number");
}

TEST(RegistryTest, Attributes) {
  const auto rows = read_registry("attributes.csv");
  EXPECT_EQ(names_of(kAttributes), names_of(rows, "type", "name"));
  expect_references(kAttributes, rows, "type");
}

TEST(RegistryTest, ErrorCodes) {
  const auto rows = read_registry("error-codes.csv");
  EXPECT_EQ(names_of(kErrorCodes), names_of(rows, "number", "reason"));
  expect_references(kErrorCodes, rows, "number");
}

TEST(RegistryTest, PasswordAlgorithms) {
  const auto rows = read_registry("password-algorithms.csv");
  EXPECT_EQ(names_of(kPasswordAlgorithms), names_of(rows, "number", "name"));
  std::set<std::pair<unsigned, unsigned>> expected;
  for (const Row& row : rows)
    expected.emplace(number_of(row, "number"), number_of(row, "key_bytes"));
  const std::set<std::pair<unsigned, unsigned>> key_bytes = {
#define POSTERN_PASSWORD_ALGORITHM(enumerator, name, number, bytes) {number, bytes},
#include "stun/registry/password_algorithms.def"
#undef POSTERN_PASSWORD_ALGORITHM
  };
  EXPECT_EQ(key_bytes, expected);
}

TEST(RegistryTest, SecurityFeatures) {
  const auto rows = read_registry("security-features.csv");
  EXPECT_EQ(names_of(kSecurityFeatures), names_of(rows, "bit", "name"));
  for (const Row& row : rows) {
    const auto feature = static_cast<SecurityFeature>(1U << number_of(row, "bit"));
    EXPECT_EQ(SecurityFeatures::mask(feature, FeatureBitOrder::FromRight),
              std::stoul(row.at("mask_from_right"), nullptr, 16));
    for (const auto& [column, order] : {std::pair("base64_from_right", FeatureBitOrder::FromRight),
                                        std::pair("base64_from_left", FeatureBitOrder::FromLeft)}) {
      const std::string nonce = std::string(kNonceCookiePrefix) + row.at(column);
      const auto features = read_nonce_cookie(as_bytes(nonce));
      ASSERT_TRUE(features) << nonce;
      EXPECT_EQ(features->bits, SecurityFeatures::mask(feature, order)) << nonce;
    }
  }
}

TEST(RegistryTest, NamesMapMechanicallyToEnumerators) {
  for (const auto& table :
       {kMethods, kAttributes, kErrorCodes, kPasswordAlgorithms, kSecurityFeatures}) {
    for (const Entry& entry : table) EXPECT_EQ(enumerator_of(entry.name), entry.enumerator);
  }
}

TEST(RegistryTest, RowsStandInTheOrderOfTheirNumbers) {
  for (const auto& table :
       {kMethods, kAttributes, kErrorCodes, kPasswordAlgorithms, kSecurityFeatures}) {
    EXPECT_TRUE(std::is_sorted(table.begin(), table.end(),
                               [](const Entry& a, const Entry& b) { return a.number < b.number; }));
  }
}

TEST(RegistryTest, WhatWasNeverRegisteredIsNotUnderstood) {
  for (const Row& row : read_registry("attributes.csv")) {
    const auto type = static_cast<uint16_t>(number_of(row, "type"));
    EXPECT_EQ(is_understood(type), row.at("status") != "unregistered") << row.at("name");
  }
  EXPECT_FALSE(is_understood(0x0000));
  EXPECT_FALSE(is_understood(0x7FFF));
  EXPECT_FALSE(is_understood(0xFFFF));
}

TEST(RegistryTest, StatusOfAttributes) {
  std::set<std::pair<std::string, std::string>> expected;
  for (const Row& row : read_registry("attributes.csv"))
    expected.emplace(row.at("name"), row.at("status"));
  const std::set<std::pair<std::string, std::string>> statuses = {
#define POSTERN_ATTRIBUTE(enumerator, name, number, kind, status, reference) \
  {name, AttributeStatus::status == AttributeStatus::Current   ? "current"   \
         : AttributeStatus::status == AttributeStatus::Classic ? "classic"   \
                                                               : "unregistered"},
#include "stun/registry/attributes.def"
#undef POSTERN_ATTRIBUTE
  };
  EXPECT_EQ(statuses, expected);
}

TEST(RegistryTest, TheLowerHalfOfTheTypesIsRequired) {
  EXPECT_TRUE(is_comprehension_required(0x0000));
  EXPECT_TRUE(is_comprehension_required(0x7FFF));
  EXPECT_FALSE(is_comprehension_required(0x8000));
  EXPECT_FALSE(is_comprehension_required(0xFFFF));
}

// "n", "from-to" or "from-to/step", separated by spaces.
bool allows(const std::string& lengths, size_t length) {
  std::istringstream parts(lengths);
  for (std::string part; parts >> part;) {
    size_t from = 0;
    size_t to = 0;
    size_t step = 1;
    std::istringstream numbers(part);
    numbers >> from;
    to = from;
    for (char separator; numbers >> separator;) numbers >> (separator == '-' ? to : step);
    if (length >= from && length <= to && length % step == 0) return true;
  }
  return false;
}

// Zeros are a well-formed list of algorithms and bad addresses; but labels lose trailing ones.
TEST(RegistryTest, ValuesOfEachAttributeHaveTheLengthsOfTheRegistry) {
  for (const Row& row : read_registry("attributes.csv")) {
    const auto type = static_cast<uint16_t>(number_of(row, "type"));
    const testing::ByteVector value(65529, kind_of(type) == KindId::Label ? 'a' : 0);
    const auto is_allowed = [&](size_t length) {
      return visit_kind(type, [&]<typename Kind>() {
        const testing::ByteVector cookie_and_id(16);
        const auto read = Kind::read(std::span(value).first(length), cookie_and_id.data());
        return read.error() != Errc::AttributeLength;
      });
    };
    for (size_t length = 0; length < 800; ++length) {
      EXPECT_EQ(is_allowed(length), allows(row.at("lengths"), length)) << row.at("name") << length;
    }
    for (size_t length = 65520; length <= 65528; ++length) {
      EXPECT_EQ(is_allowed(length), allows(row.at("lengths"), length)) << row.at("name") << length;
    }
  }
}

}  // namespace
}  // namespace postern::stun
