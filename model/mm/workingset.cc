// Did a page come back so soon that it should never have gone? See workingset.h; kernel-spec section 4.12.
#include "model/mm/workingset.h"

#include "model/mm/page_alloc.h"

namespace oomcast::mm {

using host::LruKindIndex;
using host::Lruvec;
using host::Page;
using host::Vmstat;

host::Shadow workingset_eviction(Kernel& k, const Page& page) {
  Lruvec& lruvec = k.host.nodes[page.node].lruvec;
  const host::Shadow shadow{lruvec.nonresident_age, page.node, page.has(host::kPageWorkingset)};
  ++lruvec.nonresident_age;
  return shadow;
}

void workingset_refault(Kernel& k, host::PageId id, const host::Shadow& shadow) {
  if (shadow.age < 0) return;
  Page& page = k.host.pages[id];
  const bool file = page.has(host::kPageFile);
  const Lruvec& evicting = k.host.nodes[shadow.node].lruvec;
  k.host.count(file ? Vmstat::workingset_refault_file : Vmstat::workingset_refault_anon);
  const auto size = [&](LruKindIndex list) { return evicting.list(list).size(); };
  int64_t workingset = size(LruKindIndex::kActiveFile);
  if (!file) workingset += size(LruKindIndex::kInactiveFile);
  if (can_reclaim_anon(k)) {
    workingset += size(LruKindIndex::kActiveAnon);
    if (file) workingset += size(LruKindIndex::kInactiveAnon);
  }
  if (evicting.nonresident_age - shadow.age > workingset) return;
  Lruvec& lruvec = k.host.nodes[page.node].lruvec;
  page.set(host::kPageActive);
  ++lruvec.nonresident_age;
  k.host.count(file ? Vmstat::workingset_activate_file : Vmstat::workingset_activate_anon);
  ++lruvec.workingset_activate[file ? 1 : 0];
  if (!shadow.workingset) return;
  page.set(host::kPageWorkingset);
  k.host.count(file ? Vmstat::workingset_restore_file : Vmstat::workingset_restore_anon);
  lru_note_cost(lruvec, file, 1);
}

void lru_note_cost(Lruvec& lruvec, bool file, int64_t pages) {
  (file ? lruvec.file_cost : lruvec.anon_cost) += pages;
  int64_t size = 0;
  for (int i = 0; i < host::kEvictableLists; ++i) size += lruvec.lists[static_cast<size_t>(i)].size();
  if (lruvec.file_cost + lruvec.anon_cost > size / 4) {
    lruvec.file_cost /= 2;
    lruvec.anon_cost /= 2;
  }
}

}  // namespace oomcast::mm
