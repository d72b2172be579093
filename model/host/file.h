// What of a file is in the page cache, and what was? Its pages by index, and shadows of those that were evicted.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>

#include "model/host/page.h"
#include "model/host/swap_device.h"

namespace oomcast::host {

using FileIndex = uint32_t;

/// struct file_ra_state. One per file here; the kernel has one per open file.
struct Readahead {
  int64_t start = 0, size = 0, async_size = 0;
  int64_t prev_index = -1;   // last page of the previous read
};

class File {
 public:
  static constexpr uint64_t kLeafPages = 64;  // XA_CHUNK_SIZE
  struct Entry {
    PageId page = kNoPage;
    Shadow shadow;
  };

  /// nullptr if nothing was ever cached near there.
  const Entry* find(uint64_t index) const {
    const auto it = leaves_.find(index / kLeafPages);
    return it == leaves_.end() ? nullptr : &(*it->second)[index % kLeafPages];
  }
  Entry& entry(uint64_t index) {
    std::unique_ptr<Leaf>& leaf = leaves_[index / kLeafPages];
    if (!leaf) leaf = std::make_unique<Leaf>();
    return (*leaf)[index % kLeafPages];
  }
  PageId page(uint64_t index) const {
    const Entry* entry = find(index);
    return entry ? entry->page : kNoPage;
  }
  /// Calls f(index, Entry&) for every cached page from `first` on, ascending, while f gives true.
  template <class F>
  void for_each_page(uint64_t first, F&& f) {
    for (auto it = leaves_.lower_bound(first / kLeafPages); it != leaves_.end(); ++it) {
      for (uint64_t i = 0; i < kLeafPages; ++i) {
        const uint64_t index = it->first * kLeafPages + i;
        if (index < first || (*it->second)[i].page == kNoPage) continue;
        if (!f(index, (*it->second)[i])) return;
      }
    }
  }
  size_t nodes() const { return leaves_.size(); }

  uint64_t id = 0;            // as the trace names it
  int64_t size_pages = 0;     // as far as it has been written or read
  int64_t dirty = 0;          // dirty pages
  int64_t writeback = 0;      // pages under writeback
  int64_t cached = 0;
  uint64_t writeback_index = 0;  // where the flusher goes on
  int64_t dirtied_when_ns = -1;  // first dirtied since it was last clean
  Readahead readahead;

 private:
  using Leaf = std::array<Entry, kLeafPages>;
  std::map<uint64_t, std::unique_ptr<Leaf>> leaves_;
};

}  // namespace oomcast::host
