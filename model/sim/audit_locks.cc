// Recounts the locked pages. See audit_locks.h.
#include "model/sim/audit_locks.h"

#include "model/mm/rmap.h"

namespace oomcast::sim {

using host::Host;
using host::LruKindIndex;
using host::Page;
using host::PageId;

namespace {

bool in_locked_mapping(const Host& host, const Page& page) {
  bool locked = false;
  mm::for_each_mapper(host, page, [&](host::ProcessIndex process, uint64_t vpn) {
    locked |= host.processes[process].space.locked_at(vpn);
  });
  return locked;
}

}  // namespace

LockedPages count_locked(const Host& host, bool moving, std::vector<std::string>& faults) {
  LockedPages found;
  found.assign(host.nodes.size(), {});
  int64_t locked = 0;
  for (PageId id = 0; id < host.pages.size(); ++id) {
    if (!host.pages.alive(id)) continue;
    const Page& page = host.pages[id];
    const bool of_ramfs = page.in_file() && host.files[page.slot].home == host::FileHome::kRamfs;
    const bool flagged = page.has(host::kPageMlocked);
    if (flagged && page.list != LruKindIndex::kNone && page.list != LruKindIndex::kUnevictable)
      faults.push_back("page " + std::to_string(id) + " is locked and on a list that reclaim looks at");
    if (!flagged && page.list == LruKindIndex::kUnevictable)
      faults.push_back("page " + std::to_string(id) + " is unevictable, but nobody has locked it");
    if (!moving && !of_ramfs && flagged != in_locked_mapping(host, page))
      faults.push_back("page " + std::to_string(id) +
                       (flagged ? " is locked by no mapping" : " of a locked mapping is not"));
    if (!flagged || of_ramfs) continue;
    ++locked;
    ++found[page.node()][page.zone];
  }
  if (locked != host.guest_locked)
    faults.push_back("the program counts " + std::to_string(host.guest_locked) + " locked pages, " +
                     std::to_string(locked) + " were found");
  for (const host::Process& process : host.processes) {
    int64_t pages = 0;
    for (const auto& [start, mapping] : process.space.mappings)
      if (mapping.lock != host::LockMode::kNone) pages += static_cast<int64_t>((mapping.end - start) >> kPageShift);
    if (pages != process.space.locked_pages)
      faults.push_back("process " + std::to_string(process.pid) + " counts " +
                       std::to_string(process.space.locked_pages) + " pages of locked mappings, " +
                       std::to_string(pages) + " were found");
  }
  return found;
}

}  // namespace oomcast::sim
