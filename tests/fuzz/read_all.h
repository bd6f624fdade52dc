// Reads values to their last byte, which has to lie within the message.
#pragma once

#include "require.h"
#include "stun/message_view.h"

namespace postern::fuzz {

template <typename Value>
void read_all(const stun::MessageView&, const Value&) {}

inline void read_all(const stun::MessageView& view, const stun::Bytes& bytes) {
  touch(bytes);
  if (bytes.empty()) return;
  const stun::Bytes message = view.bytes();
  require(bytes.data() >= message.data() + stun::kHeaderBytes);
  require(bytes.data() + bytes.size() <= message.data() + message.size());
}

inline void read_all(const stun::MessageView& view, const stun::kind::ErrorReasonValue& value) {
  require(value.code >= 300 && value.code <= 699);
  read_all(view, value.reason);
}

inline void read_all(const stun::MessageView& view,
                     const stun::kind::FamilyErrorReasonValue& value) {
  read_all(view, value.error);
}

inline void read_all(const stun::MessageView& view, const stun::kind::AlgorithmValue& value) {
  read_all(view, value.parameters);
}

}  // namespace postern::fuzz
