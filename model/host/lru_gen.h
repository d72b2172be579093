// The generations of one lruvec (multi-gen LRU): their lists and sizes, the controller's counts, and the state of the
// page-table walk.
//
// struct lru_gen_folio and struct lru_gen_mm_state (include/linux/mmzone.h) of Linux 6.12. State only; the rules are in
// mm/lru_gen*.cc. Page::list of a page is its generation, `seq % kGenerations`. The page may still be linked into the
// list of an older generation: promotion changes the number only, and eviction moves the page when it reaches it.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "model/host/page_array.h"
#include "model/host/reservoir.h"
#include "model/spec/host_spec.h"

namespace oomcast::host {

inline constexpr uint64_t kGenerations = 4, kGenerationsMin = 2;  // MAX_NR_GENS, MIN_NR_GENS
inline constexpr size_t kTiers = 4;                               // MAX_NR_TIERS
inline constexpr size_t kGenAnon = 0, kGenFile = 1, kGenTypes = 2;
inline constexpr uint32_t kRefsMax = 3;                      // LRU_REFS_MASK
inline constexpr int kMemcgGenerations = 3, kMemcgBins = 8;  // MEMCG_NR_GENS, MEMCG_NR_BINS

/// folio_is_file_lru(): pages of MADV_FREE are on the file lists, too.
inline size_t gen_type(const Page& page) { return page.has(kPageSwapBacked) ? kGenAnon : kGenFile; }
inline size_t gen_of_seq(uint64_t seq) { return seq % kGenerations; }

/// Pages of one generation, type and zone. The reservoir (pages from before the run) lies behind the tail.
struct GenList {
  PageId head = kNoPage, tail = kNoPage;
  ReservoirStack reservoir;
  bool empty() const { return head == kNoPage && reservoir.size() == 0; }
};

/// Page tables that are worth a walk: m = 2^15 bits, k = 2. Like the kernel's filter it has false positives.
class BloomFilter {
 public:
  bool ready() const { return !bits_.empty(); }
  void reset() { bits_.assign(kBits / 64, 0); }
  void add(uint64_t item) {
    if (!ready()) return;
    for (const uint64_t key : keys(item)) bits_[key / 64] |= uint64_t{1} << key % 64;
  }
  /// True if there is no filter yet.
  bool test(uint64_t item) const {
    if (!ready()) return true;
    for (const uint64_t key : keys(item)) {
      if ((bits_[key / 64] >> key % 64 & 1) == 0) return false;
    }
    return true;
  }

 private:
  static constexpr uint64_t kBits = 1 << 15;
  static std::array<uint64_t, 2> keys(uint64_t item) {
    const uint64_t hash = item * 0x61c8864680b583ebu >> 34;  // hash_ptr(), 30 bits
    return {hash % kBits, hash / kBits};
  }
  std::vector<uint64_t> bits_;
};

struct LruGen {
  template <class T>
  using ByTier = std::array<std::array<T, kTiers>, kGenTypes>;

  uint64_t max_seq = kGenerationsMin + 1;
  std::array<uint64_t, kGenTypes> min_seq{};
  std::array<int64_t, kGenerations> born_ns;  // timestamps[]: when each generation became the youngest
  std::array<std::array<ByZone<GenList>, kGenTypes>, kGenerations> lists;
  // by the pages' generation number, reservoirs included
  std::array<std::array<ByZone<int64_t>, kGenTypes>, kGenerations> nr_pages{};
  // The controller: exponential averages over past generations, and counts of the current one (NR_HIST_GENS is 1).
  ByTier<int64_t> avg_refaulted{}, avg_total{}, refaulted{}, evicted{};
  std::array<std::array<int64_t, kTiers - 1>, kGenTypes> protected_pages{};
  // The page-table walk (lru_gen_mm_state).
  std::array<BloomFilter, 2> filters;
  uint64_t walked_seq = kGenerationsMin;  // mm_state->seq: the last completed round over all processes
  uint32_t next_process = 0;              // mm_state->head: the next process of the current round
  uint32_t processes_known = 0;           // mm_state->tail: processes from here on have never been walked
  bool reservoir_young = true;            // no walk has cleared the accessed bits of the reservoir's pages
  // The place of the cgroup among those of the node (memcg LRU).
  int memcg_gen = 0, memcg_bin = 0;
  bool memcg_tail = false;  // lrugen->seg is MEMCG_LRU_TAIL

  LruGen() { born_ns.fill(kLongAgo); }
  uint64_t nr_gens(size_t type) const { return max_seq - min_seq[type] + 1; }
  /// lru_gen_is_active()
  bool is_active(size_t gen) const { return gen == gen_of_seq(max_seq) || gen == gen_of_seq(max_seq - 1); }
  GenList& list(size_t gen, const Page& page) { return lists[gen][gen_type(page)][page.zone]; }
  int64_t size(size_t type, bool active) const {
    int64_t sum = 0;
    for (const ZoneKind z : kZonesAscending) sum += size_of_zone(type, active, z);
    return sum;
  }
  int64_t size_of_zone(size_t type, bool active, ZoneKind zone) const {
    int64_t sum = 0;
    for (size_t gen = 0; gen < kGenerations; ++gen) sum += is_active(gen) == active ? nr_pages[gen][type][zone] : 0;
    return sum;
  }
  int64_t size_of_generation(size_t gen, size_t type) const {
    int64_t sum = 0;
    for (const int64_t pages : nr_pages[gen][type]) sum += pages;
    return sum;
  }

  void link_head(PageArray& pages, PageId id, size_t gen);
  void link_tail(PageArray& pages, PageId id, size_t gen);
  /// Takes the page off the list that it is linked into.
  void unlink(PageArray& pages, PageId id);
  /// lru_gen_update_size(): counts the page for this generation (by = 1), or no longer (by = -1).
  void count(const Page& page, size_t gen, int64_t by) { nr_pages[gen][gen_type(page)][page.zone] += by; }

 private:
  static constexpr int64_t kLongAgo = -(int64_t{1} << 60);
};

/// The cgroups of a node in the order in which reclaim of the whole node visits them (struct lru_gen_memcg).
struct MemcgLru {
  uint64_t seq = 0;
  std::array<std::array<std::vector<CgroupIndex>, kMemcgBins>, kMemcgGenerations> fifo;
  std::array<int64_t, kMemcgGenerations> nr_memcgs{};
};

}  // namespace oomcast::host
