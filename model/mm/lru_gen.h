// Keeps pages in generations instead of active and inactive lists. Placement, promotion, aging, eviction: the multi-gen
// LRU.
//
// Mirrors lru_gen_add_folio() and its neighbours (include/linux/mm_inline.h), folio_inc_refs() (mm/swap.c), and of
// mm/vmscan.c what CONFIG_LRU_GEN adds, as Linux 6.12 has it; earlier kernels take the same rules. Differs: an accessed
// bit is a page's, not a mapping's; which processes have run since the last walk is not kept (one that has not has set
// no bits), nor are the accessed bits of page-table pages.
#pragma once

#include "model/mm/vmscan.h"

namespace oomcast::mm {

inline constexpr int64_t kMinLruBatch = 64, kMaxLruBatch = 4096;  // MIN_LRU_BATCH, MAX_LRU_BATCH

inline bool lru_gen_enabled(const Kernel& k) { return k.host.spec.lru == host::LruKind::kMultiGen; }
/// Of the group's pages on the node. REQUIRES: lru_gen_enabled().
inline host::LruGen& generations_of(const Kernel& k, host::NodeIndex node, host::CgroupIndex cgroup) {
  return *k.host.nodes[node].lruvec(cgroup).gens;
}
/// Into the generation that its flags ask for. `reclaiming`: its write has ended, it goes to the tail of the oldest
/// one.
void lru_gen_add(Kernel& k, host::PageId id, bool reclaiming);
void lru_gen_del(Kernel& k, host::PageId id);
/// folio_inc_refs(): used through a file descriptor once more.
void lru_gen_inc_refs(host::Page& page);
/// folio_update_gen(): found young. The page stays on its list until eviction gets there.
void lru_gen_update_gen(host::Lruvec& lruvec, host::Page& page, size_t gen);
/// folio_inc_gen(): moves the page from the oldest generation to the next one's tail, unless a walk has promoted it.
size_t lru_gen_inc_gen(host::Lruvec& lruvec, host::Page& page);
/// Accesses beyond the first two; and the tier that they make.
int64_t lru_gen_refs(const host::Page& page);
size_t lru_gen_tier(int64_t refs);

// Aging: lru_gen_aging.cc.
/// try_to_inc_max_seq(): walks page tables and opens a new generation. False if `seq` is not the youngest any more.
bool try_to_inc_max_seq(Kernel& k, host::NodeIndex node, host::CgroupIndex cgroup, uint64_t seq, bool can_swap,
                        ScanControl& sc);
/// Gives up oldest generations whose lists are empty.
bool try_to_inc_min_seq(host::LruGen& gens, bool can_swap);
/// What kswapd does before each pass: where to begin, and whether everything is younger than min_ttl_ms.
void lru_gen_age_node(Kernel& k, host::NodeIndex node, ScanControl& sc);
void set_initial_priority(const Kernel& k, const host::Node& node, ScanControl& sc);
bool lruvec_is_sizable(const Kernel& k, host::NodeIndex node, host::CgroupIndex cgroup, const ScanControl& sc);
/// get_swappiness(): 0 where anonymous memory cannot go.
int64_t lru_gen_swappiness(const Kernel& k, host::CgroupIndex cgroup, const ScanControl& sc);

// Eviction: lru_gen_evict.cc.
/// Root reclaim of a node: group after group (memcg_lru.cc).
void lru_gen_shrink_node(Kernel& k, host::NodeIndex node, ScanControl& sc);
/// Reclaim within one group of those below a limit.
void lru_gen_shrink_lruvec(Kernel& k, host::NodeIndex node, host::CgroupIndex cgroup, ScanControl& sc);
/// True if the group should be left alone for a while: it has just been aged.
bool try_to_shrink_lruvec(Kernel& k, host::NodeIndex node, host::CgroupIndex cgroup, ScanControl& sc);
bool should_abort_scan(const Kernel& k, host::NodeIndex node, const ScanControl& sc);

// The memcg LRU: memcg_lru.cc.
void shrink_many(Kernel& k, host::NodeIndex node, ScanControl& sc);
/// MEMCG_LRU_YOUNG
void make_memcg_young(Kernel& k, host::NodeIndex node, host::CgroupIndex cgroup);

/// What a page-table page goes by in the filters.
inline uint64_t page_table_key(host::ProcessIndex process, uint64_t vpn) {
  return uint64_t{process} << 40 | vpn / host::AddressSpace::kLeafPages;
}
/// Whether the page is young: clears its accessed bit, and promotes what is young of up to 64 pages around it
/// (lru_gen_look_around).
int lru_gen_look_around(Kernel& k, host::PageId id, bool in_walk);

}  // namespace oomcast::mm
