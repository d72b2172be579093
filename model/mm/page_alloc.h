// The page allocator for order 0 and huge pages, with its slow path: reclaim, compaction and the OOM killer.
//
// Mirrors __alloc_pages(), get_page_from_freelist(), rmqueue_pcplist(), __alloc_pages_slowpath(),
// should_reclaim_retry() and free_unref_page_commit() in mm/page_alloc.c of Linux 6.1. Differs: orders 0 and 9
// only, the highatomic reserve is that of the snapshot, no cpusets; free lists by order and migratetype are an estimate
// (free_blocks.h).
#pragma once

#include <cstdint>

#include "model/mm/kernel.h"

namespace oomcast::mm {

/// The gfp flags that the model knows.
struct Gfp {
  host::ZoneKind highest_zone = host::ZoneKind::kMovable;  // gfp_zone()
  bool direct_reclaim = true;
  bool kswapd_reclaim = true;
  host::Migratetype type = host::Migratetype::kMovable;
  bool noretry = false;                    // __GFP_NORETRY: one try at reclaim, then fail
  bool write = false;                      // __GFP_WRITE: spread dirty pages over the nodes
  int order = 0;                           // 0 or host::kHugeOrder
  host::NodeMask nodes = host::kAllNodes;  // ac->nodemask; __GFP_THISNODE is one node here
  bool allows(host::NodeIndex node) const { return host::mask_has(nodes, node.value()); }
};
inline constexpr Gfp kGfpHighUserMovable{};
inline constexpr Gfp kGfpKernel{.highest_zone = host::ZoneKind::kNormal, .type = host::Migratetype::kUnmovable};
inline constexpr Gfp kGfpReclaimable{.highest_zone = host::ZoneKind::kNormal,
                                     .type = host::Migratetype::kReclaimable};  // slab with a shrinker
enum class Mark : uint8_t { kMin, kLow, kHigh };

/// __alloc_pages() for the current actor. May reclaim, sleep and kill. Fails (not ok) only when the caller is dying or
/// may not reclaim. The page counts as used until free_page().
ZoneRef alloc_page(Kernel& k, const Gfp& gfp, host::NodeIndex preferred_node);
/// alloc_page() for up to `most` pages at once, as long as none of them needs more than the current CPU's list of the
/// first zone, and that zone is above its low mark. Returns how many; `where` is their zone.
int64_t alloc_parked_pages(Kernel& k, const Gfp& gfp, host::NodeIndex preferred_node, int64_t most, ZoneRef& where);
void free_page(Kernel& k, ZoneRef ref, host::CpuIndex cpu);
/// Frees 512 pages that alloc_page() has returned for order 9.
void free_huge_block(Kernel& k, ZoneRef ref);

/// ac->preferred_zoneref: the first node of the zonelist that the request may use.
host::NodeIndex first_allowed_node(const Kernel& k, const Gfp& gfp, host::NodeIndex preferred);
int64_t mark_pages(const host::Zone& zone, Mark mark);
/// __zone_watermark_ok(): free less the highatomic reserve > mark + lowmem_reserve[highest zone], and for order 9 a
/// whole free block. Pages kept for CMA are free for movable requests only (ALLOC_CMA); kswapd does not count them
/// either.
bool watermark_ok(const host::Zone& zone, int64_t mark, host::ZoneKind highest, int64_t free, int order = 0,
                  bool movable = false);
/// Returns all per-CPU pages to the buddy lists (drain_all_pages).
void drain_all_pages(host::Host& host);
/// zone_reclaimable_pages(): pages that reclaim could free; the free pages if there are none.
int64_t zone_reclaimable_pages(const Kernel& k, const host::Node& node, host::ZoneKind zone);
/// can_reclaim_anon_pages(): whether there is a free swap slot, for a cgroup within its memory.swap.max.
bool can_reclaim_anon(const Kernel& k, host::CgroupIndex cgroup = host::kRootCgroup);

}  // namespace oomcast::mm
