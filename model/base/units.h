// Gives pages, bytes and nanoseconds types of their own. Distinct integer types, so that they cannot be mixed up.
//
// "Page" is a 4 KiB OS page everywhere. All quantities are signed 64-bit integers; nothing here is a float,
// because the model's state has to be the same bytes on every compiler.
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
/// Whole pages only: a rest of less than a page is dropped, as the kernel's `>> PAGE_SHIFT` does.
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

/// A NUMA node by its kernel number (node0, node1, ...). Not an index into a vector: nodes may be numbered with gaps.
struct NodeId {
  int value = -1;
  friend constexpr auto operator<=>(NodeId, NodeId) = default;
};

}  // namespace oomcast
