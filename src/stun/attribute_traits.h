// Which form the value of each attribute has, at compile time (KindOf, ValueOf) and at run time
// (visit_kind). Made from registry/attributes.def.
#pragma once

#include <cstdint>

#include "stun/attribute_kinds.h"
#include "stun/registry.h"

namespace postern::stun {

template <AttributeType kType>
struct AttributeTraits;

#define POSTERN_ATTRIBUTE(enumerator, name, number, kind_name, status_name, reference) \
  template <>                                                                          \
  struct AttributeTraits<AttributeType::enumerator> {                                  \
    using Kind = kind::kind_name;                                                      \
  };
#include "stun/registry/attributes.def"
#undef POSTERN_ATTRIBUTE

template <AttributeType kType>
using KindOf = typename AttributeTraits<kType>::Kind;

template <AttributeType kType>
using ValueOf = typename KindOf<kType>::Value;

// The same at run time. Two steps, type to kind and kind to code, so that a visitor is compiled
// once a kind and not once an attribute.
enum class KindId : uint8_t {
#define POSTERN_KIND(name) name,
#include "stun/registry/kinds.def"
#undef POSTERN_KIND
};

// Types that are not in the registry are opaque bytes.
[[nodiscard]] constexpr KindId kind_of(uint16_t type) {
  switch (type) {
#define POSTERN_ATTRIBUTE(enumerator, name, number, kind_name, status_name, reference) \
  case number:                                                                         \
    return KindId::kind_name;
#include "stun/registry/attributes.def"
#undef POSTERN_ATTRIBUTE
    default:
      return KindId::Opaque;
  }
}

// Calls visitor.operator()<Kind>() with the kind of an attribute.
template <typename Visitor>
decltype(auto) visit_kind(uint16_t type, Visitor&& visitor) {
  switch (kind_of(type)) {
#define POSTERN_KIND(name) \
  case KindId::name:       \
    return visitor.template operator()<kind::name>();
#include "stun/registry/kinds.def"
#undef POSTERN_KIND
  }
  return visitor.template operator()<kind::Opaque>();
}

}  // namespace postern::stun
