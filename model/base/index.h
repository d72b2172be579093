// Gives the positions of each kind of list a type of their own, so that a position in one list cannot index another.
#pragma once

#include <array>
#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <type_traits>
#include <utility>
#include <vector>

namespace oomcast {

/// The position of an element in a list of one kind of element. A negative value, where Rep is signed, names no
/// element.
template <class Tag, class Rep>
class Index {
 public:
  constexpr Index() = default;  // the first position
  /// A compile-time constant, as in `nodes[0]`. A position that is known at run time goes through from().
  consteval Index(int constant) : value_(static_cast<Rep>(constant)) {}
  static constexpr Index from(std::integral auto place) {
    Index index;
    index.value_ = static_cast<Rep>(place);
    return index;
  }
  constexpr Rep value() const { return value_; }
  constexpr size_t place() const { return static_cast<size_t>(value_); }

  friend constexpr auto operator<=>(Index, Index) = default;

 private:
  Rep value_ = 0;
};

/// The position as the size_t that std::vector wants. An enumeration has to count from 0.
template <class I>
constexpr size_t place_of(I index) {
  if constexpr (std::is_enum_v<I>)
    return static_cast<size_t>(index);
  else
    return index.place();
}
template <class I>
constexpr I index_at(size_t place) {
  if constexpr (std::is_enum_v<I>)
    return static_cast<I>(place);
  else
    return I::from(place);
}

/// All positions of a list, first to last: for (const NodeIndex node : nodes.indices()).
template <class I>
class IndexRange {
 public:
  class Iterator {
   public:
    explicit constexpr Iterator(size_t place) : place_(place) {}
    constexpr I operator*() const { return index_at<I>(place_); }
    constexpr Iterator& operator++() {
      ++place_;
      return *this;
    }
    friend constexpr bool operator==(Iterator, Iterator) = default;

   private:
    size_t place_;
  };
  constexpr IndexRange(size_t first, size_t past_last) : first_(first), past_last_(past_last) {}
  constexpr Iterator begin() const { return Iterator(first_); }
  constexpr Iterator end() const { return Iterator(past_last_); }

 private:
  size_t first_, past_last_;
};

/// std::vector with an Index or an enumeration as its subscript. The members do what std::vector's members do.
template <class I, class T>
class IndexVector {
 public:
  IndexVector() = default;
  explicit IndexVector(size_t count, const T& value = T()) : values_(count, value) {}
  IndexVector(std::initializer_list<T> values) : values_(values) {}

  decltype(auto) operator[](I index) { return values_[place_of(index)]; }
  decltype(auto) operator[](I index) const { return values_[place_of(index)]; }
  IndexRange<I> indices() const { return {0, values_.size()}; }
  IndexRange<I> indices_after(I index) const { return {place_of(index) + 1, values_.size()}; }
  /// Whether `index` is a position in this list. False for a negative one.
  bool contains(I index) const { return place_of(index) < values_.size(); }
  I last() const { return index_at<I>(values_.size() - 1); }

  /// The position of `value`. REQUIRES: `value` refers to an element of this list.
  I index_of(const T& value) const { return index_at<I>(static_cast<size_t>(&value - values_.data())); }

  size_t size() const { return values_.size(); }
  bool empty() const { return values_.empty(); }
  auto begin() { return values_.begin(); }
  auto end() { return values_.end(); }
  auto begin() const { return values_.begin(); }
  auto end() const { return values_.end(); }
  T& front() { return values_.front(); }
  const T& front() const { return values_.front(); }
  T& back() { return values_.back(); }
  const T& back() const { return values_.back(); }
  void push_back(T value) { values_.push_back(std::move(value)); }
  template <class... Arguments>
  T& emplace_back(Arguments&&... arguments) {
    return values_.emplace_back(std::forward<Arguments>(arguments)...);
  }
  void resize(size_t count) { values_.resize(count); }
  void assign(size_t count, const T& value) { values_.assign(count, value); }
  friend bool operator==(const IndexVector&, const IndexVector&) = default;

 private:
  std::vector<T> values_;
};

/// std::array with an enumeration or an Index as its subscript.
template <class I, class T, size_t N>
struct IndexArray {
  std::array<T, N> values{};

  constexpr T& operator[](I index) { return values[place_of(index)]; }
  constexpr const T& operator[](I index) const { return values[place_of(index)]; }
  static constexpr IndexRange<I> indices() { return {0, N}; }
  static constexpr size_t size() { return N; }
  constexpr auto begin() { return values.begin(); }
  constexpr auto end() { return values.end(); }
  constexpr auto begin() const { return values.begin(); }
  constexpr auto end() const { return values.end(); }
  friend constexpr bool operator==(const IndexArray&, const IndexArray&) = default;
};

}  // namespace oomcast
