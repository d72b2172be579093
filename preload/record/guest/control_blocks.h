// ControlBlocks: the pages that hold a thread's control block (robust_lists.h). They must never be write-protected or
// taken out: the kernel writes to them at a thread's end and does not wait for a fault.
//
// A page may be armed before the block of a new thread on it is known. That does no harm: the thread writes to its own
// block soon after its start, and the fault unprotects the page. By the time the page can be armed again, the block is
// known.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "preload/record/kernel/pages.h"
#include "preload/record/kernel/robust_lists.h"

namespace oomcast::record {

class ControlBlocks {
 public:
  /// The kernel's answers; a test replaces them.
  struct Kernel {
    std::function<std::optional<std::vector<uint64_t>>(uint32_t pid)> lists = robust_lists_of;
    std::function<std::optional<uint64_t>()> last_number = last_thread_number;
  };
  ControlBlocks() = default;
  explicit ControlBlocks(Kernel kernel) : kernel_(std::move(kernel)) {}

  /// To be called before pages are armed. Asks the kernel again if a thread may have been made since. False: the block
  /// of some thread is not known, so nothing may be armed.
  bool refresh(uint32_t pid, uint64_t now_ns) {
    const std::optional<uint64_t> number = kernel_.last_number();
    if (!number || number != number_) changed_ns_ = now_ns;  // a number that is not known may have changed
    // A new thread gets its number before /proc lists it, so the answer counts only after kSettlingNs.
    if (known_ && number && number == number_ && now_ns - asked_ns_ < kKeptNs && asked_ns_ - changed_ns_ > kSettlingNs)
      return true;
    number_ = number;
    asked_ns_ = now_ns;
    const auto heads = kernel_.lists(pid);
    known_ = heads.has_value();
    if (!known_) return false;
    pages_.clear();
    for (const uint64_t head : *heads)
      for (uint64_t page = page_down(head - std::min(head, kBefore)); page <= head + kBehind; page += kPage)
        pages_.insert(page);
    return true;
  }
  bool holds(uint64_t page) const { return pages_.contains(page); }
  /// To be called after an exec.
  void clear() {
    pages_.clear();
    known_ = false;
  }

 private:
  // glibc's struct pthread is 2.3 KiB, the list's head 736 bytes into it and the thread's number right before that.
  static constexpr uint64_t kBefore = 1024, kBehind = 2048;
  static constexpr uint64_t kKeptNs = 20'000'000, kSettlingNs = 2'000'000;

  Kernel kernel_;
  std::set<uint64_t> pages_;
  bool known_ = false;
  std::optional<uint64_t> number_;
  uint64_t asked_ns_ = 0, changed_ns_ = 0;
};

}  // namespace oomcast::record
