// The LRU of cgroups: visits the cgroups of a node in turn. Three generations of eight bins; kernel-spec section 5.6.
//
// Mirrors shrink_many(), shrink_one() and lru_gen_rotate_memcg() in mm/vmscan.c of Linux 6.12.
#include <algorithm>

#include "model/mm/deferred_split.h"
#include "model/mm/lru_gen.h"
#include "model/mm/memcg.h"
#include "model/mm/shrinker.h"
#include "model/mm/workingset.h"
#include "model/mm/zswap.h"

namespace oomcast::mm {

using host::kMemcgBins;
using host::kMemcgGenerations;
using host::LruGen;
using host::MemcgLru;
using host::Node;

namespace {

enum class Rotate : uint8_t { kNo, kTail, kYoung };

size_t draw_bin(Kernel& k, const Node& node) { return node.lruvecs.size() > 1 ? k.random.below(kMemcgBins) : 0; }

// lru_gen_rotate_memcg()
void rotate_memcg(Kernel& k, host::NodeIndex node_index, host::CgroupIndex cgroup, Rotate to) {
  if (to == Rotate::kNo) return;
  Node& node = k.host.nodes[node_index];
  MemcgLru& lru = node.memcg_lru;
  LruGen& gens = *node.lruvec(cgroup).gens;
  const auto old_gen = static_cast<size_t>(gens.memcg_gen);
  const size_t new_gen = to == Rotate::kYoung ? (lru.seq + 1) % kMemcgGenerations : old_gen, bin = draw_bin(k, node);
  std::erase(lru.fifo[old_gen][static_cast<size_t>(gens.memcg_bin)], cgroup);
  lru.fifo[new_gen][bin].push_back(cgroup);
  gens.memcg_gen = static_cast<int>(new_gen);
  gens.memcg_bin = static_cast<int>(bin);
  gens.memcg_tail = to == Rotate::kTail;
  --lru.nr_memcgs[old_gen];
  ++lru.nr_memcgs[new_gen];
  if (lru.nr_memcgs[old_gen] == 0 && old_gen == lru.seq % kMemcgGenerations) ++lru.seq;
}

// shrink_one()
Rotate shrink_one(Kernel& k, host::NodeIndex node_index, host::CgroupIndex cgroup, ScanControl& sc) {
  const LruGen& gens = generations_of(k, node_index, cgroup);
  if (below_min(k.host, cgroup, host::kRootCgroup)) return Rotate::kYoung;
  if (below_low(k.host, cgroup, host::kRootCgroup)) {
    if (!gens.memcg_tail) return Rotate::kTail;
    note_event(k.host, cgroup, &host::CgroupEvents::low);
  }
  const bool aged = try_to_shrink_lruvec(k, node_index, cgroup, sc);
  if (cgroup == host::kRootCgroup) sc.nr_reclaimed += shrink_slab(k, node_index, sc.priority);
  sc.nr_reclaimed += shrink_shadow_nodes(k, node_index, cgroup, sc.priority);
  zswap_shrink(k, node_index, cgroup, sc.priority);
  shrink_deferred_splits(k, node_index, cgroup, sc.priority);  // frees no slab, so it counts as no progress
  if (aged) return Rotate::kYoung;
  if (lruvec_is_sizable(k, node_index, cgroup, sc)) return Rotate::kNo;
  return gens.memcg_tail ? Rotate::kYoung : Rotate::kTail;
}

// Visits one bin of one generation. The list may change meanwhile, by other reclaimers and by the visits themselves.
// False: enough was reclaimed.
bool shrink_bin(Kernel& k, host::NodeIndex node_index, std::vector<host::CgroupIndex>& groups, int64_t& visits,
                ScanControl& sc) {
  for (size_t i = 0; i < groups.size() && visits > 0; --visits) {
    const host::CgroupIndex cgroup = groups[i];
    const Rotate to = shrink_one(k, node_index, cgroup, sc);
    const auto still_here = std::find(groups.begin(), groups.end(), cgroup);
    const bool here = still_here != groups.end();
    i = here ? static_cast<size_t>(still_here - groups.begin()) + 1 : std::min(i, groups.size());
    if (here && to != Rotate::kNo) {
      rotate_memcg(k, node_index, cgroup, to);
      --i;
    }
    if (should_abort_scan(k, node_index, sc)) return false;
  }
  return visits > 0;
}

}  // namespace

void make_memcg_young(Kernel& k, host::NodeIndex node, host::CgroupIndex cgroup) {
  rotate_memcg(k, node, cgroup, Rotate::kYoung);
}

void shrink_many(Kernel& k, host::NodeIndex node_index, ScanControl& sc) {
  Node& node = k.host.nodes[node_index];
  const size_t gen = node.memcg_lru.seq % kMemcgGenerations, first_bin = draw_bin(k, node);
  // Each cgroup comes round twice at most; more is due to other reclaimers.
  int64_t visits = 3 * static_cast<int64_t>(node.lruvecs.size());
  for (size_t i = 0; i < kMemcgBins; ++i) {
    if (!shrink_bin(k, node_index, node.memcg_lru.fifo[gen][(first_bin + i) % kMemcgBins], visits, sc)) return;
  }
}

}  // namespace oomcast::mm
