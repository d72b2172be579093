// Did a page come back so soon that it should never have gone? See workingset.h; kernel-spec section 4.12.
#include "model/mm/workingset.h"

#include "model/mm/page_alloc.h"

namespace oomcast::mm {

using host::LruKindIndex;
using host::Lruvec;
using host::Page;
using host::Vmstat;

namespace {

void note_cost(Lruvec& lruvec, bool file, int64_t pages, int64_t size) {
  (file ? lruvec.file_cost : lruvec.anon_cost) += pages;
  if (lruvec.file_cost + lruvec.anon_cost > size / 4) {
    lruvec.file_cost /= 2;
    lruvec.anon_cost /= 2;
  }
}

}  // namespace

void age_nonresident(host::Host& host, uint8_t node, uint8_t cgroup) {
  for (uint8_t g = cgroup;; g = host.cgroups[g].parent) {
    ++host.nodes[node].lruvec(g).nonresident_age;
    if (g == host::kRootCgroup) return;
  }
}

host::Shadow workingset_eviction(Kernel& k, const Page& page, uint8_t target_cgroup) {
  const Lruvec& lruvec = k.host.nodes[page.node].lruvec(target_cgroup);
  const host::Shadow shadow{lruvec.nonresident_age, page.node, target_cgroup, page.has(host::kPageWorkingset)};
  age_nonresident(k.host, page.node, target_cgroup);
  return shadow;
}

void workingset_refault(Kernel& k, host::PageId id, const host::Shadow& shadow) {
  if (shadow.age < 0) return;
  Page& page = k.host.pages[id];
  const bool file = page.has(host::kPageFile);
  const host::Node& evicted_from = k.host.nodes[shadow.node];
  const Lruvec& evicting = evicted_from.lruvec(shadow.cgroup);
  k.host.count_with(page.cgroup, file ? Vmstat::workingset_refault_file : Vmstat::workingset_refault_anon);
  const auto size = [&](LruKindIndex list) { return evicted_from.size(list, shadow.cgroup); };
  int64_t workingset = size(LruKindIndex::kActiveFile);
  if (!file) workingset += size(LruKindIndex::kInactiveFile);
  if (can_reclaim_anon(k, shadow.cgroup)) {
    workingset += size(LruKindIndex::kActiveAnon);
    if (file) workingset += size(LruKindIndex::kInactiveAnon);
  }
  if (evicting.nonresident_age - shadow.age > workingset) return;
  host::Node& node = k.host.nodes[page.node];
  page.set(host::kPageActive);
  age_nonresident(k.host, page.node, page.cgroup);
  k.host.count_with(page.cgroup, file ? Vmstat::workingset_activate_file : Vmstat::workingset_activate_anon);
  for (uint8_t g = page.cgroup;; g = k.host.cgroups[g].parent) {
    ++node.lruvec(g).workingset_activate[file ? 1 : 0];
    if (g == host::kRootCgroup) break;
  }
  if (!shadow.workingset) return;
  page.set(host::kPageWorkingset);
  k.host.count_with(page.cgroup, file ? Vmstat::workingset_restore_file : Vmstat::workingset_restore_anon);
  lru_note_cost(node, page.cgroup, file, 1);
}

void lru_note_cost(host::Node& node, uint8_t cgroup, bool file, int64_t pages) {
  for (uint8_t g = cgroup;; g = node.lruvec(g).parent) {
    int64_t size = 0;
    for (int i = 0; i < host::kEvictableLists; ++i) size += node.size(static_cast<LruKindIndex>(i), g);
    note_cost(node.lruvec(g), file, pages, size);
    if (g == host::kRootCgroup) return;
  }
}

}  // namespace oomcast::mm
