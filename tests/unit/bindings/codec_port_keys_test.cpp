// CodecPort: keys, integrity, and what else is hashed or looked up in key material.
#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "support/codec_port_fixture.h"
#include "support/vectors.h"

namespace postern::bindings {
namespace {

using namespace postern::testing;  // NOLINT(google-build-using-namespace)

using CodecPortKeysTest = CodecPortTest;

TEST_F(CodecPortKeysTest, VerifiesWithThePreparedKey) {
  const Json vectors = read_vectors("stun-messages.json");
  for (const Json& vector : vectors["messages"]) {
    for (const Json& check : vector.value("integrity", Json::array())) {
      SCOPED_TRACE(vector["id"].get<std::string>() + check.dump());
      const Json& key = check.contains("key") ? check["key"] : vector["key"];
      const auto password = key["password"].get<std::string>();
      ByteVector material;
      if (key.contains("realm")) {
        const auto username = key["username"].get<std::string>();
        const auto realm = key["realm"].get<std::string>();
        append(material, as_bytes(username + realm + password));
        fill_input(*port_, material);
        port_->prepare_long_term_key(
            key["algorithm"] == "SHA-256" ? 2 : 1, static_cast<uint32_t>(username.size()),
            static_cast<uint32_t>(realm.size()), static_cast<uint32_t>(password.size()));
      } else {
        fill_input(*port_, as_bytes(password));
        port_->prepare_short_term_key(static_cast<uint32_t>(password.size()));
      }
      ASSERT_GE(decode(bytes_of(vector)), 0);
      const auto attribute = check["attribute"].get<std::string>();
      const uint32_t integrity = attribute == "sha1" ? 1 : attribute == "sha256" ? 2 : 0;
      const uint32_t least = check.value("leastLength", 32U);
      const auto errc = static_cast<Errc>(port_->verify(0, integrity, least));
      EXPECT_EQ(code_of(errc), check["result"]);
      words().batch.fill(-1);
      port_->verify_batch(1, integrity, least);
      EXPECT_EQ(words().batch[0], static_cast<int32_t>(errc));
      EXPECT_EQ(words().batch[1], -1);
    }
  }
}

TEST_F(CodecPortKeysTest, HostileKeyMaterial) {
  fill_input(*port_, {});
  port_->prepare_short_term_key(4);
  const stun::PreparedKey before = words().key;
  const auto is_unchanged = [&] { return std::memcmp(&words().key, &before, sizeof before) == 0; };
  for (const uint32_t number : {CodecPort::kInputBytes + 1, 0x7FFFFFFFU, 0x80000000U, kHuge}) {
    port_->prepare_long_term_key(1, number, 0, 0);
    port_->prepare_long_term_key(2, 0, number, 0);
    port_->prepare_long_term_key(kHuge, 0, 0, number);
    port_->prepare_long_term_key(1, number, number, number);
    EXPECT_TRUE(is_unchanged()) << number;
  }
  // Of a password that is longer than the arena, what is there.
  port_->prepare_short_term_key(kHuge);
  EXPECT_FALSE(is_unchanged());
  const stun::PreparedKey all{port_->input()};
  EXPECT_EQ(std::memcmp(&words().key, &all, sizeof all), 0);
}

TEST_F(CodecPortKeysTest, Userhash) {
  fill_input(*port_, as_bytes("userrealm"));
  port_->userhash(4, 5);
  const std::string expected = "6a3029116b47aa98bcaa325399733dc1a23cd57e26b81bef3ff6531ce624e2da";
  EXPECT_EQ(output_digits(32), expected);
  for (const uint32_t number : {CodecPort::kInputBytes, 0x80000000U, kHuge}) {
    port_->userhash(number, 1);
    port_->userhash(1, number);
    port_->userhash(number, number);
    EXPECT_EQ(output_digits(32), expected) << "nothing is written for lengths beyond the arena";
  }
}

TEST_F(CodecPortKeysTest, NonceFeatures) {
  fill_input(*port_, as_bytes("obMatJos2AAAC"));
  EXPECT_EQ(port_->nonce_features(12), -1);
  EXPECT_EQ(port_->nonce_features(13), 2);
  EXPECT_EQ(port_->nonce_features(kHuge), 2);
  fill_input(*port_, as_bytes("obMatJos2////"));
  EXPECT_EQ(port_->nonce_features(13), 0xFFFFFF);
  fill_input(*port_, as_bytes("nonce without cookie"));
  EXPECT_EQ(port_->nonce_features(20), -1);
}

}  // namespace
}  // namespace postern::bindings
