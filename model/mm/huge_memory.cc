// Transparent huge pages. See huge_memory.h; kernel-spec section 10.4.
#include "model/mm/huge_memory.h"

#include <algorithm>
#include <utility>

#include "model/mm/deferred_split.h"
#include "model/mm/direct_reclaim.h"
#include "model/mm/fault.h"
#include "model/mm/lru.h"
#include "model/mm/memcg.h"
#include "model/mm/mempolicy.h"

namespace oomcast::mm {

using host::AddressSpace;
using host::HugeAdvice;
using host::kHugePages;
using host::Page;
using host::Process;
using host::ProcessIndex;
using host::Pte;
using host::ThpDefrag;
using host::ThpMode;
using host::Vmstat;
using Leaf = AddressSpace::Leaf;

namespace {

// The mapping that covers the whole range, if the settings allow a huge page there; else null.
const AddressSpace::Mapping* eligible(const Kernel& k, const Process& process, uint64_t first,
                                      Sysfs sysfs = Sysfs::kEnforced) {
  const ThpMode mode = sysfs == Sysfs::kIgnored ? ThpMode::kAlways : k.host.spec.vm.thp_enabled;
  if (mode == ThpMode::kNever || process.thp_disabled) return nullptr;
  const AddressSpace::Mapping* const mapping = process.space.mapping_of(first << kPageShift);
  if (!mapping || mapping->end < (first + kHugePages) << kPageShift) return nullptr;
  if (!mapping->anonymous || mapping->shared || mapping->huge == HugeAdvice::kUnwanted) return nullptr;
  return mode == ThpMode::kAlways || mapping->huge == HugeAdvice::kWanted ? mapping : nullptr;
}

// vma_thp_gfp_mask(): how much effort a huge page is worth.
Gfp huge_gfp(ThpDefrag defrag, bool advised) {
  Gfp gfp = kGfpHighUserMovable;
  gfp.order = host::kHugeOrder;
  gfp.direct_reclaim = defrag == ThpDefrag::kAlways ||
                       (advised && (defrag == ThpDefrag::kDeferMadvise || defrag == ThpDefrag::kMadvise));
  gfp.kswapd_reclaim =
      defrag == ThpDefrag::kAlways || defrag == ThpDefrag::kDefer || (defrag == ThpDefrag::kDeferMadvise && !advised);
  gfp.noretry = defrag == ThpDefrag::kAlways && !advised;
  return gfp;
}

// The group or its first ancestor without room for a huge page; the root if all have room.
host::CgroupIndex full_group(const host::Host& host, host::CgroupIndex group) {
  while (group != host::kRootCgroup && host.cgroups[group].margin() >= kHugePages) group = host.cgroups[group].parent;
  return group;
}

HugeFault map_zero_pages(Kernel& k, ProcessIndex index, uint64_t first) {
  if (!populate_tables(k, index, first)) return HugeFault::kDying;
  AddressSpace& space = k.host.processes[index].space;
  for (uint64_t vpn = first; vpn < first + kHugePages; ++vpn) {
    if (space.get(vpn).is_none()) space.set(vpn, Pte::zero_page());
  }
  return HugeFault::kMapped;
}

HugeFault fall_back(Kernel& k) {
  k.host.count(Vmstat::thp_fault_fallback);
  return HugeFault::kFallback;
}

// The leaf is an ordinary page table from now on.
void make_small(Kernel& k, Process& process, Leaf& leaf) {
  leaf.huge = false;
  --process.space.huge_leaves;
  bool counted = false;
  for (uint64_t i = 0; i < kHugePages; ++i) {
    const Pte pte = leaf.ptes.get(i);
    if (!pte.is_present()) continue;
    Page& page = k.host.pages[pte.page()];
    if (leaf.young) page.set(host::kPageYoung);
    if (!counted) --k.host.zone_of(page).huge_blocks;
    counted = true;
  }
  leaf.young = false;
  k.host.count(Vmstat::thp_split_pmd);
}

bool has_shared_page(const Kernel& k, const Leaf& leaf) {
  for (uint64_t i = 0; i < kHugePages; ++i) {
    const Pte pte = leaf.ptes.get(i);
    if (pte.is_present() && std::as_const(k.host.pages)[pte.page()].mapcount > 1) return true;
  }
  return false;
}

Leaf* leaf_behind(Kernel& k, const Page& page) {
  if (!page.anon() || page.background || page.mapcount == 0 || page.owner == host::kNoProcess) return nullptr;
  return k.host.processes[page.owner].space.huge_leaf(page.vpn);
}

}  // namespace

bool may_be_huge(const Kernel& k, const Process& process, uint64_t first, Sysfs sysfs) {
  return eligible(k, process, first, sysfs) != nullptr;
}

bool charge_huge(Kernel& k, host::CgroupIndex index, const Gfp& gfp) {
  const host::CgroupIndex full = full_group(k.host, index);
  if (full != host::kRootCgroup) {
    if (!gfp.direct_reclaim) return false;
    note_event(k.host, full, &host::CgroupEvents::max);
    try_to_free_cgroup_pages(k, full, kHugePages);
    if (full_group(k.host, index) != host::kRootCgroup) return false;
  }
  force_charge(k.host, index, kHugePages);
  bool over_high = false;
  for (host::CgroupIndex g = index; g != host::kRootCgroup; g = k.host.cgroups[g].parent)
    over_high |= k.host.cgroups[g].usage > k.host.cgroups[g].high;
  if (over_high) k.sched.current().over_high_pages += kHugePages;
  return true;
}

void map_huge_page(Kernel& k, ProcessIndex index, uint64_t first, const std::bitset<512>& touched, ZoneRef where) {
  for (uint64_t i = 0; i < kHugePages; ++i) {
    const uint16_t untouched = touched[i] ? 0 : host::kPageUntouched;
    map_new_page(k, index, first + i, where, static_cast<uint16_t>(host::kPageDirty | untouched));
  }
  lru_add_drain(k, k.sched.current().cpu);  // a large folio does not wait for the batch to fill
  AddressSpace& space = k.host.processes[index].space;
  Leaf& leaf = *space.leaf(first);
  leaf.huge = leaf.young = true;
  ++space.huge_leaves;
}

HugeFault do_huge_anonymous_page(Kernel& k, ProcessIndex index, uint64_t vpn, bool write) {
  const uint64_t first = huge_start(vpn);
  if (k.host.processes[index].space.has_leaf(vpn)) return HugeFault::kFallback;
  const AddressSpace::Mapping* const mapping = eligible(k, k.host.processes[index], first);
  if (!mapping) return HugeFault::kFallback;
  if (!write) return map_zero_pages(k, index, first);
  const Gfp gfp = huge_gfp(k.host.spec.vm.thp_defrag, mapping->huge == HugeAdvice::kWanted);
  const ZoneRef where = alloc_huge_vma(k, gfp, index, first);
  if (!where.ok()) return k.sched.current().dying ? HugeFault::kDying : fall_back(k);
  const host::CgroupIndex cgroup = k.host.processes[index].cgroup;
  if (!charge_huge(k, cgroup, gfp)) {
    free_huge_block(k, where);
    k.host.count(Vmstat::thp_fault_fallback_charge);
    return fall_back(k);
  }
  k.sched.cpu(k.costs.clear_huge_page);
  const bool alive = populate_tables(k, index, first) && !k.host.processes[index].doomed();
  if (alive && k.host.processes[index].space.leaf(first)->used == 0) {
    map_huge_page(k, index, first, std::bitset<512>().set(vpn - first), where);
    k.host.count(Vmstat::thp_fault_alloc);
    return HugeFault::kMapped;
  }
  uncharge(k.host, cgroup, kHugePages);
  free_huge_block(k, where);
  return alive ? HugeFault::kRetry : HugeFault::kDying;
}

void split_huge_pmd(Kernel& k, ProcessIndex index, uint64_t vpn) {
  Process& process = k.host.processes[index];
  if (Leaf* const leaf = process.space.huge_leaf(vpn)) make_small(k, process, *leaf);
}

void split_huge_range(Kernel& k, ProcessIndex index, uint64_t first_vpn, uint64_t last_vpn) {
  Process& process = k.host.processes[index];
  process.space.for_each_huge(first_vpn, last_vpn, [&](uint64_t, Leaf& leaf) { make_small(k, process, leaf); });
}

std::vector<uint64_t> zap_huge_pages(Kernel& k, ProcessIndex index, uint64_t first_vpn, uint64_t last_vpn) {
  Process& process = k.host.processes[index];
  std::vector<uint64_t> whole;
  process.space.for_each_huge(first_vpn, last_vpn, [&](uint64_t start, Leaf& leaf) {
    if (start >= first_vpn && start + kHugePages <= last_vpn)
      whole.push_back(start);
    else if (!has_shared_page(k, leaf))  // shared pages stay mapped in another process
      deferred_split_huge_page(k, index, start, process.cgroup);
    make_small(k, process, leaf);
  });
  return whole;
}

void reclaim_huge_page(Kernel& k, const Page& page) {
  Leaf* const leaf = leaf_behind(k, page);
  if (!leaf) return;
  // THP_SWAP needs a whole free cluster of slots, which only devices that are not rotational keep.
  if (k.host.device(page.slot).spec().rotational) {
    k.host.count(Vmstat::thp_split_page);
    k.host.count(Vmstat::thp_swpout_fallback);
  } else {
    k.host.count(Vmstat::thp_swpout);
  }
  make_small(k, k.host.processes[page.owner], *leaf);
}

void spread_young(Kernel& k, const Page& page) {
  Leaf* const leaf = leaf_behind(k, page);
  if (!leaf || !leaf->young) return;
  leaf->young = false;
  for (uint64_t i = 0; i < kHugePages; ++i) {
    const Pte pte = leaf->ptes.get(i);
    if (pte.is_present()) k.host.pages[pte.page()].set(host::kPageYoung);
  }
}

bool same_huge_page(Kernel& k, const Page& one, const Page& other) {
  return one.owner == other.owner && huge_start(one.vpn) == huge_start(other.vpn) && leaf_behind(k, one) != nullptr &&
         leaf_behind(k, other) != nullptr;
}

}  // namespace oomcast::mm
