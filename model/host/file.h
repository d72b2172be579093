// Holds what of a file is in memory, and what was. Its pages by index, shadows of those that were evicted, and swap
// entries of those that were swapped out.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>

#include "model/host/page.h"
#include "model/host/swap_device.h"
#include "model/host/tmpfs_mount.h"

namespace oomcast::host {

/// struct file_ra_state. One for the readers of a file and one for its mappings; the kernel has one per open file.
struct Readahead {
  int64_t start = 0, size = 0, async_size = 0;
  int64_t prev_index = -1;  // last page of the previous read
};

/// struct xa_node of a file's tree, as far as it is accounted for.
struct TreeNode {
  NodeIndex node;       // where it lies
  CgroupIndex cgroup;   // who is charged for it
  uint64_t listed = 0;  // its number among the shadow nodes: it holds nothing but shadows; 0: it holds pages
};

/// Where the data of a file is at home. kShmem: in memory and swap (tmpfs, memfd, System V, shared anonymous memory);
/// kRamfs: in memory for good.
enum class FileHome : uint8_t { kDisk, kShmem, kRamfs };

class File {
 public:
  static constexpr uint64_t kLeafPages = 64;  // XA_CHUNK_SIZE
  PageId page(uint64_t index) const {
    const Entry* entry = find(index);
    return entry ? entry->page() : kNoPage;
  }
  Shadow shadow(uint64_t index) const {
    const Entry* entry = find(index);
    return entry ? entry->shadow() : Shadow{};
  }
  /// The swap slot of a page that was swapped out; kNoSlot if there is none.
  SlotId swapped_page(uint64_t index) const {
    const Entry* entry = find(index);
    return entry ? entry->slot() : kNoSlot;
  }
  void set_page(uint64_t index, PageId page) { put(index, Entry(page)); }
  void set_swapped(uint64_t index, SlotId slot) { put(index, Entry::of_slot(slot)); }
  void set_shadow(uint64_t index, Shadow shadow) { put(index, Entry(shadow)); }
  /// Forgets page and shadow; a node with nothing left in it is freed.
  void clear(uint64_t index) { put(index, Entry{}); }
  /// Forgets everything in [first, last); calls f(PageId) for each page that was cached there, gone(SlotId) for each
  /// that was swapped out, and freed(TreeNode) for each node that has nothing left.
  template <class F, class Gone, class Freed>
  void drop(uint64_t first, uint64_t last, F&& f, Gone&& gone, Freed&& freed) {
    for (auto it = leaves_.lower_bound(first / kLeafPages); it != leaves_.end() && it->first * kLeafPages < last;) {
      Leaf& leaf = *it->second;
      for (uint64_t i = 0; i < kLeafPages; ++i) {
        Entry& entry = leaf.entries[i];
        const uint64_t index = it->first * kLeafPages + i;
        if (index < first || index >= last || !entry.used()) continue;
        if (entry.holds_page()) f(entry.page());
        if (entry.slot() != kNoSlot) gone(entry.slot());
        if (entry.holds_data()) --leaf.pages;
        --leaf.used;
        entry = {};
      }
      if (leaf.used == 0) freed(std::as_const(leaf.node));
      it = leaf.used == 0 ? leaves_.erase(it) : std::next(it);
    }
  }
  /// Calls f(index, PageId) for every cached page from `first` on, ascending, while f gives true. f may not add or
  /// clear.
  template <class F>
  void for_each_page(uint64_t first, F&& f) const {
    for (auto it = leaves_.lower_bound(first / kLeafPages); it != leaves_.end(); ++it) {
      if (it->second->pages == 0) continue;
      for (uint64_t i = 0; i < kLeafPages; ++i) {
        const uint64_t index = it->first * kLeafPages + i;
        if (index < first || !it->second->entries[i].holds_page()) continue;
        if (!f(index, it->second->entries[i].page())) return;
      }
    }
  }
  /// Calls f(index, SlotId) for every page that was swapped out, ascending.
  template <class F>
  void for_each_swapped(F&& f) const {
    for (const auto& [number, leaf] : leaves_)
      for (uint64_t i = 0; i < kLeafPages; ++i)
        if (leaf->entries[i].slot() != kNoSlot) f(number * kLeafPages + i, leaf->entries[i].slot());
  }
  /// Tree nodes (struct xa_node), those with nothing but shadows included.
  size_t nodes() const { return leaves_.size(); }
  /// The node that `index` lies in; null if there is none.
  TreeNode* tree_node(uint64_t index) {
    const auto it = leaves_.find(index / kLeafPages);
    return it == leaves_.end() ? nullptr : &it->second->node;
  }
  /// Whether that node holds shadows, but no page and no swap entry.
  bool only_shadows(uint64_t index) const {
    const auto it = leaves_.find(index / kLeafPages);
    return it != leaves_.end() && it->second->pages == 0;
  }
  /// Frees that node, and the shadows in it are forgotten.
  void drop_node(uint64_t index) { leaves_.erase(index / kLeafPages); }
  /// Calls f(index of its first page, TreeNode&) for every node.
  template <class F>
  void for_each_node(F&& f) const {
    for (const auto& [number, leaf] : leaves_) f(number * kLeafPages, std::as_const(leaf->node));
  }

