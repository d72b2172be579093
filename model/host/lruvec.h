// The LRU lists of a node and a cgroup (struct lruvec, include/linux/mmzone.h): four evictable ones and the unevictable
// one.
//
// The head is the newest end; reclaim works from the tail. Behind the tail lies the reservoir: pages that were on the
// list before the run, counted by owner and zone. Reclaim turns them into Page entries one by one when it reaches them.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "model/base/units.h"
#include "model/host/lru_gen.h"
#include "model/host/page_array.h"
#include "model/host/reservoir.h"
#include "model/spec/host_spec.h"

namespace oomcast::host {

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

  /// Pages on the list, with the reservoir.
  int64_t size() const { return linked_ + reservoir_.size(); }
  /// Of these, the pages in zones up to `highest`.
  int64_t size_up_to(ZoneKind highest) const {
    int64_t sum = 0;
    for (const ZoneKind zone : zones_up_to(highest)) sum += by_zone_[zone];
    return sum;
  }
  int64_t size_of_zone(ZoneKind zone) const { return by_zone_[zone]; }

  void add_reservoir(Reservoir entry) {
    by_zone_[entry.zone] += entry.count;
    reservoir_.add(entry);
  }
  bool reservoir_empty() const { return reservoir_.size() == 0; }
  /// Takes one page out of the reservoir, last entry first. REQUIRES: !reservoir_empty().
  Reservoir take_reserved() {
    const Reservoir entry = reservoir_.take();
    --by_zone_[entry.zone];
    return entry;
  }
  /// Takes up to `want` pages of one owner (a process that has exited) out of the reservoir. Returns the counts.
  ByZone<int64_t> drop_owner(ProcessIndex owner, int64_t want) {
    const ByZone<int64_t> dropped = reservoir_.drop_owner(owner, want);
    for (const ZoneKind z : kZonesAscending) by_zone_[z] -= dropped[z];
    return dropped;
  }
  int64_t reserved() const { return reservoir_.size(); }
  /// Empties the reservoir. Returns its entries in order.
  std::vector<Reservoir> take_reservoir() {
    const std::vector<Reservoir> taken = reservoir_.take_all();
    for (const Reservoir& entry : taken) by_zone_[entry.zone] -= entry.count;
    return taken;
  }

 private:
  PageId head_ = kNoPage, tail_ = kNoPage;
  int64_t linked_ = 0;
  ByZone<int64_t> by_zone_{};
  ReservoirStack reservoir_;
};

/// A node of a file's tree that holds shadow entries only. Stale if the tree's node has another number by now, or is
/// gone.
struct ShadowNode {
  FileIndex file = kNoFile;
  uint64_t index = 0;   // index of its first page
  uint64_t number = 0;  // TreeNode::listed
};

constexpr bool is_file_list(LruKindIndex kind) {
  return kind == LruKindIndex::kInactiveFile || kind == LruKindIndex::kActiveFile;
}
constexpr bool is_active_list(LruKindIndex kind) {
  return kind == LruKindIndex::kActiveAnon || kind == LruKindIndex::kActiveFile;
}

/// struct lruvec: the lists of one cgroup on one node, and the state that balances them.
struct Lruvec {
  std::unique_ptr<LruGen> gens;  // with the multi-gen LRU only; then only `lists[kUnevictable]` is in use
  CgroupIndex parent;            // the parent cgroup
  IndexArray<LruKindIndex, LruList, kLists> lists;
  int64_t anon_cost = 0, file_cost = 0;                       // lru_note_cost()
  std::array<int64_t, 2> recent_scanned{}, recent_rotated{};  // anonymous, file: struct zone_reclaim_stat
  int64_t nonresident_age = 0;                                // mm/workingset.c
  std::array<int64_t, 2> refaults_snapshot{};  // WORKINGSET_ACTIVATE_{ANON,FILE} at the last snapshot_refaults()
  std::array<int64_t, 2> workingset_activate{};
  bool congested = false;              // LRUVEC_CONGESTED
  std::deque<ShadowNode> shadow_list;  // list_lru of mm/workingset.c, oldest first; some entries are stale
  int64_t shadow_nodes = 0;            // entries that are not stale
  int64_t shadow_nodes_deferred = 0;   // nr_deferred of the shadow shrinker
  int64_t splits_deferred = 0;         // nr_deferred of the deferred-split shrinker
  int64_t zswap_deferred = 0;          // nr_deferred of zswap's shrinker (6.8 on)
  int64_t disk_swapins = 0;            // nr_disk_swapins (6.8 on): zswap's shrinker spares as many pages

  LruList& list(LruKindIndex kind) { return lists[kind]; }
  const LruList& list(LruKindIndex kind) const { return lists[kind]; }
  /// lru_zone_size of a list, all zones. With the multi-gen LRU the two youngest generations count as active.
  int64_t size(LruKindIndex kind) const {
    return in_gens(kind) ? gens->size(is_file_list(kind), is_active_list(kind)) : list(kind).size();
  }
  int64_t size_of_zone(LruKindIndex kind, ZoneKind zone) const {
    return in_gens(kind) ? gens->size_of_zone(is_file_list(kind), is_active_list(kind), zone)
                         : list(kind).size_of_zone(zone);
  }
  /// Of these, the pages in the reservoir.
  int64_t reserved(LruKindIndex kind) const;
  /// Takes one page out of the reservoir. REQUIRES: reserved(kind) > 0.
  Reservoir take_reserved(LruKindIndex kind);
  /// Takes up to `want` pages of one owner out of the reservoirs. Returns the counts by zone.
  ByZone<int64_t> drop_owner(ProcessIndex owner, int64_t want);
  /// Moves the reservoirs of the evictable lists into generations. REQUIRES: no page is linked into these lists.
  void start_generations();

 private:
  bool in_gens(LruKindIndex kind) const { return gens != nullptr && kind < LruKindIndex::kUnevictable; }
};

}  // namespace oomcast::host
