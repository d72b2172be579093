// khugepaged: collapses small pages into huge ones. See khugepaged.h; kernel-spec section 10.4.
#include "model/mm/khugepaged.h"

#include <algorithm>
#include <bitset>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "model/mm/fault.h"
#include "model/mm/huge_memory.h"
#include "model/mm/lru.h"
#include "model/mm/memcg.h"
#include "model/mm/page_alloc.h"
#include "model/mm/swap.h"

namespace oomcast::mm {

using host::AddressSpace;
using host::kHugePages;
using host::Page;
using host::Process;
using host::ProcessIndex;
using host::Pte;
using host::Vmstat;
using host::VmTunables;

namespace {

constexpr uint64_t kHuge = static_cast<uint64_t>(kHugePages);

// Counts of the entries of one page table.
struct Found {
  int64_t none = 0, swapped = 0, shared = 0, young = 0, present = 0;
  bool writable = false;
  std::map<host::NodeIndex, int64_t> on_node;
};

Found look_at(const Kernel& k, const AddressSpace::Leaf& leaf) {
  Found found;
  for (uint64_t i = 0; i < kHuge; ++i) {
    const Pte pte = leaf.ptes.get(i);
    if (pte.is_none() || pte.is_zero_page()) {
      ++found.none;
    } else if (pte.is_swapped()) {
      ++found.swapped;
    } else {
      const Page& page = std::as_const(k.host.pages)[pte.page()];
      ++found.present;
      ++found.on_node[page.node()];
      if (page.mapcount > 1) ++found.shared;
      if (page.mapcount == 1) found.writable = true;
      if (page.has(host::kPageYoung | host::kPageReferenced)) ++found.young;
    }
  }
  return found;
}

// Who collapses (struct collapse_control). A program may collapse what khugepaged leaves alone.
enum class By : uint8_t { kKhugepaged, kMadvise };

Sysfs sysfs_for(By by) { return by == By::kMadvise ? Sysfs::kIgnored : Sysfs::kEnforced; }

bool within_limits(const VmTunables& vm, const Found& found, By by) {
  if (!found.writable || by == By::kMadvise) return found.writable;
  return found.none <= vm.khugepaged_max_ptes_none && found.swapped <= vm.khugepaged_max_ptes_swap &&
         found.shared <= vm.khugepaged_max_ptes_shared;
}

// Referenced lately. With entries in swap at least half of the entries must be referenced.
bool in_use(const Found& found) { return found.young > 0 && (found.swapped == 0 || found.young >= kHugePages / 2); }

// hpage_collapse_find_target_node(): the node that holds most of the pages.
host::NodeIndex target_node(const Found& found) {
  host::NodeIndex best = 0;
  int64_t most = -1;
  for (const auto& [node, pages] : found.on_node) {
    if (pages > most) best = node;
    most = std::max(most, pages);
  }
  return best;
}

// alloc_hugepage_khugepaged_gfpmask() or GFP_TRANSHUGE, and __GFP_THISNODE.
Gfp collapse_gfp(const VmTunables& vm, host::NodeIndex node, By by) {
  Gfp gfp = kGfpHighUserMovable;
  gfp.order = host::kHugeOrder;
  gfp.direct_reclaim = by == By::kMadvise || vm.khugepaged_defrag != 0;
  gfp.kswapd_reclaim = false;
  gfp.nodes = host::NodeMask{1} << node.value();
  return gfp;
}

// __collapse_huge_page_swapin(): swaps all entries in.
bool swap_in_all(Kernel& k, ProcessIndex index, uint64_t first) {
  for (uint64_t vpn = first; vpn < first + kHuge; ++vpn) {
    if (!k.host.processes[index].space.get(vpn).is_swapped()) continue;
    if (!do_swap_page(k, index, vpn, false) || k.host.processes[index].doomed()) return false;
  }
  return true;
}

// Copies the old pages into the huge page, zeroes the missing parts and frees the old pages. No other task runs
// meanwhile: the kernel holds mmap_lock for writing.
void replace(Kernel& k, ProcessIndex index, uint64_t first, ZoneRef where) {
  std::bitset<512> touched;
  std::vector<Page> old(kHuge);
  int64_t copied = 0;
  for (uint64_t i = 0; i < kHuge; ++i) {
    const Pte pte = k.host.processes[index].space.get(first + i);
    if (!pte.is_present()) continue;
    old[i] = k.host.pages[pte.page()];
    touched[i] = !old[i].has(host::kPageUntouched);
    ++copied;
  }
  zap_range(k, index, first, first + kHuge);
  k.sched.cpu(k.costs.copy_page * copied + k.costs.clear_huge_page / kHugePages * (kHugePages - copied));
  map_huge_page(k, index, first, touched, where);
  Process& process = k.host.processes[index];
  process.touched_pages -= static_cast<int64_t>(touched.count());  // none of it is a first touch
  k.host.guest_touched -= static_cast<int64_t>(touched.count());
  for (uint64_t i = 0; i < kHuge; ++i) {
    if (old[i].stack_id == 0) continue;
    k.host.pages[process.space.get(first + i).page()].stack_id = old[i].stack_id;
    ++k.host.sites[old[i].stack_id].resident;
  }
}

// collapse_huge_page().
Collapse collapse(Kernel& k, ProcessIndex index, uint64_t first, const Found& found, By by) {
  const VmTunables& vm = k.host.spec.vm;
  const host::NodeIndex node = target_node(found);
  const Gfp gfp = collapse_gfp(vm, node, by);
  const ZoneRef where = alloc_page(k, gfp, node);
  if (!where.ok()) {
    k.host.count(Vmstat::thp_collapse_alloc_failed);
    return Collapse::kNoHugePage;
  }
  k.host.count(Vmstat::thp_collapse_alloc);
  const host::CgroupIndex cgroup = k.host.processes[index].cgroup;
  if (k.host.processes[index].doomed() || !charge_huge(k, cgroup, gfp)) {
    free_huge_block(k, where);
    return Collapse::kNotCharged;
  }
  k.sched.point();
  // The allocation and the swap-in may have slept: the range is checked again.
  const bool ready = (found.swapped == 0 || swap_in_all(k, index, first)) && !k.host.processes[index].doomed() &&
                     may_be_huge(k, k.host.processes[index], first, sysfs_for(by));
  const AddressSpace::Leaf* const leaf = ready ? k.host.processes[index].space.leaf(first) : nullptr;
  if (leaf != nullptr && !leaf->huge) {
    const Found now = look_at(k, *leaf);
    if (within_limits(vm, now, by) && now.swapped == 0 && now.present > 0) {
      replace(k, index, first, where);
      return Collapse::kDone;
    }
  }
  uncharge(k.host, cgroup, kHugePages);
  free_huge_block(k, where);
  return Collapse::kNone;
}

// The next range at or behind `from` that may become a huge page. Adds the mappings without one to `progress`.
std::optional<uint64_t> next_range(const Kernel& k, const Process& process, uint64_t from, int64_t& progress,
                                   By by = By::kKhugepaged) {
  auto at = process.space.mappings.upper_bound(from << kPageShift);
  if (at != process.space.mappings.begin() && std::prev(at)->second.end > from << kPageShift) --at;
  for (; at != process.space.mappings.end(); ++at) {
    const uint64_t begin = std::max(from, at->first >> kPageShift);
    const uint64_t first = (begin + kHuge - 1) / kHuge * kHuge;
    if ((first + kHuge) << kPageShift <= at->second.end && may_be_huge(k, process, first, sysfs_for(by))) return first;
    ++progress;
  }
  return std::nullopt;
}

// hpage_collapse_scan_pmd(): what the page table of small pages holds; nothing if it may not become a huge page.
std::optional<Found> scan_pmd(Kernel& k, ProcessIndex index, uint64_t first, By by) {
  const AddressSpace::Leaf* const leaf = k.host.processes[index].space.leaf(first);
  if (leaf == nullptr || leaf->huge || leaf->used == 0) return std::nullopt;
  k.sched.cpu(k.costs.walk_pte * kHugePages);
  const Found found = look_at(k, *leaf);
  return within_limits(k.host.spec.vm, found, by) ? std::optional(found) : std::nullopt;
}

bool has_work(const Kernel& k) {
  return std::any_of(k.host.processes.begin(), k.host.processes.end(), [&](const Process& process) {
    int64_t ignored = 0;
    return process.guest && process.alive && next_range(k, process, 0, ignored).has_value();
  });
}

// khugepaged_scan_mm_slot(): scans ranges of the present process until `pages` are scanned or a collapse was tried. At
// the end of the process the next one becomes the present one. Returns the progress.
int64_t scan_mm_slot(Kernel& k, int64_t pages, Collapse& result) {
  KhugepagedState& state = k.khugepaged;
  int64_t progress = 1;
  while (progress < pages) {
    k.sched.point();
    const Process& process = k.host.processes[state.process];
    const bool scannable = process.guest && !process.doomed();
    const std::optional<uint64_t> first = scannable ? next_range(k, process, state.next_vpn, progress) : std::nullopt;
    if (!first) {
      ++state.process;
      state.next_vpn = 0;
      return progress;
    }
    state.next_vpn = *first + kHuge;
    progress += kHugePages;
    result = collapse_scan_pmd(k, state.process, *first);
    if (result != Collapse::kNone) return progress;
  }
  return progress;
}

}  // namespace

Collapse collapse_scan_pmd(Kernel& k, ProcessIndex index, uint64_t first) {
  const std::optional<Found> found = scan_pmd(k, index, first, By::kKhugepaged);
  if (!found || !in_use(*found)) return Collapse::kNone;
  k.khugepaged.in_hand = true;
  const Collapse result = collapse(k, index, first, *found, By::kKhugepaged);
  k.khugepaged.in_hand = false;
  return result;
}

void madvise_collapse(Kernel& k, ProcessIndex index, uint64_t start, uint64_t bytes) {
  if (!k.follows(host::KernelRule::kMadviseCollapse)) return;
  for (const host::CpuIndex cpu : k.host.lru_add_batch.indices()) lru_add_drain(k, cpu);  // lru_add_drain_all()
  const uint64_t end = (start + bytes) >> kPageShift;
  int64_t ignored = 0;
  for (uint64_t from = start >> kPageShift; !k.host.processes[index].doomed(); from += kHuge) {
    const auto first = next_range(k, k.host.processes[index], from, ignored, By::kMadvise);
    if (!first || *first + kHuge > end) return;
    from = *first;
    const std::optional<Found> found = scan_pmd(k, index, from, By::kMadvise);
    if (!found) continue;
    const Collapse result = collapse(k, index, from, *found, By::kMadvise);
    if (result == Collapse::kNoHugePage || result == Collapse::kNotCharged) return;
  }
}

void khugepaged_do_scan(Kernel& k) {
  const VmTunables& vm = k.host.spec.vm;
  int64_t progress = 0;
  int passes = 0;
  bool may_wait = true;
  for (const host::CpuIndex cpu : k.host.lru_add_batch.indices()) lru_add_drain(k, cpu);  // lru_add_drain_all()
  while (progress < vm.khugepaged_pages_to_scan) {
    if (k.khugepaged.process >= k.host.processes.size()) k.khugepaged.process = 0;
    if (k.khugepaged.process == 0 && k.khugepaged.next_vpn == 0 && ++passes == 2) return;
    Collapse result = Collapse::kNone;
    {
      const host::PageArray::InUse in_use(k.host.pages);
      progress += scan_mm_slot(k, vm.khugepaged_pages_to_scan - progress, result);
    }
    if (result != Collapse::kNoHugePage || progress >= vm.khugepaged_pages_to_scan) continue;
    if (!may_wait) return;
    may_wait = false;
    k.sched.sleep(Nanoseconds(vm.khugepaged_alloc_sleep_ms * 1'000'000));
  }
}

void khugepaged_main(Kernel& k) {
  constexpr int64_t kLeastSleepMs = 1;  // the kernel does not sleep at 0; here the other fibers could not run then
  while (true) {
    k.sched.sleep(Nanoseconds(std::max(kLeastSleepMs, k.host.spec.vm.khugepaged_scan_sleep_ms) * 1'000'000));
    if (!has_work(k)) continue;
    khugepaged_do_scan(k);
  }
}

}  // namespace oomcast::mm
