#include "sim/messages.h"

#include <gtest/gtest.h>

namespace postern::sim {

stun::MessageView parse(const Message& message) {
  stun::MessageView view;
  const auto failure = stun::MessageView::parse(message, {}, view);
  EXPECT_EQ(code_of(failure.errc), "OK");
  return view;
}

Message success(const Request& request, const TransportAddress& address) {
  return ResponseBuilder(request, stun::Class::Success)
      .add<stun::AttributeType::XorMappedAddress>(address)
      .build();
}

}  // namespace postern::sim
