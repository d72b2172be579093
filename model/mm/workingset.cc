// Workingset detection. See workingset.h; kernel-spec section 4.12.
#include "model/mm/workingset.h"

#include <algorithm>
#include <utility>

#include "model/mm/cache_slab.h"
#include "model/mm/lru_gen.h"
#include "model/mm/page_alloc.h"
#include "model/mm/shrinker.h"

namespace oomcast::mm {

using host::LruKindIndex;
using host::Lruvec;
using host::Page;
using host::Vmstat;

namespace {

constexpr int kRefsBits = 2;  // LRU_REFS_WIDTH

void note_cost(Lruvec& lruvec, bool file, int64_t pages, int64_t size) {
  (file ? lruvec.file_cost : lruvec.anon_cost) += pages;
  if (lruvec.file_cost + lruvec.anon_cost > size / 4) {
    lruvec.file_cost /= 2;
    lruvec.anon_cost /= 2;
  }
}

host::Lruvec& lruvec_of(Kernel& k, const host::TreeNode& node) { return k.host.nodes[node.node].lruvecs[node.cgroup]; }

bool stale(Kernel& k, const host::ShadowNode& entry) {
  const host::TreeNode* const node = k.host.files[entry.file].tree_node(entry.index);
  return node == nullptr || node->listed != entry.number;
}

// count_shadow_nodes(): the tree nodes that may be freed.
int64_t spare_shadow_nodes(Kernel& k, host::NodeIndex node_index, host::CgroupIndex cgroup) {
  const host::Node& node = k.host.nodes[node_index];
  int64_t pages = cgroup == host::kRootCgroup ? node.slab_reclaimable : k.host.cgroups[cgroup].slab;
  for (int i = 0; i < host::kLists; ++i) pages += node.lruvecs[cgroup].size(static_cast<LruKindIndex>(i));
  return std::max<int64_t>(0, node.lruvecs[cgroup].shadow_nodes - (pages >> 3));
}

// scan_shadow_nodes()
int64_t free_shadow_nodes(Kernel& k, host::Lruvec& lruvec, host::CgroupIndex cgroup, int64_t count) {
  int64_t freed = 0;
  while (count > 0 && !lruvec.shadow_list.empty()) {
    const host::ShadowNode entry = lruvec.shadow_list.front();
    lruvec.shadow_list.pop_front();
    if (stale(k, entry)) continue;
    const host::TreeNode node = *k.host.files[entry.file].tree_node(entry.index);
    forget_shadow_node(k, node);
    k.host.files[entry.file].drop_node(entry.index);
    freed += drop_tree_node(k, node);
    k.host.count_with(cgroup, Vmstat::workingset_nodereclaim);
    --count;
  }
  return freed;
}

}  // namespace

void update_shadow_node(Kernel& k, host::FileIndex file_index, uint64_t index) {
  host::File& file = k.host.files[file_index];
  host::TreeNode* const node = file.tree_node(index);
  if (node == nullptr || file.only_shadows(index) == (node->listed != 0)) return;
  if (node->listed != 0) {
    forget_shadow_node(k, *node);
    node->listed = 0;
    return;
  }
  host::Lruvec& lruvec = lruvec_of(k, *node);
  node->listed = ++k.host.shadow_numbers;
  ++lruvec.shadow_nodes;
  k.host.count(Vmstat::workingset_nodes);
  // A node that leaves the list keeps a stale entry there: these are removed now and then.
  if (static_cast<int64_t>(lruvec.shadow_list.size()) > 2 * lruvec.shadow_nodes + 64)
    std::erase_if(lruvec.shadow_list, [&k](const host::ShadowNode& entry) { return stale(k, entry); });
  lruvec.shadow_list.push_back({file_index, index, node->listed});
}

void forget_shadow_node(Kernel& k, const host::TreeNode& node) {
  if (node.listed == 0) return;
  --lruvec_of(k, node).shadow_nodes;
  k.host.count(Vmstat::workingset_nodes, -1);
}

int64_t shrink_shadow_nodes(Kernel& k, host::NodeIndex node_index, host::CgroupIndex cgroup, int priority) {
  host::Lruvec& lruvec = k.host.nodes[node_index].lruvecs[cgroup];
  return do_shrink_slab(k, {.objects = spare_shadow_nodes(k, node_index, cgroup), .seeks = 0}, priority,
                        lruvec.shadow_nodes_deferred,
                        [&](int64_t nr_to_scan) { return free_shadow_nodes(k, lruvec, cgroup, nr_to_scan); });
}

void age_nonresident(host::Host& host, host::NodeIndex node, host::CgroupIndex cgroup) {
  for (host::CgroupIndex g = cgroup;; g = host.cgroups[g].parent) {
    ++host.nodes[node].lruvec(g).nonresident_age;
    if (g == host::kRootCgroup) return;
  }
}

namespace {

// lru_gen_eviction(): the shadow keeps the generation and the references. It belongs to the page's own group, whichever
// group reclaims.
host::Shadow lru_gen_eviction(Kernel& k, const Page& page) {
  host::LruGen& gens = *k.host.lruvec_of(page).gens;
  const size_t type = host::gen_type(page);
  const int64_t refs = lru_gen_refs(page);
  ++gens.evicted[type][lru_gen_tier(refs)];
  host::Shadow shadow;
  shadow.age =
      static_cast<int64_t>(gens.min_seq[type] << kRefsBits | static_cast<uint64_t>(std::max<int64_t>(refs - 1, 0))) &
      host::kShadowAgeMax;
  shadow.set_place(page.node(), page.cgroup());
  shadow.workingset = refs > 0;
  return shadow;
}

// lru_gen_refault(): counts if the page is in the group and on the node of its eviction. If that generation is still
// the oldest, the PID controller counts the refault too.
void lru_gen_refault(Kernel& k, Page& page, const host::Shadow& shadow) {
  if (shadow.node_index() != page.node() || shadow.cgroup_index() != page.cgroup()) return;
  host::LruGen& gens = *k.host.lruvec_of(page).gens;
  const size_t type = host::gen_type(page);
  const bool file = type == host::kGenFile;
  k.host.count_with(page.cgroup(), file ? Vmstat::workingset_refault_file : Vmstat::workingset_refault_anon);
  if (static_cast<uint64_t>(shadow.age) >> kRefsBits != gens.min_seq[type]) return;
  const int64_t refs = (shadow.age & host::kRefsMax) + (shadow.workingset ? 1 : 0);
  ++gens.refaulted[type][lru_gen_tier(refs)];
  k.host.count_with(page.cgroup(), file ? Vmstat::workingset_activate_file : Vmstat::workingset_activate_anon);
  if (!k.sched.current().in_lru_fault && refs < host::kRefsMax) return;
  page.refs = host::kRefsMax;
  page.set(host::kPageWorkingset);
  k.host.count_with(page.cgroup(), file ? Vmstat::workingset_restore_file : Vmstat::workingset_restore_anon);
}

}  // namespace

host::Shadow workingset_eviction(Kernel& k, const Page& page, host::CgroupIndex target_cgroup) {
  if (lru_gen_enabled(k)) return lru_gen_eviction(k, page);
  if (!page.cache() && !k.follows(host::KernelRule::kAnonStartsInactive)) return {};
  const Lruvec& lruvec = k.host.nodes[page.node()].lruvec(target_cgroup);
  host::Shadow shadow;
  shadow.age = lruvec.nonresident_age & host::kShadowAgeMax;
  shadow.set_place(page.node(), target_cgroup);
  shadow.workingset = page.has(host::kPageWorkingset);
  age_nonresident(k.host, page.node(), target_cgroup);
  return shadow;
}

void workingset_refault(Kernel& k, host::PageId id, const host::Shadow& shadow) {
  if (shadow.age < 0) return;
  Page& page = k.host.pages[id];
  if (lru_gen_enabled(k)) return lru_gen_refault(k, page, shadow);
  const bool file = page.cache();
  const host::Node& evicted_from = k.host.nodes[shadow.node_index()];
  const Lruvec& evicting = evicted_from.lruvec(shadow.cgroup_index());
  k.host.count_with(page.cgroup(), file ? Vmstat::workingset_refault_file : Vmstat::workingset_refault_anon);
  const auto size = [&](LruKindIndex list) { return evicted_from.size(list, shadow.cgroup_index()); };
  int64_t workingset = size(LruKindIndex::kActiveFile);
  if (!file) workingset += size(LruKindIndex::kInactiveFile);
  const bool challenges_anon = k.follows(host::KernelRule::kRefaultCosts);
  if (challenges_anon && can_reclaim_anon(k, shadow.cgroup_index())) {
    workingset += size(LruKindIndex::kActiveAnon);
    if (file) workingset += size(LruKindIndex::kInactiveAnon);
  }
  if (evicting.nonresident_age - shadow.age > workingset) return;
  host::Node& node = k.host.nodes[page.node()];
  page.set(host::kPageActive);
  age_nonresident(k.host, page.node(), page.cgroup());
  k.host.count_with(page.cgroup(), file ? Vmstat::workingset_activate_file : Vmstat::workingset_activate_anon);
  for (host::CgroupIndex g = page.cgroup();; g = k.host.cgroups[g].parent) {
    ++node.lruvec(g).workingset_activate[file ? 1 : 0];
    if (g == host::kRootCgroup) break;
  }
  if (!shadow.workingset) return;
  page.set(host::kPageWorkingset);
  k.host.count_with(page.cgroup(), file ? Vmstat::workingset_restore_file : Vmstat::workingset_restore_anon);
  lru_note_cost(node, page.cgroup(), file, 1);
}

void lru_note_cost(host::Node& node, host::CgroupIndex cgroup, bool file, int64_t pages) {
  for (host::CgroupIndex g = cgroup;; g = node.lruvec(g).parent) {
    int64_t size = 0;
    for (int i = 0; i < host::kEvictableLists; ++i) size += node.size(static_cast<LruKindIndex>(i), g);
    note_cost(node.lruvec(g), file, pages, size);
    if (g == host::kRootCgroup) return;
  }
}

}  // namespace oomcast::mm
