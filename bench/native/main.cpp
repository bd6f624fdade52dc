// postern_bench measures the C++ core, compiled for this machine, over the line protocol of
// bench/README.md. The work is that of the JavaScript side without its boundary: the same views,
// writers and keys.

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstring>
#include <fstream>
#include <iostream>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/transport_address.h"
#include "stun/integrity.h"
#include "stun/long_term.h"
#include "stun/message_view.h"
#include "stun/message_writer.h"

namespace {

using namespace postern;
using stun::AttributeType;
using stun::Bytes;

// The inputs of ../inputs.js; the driver's proof fails when they differ.
constexpr std::string_view kBindingSuccessHex =
    "0101002c2112a4426d1e0b5f92c84a7733d0ae19"
    "002000080001f523ea12d56f"
    "80220014436f7475726e2d342e362e312027476f72737427"
    "8028000411064ad4";
constexpr std::string_view kRfc5769RequestHex =
    "000100582112a442b7e7a701bc34d686fa87dfae"
    "802200105354554e207465737420636c69656e74"
    "002400046e0001ff"
    "80290008932ff9b151263b36"
    "000600096576746a3a68367659202020"
    "000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2"
    "80280004e57a3bcf";
constexpr std::string_view kRfc5769Password = "VOkJxbRl1RmTxUk/WvJxBt";
constexpr std::string_view kSoftware = "STUN test client";
constexpr std::string_view kUsername = "1893456000:alice";
constexpr std::string_view kRealm = "turn.example.org";
constexpr std::string_view kNonce = "f//499k954d6OL34oL9FSTvy64sA";
constexpr std::string_view kPassword = "correct horse battery staple";
constexpr uint8_t kUdp = 17;
constexpr size_t kBatchSize = 16;
// How often the clock is read; reading it costs nothing then.
constexpr auto kClockInterval = std::chrono::milliseconds(2);

Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

std::optional<std::vector<uint8_t>> from_hex(std::string_view hex) {
  std::vector<uint8_t> bytes(hex.size() / 2);
  for (size_t i = 0; i < bytes.size(); ++i) {
    const char* const at = hex.data() + 2 * i;
    if (std::from_chars(at, at + 2, bytes[i], 16).ptr != at + 2) return std::nullopt;
  }
  return bytes;
}

std::string to_hex(Bytes bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (const uint8_t byte : bytes) {
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 0xF];
  }
  return hex;
}

// Fresh transaction IDs, drawn from the system's source many at a time, as the JavaScript does.
stun::TransactionId fresh_id() {
  static std::array<stun::TransactionId, 128> pool;
  static size_t next = pool.size();
  if (next == pool.size()) {
    static std::ifstream source("/dev/urandom", std::ios::binary);
    source.read(reinterpret_cast<char*>(pool.data()), sizeof pool);
    next = 0;
  }
  return pool[next++];
}

// One operation: does the work once and says whether the result was right for the fixed input.
class Bench {
 public:
  virtual ~Bench() = default;
  virtual std::string_view input_hex() const = 0;
  virtual bool run(Bytes input) = 0;
  // What the last run produced, as JSON.
  virtual std::string last(bool ok) const = 0;
};

class DecodeBinding : public Bench {
 public:
  std::string_view input_hex() const override { return kBindingSuccessHex; }
  bool run(Bytes input) override {
    stun::MessageView message;
    if (stun::MessageView::parse(input, {}, message).errc != Errc::Ok) return false;
    if (message.fingerprint() != stun::FingerprintState::Valid) return false;
    const auto address = message.get<AttributeType::XorMappedAddress>();
    if (!address) return false;
    port_ = address->port;
    length_ = format_address(*address, text_);
    return port_ != 0;
  }
  std::string last(bool ok) const override {
    if (!ok) return "null";
    return "{\"address\":\"" + std::string(text_.data(), length_) +
           "\",\"port\":" + std::to_string(port_) + "}";
  }

 private:
  uint16_t port_ = 0;
  size_t length_ = 0;
  std::array<char, kMaxAddressText> text_{};
};

class DecodeVerify : public Bench {
 public:
  std::string_view input_hex() const override { return kRfc5769RequestHex; }
  bool run(Bytes input) override {
    stun::MessageView message;
    return stun::MessageView::parse(input, {}, message).errc == Errc::Ok &&
           message.fingerprint() == stun::FingerprintState::Valid &&
           stun::check_best_integrity(message, key_) == Errc::Ok;
  }
  std::string last(bool ok) const override { return ok ? "true" : "false"; }

 private:
  stun::PreparedKey key_{as_bytes(kRfc5769Password)};
};

class Encode : public Bench {
 public:
  std::string_view input_hex() const override { return {}; }
  bool run(Bytes) override {
    const auto message = encode();
    if (!message) return false;
    encoded_ = *message;
    return true;
  }
  std::string last(bool ok) const override { return ok ? "\"" + to_hex(encoded_) + "\"" : "null"; }

