#include "stun/long_term.h"

#include <gtest/gtest.h>

#include "support/bytes.h"

namespace postern::stun {
namespace {

using testing::as_bytes;
using testing::hex;

std::string key(PasswordAlgorithm algorithm, std::string_view username, std::string_view realm,
                std::string_view password) {
  return hex(
      long_term_key(algorithm, as_bytes(username), as_bytes(realm), as_bytes(password)).view());
}

TEST(LongTermTest, Md5) {
  // RFC 8489 section 9.2.2.
  EXPECT_EQ(key(PasswordAlgorithm::Md5, "user", "realm", "pass"),
            "8493fbc53ba582fb4c044c456bdc40eb");
}

TEST(LongTermTest, Sha256) {
  // Section 18.5.1.2; computed with Python's hashlib.
  EXPECT_EQ(key(PasswordAlgorithm::Sha256, "user", "realm", "pass"),
            "07e934117abd40836e7c6329b54731b2b2d2a5f9a71f544922d75e0730d8251b");
}

// What is hashed is one string: the colons alone tell the parts from each other.
TEST(LongTermTest, PartsAreJoinedByColons) {
  for (const auto algorithm : {PasswordAlgorithm::Md5, PasswordAlgorithm::Sha256}) {
    EXPECT_EQ(key(algorithm, "a:b", "c", "d"), key(algorithm, "a", "b:c", "d"));
    EXPECT_EQ(key(algorithm, "a", "b:c", "d"), key(algorithm, "a", "b", "c:d"));
    EXPECT_NE(key(algorithm, "ab", "c", "d"), key(algorithm, "a", "bc", "d"));
    EXPECT_NE(key(algorithm, "a", "bc", "d"), key(algorithm, "a", "b", "cd"));
  }
  EXPECT_EQ(key(PasswordAlgorithm::Md5, "", "", ""), "4501c091b0366d76ea3218b6cfdd8097");  // "::"
}

TEST(LongTermTest, Userhash) {
  // Section 14.4; computed with Python's hashlib.
  EXPECT_EQ(hex(userhash(as_bytes("user"), as_bytes("realm"))),
            "6a3029116b47aa98bcaa325399733dc1a23cd57e26b81bef3ff6531ce624e2da");
  EXPECT_NE(hex(userhash(as_bytes("userr"), as_bytes("ealm"))),
            hex(userhash(as_bytes("user"), as_bytes("realm"))));
}

}  // namespace
}  // namespace postern::stun
