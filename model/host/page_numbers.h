// An ascending list of page numbers: the entries that existed when it was made. Stored as runs, because most numbers
// are adjacent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace oomcast::host {

class PageNumbers {
 public:
  /// REQUIRES: `number` is greater than the last one.
  void add(uint64_t number) {
    if (!runs_.empty() && runs_.back().first + runs_.back().pages == number)
      ++runs_.back().pages;
    else
      runs_.push_back({number, 1});
  }

  class Iterator {
   public:
    Iterator(const PageNumbers& numbers, size_t run) : numbers_(numbers), run_(run) {}
    uint64_t operator*() const { return numbers_.runs_[run_].first + nth_; }
    Iterator& operator++() {
      if (++nth_ == numbers_.runs_[run_].pages) ++run_, nth_ = 0;
      return *this;
    }
    bool operator!=(const Iterator& other) const { return run_ != other.run_; }

   private:
    const PageNumbers& numbers_;
    size_t run_;
    uint64_t nth_ = 0;
  };
  Iterator begin() const { return {*this, 0}; }
  Iterator end() const { return {*this, runs_.size()}; }

 private:
  struct Run {
    uint64_t first = 0, pages = 0;
  };
  std::vector<Run> runs_;
};

}  // namespace oomcast::host
