// zswap: keeps swapped-out pages compressed in memory. See zswap.h.
#include "model/mm/zswap.h"

#include <algorithm>

#include "model/mm/kernel_pages.h"
#include "model/mm/memcg.h"
#include "model/mm/page_alloc.h"
#include "model/mm/zpool.h"

namespace oomcast::mm {

using host::Cgroup;
using host::CgroupIndex;
using host::KernelRule;
using host::Page;
using host::PageId;
using host::SlotId;
using host::Vmstat;
using host::Zswap;
using host::ZswapEntry;
using host::ZswapKind;

namespace {

// struct zswap_entry: 64 bytes while it contains the node of a tree, 56 bytes since.
int64_t entries_per_slab_page(const Kernel& k) { return k.follows(KernelRule::kZswapExclusive) ? 73 : 64; }

int64_t stored_bytes(const Kernel& k, ZswapKind kind) {
  return kind == ZswapKind::kCompressed ? kPageBytes * k.host.spec.zswap.stored_percent / 100 : 0;
}

// zswap_is_full() and zswap_can_accept() of 6.1; since 6.5 zswap_check_limits(), which is full one page earlier.
bool pool_is_full(Kernel& k) {
  Zswap& zswap = k.host.zswap;
  const int64_t now = zpool_pages(k);
  const bool far = k.follows(KernelRule::kZswapShrinksFar);
  if (far ? now >= zswap_max_pages(k) : now > zswap_max_pages(k)) {
    ++zswap.pool_limit_hit;
    zswap.reached_full = true;
    if (!far) zswap_queue_worker(k);
  } else if (far ? now <= zswap_accept_pages(k) : now < zswap_accept_pages(k)) {
    zswap.reached_full = false;
  }
  return zswap.reached_full;
}

// obj_cgroup_may_zswap()
bool may_zswap(const Kernel& k, CgroupIndex group) {
  for (; group != host::kRootCgroup; group = k.host.cgroups[group].parent) {
    const Cgroup& at = k.host.cgroups[group];
    if (at.zswap_max < host::kUnlimited && at.zswap_bytes / kPageBytes >= at.zswap_max) return false;
  }
  return true;
}

// obj_cgroup_charge_zswap() and obj_cgroup_uncharge_zswap(): `sign` is 1 or -1. A charge may exceed the limit. A group
// of v1 is not charged.
void charge(Kernel& k, const ZswapEntry& entry, int64_t sign) {
  const int64_t bytes = sign * stored_bytes(k, entry.kind);
  for (CgroupIndex g = entry.cgroup; g != host::kRootCgroup; g = k.host.cgroups[g].parent) {
    k.host.cgroups[g].zswap_bytes += bytes;
    k.host.cgroups[g].zswapped += sign;
  }
  if (entry.cgroup == host::kRootCgroup || k.host.cgroups[entry.cgroup].v1) return;
  Cgroup& own = k.host.cgroups[entry.cgroup];
  own.zswap_own += bytes;
  const int64_t pages = (own.zswap_own + kPageBytes - 1) / kPageBytes;
  if (pages > own.zswap_charged) force_charge(k.host, entry.cgroup, pages - own.zswap_charged);
  if (pages < own.zswap_charged) uncharge(k.host, entry.cgroup, own.zswap_charged - pages);
  own.zswap_charged = pages;
}

bool grow_slab(Kernel& k) {
  Zswap& zswap = k.host.zswap;
  while (static_cast<int64_t>(zswap.slab.size()) * entries_per_slab_page(k) < zswap.stored + 1) {
    const ZoneRef got = alloc_page(k, kGfpKernel, k.sched.current().node);
    if (!got.ok()) return false;
    zswap.slab.push_back(got);
  }
  return true;
}

void trim_slab(Kernel& k) {
  Zswap& zswap = k.host.zswap;
  while ((static_cast<int64_t>(zswap.slab.size()) - 1) * entries_per_slab_page(k) >= zswap.stored) {
    const ZoneRef where = zswap.slab.back();
    zswap.slab.pop_back();
    free_kernel_page(k, where, host::kRootCgroup);
  }
}

// Whether the next page to store is same-filled: same_filled_percent of 100 stores are, evenly spread.
bool is_same_filled(Kernel& k) {
  const int64_t nth = k.zswap.seen++, percent = k.host.spec.zswap.same_filled_percent;
  return (nth + 1) * percent / 100 > nth * percent / 100;
}

ZswapKind kind_of(Kernel& k) {
  const bool zeromap = k.follows(KernelRule::kZeromap);
  if (!is_same_filled(k)) return ZswapKind::kCompressed;
  if (zeromap) return ZswapKind::kZero;
  return k.host.spec.zswap.same_filled ? ZswapKind::kSameFilled : ZswapKind::kCompressed;
}

// swap_zeromap_folio_set(): whatever same_filled_pages_enabled says.
void set_zeromap(Kernel& k, PageId id) {
  Page& page = k.host.pages[id];
  k.host.zswap.entries[page.slot].kind = ZswapKind::kZero;
  k.host.zswap.entries[page.slot].cgroup = page.cgroup();
  k.host.count_with(page.cgroup(), Vmstat::swpout_zero);
}

// Adds the entry and its compressed data. False: no memory.
bool insert(Kernel& k, PageId id, ZswapEntry entry) {
  Zswap& zswap = k.host.zswap;
  const SlotId slot = k.host.pages[id].slot;
  if (!grow_slab(k)) return false;
  if (entry.kind == ZswapKind::kCompressed) {
    k.sched.cpu(k.host.spec.zswap.compress);
    if (!zpool_malloc(k, slot, entry)) return false;
    std::list<SlotId>& list = zswap.lists[zswap_list_of(k, entry.node, entry.cgroup)];
    entry.place = list.insert(list.end(), slot);
  }
  zswap.entries[slot] = entry;
  zswap.stored_peak = std::max(zswap.stored_peak, ++zswap.stored);
  charge(k, entry, 1);
  k.host.count_with(entry.cgroup, Vmstat::zswpout);
  return true;
}

// The part of zswap_store() that may fail: the limits of group and pool, and the allocations.
bool try_store(Kernel& k, PageId id, ZswapKind kind) {
  const Page& page = k.host.pages[id];
  const bool by_group = k.follows(KernelRule::kZswapByGroup);
  if (!may_zswap(k, page.cgroup()) && !(by_group && zswap_shrink_group(k, page.cgroup()))) return false;
  if (pool_is_full(k)) return false;
  ZswapEntry entry;
  entry.kind = kind;
  entry.cgroup = page.cgroup();
  entry.node = page.node();
  return insert(k, id, entry);
}

}  // namespace

Zswap::List zswap_list_of(const Kernel& k, host::NodeIndex node, CgroupIndex group) {
  return k.follows(KernelRule::kZswapByGroup) ? Zswap::List{node, group}
                                              : Zswap::List{host::NodeIndex(0), host::kRootCgroup};
}

int64_t zswap_max_pages(const Kernel& k) { return k.host.spec.zswap.pool_pages_max(k.host.total_ram); }

// 6.1 takes the two percentages in the other order.
int64_t zswap_accept_pages(const Kernel& k) {
  const host::ZswapSpec& spec = k.host.spec.zswap;
  if (k.follows(KernelRule::kZswapShrinksFar)) return zswap_max_pages(k) * spec.accept_threshold_percent / 100;
  return k.host.total_ram * spec.accept_threshold_percent / 100 * spec.max_pool_percent / 100;
}

// Without zswap memory.zswap.writeback has no effect.
bool zswap_writeback_enabled(const Kernel& k, CgroupIndex group) {
  if (!k.host.spec.zswap.enabled || !k.follows(KernelRule::kZswapByGroup)) return true;
  for (; group != host::kRootCgroup; group = k.host.cgroups[group].parent)
    if (!k.host.cgroups[group].zswap_writeback) return false;
  return true;
}

bool zswap_store(Kernel& k, PageId id) {
  if (!k.host.spec.zswap.enabled) return false;
  const SlotId slot = k.host.pages[id].slot;
  zswap_invalidate(k, slot);
  const ZswapKind kind = kind_of(k);
  if (kind == ZswapKind::kZero) {
    set_zeromap(k, id);
  } else if (!try_store(k, id, kind)) {
    if (k.host.zswap.reached_full && k.follows(KernelRule::kZswapShrinksFar)) zswap_queue_worker(k);
    return false;
  }
  Page& page = k.host.pages[id];
  page.clear(host::kPageDirty);
  k.host.count(Vmstat::nr_vmscan_write);
  k.host.count_swap_out(slot);
  return true;
}

bool zswap_load(Kernel& k, SlotId slot, PageId into_swap_cache) {
  const auto found = k.host.zswap.entries.find(slot);
  if (found == k.host.zswap.entries.end()) return false;
  const ZswapEntry& entry = found->second;
  k.host.count_swap_in(slot);
  if (entry.kind == ZswapKind::kZero) {
    k.host.count_with(entry.cgroup, Vmstat::swpin_zero);
    return true;
  }
  k.host.count_with(entry.cgroup, Vmstat::zswpin);
  if (entry.kind == ZswapKind::kCompressed) k.sched.cpu(k.host.spec.zswap.decompress);
  if (into_swap_cache == host::kNoPage || !k.follows(KernelRule::kZswapExclusive)) return true;
  zswap_invalidate(k, slot);
  k.host.pages[into_swap_cache].set(host::kPageDirty);
  return true;
}

void zswap_invalidate(Kernel& k, SlotId slot) {
  Zswap& zswap = k.host.zswap;
  const auto found = zswap.entries.find(slot);
  if (found == zswap.entries.end()) return;
  const ZswapEntry entry = found->second;
  zswap.entries.erase(found);
  if (entry.kind == ZswapKind::kZero) return;
  if (entry.kind == ZswapKind::kCompressed) {
    zswap.lists[zswap_list_of(k, entry.node, entry.cgroup)].erase(entry.place);
    zpool_free(k, slot, entry);
  }
  charge(k, entry, -1);
  --zswap.stored;
  trim_slab(k);
}

void zswap_note_disk_swapin(Kernel& k, PageId id) {
  if (!k.host.spec.zswap.enabled || !k.follows(KernelRule::kZswapByGroup)) return;
  ++k.host.lruvec_of(k.host.pages[id]).disk_swapins;
}

}  // namespace oomcast::mm
