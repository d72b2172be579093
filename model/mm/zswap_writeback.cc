// Writes pages that zswap has stored back to the swap device: when the pool is full, when a group is at its
// memory.zswap.max, or when (6.8) the shrinker asks. See zswap.h.
//
// Mirrors zswap_writeback_entry(), shrink_worker(), and of Linux 6.12 shrink_memcg(), shrink_memcg_cb() and the
// shrinker of mm/zswap.c; of 6.1 zbud_reclaim_page() (mm/zbud.c). Differs: from 6.5 to 6.7 all pools share one list;
// the worker is one fiber that runs on the program's node.
#include <algorithm>
#include <optional>
#include <utility>

#include "model/mm/lru.h"
#include "model/mm/memcg.h"
#include "model/mm/page_alloc.h"
#include "model/mm/shrinker.h"
#include "model/mm/swap.h"
#include "model/mm/zpool.h"
#include "model/mm/zswap.h"

namespace oomcast::mm {

using host::CgroupIndex;
using host::KernelRule;
using host::NodeIndex;
using host::PageId;
using host::SlotId;
using host::SwapSlot;
using host::Vmstat;
using host::Zswap;
using host::ZswapEntry;

namespace {

constexpr int kRetriesMax = 16;  // MAX_RECLAIM_RETRIES
constexpr int kZbudRetries = 8;  // retries of zbud_zpool_shrink()

/// Result of an attempt to write back the oldest entry of a list. kRotated: it was referenced, and moved to the tail.
enum class Walked : uint8_t { kNothing, kRotated, kDone, kFailed, kInSwapCache };

// Allocates a page for __read_swap_cache_async(), charged to the slot's group. Not ok: no memory, or the entry was
// freed meanwhile. Differs: the kernel allocates an unmovable page.
ZoneRef page_for(Kernel& k, SlotId slot) {
  const CgroupIndex group = k.host.slot(slot).cgroup;
  ++k.zswap.in_hand;
  const ZoneRef where = alloc_page(k, kGfpHighUserMovable, k.sched.current().node);
  const bool charged = where.ok() && try_charge(k, group);
  --k.zswap.in_hand;
  if (charged && in_zswap(k, slot) && !k.host.slot(slot).cached) return where;
  if (charged) uncharge(k.host, group, 1);
  if (where.ok()) free_page(k, where, k.sched.current().cpu);
  return {};
}

// zswap_writeback_entry(): decompresses the entry into a new page of the swap cache and writes that page to the device.
Walked write_back(Kernel& k, SlotId slot_id) {
  if (k.host.slot(slot_id).cached) return Walked::kInSwapCache;
  const ZoneRef where = page_for(k, slot_id);
  if (!where.ok()) return Walked::kFailed;
  const PageId id = enter_swap_cache(k, where, slot_id);
  k.sched.cpu(k.host.spec.zswap.decompress);
  k.host.count_with(k.host.zswap.entries.at(slot_id).cgroup, Vmstat::zswpwb);
  zswap_invalidate(k, slot_id);
  k.host.pages[id].clear(host::kPageLocked);
  write_to_device(k, id);
  return Walked::kDone;
}

// Submits the write at once unless the task has a plug (blk_start_plug()) already.
Walked write_back_alone(Kernel& k, SlotId slot) {
  if (k.sched.current().plug != nullptr) return write_back(k, slot);
  SwapPlug plug(k);
  const Walked result = write_back(k, slot);
  plug.flush();
  return result;
}

// {before 6.5} zbud_reclaim_page(): writes back all entries of the pool page that was filled longest ago, and frees it.
bool reclaim_pool_page(Kernel& k) {
  for (int tries = 0; tries < kZbudRetries; ++tries) {
    const std::optional<uint32_t> page = begin_reclaim(k);
    if (!page) return false;
    const std::vector<SlotId> slots = k.host.zswap.pool.pages[*page].slots;
    for (const SlotId slot : slots) {
      if (in_zswap(k, slot) && write_back_alone(k, slot) != Walked::kDone) break;
    }
    if (end_reclaim(k, *page)) return true;
  }
  return false;
}

// shrink_memcg_cb() on the oldest entry of the list.
Walked shrink_one(Kernel& k, Zswap::List which) {
  const auto list = k.host.zswap.lists.find(which);
  if (list == k.host.zswap.lists.end() || list->second.empty()) return Walked::kNothing;
  const SlotId slot = list->second.front();
  ZswapEntry& entry = k.host.zswap.entries.at(slot);
  list->second.splice(list->second.end(), list->second, entry.place);
  if (k.follows(KernelRule::kZswapByGroup) && std::exchange(entry.referenced, false)) return Walked::kRotated;
  return write_back_alone(k, slot);
}

// shrink_memcg(). Empty: the group has no entry in zswap, or may not write back.
std::optional<bool> shrink_memcg(Kernel& k, CgroupIndex group) {
  if (!zswap_writeback_enabled(k, group)) return std::nullopt;
  bool scanned = false, shrunk = false;
  for (const NodeIndex node : k.host.nodes.indices()) {
    const Walked walked = shrink_one(k, {node, group});
    scanned |= walked != Walked::kNothing;
    shrunk |= walked == Walked::kDone;
  }
  return scanned ? std::optional(shrunk) : std::nullopt;
}

// {6.8} shrink_worker(): writes back one entry of each group in turn, until the pool is down to the accept threshold.
void shrink_by_group(Kernel& k) {
  int failures = 0, attempts = 0;
  do {
    const CgroupIndex group = k.zswap.next_shrink;
    const bool last = group == k.host.cgroups.last();
    k.zswap.next_shrink = last ? host::kRootCgroup : CgroupIndex::from(group.value() + size_t{1});
    const std::optional<bool> shrunk = shrink_memcg(k, group);
    attempts += shrunk ? 1 : 0;
    if (shrunk && !*shrunk && ++failures == kRetriesMax) return;
    if (last && attempts == 0 && ++failures == kRetriesMax) return;
    if (last) attempts = 0;
    k.sched.point();
  } while (zpool_pages(k) > zswap_accept_pages(k));
}

// {6.5 to 6.7} shrink_worker() with one list for all groups.
void shrink_oldest(Kernel& k) {
  int failures = 0;
  do {
    const Walked walked = shrink_one(k, zswap_list_of(k, 0, host::kRootCgroup));
    if (walked == Walked::kNothing || (walked != Walked::kDone && ++failures == kRetriesMax)) return;
    k.sched.point();
  } while (zpool_pages(k) > zswap_accept_pages(k));
}

void shrink(Kernel& k) {
  const bool packed = k.host.spec.zswap.zpool == host::Zpool::kZsmalloc;
  if (k.follows(KernelRule::kZswapByGroup)) return shrink_by_group(k);
  if (k.follows(KernelRule::kZswapShrinksFar)) return shrink_oldest(k);
  if (packed && !k.follows(KernelRule::kZsmallocEvicts)) return;  // ->shrink is missing
  if (packed) {
    shrink_one(k, zswap_list_of(k, 0, host::kRootCgroup));
    return;
  }
  reclaim_pool_page(k);
}

// zswap_shrinker_count()
int64_t freeable(Kernel& k, NodeIndex node, CgroupIndex group) {
  const auto list = k.host.zswap.lists.find({node, group});
  if (list == k.host.zswap.lists.end() || list->second.empty()) return 0;
  int64_t& swapins = k.host.nodes[node].lruvec(group).disk_swapins;
  const auto listed = static_cast<int64_t>(list->second.size());
  const int64_t spared = std::min(listed, swapins);
  swapins -= spared;
  const host::Cgroup& at = k.host.cgroups[group];
  const bool root = group == host::kRootCgroup;
  const int64_t backing = root ? zpool_pages(k) : at.zswap_bytes / kPageBytes,
                stored = root ? k.host.zswap.stored : at.zswapped;
  return stored > 0 ? (listed - spared) * backing / stored : 0;
}

// zswap_shrinker_scan()
std::optional<int64_t> scan(Kernel& k, NodeIndex node, CgroupIndex group, int64_t count) {
  int64_t written = 0;
  for (; count > 0; --count) {
    const Walked walked = shrink_one(k, {node, group});
    if (walked == Walked::kNothing || walked == Walked::kInSwapCache) return std::nullopt;
    written += walked == Walked::kDone ? 1 : 0;
  }
  return written > 0 ? std::optional(written) : std::nullopt;
}

}  // namespace

// With another CPU the kernel's worker runs beside the task. A run that only clears referenced bits is over before the
// next page is refused, so each request makes a run of its own. With one CPU, requests made before the run are one run.
void zswap_queue_worker(Kernel& k) {
  constexpr uint8_t kMost = 255;
  if (k.zswap.queued == 0 || (k.host.cpu_count() > 1 && k.zswap.queued < kMost)) ++k.zswap.queued;
  k.sched.wake_all(k.zswap.wait);
}

bool zswap_shrink_group(Kernel& k, CgroupIndex group) { return shrink_memcg(k, group).value_or(false); }

// The freed pages are not returned: they are counted when the pool frees its pages.
void zswap_shrink(Kernel& k, NodeIndex node, CgroupIndex group, int priority) {
  if (!k.host.spec.zswap.shrinker_enabled || !k.follows(KernelRule::kZswapByGroup)) return;
  if (!zswap_writeback_enabled(k, group)) return;
  const int64_t objects = freeable(k, node, group);
  if (objects == 0) return;
  SwapPlug plug(k);
  do_shrink_slab(k, {.objects = objects}, priority, k.host.nodes[node].lruvec(group).zswap_deferred,
                 [&](int64_t nr_to_scan) { return scan(k, node, group, nr_to_scan); });
  plug.flush();
}

void zswap_worker_main(Kernel& k) {
  while (true) {
    k.sched.point();
    if (k.zswap.queued == 0) {
      k.sched.wait(k.zswap.wait, kForever);
      continue;
    }
    --k.zswap.queued;
    const host::PageArray::InUse in_use(k.host.pages);
    const int64_t before = k.host.vmstat[Vmstat::zswpwb];
    shrink(k);
    // Requests made while the worker wrote are one run.
    if (k.host.vmstat[Vmstat::zswpwb] > before) k.zswap.queued = std::min<uint8_t>(k.zswap.queued, 1);
  }
}

}  // namespace oomcast::mm
