#include "bindings/gateway_port.h"

#include <algorithm>
#include <utility>

#include "base/byte_order.h"
#include "base/text.h"
#include "server/special_ranges.h"

namespace postern::bindings {

std::span<const uint8_t> GatewayPort::in_inbox(uint32_t bytes) const {
  return std::span(inbox_).first(std::min(bytes, kInboxBytes));
}

std::string_view GatewayPort::text_in_inbox(uint32_t bytes) const {
  return as_text(in_inbox(bytes));
}

const server::Screening* GatewayPort::find(uint32_t handle) const {
  return handle < screenings_.size() ? screenings_[handle].get() : nullptr;
}

bool GatewayPort::add_rule(uint32_t list, uint32_t bytes) {
  const auto prefix = server::parse_prefix(text_in_inbox(bytes));
  if (!prefix) return false;
  switch (static_cast<RuleList>(list)) {
    case RuleList::Allowed:
      rules_.peers.allowed.push_back(*prefix);
      return true;
    case RuleList::Denied:
      rules_.peers.denied.push_back(*prefix);
      return true;
    case RuleList::Nat64:
      if (!server::is_nat64_prefix(*prefix)) return false;
      if (rules_.peers.nat64.size() == server::kMaxNat64Prefixes) return false;
      rules_.peers.nat64.push_back(*prefix);
      return true;
  }
  return false;
}

uint32_t GatewayPort::open(uint32_t methods, bool only_allowed) {
  rules_.peers.only_allowed = only_allowed;
  if (methods != 0) rules_.methods = methods;
  auto screening = std::make_unique<server::Screening>(std::exchange(rules_, {}));
  const auto free = std::find(screenings_.begin(), screenings_.end(), nullptr);
  const auto handle = static_cast<uint32_t>(free - screenings_.begin());
  if (free == screenings_.end()) {
    screenings_.push_back(std::move(screening));
  } else {
    *free = std::move(screening);
  }
  return handle;
}

void GatewayPort::close(uint32_t handle) {
  if (handle < screenings_.size()) screenings_[handle].reset();
}

int32_t GatewayPort::screen(uint32_t handle, uint32_t bytes) {
  const server::Screening* const screening = find(handle);
  if (screening == nullptr || bytes > kInboxBytes) {
    return -static_cast<int32_t>(server::Ruling::Malformed);
  }
  const server::Screened screened = screening->screen(in_inbox(bytes));
  const bool carries_data = screened.ruling == server::Ruling::Data;
  if (!carries_data && screened.ruling != server::Ruling::Control) {
    verdict_ = screened.verdict;
    return -static_cast<int32_t>(screened.ruling);
  }
  const auto content = static_cast<uint32_t>(screened.content_bytes);
  return static_cast<int32_t>(content << kFlagBits | (carries_data ? kCarriesData : 0) |
                              (screened.is_request ? kIsRequest : 0));
}

uint32_t GatewayPort::channel_data(uint32_t head, uint32_t bytes) {
  std::array<uint8_t, sizeof head> first;
  store_be32(first.data(), head);
  return static_cast<uint32_t>(server::channel_data_bytes(first.data(), bytes));
}

uint32_t GatewayPort::reply(uint32_t bytes) {
  if (bytes > kInboxBytes) return static_cast<uint32_t>(server::Reply::Type::Malformed);
  const server::Reply reply = server::read_reply(in_inbox(bytes));
  reply_ = {.content_bytes = static_cast<uint32_t>(reply.content_bytes),
            .lifetime = reply.lifetime,
            .error_code = reply.error_code};
  return static_cast<uint32_t>(reply.type);
}

int32_t GatewayPort::judge(uint32_t handle, uint32_t bytes) {
  const server::Screening* const screening = find(handle);
  const auto address = parse_address(text_in_inbox(bytes), 0);
  if (screening == nullptr || !address) return -1;
  const server::Verdict verdict = screening->judge_host(*address);
  if (verdict.is_allowed()) return 1;
  verdict_ = verdict;
  return 0;
}

uint32_t GatewayPort::reason() {
  const std::string_view name = server::name_of(verdict_);
  std::copy(name.begin(), name.end(), inbox_.begin());
  return static_cast<uint32_t>(name.size());
}

}  // namespace postern::bindings
