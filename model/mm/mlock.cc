// Locks memory. See mlock.h.
#include "model/mm/mlock.h"

#include <algorithm>
#include <vector>

#include "model/mm/fault.h"
#include "model/mm/huge_memory.h"
#include "model/mm/lru.h"
#include "model/mm/rmap.h"
#include "model/mm/swap.h"

namespace oomcast::mm {

using host::AddressSpace;
using host::LockMode;
using host::LruKindIndex;
using host::Page;
using host::PageId;
using host::Process;
using host::ProcessIndex;
using host::Pte;
using host::Vmstat;

namespace {

constexpr uint64_t kPagesPerPoint = 16;  // pages between two points at which other tasks may run

// Pages of ramfs are unevictable without a lock (AS_UNEVICTABLE).
bool of_ramfs(const Kernel& k, const Page& page) {
  return page.in_file() && k.host.files[page.slot].home == host::FileHome::kRamfs;
}

bool locked_by_any(const Kernel& k, const Page& page) {
  bool locked = false;
  for_each_mapper(k.host, page, [&](ProcessIndex process, uint64_t vpn) {
    locked |= k.host.processes[process].space.locked_at(vpn);
  });
  return locked;
}

// mlock_folio() and mlock_new_folio(). A page that is on no list yet goes to the unevictable one later.
void mlock_page(Kernel& k, PageId id) {
  Page& page = k.host.pages[id];
  if (page.has(host::kPageMlocked)) return;
  page.set(host::kPageMlocked);
  ++k.host.zone_of(page).mlocked;
  ++k.host.guest_locked;
  k.host.count(Vmstat::unevictable_pgs_mlocked);
  if (page.list == LruKindIndex::kNone) {
    page.clear(host::kPageActive);
    return;
  }
  take_off_list(k, id);
  page.clear(host::kPageActive);
  put_on_list(k, id, LruKindIndex::kUnevictable);
}

struct Piece {
  uint64_t start, end;
  bool of_file, write;
};

// The ranges that mlock() has to fault in, copied: the mappings may change while it waits.
std::vector<Piece> pieces_of(const AddressSpace& space, uint64_t start, uint64_t end) {
  std::vector<Piece> pieces;
  auto at = space.mappings.upper_bound(start);
  if (at != space.mappings.begin()) --at;
  for (; at != space.mappings.end() && at->first < end; ++at) {
    const auto& [from, mapping] = *at;
    if (mapping.end <= start || mapping.lock != LockMode::kLocked) continue;
    pieces.push_back({std::max(from, start), std::min(mapping.end, end), mapping.file != host::kNoFile, mapping.data});
  }
  return pieces;
}

bool is_whole(Kernel& k, const Process& process, uint64_t vpn, bool write) {
  const Pte pte = process.space.get(vpn);
  if (pte.is_zero_page()) return !write;
  if (!pte.is_present()) return false;
  const Page& page = k.host.pages[pte.page()];
  return !write || (page.anon() && !shared_anon(k, page));
}

// __mm_populate(): swaps in or reads what is missing, and copies a shared private page that may be written
// (FOLL_WRITE).
void populate(Kernel& k, ProcessIndex index, uint64_t start, uint64_t end) {
  for (const Piece& piece : pieces_of(k.host.processes[index].space, start, end)) {
    const uint64_t first = piece.start >> kPageShift, last = piece.end >> kPageShift;
    const auto bring = [&](uint64_t vpn) {
      if (!is_whole(k, k.host.processes[index], vpn, piece.write) && !touch_page(k, index, vpn, piece.write))
        return false;
      if (vpn % kPagesPerPoint == 0) k.sched.point();
      return k.host.processes[index].alive && !k.sched.current().dying;
    };
    if (piece.of_file) {
      for (uint64_t vpn = first; vpn < last; ++vpn)
        if (!bring(vpn)) return;
      continue;
    }
    for (const uint64_t vpn : k.host.processes[index].space.used(first, last))
      if (!bring(vpn)) return;
  }
}

}  // namespace

void mlock_mapped(Kernel& k, PageId id, const Process& process, uint64_t vpn) {
  if (process.space.locked_at(vpn)) mlock_page(k, id);
}

void munlock_if_free(Kernel& k, PageId id) {
  Page& page = k.host.pages[id];
  if (!page.has(host::kPageMlocked) || of_ramfs(k, page) || locked_by_any(k, page)) return;
  page.clear(host::kPageMlocked);
  --k.host.zone_of(page).mlocked;
  --k.host.guest_locked;
  k.host.count(Vmstat::unevictable_pgs_munlocked);
  if (page.list != LruKindIndex::kUnevictable) return;
  take_off_list(k, id);
  put_on_list(k, id, list_for(page));
  k.host.count(Vmstat::unevictable_pgs_rescued);
}

// mlock_pte_range(), after the VMA's flags have changed.
void relock_range(Kernel& k, ProcessIndex index, uint64_t first_vpn, uint64_t last_vpn) {
  lru_add_drain(k, k.sched.current().cpu);
  const Process& process = k.host.processes[index];
  for (const uint64_t vpn : process.space.used(first_vpn, last_vpn)) {
    const Pte pte = process.space.get(vpn);
    if (!pte.is_present()) continue;
    if (process.space.locked_at(vpn))
      mlock_page(k, pte.page());
    else
      munlock_if_free(k, pte.page());
  }
}

void lock_range(Kernel& k, ProcessIndex index, uint64_t start, uint64_t bytes, LockMode mode) {
  const uint64_t first = start >> kPageShift, last = (start + bytes + kPageBytes - 1) >> kPageShift;
  // The VMA is split at both ends, and with it a huge page that crosses one.
  for (const uint64_t end : {first, last})
    if (end % AddressSpace::kLeafPages != 0) split_huge_pmd(k, index, end);
  k.host.processes[index].space.change(start, bytes, [mode](auto& mapping) { mapping.lock = mode; });
  relock_range(k, index, first, last);
  if (mode == LockMode::kLocked) populate(k, index, first << kPageShift, last << kPageShift);
}

void lock_all(Kernel& k, ProcessIndex index, bool current, bool future, LockMode mode) {
  constexpr uint64_t kEverything = host::kVpnMax << kPageShift;
  k.host.processes[index].space.lock_future = future ? mode : LockMode::kNone;
  if (future && !current) return;
  const LockMode now = current ? mode : LockMode::kNone;
  k.host.processes[index].space.change(0, kEverything, [now](auto& mapping) { mapping.lock = now; });
  relock_range(k, index, 0, host::kVpnMax);
  if (now == LockMode::kLocked) populate(k, index, 0, kEverything);
}

}  // namespace oomcast::mm
