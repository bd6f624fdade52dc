// Result<T>: a value or the Errc that says why there is none. The subset of std::expected that the
// core needs, for compilers whose library has no <expected> yet. T is cheap to copy: a number, a
// view or a small struct.
#pragma once

#include <cassert>
#include <type_traits>

#include "base/errc.h"

namespace postern {

template <typename T>
class [[nodiscard]] Result {
  static_assert(std::is_trivially_destructible_v<T>);

 public:
  // Implicit, so that a function can `return value;` and `return Errc::X;`.
  // NOLINTNEXTLINE(google-explicit-constructor)
  constexpr Result(T value) : value_(value), errc_(Errc::Ok) {}
  // NOLINTNEXTLINE(google-explicit-constructor)
  constexpr Result(Errc errc) : value_{}, errc_(errc) { assert(errc != Errc::Ok); }

  [[nodiscard]] constexpr bool has_value() const { return errc_ == Errc::Ok; }
  constexpr explicit operator bool() const { return has_value(); }

  [[nodiscard]] constexpr Errc error() const { return errc_; }

  constexpr const T& operator*() const {
    assert(has_value());
    return value_;
  }
  constexpr const T* operator->() const { return &**this; }

  [[nodiscard]] constexpr T value_or(T other) const { return has_value() ? value_ : other; }

 private:
  T value_;
  Errc errc_;
};

}  // namespace postern