 protected:
  virtual Result<Bytes> encode() = 0;
  std::array<uint8_t, 512> buffer_{};

 private:
  Bytes encoded_;
};

class EncodeBinding : public Encode {
  Result<Bytes> encode() override {
    stun::MessageWriter writer(buffer_, stun::Class::Request, stun::Method::Binding, fresh_id());
    writer.add<AttributeType::Software>(as_bytes(kSoftware));
    writer.add_fingerprint();
    return writer.finish();
  }
};

class EncodeAllocateAuth : public Encode {
  Result<Bytes> encode() override {
    stun::MessageWriter writer(buffer_, stun::Class::Request, stun::Method::Allocate, fresh_id());
    writer.add<AttributeType::Username>(as_bytes(kUsername));
    writer.add<AttributeType::Realm>(as_bytes(kRealm));
    writer.add<AttributeType::Nonce>(as_bytes(kNonce));
    writer.add<AttributeType::RequestedTransport>(kUdp);
    writer.add_integrity(key_);
    writer.add_fingerprint();
    return writer.finish();
  }

  stun::PreparedKey key_{stun::long_term_key(stun::PasswordAlgorithm::Md5, as_bytes(kUsername),
                                             as_bytes(kRealm), as_bytes(kPassword))
                             .view()};
};

// A name and what it measures; a batch is the same work in a loop, for there is no boundary to
// save.
struct Named {
  std::string_view name;
  Bench& bench;
};

std::string run_for(Bench& bench, size_t per_call, std::chrono::milliseconds at_least) {
  const auto input = *from_hex(bench.input_hex());
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  uint64_t ops = 0;
  uint64_t right = 0;
  uint64_t chunk = 1;
  for (;;) {
    const auto before = Clock::now();
    for (uint64_t i = 0; i < chunk * per_call; ++i) right += bench.run(input) ? 1 : 0;
    ops += chunk * per_call;
    const auto now = Clock::now();
    if (now - start >= at_least) {
      if (right != ops) return "\"error\":\"the result of an operation was wrong\"";
      const auto elapsed = std::chrono::duration<double, std::nano>(now - start).count();
      return "\"ns_per_op\":" + std::to_string(elapsed / static_cast<double>(ops)) +
             ",\"ops\":" + std::to_string(ops);
    }
    if (now - before < kClockInterval) chunk *= 2;
  }
}

std::string once(Bench& bench, size_t count, std::string_view hex) {
  const auto input = from_hex(hex.empty() ? bench.input_hex() : hex);
  if (!input) return "\"error\":\"not hex\"";
  std::string results;
  for (size_t i = 0; i < count; ++i) {
    const bool ok = bench.run(*input);
    if (i > 0) results += ',';
    results += bench.last(ok);
  }
  return "\"results\":[" + results + "]";
}

std::string_view next_word(std::string_view& line) {
  const size_t end = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

}  // namespace

int main() {
  DecodeBinding decode_binding;
  DecodeVerify decode_verify;
  EncodeBinding encode_binding;
  EncodeAllocateAuth encode_allocate_auth;
  const std::array<Named, 4> benches = {{{"decode-binding", decode_binding},
                                         {"decode-verify", decode_verify},
                                         {"encode-binding", encode_binding},
                                         {"encode-allocate-auth", encode_allocate_auth}}};

  std::cout << R"({"impl":"postern-native","version":"0.1.0","benches":{)";
  for (size_t i = 0; i < benches.size(); ++i) {
    std::cout << (i > 0 ? "," : "") << '"' << benches[i].name << R"(":"",")" << benches[i].name
              << R"(-batch":"a loop: natively there is no boundary to cross less often")";
  }
  std::cout << R"(},"skipped":{}})" << std::endl;

  for (std::string text; std::getline(std::cin, text);) {
    std::string_view line = text;
    const std::string_view verb = next_word(line);
    const std::string_view name = next_word(line);
    const std::string_view argument = next_word(line);
    const bool is_batch = name.ends_with("-batch");
    const std::string_view base = is_batch ? name.substr(0, name.size() - 6) : name;
    const size_t count = is_batch ? kBatchSize : 1;
    const auto* const found = std::find_if(benches.begin(), benches.end(),
                                           [&](const Named& named) { return named.name == base; });
    std::string answer = "\"error\":\"no such bench\"";
    if (found != benches.end() && verb == "once") answer = once(found->bench, count, argument);
    if (found != benches.end() && verb == "run") {
      long milliseconds = 0;
      std::from_chars(argument.data(), argument.data() + argument.size(), milliseconds);
      answer = run_for(found->bench, count, std::chrono::milliseconds(milliseconds));
    }
    std::cout << R"({"bench":")" << name << "\"," << answer << "}" << std::endl;
  }
}
