// Which pages of a shared memory object does the sink know of, and through whom? Shared memory is one set of pages in
// several address spaces: it must be counted once.
//
// A holder is a process through which the sink has been told of the page: the one that touched it first. When it leaves,
// the page goes over to another process that maps it. A forked child is none: the kernel copies no page table entries of
// shared memory, and the sink knows by the fork that the child maps what its parent had.
#pragma once

#include <cstdint>
#include <map>

#include "preload/record/page_states.h"

namespace oomcast::record {

class SharedObject {
 public:
  bool held(uint64_t offset) const {
    for (const auto& [pid, pages] : holders_)
      if (pages.test(PageBit::kTouched, offset)) return true;
    return false;
  }
  bool held_by(uint32_t pid, uint64_t offset) const {
    const auto at = holders_.find(pid);
    return at != holders_.end() && at->second.test(PageBit::kTouched, offset);
  }
  void hold(uint32_t pid, uint64_t offset) { holders_[pid].touch(offset); }
  void let_go(uint32_t pid, uint64_t offset) {
    const auto at = holders_.find(pid);
    if (at == holders_.end()) return;
    at->second.set(PageBit::kTouched, offset, false);
    if (at->second.count(PageBit::kTouched) == 0) holders_.erase(at);
  }
  bool empty() const { return holders_.empty(); }

 private:
  std::map<uint32_t, PageStates> holders_;
};

}  // namespace oomcast::record
