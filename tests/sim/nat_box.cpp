#include "sim/nat_box.h"

#include <algorithm>

namespace postern::sim {

TransportAddress NatBox::part_of(const TransportAddress& address, Depends depends) {
  TransportAddress part = address;
  if (depends == Depends::OnNothing) return {};
  if (depends == Depends::OnAddress) part.port = 0;
  return part;
}

TransportAddress NatBox::new_outside(const TransportAddress& inside) {
  if (!options_.translates) return inside;
  TransportAddress made = options_.outside;
  made.port = inside.port;
  for (bool is_first = true;; is_first = false) {
    const bool keeps = options_.ports == Ports::Kept && is_first;
    if (!keeps) made.port = static_cast<uint16_t>(1024 + random_() % 64'000);
    // RFC 4787 section 4.2.2.
    if (options_.ports == Ports::ParityKept && (made.port ^ inside.port) % 2 != 0) continue;
    if (by_outside_.find(made) == by_outside_.end()) return made;
  }
}

void NatBox::expire(Instant now) {
  for (auto each = by_outside_.begin(); each != by_outside_.end();) {
    each = now - each->second.used >= options_.lifetime ? by_outside_.erase(each) : ++each;
  }
}

TransportAddress NatBox::send(Instant now, const TransportAddress& from,
                              const TransportAddress& to) {
  expire(now);
  const TransportAddress key =
      options_.translates ? part_of(to, options_.mapping) : TransportAddress{};
  auto found = std::find_if(by_outside_.begin(), by_outside_.end(), [&](const auto& each) {
    return each.second.inside == from && each.second.key == key;
  });
  if (found == by_outside_.end()) {
    const TransportAddress outside = new_outside(from);
    found =
        by_outside_
            .emplace(
                outside,
                Mapping{.inside = from, .outside = outside, .key = key, .sent_to = {}, .used = now})
            .first;
  }
  Mapping& mapping = found->second;
  mapping.used = now;
  if (std::find(mapping.sent_to.begin(), mapping.sent_to.end(), to) == mapping.sent_to.end()) {
    mapping.sent_to.push_back(to);
  }
  return mapping.outside;
}

std::optional<TransportAddress> NatBox::receive(Instant now, const TransportAddress& from,
                                                const TransportAddress& to) {
  expire(now);
  if (!options_.has_filter && !options_.translates) return to;
  const auto found = by_outside_.find(to);
  if (found == by_outside_.end()) return std::nullopt;
  Mapping& mapping = found->second;
  const TransportAddress part = part_of(from, options_.filtering);
  const bool passes =
      !options_.has_filter || std::any_of(mapping.sent_to.begin(), mapping.sent_to.end(),
                                          [&](const TransportAddress& each) {
                                            return part_of(each, options_.filtering) == part;
                                          });
  if (!passes) {
    if (options_.answers_itself) answered_.emplace_back(from, to);
    return std::nullopt;
  }
  if (options_.is_kept_from_outside) mapping.used = now;
  return mapping.inside;
}

bool NatBox::holds_back(const TransportAddress& outside, const TransportAddress& to) const {
  return std::find(answered_.begin(), answered_.end(), std::pair(to, outside)) != answered_.end();
}

}  // namespace postern::sim
