#include "crypto/md5.h"

#include <gtest/gtest.h>

#include "unit/crypto/bytes.h"

namespace postern::crypto {
namespace {

using test::hex;
using test::text;

std::string md5(std::string_view message) { return hex(Md5::hash(text(message))); }

// RFC 1321 A.5.
TEST(Md5Test, Rfc1321Suite) {
  EXPECT_EQ(md5(""), "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(md5("a"), "0cc175b9c0f1b6a831c399e269772661");
  EXPECT_EQ(md5("abc"), "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(md5("message digest"), "f96b697d7cb7938d525a2f31aaf161d0");
  EXPECT_EQ(md5("abcdefghijklmnopqrstuvwxyz"), "c3fcd3d76192e4007dfb496cca67e13b");
  EXPECT_EQ(md5("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"),
            "d174ab98d277d9f5a5611c2c9f419d9f");
  EXPECT_EQ(md5("1234567890123456789012345678901234567890123456789012345678901234567890123456789"
                "0"),
            "57edf4a22be3c955ac49da2e2107b67a");
}

// RFC 8489 9.2.2: the example of a long-term key.
TEST(Md5Test, Rfc8489LongTermKey) {
  EXPECT_EQ(md5("user:realm:pass"), "8493fbc53ba582fb4c044c456bdc40eb");
}

}  // namespace
}  // namespace postern::crypto
