// Promotes young neighbours of a young page during eviction, and tells aging where they are. See lru_gen.h; kernel-spec
// section 5.3.
#include <algorithm>

#include "model/mm/lru.h"
#include "model/mm/lru_gen.h"
#include "model/mm/rmap.h"

namespace oomcast::mm {

using host::AddressSpace;
using host::Page;
using host::PageId;
using host::Process;
using host::ProcessIndex;
using host::Pte;
using host::Vmstat;

namespace {

constexpr uint64_t kWindowPages = kMinLruBatch;

struct Window {
  uint64_t first, last;  // page numbers, `last` not included
};

// Up to 64 entries around the page, within its mapping and its page table.
Window window_around(const Process& process, uint64_t vpn) {
  uint64_t first = vpn / AddressSpace::kLeafPages * AddressSpace::kLeafPages, last = first + AddressSpace::kLeafPages;
  if (const auto mapping = process.space.mapping_at(vpn << kPageShift)) {
    first = std::max(first, mapping->first >> kPageShift);
    last = std::min(last, mapping->second.end >> kPageShift);
  }
  if (last - first <= kWindowPages) return {first, last};
  if (vpn - first < kWindowPages / 2) return {first, first + kWindowPages};
  if (last - vpn < kWindowPages / 2) return {last - kWindowPages, last};
  return {vpn - kWindowPages / 2, vpn + kWindowPages / 2};
}

// folio_activate(): without a struct lru_gen_mm_walk the page moves to the youngest generation at once.
void promote_now(Kernel& k, PageId id) {
  Page& page = k.host.pages[id];
  if (page.list >= host::LruKindIndex::kUnevictable) {
    page.set(host::kPageReferenced);
    return;
  }
  const host::LruGen& gens = *k.host.lruvec_of(page).gens;
  if (static_cast<size_t>(page.list) == host::gen_of_seq(gens.max_seq)) return;
  lru_gen_del(k, id);
  page.clear(host::kPageWorkingset);
  page.set(host::kPageActive);
  lru_gen_add(k, id, false);
  k.host.count_with(page.cgroup(), Vmstat::pgactivate);
}

void look_around(Kernel& k, PageId id, ProcessIndex index, uint64_t vpn, bool in_walk) {
  const Page centre = k.host.pages[id];
  host::Lruvec& lruvec = k.host.lruvec_of(centre);
  const Process& process = k.host.processes[index];
  const Window window = window_around(process, vpn);
  const bool can_swap = host::gen_type(centre) == host::kGenAnon;
  int64_t young = 1;
  for (uint64_t at = window.first; at < window.last; ++at) {
    const Pte pte = process.space.get(at);
    if (!pte.is_present() || pte.page() == id) continue;
    Page& page = k.host.pages[pte.page()];
    if (page.node() != centre.node() || page.cgroup() != centre.cgroup() ||
        (host::gen_type(page) == host::kGenAnon && !can_swap))
      continue;
    if (clear_young(k, page) == 0) continue;
    ++young;
    if (in_walk)
      lru_gen_update_gen(lruvec, page, host::gen_of_seq(lruvec.gens->max_seq));
    else
      promote_now(k, pte.page());
  }
  const auto total = static_cast<int64_t>(window.last - window.first);
  k.sched.cpu(k.costs.walk_pte * total + k.costs.promote_page * young);
  if (total > 1 && young * 8 >= total) lruvec.gens->filters[lruvec.gens->max_seq % 2].add(page_table_key(index, vpn));
}

}  // namespace

int lru_gen_look_around(Kernel& k, PageId id, bool in_walk) {
  Page& page = k.host.pages[id];
  const int young = clear_young(k, page);
  if (young == 0) return 0;
  // The accessed bit is the page's. The first guest process that maps the page stands for all mappings.
  ProcessIndex process = host::kNoProcess;
  uint64_t vpn = 0;
  for_each_mapper(k.host, page, [&](ProcessIndex index, uint64_t where) {
    if (process != host::kNoProcess || !k.host.processes[index].guest) return;
    process = index;
    vpn = where;
  });
  if (process != host::kNoProcess) look_around(k, id, process, vpn, in_walk);
  return young;
}

}  // namespace oomcast::mm
