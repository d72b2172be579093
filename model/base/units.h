// Types for pages, bytes and nanoseconds. They are distinct integer types, so that they cannot be mixed up.
//
// A page is a 4 KiB page everywhere; huge pages are counted in these. All quantities are signed 64-bit integers. None
// is a float, because the model's state has to be the same bytes on every compiler.
#pragma once

#include <compare>
#include <cstdint>

namespace oomcast {

inline constexpr int kPageShift = 12;
inline constexpr int64_t kPageBytes = int64_t{1} << kPageShift;

template <class Tag>
class Quantity {
 public:
  constexpr Quantity() = default;
  explicit constexpr Quantity(int64_t value) : value_(value) {}
  constexpr int64_t count() const { return value_; }

  friend constexpr auto operator<=>(Quantity, Quantity) = default;
  friend constexpr Quantity operator+(Quantity a, Quantity b) { return Quantity(a.value_ + b.value_); }
  friend constexpr Quantity operator-(Quantity a, Quantity b) { return Quantity(a.value_ - b.value_); }
  friend constexpr Quantity operator-(Quantity a) { return Quantity(-a.value_); }
  friend constexpr Quantity operator*(Quantity a, int64_t factor) { return Quantity(a.value_ * factor); }
  friend constexpr Quantity operator*(int64_t factor, Quantity a) { return a * factor; }
  friend constexpr Quantity operator/(Quantity a, int64_t divisor) { return Quantity(a.value_ / divisor); }
  friend constexpr int64_t operator/(Quantity a, Quantity b) { return a.value_ / b.value_; }
  constexpr Quantity& operator+=(Quantity other) {
    value_ += other.value_;
    return *this;
  }
  constexpr Quantity& operator-=(Quantity other) {
    value_ -= other.value_;
    return *this;
  }
  constexpr Quantity& operator++() {
    ++value_;
    return *this;
  }
  constexpr Quantity& operator--() {
    --value_;
    return *this;
  }

 private:
  int64_t value_ = 0;
};

using Pages = Quantity<struct PagesTag>;
using Bytes = Quantity<struct BytesTag>;
using Nanoseconds = Quantity<struct NanosecondsTag>;

constexpr Bytes to_bytes(Pages pages) { return Bytes(pages.count() << kPageShift); }
/// Rounds down to whole pages, as the kernel's `>> PAGE_SHIFT` does.
constexpr Pages to_pages(Bytes bytes) { return Pages(bytes.count() >> kPageShift); }

namespace literals {
constexpr Bytes operator""_KiB(unsigned long long n) { return Bytes(static_cast<int64_t>(n) << 10); }
constexpr Bytes operator""_MiB(unsigned long long n) { return Bytes(static_cast<int64_t>(n) << 20); }
constexpr Bytes operator""_GiB(unsigned long long n) { return Bytes(static_cast<int64_t>(n) << 30); }
constexpr Pages operator""_pages(unsigned long long n) { return Pages(static_cast<int64_t>(n)); }
constexpr Nanoseconds operator""_ns(unsigned long long n) { return Nanoseconds(static_cast<int64_t>(n)); }
constexpr Nanoseconds operator""_us(unsigned long long n) { return Nanoseconds(static_cast<int64_t>(n) * 1000); }
constexpr Nanoseconds operator""_ms(unsigned long long n) { return Nanoseconds(static_cast<int64_t>(n) * 1'000'000); }
constexpr Nanoseconds operator""_s(unsigned long long n) {
  return Nanoseconds(static_cast<int64_t>(n) * 1'000'000'000);
}
}  // namespace literals

/// A NUMA node by its kernel number (node0, node1, ...). It is no index into a vector: the numbers may have gaps.
struct NodeId {
  int value = -1;
  friend constexpr auto operator<=>(NodeId, NodeId) = default;
};

}  // namespace oomcast
