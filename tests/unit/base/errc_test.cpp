#include "base/errc.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace postern {
namespace {

struct ErrorRow {
  Errc errc;
  std::string_view code;
  std::string_view sentence;
};

const std::vector<ErrorRow>& rows() {
  static const std::vector<ErrorRow> all = {
#define POSTERN_ERROR(enumerator, code, sentence) {Errc::enumerator, code, sentence},
#define POSTERN_CLIENT_ERROR(enumerator, code, sentence) POSTERN_ERROR(enumerator, code, sentence)
#define POSTERN_JS_ERROR(code, sentence) {Errc::Ok, code, sentence},
#include "base/errors.def"
#undef POSTERN_ERROR
#undef POSTERN_CLIENT_ERROR
#undef POSTERN_JS_ERROR
  };
  return all;
}

TEST(ErrcTest, CodesAreThoseOfTheTable) {
  EXPECT_EQ(code_of(Errc::Ok), "OK");
  for (const ErrorRow& row : rows()) {
    if (row.errc != Errc::Ok) {
      EXPECT_EQ(code_of(row.errc), row.code);
    }
  }
}

TEST(ErrcTest, ANumberThatIsNoErrcIsAnInternalError) {
  EXPECT_EQ(code_of(static_cast<Errc>(255)), "ERR_INTERNAL");
}

TEST(ErrcTest, CodesDiffer) {
  std::set<std::string_view> codes;
  for (const ErrorRow& row : rows()) EXPECT_TRUE(codes.insert(row.code).second) << row.code;
}

TEST(ErrcTest, CodesAreWrittenAlike) {
  for (const ErrorRow& row : rows()) {
    EXPECT_TRUE(row.code.starts_with("ERR_")) << row.code;
    EXPECT_TRUE(std::all_of(row.code.begin(), row.code.end(), [](char c) {
      return std::isupper(c) || std::isdigit(c) || c == '_';
    })) << row.code;
  }
}

TEST(ErrcTest, EveryErrorHasASentence) {
  std::set<std::string_view> sentences;
  for (const ErrorRow& row : rows()) {
    EXPECT_TRUE(std::isupper(row.sentence.front())) << row.code;
    EXPECT_EQ(row.sentence.back(), '.') << row.code;
    EXPECT_EQ(row.sentence.find("  "), std::string_view::npos) << row.code;
    EXPECT_TRUE(sentences.insert(row.sentence).second) << row.code;
  }
}

// Results that cross the wasm boundary have eight bits for the number (bindings/codec_port.h).
TEST(ErrcTest, NumbersCountUpFromOne) {
  int number = 0;
  for (const ErrorRow& row : rows()) {
    if (row.errc != Errc::Ok) {
      EXPECT_EQ(static_cast<int>(row.errc), ++number) << row.code;
    }
  }
  EXPECT_LT(number, 255);
}

}  // namespace
}  // namespace postern
