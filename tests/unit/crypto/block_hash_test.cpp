// What holds for every hash: all lengths, however the message is cut.
#include "crypto/block_hash.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "crypto/md5.h"
#include "crypto/sha1.h"
#include "crypto/sha256.h"
#include "unit/crypto/bytes.h"

namespace postern::crypto {
namespace {

using test::Bytes;
using test::hex;
using test::pattern;

constexpr size_t kLongest = 300;

// Hash::hash of the digests of pattern(0) .. pattern(300), one after the other.
template <typename Hash>
constexpr const char* kAllLengths = nullptr;
template <>
constexpr const char* kAllLengths<Md5> = "d8e2f3cf5b32d244ee954f8d30849bc5";
template <>
constexpr const char* kAllLengths<Sha1> = "e076385f2d06b3e9dc4db3c2fcf396f36cdae79e";
template <>
constexpr const char* kAllLengths<Sha256> =
    "7722024365d27836079cbf29de35d060b9383d7c713083199661392f983216d4";

template <typename Hash>
class BlockHashTest : public ::testing::Test {};
using Hashes = ::testing::Types<Md5, Sha1, Sha256>;
TYPED_TEST_SUITE(BlockHashTest, Hashes);

TYPED_TEST(BlockHashTest, EveryLength) {
  TypeParam digests;
  for (size_t size = 0; size <= kLongest; ++size) digests.update(TypeParam::hash(pattern(size)));
  EXPECT_EQ(hex(digests.finish()), kAllLengths<TypeParam>);
}

TYPED_TEST(BlockHashTest, EverySplitOfEveryLength) {
  for (size_t size = 0; size <= kLongest; ++size) {
    const Bytes message = pattern(size);
    const std::span<const uint8_t> whole = message;
    const auto expected = TypeParam::hash(message);
    for (size_t cut = 0; cut <= size; ++cut) {
      TypeParam pieces;
      pieces.update(whole.first(cut));
      pieces.update(whole.subspan(cut));
      ASSERT_EQ(pieces.finish(), expected) << size << " bytes cut at " << cut;
    }
  }
}

TYPED_TEST(BlockHashTest, PiecesOfEverySize) {
  const Bytes message = pattern(kLongest);
  const auto expected = TypeParam::hash(message);
  for (size_t size = 1; size <= kLongest; ++size) {
    TypeParam pieces;
    for (std::span<const uint8_t> rest = message; !rest.empty();) {
      const size_t take = std::min(size, rest.size());
      pieces.update(rest.first(take));
      rest = rest.subspan(take);
    }
    ASSERT_EQ(pieces.finish(), expected) << "pieces of " << size;
  }
}

TYPED_TEST(BlockHashTest, EveryAlignment) {
  const Bytes message = pattern(200);
  const auto expected = TypeParam::hash(message);
  for (size_t offset = 0; offset < 16; ++offset) {
    Bytes shifted(offset);
    shifted.insert(shifted.end(), message.begin(), message.end());
    EXPECT_EQ(TypeParam::hash(std::span(shifted).subspan(offset)), expected) << offset;
  }
}

TYPED_TEST(BlockHashTest, ResumesFromTheMidstateOfOneBlock) {
  const Bytes message = pattern(kLongest);
  const std::span<const uint8_t> whole = message;
  const auto midstate = TypeParam::compress_first(whole.template first<TypeParam::kBlockSize>());
  TypeParam resumed(midstate, 1);
  resumed.update(whole.subspan(TypeParam::kBlockSize));
  EXPECT_EQ(resumed.finish(), TypeParam::hash(message));
}

// 2^39 bits need more than one word of the length field.
template <typename Compression>
void expect_length_of_64_bits(const std::array<uint8_t, 64>& last_block) {
  using Hash = BlockHash<Compression>;
  Hash resumed(Compression::kInitialState, uint64_t{1} << 30);
  // Nothing but the last block changes the state, so its words are the digest.
  auto words = Hash::compress_first(last_block);
  if (Compression::kByteOrder != std::endian::native) {
    for (uint32_t& word : words) word = __builtin_bswap32(word);
  }
  EXPECT_EQ(resumed.finish(), std::bit_cast<typename Hash::Digest>(words));
}

TEST(BlockHashLengthTest, FillsBothWordsInTheByteOrderOfTheHash) {
  std::array<uint8_t, 64> big{0x80};
  big[56 + 3] = 0x80;
  expect_length_of_64_bits<Sha1Compression>(big);
  expect_length_of_64_bits<Sha256Compression>(big);
  std::array<uint8_t, 64> little{0x80};
  little[56 + 4] = 0x80;
  expect_length_of_64_bits<Md5Compression>(little);
}

}  // namespace
}  // namespace postern::crypto
