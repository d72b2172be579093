// Handles first writes to neighbouring pages at once. See fresh_pages.h.
#include "model/mm/fresh_pages.h"

#include <algorithm>

#include "model/mm/fault.h"
#include "model/mm/in_fault.h"
#include "model/mm/memcg.h"
#include "model/mm/page_alloc.h"

namespace oomcast::mm {

using host::AddressSpace;
using host::Process;
using host::ProcessIndex;
using host::Vmstat;

namespace {

// How many pages from `vpn` on are anonymous memory with a page table and without an entry in it.
int64_t fresh_pages(AddressSpace& space, uint64_t vpn, int64_t most) {
  const AddressSpace::Leaf* const leaf = space.leaf(vpn);
  const AddressSpace::Mapping* const mapping = space.mapping_of(vpn << kPageShift);
  if (leaf == nullptr || mapping == nullptr || mapping->file != host::kNoFile) return 0;
  const uint64_t in_leaf = vpn % AddressSpace::kLeafPages;
  most = std::min({most, static_cast<int64_t>(AddressSpace::kLeafPages - in_leaf),
                   static_cast<int64_t>((mapping->end >> kPageShift) - vpn)});
  int64_t pages = 0;
  while (pages < most && leaf->ptes.get(in_leaf + static_cast<uint64_t>(pages)).is_none()) ++pages;
  return pages;
}

// Locked pages, and pages that a policy places, are handled one by one.
bool is_plain(const Kernel& k, const Process& process) {
  const Actor& actor = k.sched.current();
  return !process.doomed() && process.space.locked_pages == 0 && !process.space.has_policies &&
         actor.policy.is_default() && actor.over_high_pages == 0;
}

}  // namespace

int64_t touch_fresh_pages(Kernel& k, ProcessIndex index, uint64_t vpn, int64_t most) {
  Process& process = k.host.processes[index];
  if (!is_plain(k, process)) return 0;
  most = fresh_pages(process.space, vpn, std::min(most, charges_in_stock(k, process.cgroup)));
  if (most == 0) return 0;
  ZoneRef where;
  const int64_t pages = alloc_parked_pages(k, kGfpHighUserMovable, k.sched.current().node, most, where);
  if (pages == 0) return 0;
  const InFault in_fault(k.sched.current());
  k.host.count_with(process.cgroup, Vmstat::pgfault, pages);
  charge_stock(k, process.cgroup, pages);
  map_new_pages(k, index, vpn, pages, where, kFreshPage);
  return pages;
}

}  // namespace oomcast::mm
