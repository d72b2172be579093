// A stash of the test's own: which pages are in their place and which are out is in two sets.
#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "preload/record/kernel/stash_channel.h"

namespace oomcast::record {

class FakeStash final : public StashChannel {
 public:
  /// What the kernel would know; it outlives the helper.
  struct Kernel {
    std::set<uint64_t> out, stuck;  // in the stash; those that cannot leave their place
    std::vector<PageRange> moved;   // came back elsewhere: the page, and where
    std::vector<int> children;      // that were given copies
    bool event_unread = false;      // nothing comes back
    bool helper_ended = false;
    int commands = 0;
  };
  static constexpr uint64_t kDistance = uint64_t{1} << 40;

  explicit FakeStash(Kernel& kernel) : kernel_(kernel) {}

  std::optional<Pages> out(std::span<const PageRange> ranges) override {
    return each(ranges,
                [&](uint64_t page) { return !kernel_.stuck.contains(page) && kernel_.out.insert(page).second; });
  }
  std::optional<Pages> back(std::span<const PageRange> ranges, uint64_t distance, Waiters) override {
    return each(ranges, [&](uint64_t page) {
      if (kernel_.event_unread) return false;
      if (distance != 0) kernel_.moved.emplace_back(page, page + distance);
      kernel_.out.erase(page);
      return true;
    });
  }
  bool drop(PageRange range) override {
    ++kernel_.commands;
    if (kernel_.helper_ended) return false;
    kernel_.out.erase(kernel_.out.lower_bound(range.first), kernel_.out.lower_bound(range.second));
    return true;
  }
  bool give_to_child(int userfaultfd) override {
    kernel_.children.push_back(userfaultfd);
    return true;
  }
  uint64_t place_of(uint64_t page) const override { return page + kDistance; }
  bool is_stash(uint64_t start) const override { return start >= kDistance; }
  uint32_t pid() const override { return 1; }
  bool alive() const override { return !kernel_.helper_ended; }

 private:
  template <class F>
  std::optional<Pages> each(std::span<const PageRange> ranges, F f) {
    ++kernel_.commands;
    if (kernel_.helper_ended) return std::nullopt;
    Pages done;
    size_t bit = 0;
    for (const auto& [start, end] : ranges)
      for (uint64_t page = start; page < end; page += kPage) done[bit++] = f(page);
    return done;
  }

  Kernel& kernel_;
};

}  // namespace oomcast::record
