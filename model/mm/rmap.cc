// Reverse mappings. See rmap.h.
#include "model/mm/rmap.h"

#include "model/mm/huge_memory.h"
#include "model/mm/mlock.h"
#include "model/mm/swap.h"

namespace oomcast::mm {

using host::Host;
using host::Page;
using host::PageId;
using host::Process;
using host::ProcessIndex;
using host::Pte;
using host::Sharer;

namespace {

void drop_sharers(Host& host, Page& page) {
  uint32_t next = 0;
  for (uint32_t i = page.sharers; i != 0; i = next) {
    next = host.sharers[i].next;
    host.free_sharers.push_back(i);
  }
  page.sharers = 0;
  page.owner = host::kNoProcess;
  page.mapcount = 0;
}

// Clears all entries of a file's page. The next use takes a fault.
void unmap_file(Kernel& k, Page& page) {
  const bool shmem = page.shmem();
  for_each_mapper(k.host, page, [&](ProcessIndex index, uint64_t vpn) {
    Process& process = k.host.processes[index];
    --(shmem ? process.rss_shmem : process.rss_file);
    process.space.set(vpn, Pte::none());
    k.listener.watch(index, vpn);
  });
  --k.host.nodes[page.node()].file_mapped;
  drop_sharers(k.host, page);
}

}  // namespace

int clear_young(Kernel& k, Page& page) {
  spread_young(k, page);
  if (!page.test_and_clear(host::kPageYoung)) return 0;
  if (page.mapcount == 0) return 0;
  for_each_mapper(k.host, page, [&](ProcessIndex process, uint64_t vpn) {
    if (k.host.processes[process].guest) k.listener.watch(process, vpn);
  });
  return 1;
}

void try_to_unmap(Kernel& k, PageId id) {
  Page& page = k.host.pages[id];
  if (!page.anon()) {
    unmap_file(k, page);
    return munlock_if_free(k, id);  // the page may have been unlocked by this
  }
  reclaim_huge_page(k, page);
  host::SwapSlot& slot = k.host.slot(page.slot);
  for_each_mapper(k.host, page, [&](ProcessIndex index, uint64_t vpn) {
    Process& process = k.host.processes[index];
    --process.rss_anon;
    ++process.swap_entries;
    ++slot.map_count;
    if (!process.guest) return;
    process.space.set(vpn, Pte::swapped(page.slot));
    k.listener.watch(index, vpn);
  });
  if (!page.background) {
    slot.service = k.host.processes[page.owner].service;
    k.host.count_anon(slot.service, -1);
    forget_untouched(k.host, page);
    k.host.count_swapped(slot.service, 1);
    k.host.count_taken(slot.service, k.sched.current().service);
  }
  slot.owner = page.owner;
  slot.foreign = page.background;
  drop_sharers(k.host, page);
}

void unmap_lazyfree(Kernel& k, PageId id) {
  Page& page = k.host.pages[id];
  for_each_mapper(k.host, page, [&](ProcessIndex index, uint64_t vpn) {
    Process& process = k.host.processes[index];
    --process.rss_anon;
    if (process.guest) process.space.set(vpn, Pte::none());
  });
  if (!page.background && page.mapcount > 0) {
    const uint8_t service = k.host.processes[page.owner].service;
    k.host.count_anon(service, -1);
    forget_untouched(k.host, page);
    k.host.count_taken(service, k.sched.current().service);
  }
  drop_sharers(k.host, page);
}

void add_mapper(Kernel& k, PageId id, ProcessIndex process, uint64_t vpn) {
  Host& host = k.host;
  mlock_mapped(k, id, host.processes[process], vpn);
  Page& page = host.pages[id];
  // All mappers of a file's page are in the chain, as `vpn` of such a page is its index in the file.
  if (page.mapcount == 0 && page.anon()) return set_first_mapper(page, process, vpn);
  ++page.mapcount;
  uint32_t entry;
  if (!host.free_sharers.empty()) {
    entry = host.free_sharers.back();
    host.free_sharers.pop_back();
  } else {
    host.sharers.emplace_back();
    entry = static_cast<uint32_t>(host.sharers.size() - 1);
  }
  host.sharers[entry] = Sharer{process, vpn, page.sharers};
  page.set_sharers(entry);
}

namespace {

int unlink_mapper(Host& host, PageId id, ProcessIndex process, uint64_t vpn) {
  Page& page = host.pages[id];
  OOMCAST_CHECK(page.mapcount > 0);
  --page.mapcount;
  if (page.owner == process && page.vpn == vpn) {
    page.owner = host::kNoProcess;
    if (page.sharers != 0) {
      const uint32_t entry = page.sharers;
      page.set_owner(host.sharers[entry].process);
      page.set_vpn(host.sharers[entry].vpn);
      page.set_sharers(host.sharers[entry].next);
      host.free_sharers.push_back(entry);
    }
    return page.mapcount;
  }
  uint32_t before = 0;
  for (uint32_t entry = page.sharers; entry != 0; before = entry, entry = host.sharers[entry].next) {
    const Sharer& sharer = host.sharers[entry];
    if (sharer.process != process || sharer.vpn != vpn) continue;
    if (before == 0)
      page.set_sharers(sharer.next);
    else
      host.sharers[before].next = sharer.next;
    host.free_sharers.push_back(entry);
    break;
  }
  return page.mapcount;
}

}  // namespace

int remove_mapper(Kernel& k, PageId id, ProcessIndex process, uint64_t vpn) {
  const int left = unlink_mapper(k.host, id, process, vpn);
  munlock_if_free(k, id);
  return left;
}

}  // namespace oomcast::mm
