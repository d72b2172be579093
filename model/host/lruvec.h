// Keeps the pages of a node in the order in which reclaim looks at them. Four evictable lists and the unevictable one.
//
// The head is the newest end, reclaim works from the tail (struct lruvec, include/linux/mmzone.h). What stood on the
// host before the run lies behind the tail as a reservoir: counts by owner and zone, turned into pages one by one when
// reclaim reaches them.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <vector>

#include "model/base/units.h"
#include "model/host/host_spec.h"
#include "model/host/page_array.h"

namespace oomcast::host {

/// Pages of one process (kNoProcess: the host's own, e.g. page cache) in one zone that nobody has looked at yet.
struct Reservoir {
  ProcessIndex owner = kNoProcess;
  uint8_t zone = 0;
  int64_t count = 0;
  bool held = false;  // pages of block devices whose buffers a mounted file system holds: never freed
};

class LruList {
 public:
  void push_head(PageArray& pages, PageId id) {
    Page& page = pages[id];
    page.prev = kNoPage;
    page.next = head_;
    if (head_ != kNoPage) pages[head_].prev = id;
    head_ = id;
    if (tail_ == kNoPage) tail_ = id;
    ++linked_;
    ++by_zone_[page.zone];
  }
  void push_tail(PageArray& pages, PageId id) {
    Page& page = pages[id];
    page.next = kNoPage;
    page.prev = tail_;
    if (tail_ != kNoPage) pages[tail_].next = id;
    tail_ = id;
    if (head_ == kNoPage) head_ = id;
    ++linked_;
    ++by_zone_[page.zone];
  }
  void remove(PageArray& pages, PageId id) {
    Page& page = pages[id];
    (page.prev != kNoPage ? pages[page.prev].next : head_) = page.next;
    (page.next != kNoPage ? pages[page.next].prev : tail_) = page.prev;
    page.prev = page.next = kNoPage;
    --linked_;
    --by_zone_[page.zone];
  }
  PageId tail() const { return tail_; }
  PageId head() const { return head_; }

  /// Pages on the list, the reservoir included.
  int64_t size() const { return linked_ + reserved_; }
  /// Those in zones up to ZoneKind zone_index_max.
  int64_t size_up_to(int zone_index_max) const {
    int64_t sum = 0;
    for (int zone = 0; zone <= zone_index_max && zone < kZoneKinds; ++zone) sum += by_zone_[static_cast<size_t>(zone)];
    return sum;
  }
  int64_t size_of_zone(int zone_index) const { return by_zone_[static_cast<size_t>(zone_index)]; }

  void add_reservoir(Reservoir entry) {
    if (entry.count == 0) return;
    reserved_ += entry.count;
    by_zone_[entry.zone] += entry.count;
    reservoir_.push_back(entry);
  }
  bool reservoir_empty() const { return reserved_ == 0; }
  /// Takes one page out of the reservoir, last entry first. REQUIRES: !reservoir_empty().
  Reservoir take_reserved() {
    while (reservoir_.back().count == 0) reservoir_.pop_back();
    Reservoir& entry = reservoir_.back();
    --entry.count;
    --reserved_;
    --by_zone_[entry.zone];
    return {entry.owner, entry.zone, 1, entry.held};
  }
  /// Takes up to `want` pages of one owner out of the reservoir (it has exited); gives the counts by zone index.
  std::array<int64_t, kZoneKinds> drop_owner(ProcessIndex owner, int64_t want) {
    std::array<int64_t, kZoneKinds> dropped{};
    for (Reservoir& entry : reservoir_) {
      if (entry.owner != owner || want == 0) continue;
      const int64_t n = entry.count < want ? entry.count : want;
      entry.count -= n;
      want -= n;
      reserved_ -= n;
      by_zone_[entry.zone] -= n;
      dropped[entry.zone] += n;
    }
    return dropped;
  }
  int64_t reserved() const { return reserved_; }

 private:
  PageId head_ = kNoPage, tail_ = kNoPage;
  int64_t linked_ = 0;
  int64_t reserved_ = 0;
  std::array<int64_t, kZoneKinds> by_zone_{};
  std::vector<Reservoir> reservoir_;
};

/// A node of a file's tree that holds nothing but shadows. Stale if the node has another number by now, or none.
struct ShadowNode {
  FileIndex file = kNoFile;
  uint64_t index = 0;   // of its first page
  uint64_t number = 0;  // TreeNode::listed
};

/// struct lruvec: the lists of one node and what their balance remembers.
struct Lruvec {
  uint8_t parent = 0;                       // the lruvec of the parent group, on the same node
  std::array<LruList, kLists> lists;
  int64_t anon_cost = 0, file_cost = 0;     // lru_note_cost
  int64_t nonresident_age = 0;              // mm/workingset.c
  std::array<int64_t, 2> refaults_snapshot{};  // WORKINGSET_ACTIVATE_{ANON,FILE} at the last snapshot_refaults
  std::array<int64_t, 2> workingset_activate{};
  bool congested = false;                   // LRUVEC_CONGESTED
  std::deque<ShadowNode> shadow_list;       // list_lru of mm/workingset.c, oldest first, stale entries among them
  int64_t shadow_nodes = 0;                 // that are not stale
  int64_t shadow_nodes_deferred = 0;        // what the shrinker has left for its next turn

  LruList& list(LruKindIndex kind) { return lists[static_cast<size_t>(kind)]; }
  const LruList& list(LruKindIndex kind) const { return lists[static_cast<size_t>(kind)]; }
};

constexpr bool is_file_list(LruKindIndex kind) {
  return kind == LruKindIndex::kInactiveFile || kind == LruKindIndex::kActiveFile;
}

}  // namespace oomcast::host