  uint64_t id = 0;  // as the trace names it
  FileHome home = FileHome::kDisk;
  bool in_memory() const { return home != FileHome::kDisk; }
  uint8_t service = 0;  // of a file in memory: whose it is (Host::services)
  // Of files in memory only. Who maps or has used it is taken to keep it open; without a name it is gone when the last
  // of them is.
  bool nameless = false;
  MountIndex mount = kNoMount;  // where it lies, for its limit
  int holders = 0;
  int64_t size_pages = 0;        // as far as it has been written or read
  int64_t dirty = 0;             // dirty pages
  int64_t writeback = 0;         // pages under writeback
  int64_t cached = 0;            // pages in the cache
  int64_t swapped = 0;           // swapped out
  uint64_t writeback_index = 0;  // where the flusher goes on
  int64_t dirtied_when_ns = -1;  // first dirtied since it was last clean
  Readahead readahead, mapped_readahead;
  int64_t mmap_miss = 0;  // faults that found nothing, less those that did

 private:
  // A page, a swap slot, a shadow or nothing. Of the first two the number stands where the age of a shadow does, and no
  // node.
  class Entry {
   public:
    Entry() = default;
    explicit Entry(PageId page) : raw_{page, kIsPage} {}
    explicit Entry(Shadow shadow) : raw_(shadow) {}
    static Entry of_slot(SlotId slot) { return Entry(Shadow{slot, kIsSlot}); }
    bool holds_page() const { return raw_.node == kIsPage; }
    bool holds_data() const { return raw_.node == kIsPage || raw_.node == kIsSlot; }
    PageId page() const { return holds_page() ? static_cast<PageId>(raw_.age) : kNoPage; }
    SlotId slot() const { return raw_.node == kIsSlot ? static_cast<SlotId>(raw_.age) : kNoSlot; }
    Shadow shadow() const { return holds_data() ? Shadow{} : raw_; }
    bool used() const { return raw_.age >= 0; }

   private:
    static constexpr uint8_t kIsPage = 0xff, kIsSlot = 0xfe;
    Shadow raw_;
  };

  struct Leaf {
    TreeNode node;
    std::array<Entry, kLeafPages> entries;
    uint32_t pages = 0, used = 0;  // entries with a page or a swap slot; with these or a shadow
  };

  const Entry* find(uint64_t index) const {
    const auto it = leaves_.find(index / kLeafPages);
    return it == leaves_.end() ? nullptr : &it->second->entries[index % kLeafPages];
  }
  void put(uint64_t index, const Entry& next) {
    auto it = leaves_.find(index / kLeafPages);
    if (it == leaves_.end()) {
      if (!next.used()) return;
      it = leaves_.emplace(index / kLeafPages, std::make_unique<Leaf>()).first;
    }
    Leaf& leaf = *it->second;
    Entry& entry = leaf.entries[index % kLeafPages];
    leaf.pages += (next.holds_data() ? 1u : 0u) - (entry.holds_data() ? 1u : 0u);
    leaf.used += (next.used() ? 1u : 0u) - (entry.used() ? 1u : 0u);
    entry = next;
    if (leaf.used == 0) leaves_.erase(it);
  }

  std::map<uint64_t, std::unique_ptr<Leaf>> leaves_;
};

}  // namespace oomcast::host
