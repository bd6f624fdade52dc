// The messages of tests/vectors, read, verified and written again.
#include "support/vectors.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "stun/integrity.h"
#include "stun/long_term.h"
#include "stun/message_view.h"
#include "stun/message_writer.h"
#include "stun/nonce_cookie.h"
#include "support/attribute_json.h"

namespace postern::stun {
namespace {

using namespace postern::testing;  // NOLINT(google-build-using-namespace)

const Json& vectors() {
  static const Json all = read_vectors("stun-messages.json");
  return all;
}

const Json& malformed() {
  static const Json all = read_vectors("malformed.json");
  return all;
}

ParseOptions options_of(const Json& vector) {
  return {.allow_classic = vector.value("allowClassic", false)};
}

std::string text_of(const Json& object, const char* member) {
  return object.at(member).get<std::string>();
}

// What parsing gives, in the form of the vectors.
Json failure_json(const MessageView::Failure& failure) {
  return {{"code", code_of(failure.errc)}, {"offset", failure.offset}};
}

// Derives the HMAC key from the credential, which must give the `hex` beside it.
PreparedKey key_of(const Json& key) {
  ByteVector bytes = copy(as_bytes(text_of(key, "password")));
  if (key.contains("realm")) {
    const auto algorithm =
        text_of(key, "algorithm") == "SHA-256" ? PasswordAlgorithm::Sha256 : PasswordAlgorithm::Md5;
    const std::string username = text_of(key, "username");
    const std::string realm = text_of(key, "realm");
    bytes = copy(long_term_key(algorithm, as_bytes(username), as_bytes(realm), bytes).view());
  }
  EXPECT_EQ(hex(bytes), text_of(key, "hex"));
  return PreparedKey(bytes);
}

Errc check(const MessageView& view, const Json& vector, const Json& integrity) {
  const PreparedKey key = key_of(integrity.contains("key") ? integrity["key"] : vector.at("key"));
  const auto least = integrity.value("leastLength", kSha256IntegrityBytes);
  const std::string attribute = text_of(integrity, "attribute");
  if (attribute == "sha1") return check_integrity(view, key);
  if (attribute == "sha256") return check_integrity_sha256(view, key, least);
  return check_best_integrity(view, key, least);
}

TEST(VectorsTest, MessagesReadAsTheySay) {
  for (const Json& vector : vectors()["messages"]) {
    SCOPED_TRACE(vector["id"]);
    const Exact exact(bytes_of(vector));
    MessageView view;
    const auto parsed = MessageView::parse(exact.view(), options_of(vector), view);
    if (vector.contains("error")) {
      EXPECT_EQ(failure_json(parsed), vector["error"]);
      continue;
    }
    ASSERT_EQ(parsed.errc, Errc::Ok);
    EXPECT_EQ(message_json(view), vector["message"]);
  }
}

TEST(VectorsTest, AttributesThatCountAreFoundInTheirOrder) {
  for (const Json& vector : vectors()["messages"]) {
    if (vector.contains("error")) continue;
    SCOPED_TRACE(vector["id"]);
    const ByteVector bytes = bytes_of(vector);
    MessageView view;
    ASSERT_EQ(MessageView::parse(bytes, options_of(vector), view).errc, Errc::Ok);
    std::map<uint16_t, size_t> found;
    for (const Json& attribute : vector["message"]["attributes"]) {
      if (!attribute.value("counts", true)) continue;
      const auto type = attribute["type"].get<uint16_t>();
      EXPECT_EQ(view.find(type, found[type]++).offset, attribute["offset"]);
    }
    for (const auto& [type, count] : found) EXPECT_EQ(view.find(type, count).offset, 0U);
  }
}

TEST(VectorsTest, IntegrityIsAsTheySay) {
  for (const Json& vector : vectors()["messages"]) {
    SCOPED_TRACE(vector["id"]);
    const ByteVector bytes = bytes_of(vector);
    for (const Json& integrity : vector.value("integrity", Json::array())) {
      SCOPED_TRACE(integrity.dump());
      MessageView view;
      ASSERT_EQ(MessageView::parse(bytes, options_of(vector), view).errc, Errc::Ok);
      EXPECT_EQ(code_of(check(view, vector, integrity)), text_of(integrity, "result"));
    }
  }
}

// Reads each value and writes it with the typed setter of its kind.
ByteVector written_again(const MessageView& view, const PreparedKey& key) {
  ByteVector buffer(view.bytes().size(), 0xEE);
  const auto id = view.transaction_id();
  MessageWriter writer = view.is_classic()
                             ? MessageWriter::classic(buffer, view.type(), id.first<16>())
                             : MessageWriter(buffer, view.type(), id.first<kTransactionIdBytes>());
  for (auto attribute = view.at(kHeaderBytes); attribute.offset != 0;
       attribute = view.at(MessageView::next_offset(attribute))) {
    if (attribute.offset == view.integrity_offset()) {
      writer.add_integrity(key);
    } else if (attribute.offset == view.integrity_sha256_offset()) {
      writer.add_integrity_sha256(key, attribute.value.size());
    } else if (attribute.type == static_cast<uint16_t>(AttributeType::Fingerprint)) {
      writer.add_fingerprint();
    } else {
      visit_kind(attribute.type, [&]<typename Kind>() {
        const auto value = Kind::read(attribute.value, view.cookie_and_id());
        EXPECT_TRUE(value) << attribute.type;
        writer.add_value<Kind>(attribute.type, *value);
      });
    }
  }
  const auto message = writer.finish();
  EXPECT_TRUE(message) << message.error();
  return message ? copy(*message) : ByteVector{};
}

TEST(VectorsTest, CanonicalOnesAreWrittenTheSame) {
  for (const Json& vector : vectors()["messages"]) {
    if (!vector.value("canonical", false)) continue;
    SCOPED_TRACE(vector["id"]);
    const ByteVector bytes = bytes_of(vector);
    MessageView view;
    ASSERT_EQ(MessageView::parse(bytes, options_of(vector), view).errc, Errc::Ok);
    const PreparedKey key = vector.contains("key") ? key_of(vector["key"]) : PreparedKey();
    EXPECT_EQ(hex(written_again(view, key)), hex(bytes));
  }
}

// One bit changed anywhere shows: the message is malformed, or its integrity or FINGERPRINT fails.
TEST(VectorsTest, EveryFlippedBitIsNoticed) {
  size_t messages = 0;
  for (const Json& vector : vectors()["messages"]) {
    const bool ends_protected =
        vector.value("canonical", false) || text_of(vector, "id").starts_with("rfc5769");
    if (!vector.contains("key") || !ends_protected) continue;
    SCOPED_TRACE(vector["id"]);
    ++messages;
    const ByteVector good = bytes_of(vector);
    const PreparedKey key = key_of(vector["key"]);
    MessageView view;
    ASSERT_EQ(MessageView::parse(good, {}, view).errc, Errc::Ok);
    ASSERT_EQ(check_best_integrity(view, key, 16), Errc::Ok);
    const FingerprintState fingerprint = view.fingerprint();
    for (size_t bit = 0; bit < good.size() * 8; ++bit) {
      ByteVector bad = good;
      bad[bit / 8] = static_cast<uint8_t>(bad[bit / 8] ^ (1U << (bit % 8)));
      if (MessageView::parse(bad, {}, view).errc != Errc::Ok) continue;
      EXPECT_TRUE(check_best_integrity(view, key, 16) != Errc::Ok ||
                  view.fingerprint() != fingerprint)
          << "bit " << bit;
    }
  }
  EXPECT_GE(messages, 10U);
}

TEST(VectorsTest, EveryPrefixIsRefused) {
  for (const Json& vector : vectors()["messages"]) {
    if (vector.contains("error")) continue;
    SCOPED_TRACE(vector["id"]);
    const ByteVector bytes = bytes_of(vector);
    MessageView view;
    for (size_t size = 0; size < bytes.size(); ++size) {
      const Exact exact{std::span(bytes).first(size)};
      const auto failure = MessageView::parse(exact.view(), options_of(vector), view);
      EXPECT_EQ(failure.errc, size < kHeaderBytes ? Errc::TooShort : Errc::Truncated) << size;
    }
  }
}

TEST(VectorsTest, LongTermKeys) {
  for (const Json& vector : vectors()["keys"]) {
    SCOPED_TRACE(vector["id"]);
    (void)key_of(vector);  // compares with `hex`
  }
  EXPECT_FALSE(vectors()["keys"].empty());
}

TEST(VectorsTest, Userhashes) {
  for (const Json& vector : vectors()["userhashes"]) {
    const std::string username = text_of(vector, "username");
    const std::string realm = text_of(vector, "realm");
    EXPECT_EQ(hex(userhash(as_bytes(username), as_bytes(realm))), text_of(vector, "hex"));
  }
  EXPECT_FALSE(vectors()["userhashes"].empty());
}

TEST(VectorsTest, NonceCookies) {
  for (const Json& vector : vectors()["nonceCookies"]) {
    const std::string nonce = text_of(vector, "nonce");
    const auto features = read_nonce_cookie(Exact(as_bytes(nonce)).view());
    const Json bits = features ? Json(features->bits) : Json(nullptr);
    EXPECT_EQ(bits, vector["features"]) << nonce;
  }
  EXPECT_FALSE(vectors()["nonceCookies"].empty());
}

// get<>() with the type at run time.
Errc get(const MessageView& view, uint16_t type) {
  switch (type) {
#define POSTERN_ATTRIBUTE(enumerator, name, number, kind, status, reference) \
  case number:                                                               \
    return view.get<AttributeType::enumerator>().error();
#include "stun/registry/attributes.def"
#undef POSTERN_ATTRIBUTE
    default:
      return Errc::AttributeMissing;
  }
}

TEST(VectorsTest, MalformedOnesAreRefusedWhereTheySay) {
  for (const Json& vector : malformed()["messages"]) {
    SCOPED_TRACE(vector["id"]);
    const Exact exact(bytes_of(vector));
    MessageView view;
    auto failure = MessageView::parse(exact.view(), options_of(vector), view);
    if (vector.contains("get")) {
      ASSERT_EQ(failure.errc, Errc::Ok);
      const uint16_t type = attribute_type(text_of(vector, "get"));
      failure = {get(view, type), view.find(type).offset};
    }
    EXPECT_EQ(failure_json(failure), vector["error"]);
  }
}

// The file names each error of the parser and of the getters, for each kind that can give one.
TEST(VectorsTest, MalformedOnesCoverEveryError) {
  std::set<std::string> parser;
  std::set<KindId> kinds;
  for (const Json& vector : malformed()["messages"]) {
    if (vector.contains("get")) {
      kinds.insert(kind_of(attribute_type(text_of(vector, "get"))));
    } else {
      parser.insert(text_of(vector["error"], "code"));
    }
  }
  for (const Errc errc : {Errc::TooShort, Errc::NotStun, Errc::LengthUnaligned, Errc::Truncated,
                          Errc::TrailingBytes, Errc::BadCookie, Errc::AttributeOverrun}) {
    EXPECT_TRUE(parser.contains(std::string(code_of(errc)))) << errc;
  }
#define POSTERN_KIND(name)                              \
  if (KindId::name != KindId::Opaque) {                 \
    EXPECT_TRUE(kinds.contains(KindId::name)) << #name; \
  }
#include "stun/registry/kinds.def"
#undef POSTERN_KIND
}

}  // namespace
}  // namespace postern::stun
