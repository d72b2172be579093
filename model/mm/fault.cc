// Handles page faults. See fault.h; kernel-spec sections 10.2, 10.3 and 10.6.
#include "model/mm/fault.h"

#include <algorithm>

#include "model/mm/deferred_split.h"
#include "model/mm/filemap_fault.h"
#include "model/mm/free_blocks.h"
#include "model/mm/huge_memory.h"
#include "model/mm/in_fault.h"
#include "model/mm/kernel_pages.h"
#include "model/mm/lru.h"
#include "model/mm/lru_gen.h"
#include "model/mm/memcg.h"
#include "model/mm/mempolicy.h"
#include "model/mm/mlock.h"
#include "model/mm/page_alloc.h"
#include "model/mm/rmap.h"
#include "model/mm/swap.h"

namespace oomcast::mm {

using host::Page;
using host::PageId;
using host::Process;
using host::ProcessIndex;
using host::Pte;
using host::Vmstat;

namespace {

ZoneRef alloc_user_page(Kernel& k, ProcessIndex index, uint64_t vpn) {
  const ZoneRef where = alloc_page_vma(k, kGfpHighUserMovable, index, vpn);
  if (!where.ok() || try_charge(k, k.host.processes[index].cgroup)) return where;
  free_page(k, where, k.sched.current().cpu);
  return {};
}

void drop_page(Kernel& k, ProcessIndex index, uint64_t vpn, PageId id, host::CpuIndex cpu) {
  Process& process = k.host.processes[index];
  --process.rss_anon;
  if (remove_mapper(k, id, index, vpn) > 0) return;
  k.host.count_anon(process.service, -1);
  Page& page = k.host.pages[id];
  forget_untouched(k.host, page);
  if (page.stack_id != 0) --k.host.sites[page.stack_id].resident;
  if (page.has(host::kPageSwapCache)) {
    if (k.host.slot(page.slot).map_count > 0) {
      k.host.count_swapped(process.service, 1);  // other processes still have swap entries for it
      return;
    }
    if (!page.has(host::kPageWriteback)) remove_from_swap_cache(k, id, false);
  } else if (hold_unmapped_page(k, index, vpn, id)) {
    return;
  }
  release_page(k, id, cpu);
}

// do_anonymous_page(): the first touch. A read maps the shared zero page and needs memory for page tables only.
bool do_anonymous_page(Kernel& k, ProcessIndex index, uint64_t vpn, bool write) {
  if (!populate_tables(k, index, vpn)) return false;
  if (!write) {
    host::AddressSpace& space = k.host.processes[index].space;
    if (space.get(vpn).is_none()) space.set(vpn, Pte::zero_page());
    return true;
  }
  const ZoneRef where = alloc_user_page(k, index, vpn);
  if (!where.ok()) return false;
  const bool alive = populate_tables(k, index, vpn) && !k.host.processes[index].doomed();
  const Pte now = k.host.processes[index].space.get(vpn);
  if (!alive || !(now.is_none() || now.is_zero_page())) {
    uncharge(k.host, k.host.processes[index].cgroup, 1);
    free_page(k, where, k.sched.current().cpu);
    return alive;
  }
  map_new_page(k, index, vpn, where, kFreshPage);
  return true;
}

// do_wp_page(): a write to a shared anonymous page gets a copy.
bool do_wp_copy(Kernel& k, ProcessIndex index, uint64_t vpn) {
  const ZoneRef where = alloc_user_page(k, index, vpn);
  if (!where.ok()) return false;
  const Pte now = k.host.processes[index].space.get(vpn);
  if (k.host.processes[index].doomed() || !now.is_present() || !shared_anon(k, k.host.pages[now.page()])) {
    if (now.is_present()) k.host.pages[now.page()].set(host::kPageDirty);  // not shared any more: no copy is needed
    uncharge(k.host, k.host.processes[index].cgroup, 1);
    free_page(k, where, k.sched.current().cpu);
    return !k.host.processes[index].doomed();
  }
  drop_page(k, index, vpn, now.page(), k.sched.current().cpu);
  map_new_page(k, index, vpn, where, kFreshPage);
  --k.host.processes[index].touched_pages;
  --k.host.guest_touched;
  if (const uint32_t stack = k.sched.current().stack_id; stack != 0) --k.host.sites[stack].touched;
  return true;
}

// do_cow_fault(), and do_wp_page() of a page of a file: a write to a private file mapping gets a copy.
bool do_cow_file(Kernel& k, ProcessIndex index, uint64_t vpn) {
  const ZoneRef where = alloc_user_page(k, index, vpn);
  if (!where.ok()) return false;
  const bool alive = populate_tables(k, index, vpn) && !k.host.processes[index].doomed();
  const Pte now = k.host.processes[index].space.get(vpn);
  const bool copied_by_another = now.is_swapped() || (now.is_present() && k.host.pages[now.page()].anon());
  if (!alive || copied_by_another) {
    uncharge(k.host, k.host.processes[index].cgroup, 1);
    free_page(k, where, k.sched.current().cpu);
    return alive;
  }
  if (now.is_present()) unmap_file_page(k, index, vpn, now.page());
  map_new_page(k, index, vpn, where, kFreshPage);
  return true;
}

bool finish_file_fault(Kernel& k, ProcessIndex index, uint64_t vpn, FileFault fault) {
  if (fault != FileFault::kNeedsCopy) return fault == FileFault::kMapped;
  k.sched.cpu(k.costs.fault);
  return do_cow_file(k, index, vpn);
}

// The program uses a page for the first time that was mapped as part of a huge page.
void note_first_use(Kernel& k, Process& process, const Page& page) {
  ++process.touched_pages;
  ++k.host.guest_touched;
  --k.host.guest_untouched;
  if (page.stack_id != 0) ++k.host.sites[page.stack_id].touched;
}

bool use_present_page(Kernel& k, ProcessIndex index, uint64_t vpn, bool write) {
  Process& process = k.host.processes[index];
  Page& page = k.host.pages[process.space.get(vpn).page()];
  page.set(host::kPageYoung);
  if (host::AddressSpace::Leaf* const huge = process.space.huge_leaf(vpn)) huge->young = true;
  if (page.anon() && page.test_and_clear(host::kPageUntouched)) note_first_use(k, process, page);
  if (!write) return true;
  if (!page.anon()) {
    const InFault in_fault(k.sched.current());
    return finish_file_fault(k, index, vpn, write_mapped_file_page(k, index, vpn));
  }
  if (shared_anon(k, page)) {
    const InFault in_fault(k.sched.current());
    k.host.count_with(process.cgroup, Vmstat::pgfault);
    k.sched.cpu(k.costs.fault);
    split_huge_pmd(k, index, vpn);
    return do_wp_copy(k, index, vpn);
  }
  page.set(host::kPageDirty);
  return true;
}

// handle_mm_fault(), and the access that needs no fault.
bool access_page(Kernel& k, ProcessIndex index, uint64_t vpn, bool write) {
  for (int attempt = 0; attempt < 8; ++attempt) {
    Process& process = k.host.processes[index];
    if (process.doomed()) return false;
    const Pte pte = process.space.get(vpn);
    if (pte.is_present()) return use_present_page(k, index, vpn, write);
    if (pte.is_zero_page() && !write) return true;
    k.host.count_with(process.cgroup, Vmstat::pgfault);
    const InFault in_fault(k.sched.current());
    if (pte.is_swapped()) {
      if (!do_swap_page(k, index, vpn, write)) return false;
      continue;  // a page shared with a forked process may still have to be copied
    }
    if (const auto mapping = process.space.mapping_at(vpn << kPageShift);
        mapping && mapping->second.file != host::kNoFile) {
      if (!populate_tables(k, index, vpn) || !finish_file_fault(k, index, vpn, file_fault(k, index, vpn, write)))
        return false;
      if (k.host.processes[index].space.get(vpn).is_present()) return true;
      continue;  // reclaim took the page before it was mapped
    }
    k.sched.cpu(k.costs.fault);
    const HugeFault huge = do_huge_anonymous_page(k, index, vpn, write);
    if (huge == HugeFault::kRetry) continue;
    if (huge != HugeFault::kFallback) return huge == HugeFault::kMapped;
    return do_anonymous_page(k, index, vpn, write);
  }
  return true;
}

void free_last_table(Kernel& k, Process& process) {
  const ZoneRef where = process.table_pages_at.back();
  process.table_pages_at.pop_back();
  free_kernel_page(k, where, process.cgroup);
}

void free_empty_tables(Kernel& k, ProcessIndex index, uint64_t first_vpn, uint64_t last_vpn) {
  Process& process = k.host.processes[index];
  const int dropped = process.space.drop_empty_tables(first_vpn, last_vpn);
  k.host.guest_tables -= dropped;
  for (int i = 0; i < dropped && !process.table_pages_at.empty(); ++i) free_last_table(k, process);
}

// Drops the empty page tables of `vpn`. `missing` of them have no page yet.
void take_back_tables(Kernel& k, ProcessIndex index, uint64_t vpn, int missing) {
  Process& process = k.host.processes[index];
  const int dropped = process.space.drop_empty_tables(vpn, vpn + 1);
  k.host.guest_tables -= dropped;
  for (int i = missing; i < dropped && !process.table_pages_at.empty(); ++i) free_last_table(k, process);
}

}  // namespace

bool populate_tables(Kernel& k, ProcessIndex index, uint64_t vpn) {
  // While an allocation sleeps, another thread may unmap the range and free its empty page tables: hence the loop.
  while (!k.host.processes[index].space.has_leaf(vpn)) {
    const int added = k.host.processes[index].space.add_tables(vpn);
    k.host.guest_tables += added;
    for (int i = 0; i < added; ++i) {
      const host::CgroupIndex payer = k.host.processes[index].cgroup;
      const ZoneRef where = alloc_kernel_page(k, payer);
      if (!where.ok()) {
        take_back_tables(k, index, vpn, added - i);
        return false;
      }
      if (!k.host.processes[index].alive) {
        free_kernel_page(k, where, payer);
        return false;
      }
      k.host.processes[index].table_pages_at.push_back(where);
    }
  }
  return true;
}

void map_new_pages(Kernel& k, ProcessIndex index, uint64_t vpn, int64_t pages, ZoneRef where, uint16_t flags) {
  Process& process = k.host.processes[index];
  const uint32_t stack = k.sched.current().stack_id;
  const host::CpuIndex cpu = k.sched.current().cpu;
  flags |= fresh_anon_flags(k);
  for (const uint64_t end = vpn + static_cast<uint64_t>(pages); vpn < end; ++vpn) {
    const PageId id = new_page(k, where, flags);
    Page& page = k.host.pages[id];
    page.set_cgroup(process.cgroup);
    page.stack_id = stack & host::kStackIdMax;
    set_first_mapper(page, index, vpn);
    mlock_mapped(k, id, process, vpn);
    process.space.set(vpn, Pte::present(id));
    lru_add(k, id, cpu);
  }
  process.rss_anon += pages;
  k.host.count_anon(process.service, pages);
  const bool touched = (flags & host::kPageUntouched) == 0;
  (touched ? process.touched_pages : k.host.guest_untouched) += pages;
  if (touched) k.host.guest_touched += pages;
  if (stack != 0) {
    host::SiteCount& site = k.host.sites[stack];
    site.touched += touched ? pages : 0;
    site.resident += pages;
    site.resident_peak = std::max(site.resident_peak, site.resident);
  }
  process.resident_peak = std::max(process.resident_peak, process.rss_anon + process.rss_shmem);
}

void mark_stuck(Kernel& k, ProcessIndex index) {
  Process& process = k.host.processes[index];
  if (process.stuck_at) return;
  process.stuck_at = k.sched.now();
  k.listener.on_stuck(index);
}

// pagefault_out_of_memory() lets the program retry the access for ever. Differs: 16 tries, then mark_stuck().
bool touch_page(Kernel& k, ProcessIndex index, uint64_t vpn, bool write) {
  constexpr int kTriesMax = 16;
  for (int tries = 0; tries < kTriesMax; ++tries) {
    const bool done = access_page(k, index, vpn, write);
    handle_over_high(k, k.host.processes[index].cgroup);
    if (done) return true;
    if (k.sched.current().dying || k.host.processes[index].doomed()) return false;
    k.sched.point();
  }
  mark_stuck(k, index);
  return false;
}

void zap_range(Kernel& k, ProcessIndex index, uint64_t first_vpn, uint64_t last_vpn) {
  Process& process = k.host.processes[index];
  const host::CpuIndex cpu = k.sched.current().cpu;
  const std::vector<uint64_t> emptied = zap_huge_pages(k, index, first_vpn, last_vpn);
  int64_t zapped = 0;
  lru_add_drain(k, cpu);
  process.space.for_each(first_vpn, last_vpn, [&](uint64_t vpn, Pte& entry) {
    const Pte pte = entry;
    entry = Pte::none();
    if (pte.is_present()) {
      if (k.host.pages[pte.page()].anon())
        drop_page(k, index, vpn, pte.page(), cpu);
      else
        unmap_file_page(k, index, vpn, pte.page());
      ++zapped;
      k.host.pages.fold(1);  // the caller keeps no reference to a page
    } else if (pte.is_swapped()) {
      ++zapped;
      --process.swap_entries;
      put_swap_entry(k, pte.slot());
    }
  });
  for (const uint64_t vpn : emptied) free_empty_tables(k, index, vpn, vpn + host::AddressSpace::kLeafPages);
  // A huge page is unmapped as one entry.
  k.sched.cpu(k.costs.zap_page * (zapped - static_cast<int64_t>(emptied.size()) * (host::kHugePages - 1)));
}

void unmap_range(Kernel& k, ProcessIndex index, uint64_t start, uint64_t bytes) {
  Process& process = k.host.processes[index];
  const uint64_t first = start >> kPageShift, last = (start + bytes + kPageBytes - 1) >> kPageShift;
  zap_range(k, index, first, last);
  free_empty_tables(k, index, first, last);
  const int64_t committed_before = process.space.committed_pages;
  process.space.unmap(start, bytes);
  k.host.committed -= committed_before - process.space.committed_pages;
}

void lazyfree_range(Kernel& k, ProcessIndex index, uint64_t first_vpn, uint64_t last_vpn) {
  Process& process = k.host.processes[index];
  lru_add_drain(k, k.sched.current().cpu);
  split_huge_range(k, index, first_vpn, last_vpn);
  split_partly_mapped(k, index, first_vpn, last_vpn);
  process.space.for_each(first_vpn, last_vpn, [&](uint64_t vpn, Pte& entry) {
    if (entry.is_swapped()) {
      --process.swap_entries;
      put_swap_entry(k, entry.slot());
      entry = Pte::none();
      return;
    }
    if (!entry.is_present()) return;
    const PageId id = entry.page();
    Page& page = k.host.pages[id];
    if (!page.anon() || page.mapcount != 1 || page.has(host::kPageSwapCache) || page.list == host::LruKindIndex::kNone)
      return;
    if (page.has(host::kPageMlocked)) return;  // EINVAL
    take_off_list(k, id);
    if (lru_gen_enabled(k)) {
      page.refs = 0;
      page.clear(host::kPageWorkingset);
    }
    page.clear(host::kPageActive | host::kPageReferenced | host::kPageSwapBacked | host::kPageDirty | host::kPageYoung);
    put_on_list(k, id, host::LruKindIndex::kInactiveFile);
    k.listener.watch(index, vpn);
    k.host.count_with(page.cgroup(), Vmstat::pglazyfree);
  });
}

void move_range(Kernel& k, ProcessIndex index, uint64_t from_vpn, uint64_t to_vpn, uint64_t pages) {
  split_huge_range(k, index, from_vpn, from_vpn + pages);
  split_partly_mapped(k, index, from_vpn, from_vpn + pages);
  for (const uint64_t vpn : k.host.processes[index].space.used(from_vpn, from_vpn + pages)) {
    const uint64_t target = vpn - from_vpn + to_vpn;
    // May sleep, and the page may be swapped out or back in meanwhile: the entry is read when its new place is ready.
    if (!populate_tables(k, index, target)) {
      if (!k.sched.current().dying && !k.host.processes[index].doomed())
        mark_stuck(k, index);  // mremap() fails half way
      return;
    }
    host::AddressSpace& space = k.host.processes[index].space;
    const Pte pte = space.get(vpn);
    space.set(vpn, Pte::none());
    space.set(target, pte);
    if (!pte.is_present()) continue;
    Page& page = k.host.pages[pte.page()];
    if (page.owner == index && page.vpn == vpn) {
      page.set_vpn(target);
    } else {
      for (uint32_t i = page.sharers; i != 0; i = k.host.sharers[i].next) {
        host::Sharer& sharer = k.host.sharers[i];
        if (sharer.process == index && sharer.vpn == vpn) sharer.vpn = target;
      }
    }
  }
}

bool copy_address_space(Kernel& k, ProcessIndex parent_index, ProcessIndex child_index) {
  const host::PageNumbers vpns = k.host.processes[parent_index].space.used(0, ~uint64_t{0} >> kPageShift);
  // The child is on no task list before it is complete: the OOM killer cannot see it.
  k.host.processes[child_index].unkillable = true;
  bool complete = true;
  for (const uint64_t vpn : vpns) {
    complete = populate_tables(k, child_index, vpn);
    if (!complete) break;
    const Pte now = k.host.processes[parent_index].space.get(vpn);  // may have been swapped out meanwhile
    Process& child = k.host.processes[child_index];
    if (now.is_present() && !k.host.pages[now.page()].anon()) continue;  // of a file: the child faults it in
    if (now.is_present()) {
      split_partly_mapped(k, parent_index, vpn, vpn + 1);  // meanwhile too
      add_mapper(k, now.page(), child_index, vpn);
      ++child.rss_anon;
    } else if (now.is_swapped()) {
      ++k.host.slot(now.slot()).map_count;
      ++child.swap_entries;
    }
    child.space.set(vpn, now);
  }
  Process& child = k.host.processes[child_index];
  child.unkillable = false;
  child.resident_peak = std::max(child.resident_peak, child.rss_anon);
  return complete;
}

}  // namespace oomcast::mm
