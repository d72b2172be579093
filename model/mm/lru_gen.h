// The multi-gen LRU: keeps pages in generations instead of active and inactive lists, promotes, ages and evicts them.
//
// Mirrors lru_gen_add_folio() and its neighbours (include/linux/mm_inline.h), folio_inc_refs() (mm/swap.c), and the
// parts of mm/vmscan.c under CONFIG_LRU_GEN, all of Linux 6.12; earlier kernels get the same rules. Differs: one
// accessed bit per page, not per mapping. For processes a walk only knows whether they ran since the last one
// (ran_since_walk), and the accessed bits of page-table pages are not kept.
#pragma once

#include "model/mm/vmscan.h"

namespace oomcast::mm {

inline constexpr int64_t kMinLruBatch = 64, kMaxLruBatch = 4096;  // MIN_LRU_BATCH, MAX_LRU_BATCH

inline bool lru_gen_enabled(const Kernel& k) { return k.host.spec.lru == host::LruKind::kMultiGen; }
/// struct lru_gen_folio of the cgroup's lruvec on the node. REQUIRES: lru_gen_enabled().
inline host::LruGen& generations_of(const Kernel& k, host::NodeIndex node, host::CgroupIndex cgroup) {
  return *k.host.nodes[node].lruvec(cgroup).gens;
}
/// lru_gen_add_folio(): adds the page to the generation that its flags ask for. `reclaiming`: the page's write has
/// ended, and it goes to the tail of the oldest generation.
void lru_gen_add(Kernel& k, host::PageId id, bool reclaiming);
/// lru_gen_del_folio(): takes the page out of its generation.
void lru_gen_del(Kernel& k, host::PageId id);
/// folio_inc_refs(): counts one more access through a file descriptor.
void lru_gen_inc_refs(host::Page& page);
/// folio_update_gen(): the page was found young. It stays on its present list until eviction sorts it.
void lru_gen_update_gen(host::Lruvec& lruvec, host::Page& page, size_t gen);
/// folio_inc_gen(): counts a page of the oldest generation in the next one; a page that a walk has promoted stays.
/// Returns the page's generation. The caller moves it to that list.
size_t lru_gen_inc_gen(host::Lruvec& lruvec, host::Page& page);
/// folio_lru_refs(): accesses through file descriptors beyond the first. lru_tier_from_refs(): the tier that they give.
int64_t lru_gen_refs(const host::Page& page);
size_t lru_gen_tier(int64_t refs);

// Aging: lru_gen_aging.cc.
/// try_to_inc_max_seq(): walks page tables, then opens a new generation. False: another reclaimer has ended the round
/// for `seq`.
bool try_to_inc_max_seq(Kernel& k, host::NodeIndex node, host::CgroupIndex cgroup, uint64_t seq, bool can_swap,
                        ScanControl& sc);
/// try_to_inc_min_seq(): drops oldest generations whose lists are empty. True: at least one was dropped.
bool try_to_inc_min_seq(host::LruGen& gens, bool can_swap);
/// lru_gen_age_node() for kswapd before each pass: sets the initial priority, and calls the OOM killer if every
/// cgroup's oldest generation is younger than min_ttl_ms.
void lru_gen_age_node(Kernel& k, host::NodeIndex node, ScanControl& sc);
/// set_initial_priority(): the priority at which a pass would scan about nr_to_reclaim pages.
void set_initial_priority(const Kernel& k, const host::Node& node, ScanControl& sc);
/// lruvec_is_sizable(): whether the lruvec has pages to scan at sc.priority.
bool lruvec_is_sizable(const Kernel& k, host::NodeIndex node, host::CgroupIndex cgroup, const ScanControl& sc);
/// get_swappiness(): 0 if fewer than 64 swap slots are free (within memory.swap.max), or swapping is not allowed.
int64_t lru_gen_swappiness(const Kernel& k, host::CgroupIndex cgroup, const ScanControl& sc);

// Eviction: lru_gen_evict.cc.
/// lru_gen_shrink_node(): root reclaim of a node, cgroup after cgroup (memcg_lru.cc).
void lru_gen_shrink_node(Kernel& k, host::NodeIndex node, ScanControl& sc);
/// lru_gen_shrink_lruvec(): reclaim in one cgroup, for a cgroup above it that is at its limit.
void lru_gen_shrink_lruvec(Kernel& k, host::NodeIndex node, host::CgroupIndex cgroup, ScanControl& sc);
/// try_to_shrink_lruvec(). True: the cgroup was aged, or is below memory.min, and should be left alone for a while.
bool try_to_shrink_lruvec(Kernel& k, host::NodeIndex node, host::CgroupIndex cgroup, ScanControl& sc);
/// should_abort_scan(): whether root reclaim has reclaimed enough, or kswapd's zones are above their high marks.
bool should_abort_scan(const Kernel& k, host::NodeIndex node, const ScanControl& sc);

// The memcg LRU: memcg_lru.cc.
/// shrink_many(): visits the cgroups of the oldest memcg generation, from a random bin on.
void shrink_many(Kernel& k, host::NodeIndex node, ScanControl& sc);
/// lru_gen_rotate_memcg(MEMCG_LRU_YOUNG).
void make_memcg_young(Kernel& k, host::NodeIndex node, host::CgroupIndex cgroup);

/// Key of a page-table page in the Bloom filters.
inline uint64_t page_table_key(host::ProcessIndex process, uint64_t vpn) {
  return uint64_t{process} << 40 | vpn / host::AddressSpace::kLeafPages;
}
/// lru_gen_look_around(): clears the page's accessed bit, and promotes the young ones of up to 64 pages around it.
/// Returns 1 if the page was young, else 0. `in_walk`: the reclaimer has a struct lru_gen_mm_walk.
int lru_gen_look_around(Kernel& k, host::PageId id, bool in_walk);

}  // namespace oomcast::mm
