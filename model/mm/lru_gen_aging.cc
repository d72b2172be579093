// Opens new generations after walks of the page tables, and drops empty old ones. See lru_gen.h; kernel-spec
// section 5.5.
#include <algorithm>
#include <bitset>
#include <utility>

#include "model/mm/lru_gen.h"
#include "model/mm/lru_gen_tiers.h"
#include "model/mm/memcg.h"
#include "model/mm/oom_killer.h"
#include "model/mm/page_alloc.h"
#include "model/mm/rmap.h"

namespace oomcast::mm {

using host::AddressSpace;
using host::kGenAnon;
using host::kGenerations;
using host::kGenerationsMin;
using host::kGenFile;
using host::kGenTypes;
using host::LruGen;
using host::Lruvec;
using host::Node;
using host::Page;
using host::Process;

namespace {

constexpr uint64_t kLeafPages = AddressSpace::kLeafPages, kPudPages = kLeafPages * 512;

/// struct lru_gen_mm_walk: one reclaimer's part in a round over the page tables of a cgroup, for one node. Several
/// reclaimers may share a round: each takes the next process. The one that finds no process left ends the round, even
/// if others are still walking.
class Walk {
 public:
  Walk(Kernel& k, host::NodeIndex node, host::CgroupIndex cgroup, uint64_t seq, bool can_swap)
      : k_(k),
        node_(node),
        cgroup_(cgroup),
        seq_(seq),
        can_swap_(can_swap),
        lruvec_(k.host.nodes[node].lruvec(cgroup)),
        gens_(*lruvec_.gens) {}

  /// True for the reclaimer that ends the round.
  bool run() {
    while (seq_ > gens_.walked_seq) {
      if (!next_process()) {
        ++gens_.walked_seq;
        gens_.next_process = 0;
        return true;
      }
      walk_mm();
    }
    return false;
  }

 private:
  // iterate_mm_list(). A process that is new since the last round is walked without the filter.
  bool next_process() {
    const bool first = gens_.next_process == 0;
    while (gens_.next_process < k_.host.processes.size()) {
      process_ = gens_.next_process++;
      Process& process = k_.host.processes[process_];
      if (!process.guest || !process.alive || process.cgroup != cgroup_) continue;
      whole_ = process_ >= gens_.processes_known;
      if (whole_) gens_.processes_known = process_ + 1;
      if (!take_ran_since_walk(process) && !whole_) continue;
      if (first) begin_round();
      return true;
    }
    if (first && gens_.reservoir_young) begin_round();
    return false;
  }

  // get_next_mm(): a process that was not switched to since the last walk is skipped. It has used nothing, or has
  // kept its CPU all the time.
  bool take_ran_since_walk(Process& process) const {
    const uint64_t bit = uint64_t{1} << (static_cast<unsigned>(node_.value()) % 64);
    return std::exchange(process.ran_since_walk, process.ran_since_walk & ~bit) & bit;
  }

  // reset_bloom_filter(). In a round that walks no process the filter stays as it was.
  void begin_round() {
    filter(seq_ + 1).reset();
    if (gens_.reservoir_young && can_swap_) walk_reservoirs();
  }

  host::BloomFilter& filter(uint64_t seq) { return gens_.filters[seq % gens_.filters.size()]; }

  // walk_mm(). Another reclaimer may open the next generation meanwhile; then the rest is not walked. That is checked
  // between gigabytes (PUD ranges) only. Pages of a table that is walked late go to the generation that is the youngest
  // by then.
  void walk_mm() {
    uint64_t next_vpn = 0;
    while (seq_ == gens_.max_seq && walk_pud_ranges(&next_vpn)) k_.sched.point();
  }

  // Walks page tables from `next_vpn` on. True: there is more to walk.
  bool walk_pud_ranges(uint64_t* next_vpn) {
    used_ = Nanoseconds(0);
    promoted_ = 0;
    while (true) {
      Process& process = k_.host.processes[process_];
      if (!process.alive) return false;
      const auto [first_vpn, leaf] = process.space.next_leaf(*next_vpn);
      if (!leaf) return false;
      const bool next_gigabyte = *next_vpn > 0 && first_vpn / kPudPages != (*next_vpn - 1) / kPudPages;
      if (next_gigabyte && (used_ >= kTick || promoted_ >= kMaxLruBatch)) return true;
      walk_leaf(process, first_vpn, *leaf);
      *next_vpn = first_vpn + kLeafPages;
      k_.sched.point();  // lets other CPUs run
    }
  }

  void walk_leaf(Process& process, uint64_t first_vpn, AddressSpace::Leaf& leaf) {
    const uint64_t item = page_table_key(process_, first_vpn);
    if (!leaf.huge && !whole_ && !filter(seq_).test(item)) return;
    if (walk_pte_range(process, first_vpn, leaf) && !leaf.huge) filter(seq_ + 1).add(item);
  }

  // walk_pte_range(). True if there is at least one young entry per cache line of entries (suitable_to_scan()).
  bool walk_pte_range(Process& process, uint64_t first_vpn, AddressSpace::Leaf& leaf) {
    const std::bitset<kLeafPages> to_walk = walkable(process, first_vpn);
    int64_t total = 0, young = 0;
    for (uint64_t i = 0; i < kLeafPages; ++i) {
      const host::Pte pte = leaf.ptes.get(i);
      if (!to_walk[i]) continue;
      ++total;
      if (!pte.is_present()) continue;
      Page& page = k_.host.pages[pte.page()];
      if (page.node() != node_ || page.cgroup() != cgroup_ || (host::gen_type(page) == kGenAnon && !can_swap_))
        continue;
      if (clear_young(k_, page) == 0) continue;
      ++young;
      const size_t youngest = host::gen_of_seq(gens_.max_seq);
      promoted_ += page.list < host::LruKindIndex::kUnevictable && static_cast<size_t>(page.list) != youngest ? 1 : 0;
      lru_gen_update_gen(lruvec_, page, youngest);
    }
    const Nanoseconds cost =
        k_.costs.walk_pte * (leaf.huge ? 1 : total) + k_.costs.promote_page * (leaf.huge ? 1 : young);
    used_ += cost;
    k_.sched.cpu(cost);
    return young * 8 >= total;
  }

  // should_skip_vma(): the pages of this table to look at. A process without known mappings is walked everywhere.
  std::bitset<kLeafPages> walkable(const Process& process, uint64_t first_vpn) const {
    std::bitset<kLeafPages> out;
    if (process.space.mappings.empty()) return out.set();
    const uint64_t end_vpn = first_vpn + kLeafPages;
    auto it = process.space.mappings.upper_bound(first_vpn << kPageShift);
    if (it != process.space.mappings.begin()) --it;
    for (; it != process.space.mappings.end() && it->first >> kPageShift < end_vpn; ++it) {
      const bool swappable = it->second.file == host::kNoFile || k_.host.files[it->second.file].in_memory();
      if (it->second.lock != host::LockMode::kNone) continue;
      if (swappable && !can_swap_) continue;
      const uint64_t from = std::max(it->first >> kPageShift, first_vpn),
                     to = std::min(it->second.end >> kPageShift, end_vpn);
      for (uint64_t vpn = from; vpn < to; ++vpn) out.set(vpn - first_vpn);
    }
    return out;
  }

  // Memory of processes from before the run has been used since boot. So the first walk finds all of it young, later
  // walks do not.
  void walk_reservoirs() {
    gens_.reservoir_young = false;
    const size_t youngest = host::gen_of_seq(gens_.max_seq);
    for (size_t gen = 0; gen < kGenerations; ++gen) {
      if (gen == youngest) continue;
      for (const host::ZoneKind zone : host::kZonesAscending) {
        host::ReservoirStack& from = gens_.lists[gen][kGenAnon][zone].reservoir;
        host::ReservoirStack& to = gens_.lists[youngest][kGenAnon][zone].reservoir;
        const int64_t before = from.size();
        from.move_to(to, [](const host::Reservoir& entry) { return entry.owner != host::kNoProcess; });
        gens_.nr_pages[gen][kGenAnon][zone] -= before - from.size();
        gens_.nr_pages[youngest][kGenAnon][zone] += before - from.size();
      }
    }
  }

  Kernel& k_;
  const host::NodeIndex node_;
  const host::CgroupIndex cgroup_;
  const uint64_t seq_;
  const bool can_swap_;
  Lruvec& lruvec_;
  LruGen& gens_;
  host::ProcessIndex process_ = 0;
  bool whole_ = false;
  Nanoseconds used_{0};  // in this call of walk_pud_ranges()
  int64_t promoted_ = 0;
};

// inc_min_seq(): moves the pages of the oldest generation to the tail of the next one, and drops the oldest.
void inc_min_seq(Kernel& k, Lruvec& lruvec, size_t type, bool can_swap) {
  LruGen& gens = *lruvec.gens;
  const size_t oldest = host::gen_of_seq(gens.min_seq[type]), next = (oldest + 1) % kGenerations;
  for (const host::ZoneKind zone : host::kZonesAscending) {
    if (type == kGenAnon && !can_swap) break;
    host::GenList& list = gens.lists[oldest][type][zone];
    int64_t moved = list.reservoir.size();
    gens.nr_pages[oldest][type][zone] -= moved;
    gens.nr_pages[next][type][zone] += moved;
    while (list.tail != host::kNoPage) {
      const host::PageId id = list.tail;
      gens.unlink(k.host.pages, id);
      gens.link_tail(k.host.pages, id, lru_gen_inc_gen(lruvec, k.host.pages[id]));
      ++moved;
    }
    list.reservoir.move_to(gens.lists[next][type][zone].reservoir, [](const host::Reservoir&) { return true; });
    k.sched.cpu(k.costs.sort_page * moved);
  }
  carry_over(gens, type);
  ++gens.min_seq[type];
}

void inc_max_seq(Kernel& k, Lruvec& lruvec, bool can_swap) {
  LruGen& gens = *lruvec.gens;
  for (const size_t type : {kGenFile, kGenAnon}) {
    if (gens.nr_gens(type) == kGenerations) inc_min_seq(k, lruvec, type, can_swap);
  }
  gens.born_ns[host::gen_of_seq(gens.max_seq + 1)] = k.sched.now().count();
  ++gens.max_seq;
}

bool oldest_is_empty(const LruGen& gens, uint64_t seq, size_t type) {
  const auto& lists = gens.lists[host::gen_of_seq(seq)][type];
  return std::all_of(lists.begin(), lists.end(), [](const host::GenList& list) { return list.empty(); });
}

// lruvec_is_reclaimable(): whether the oldest generation is older than min_ttl_ms.
bool old_enough(const Kernel& k, host::NodeIndex node_index, host::CgroupIndex cgroup, const ScanControl& sc) {
  if (below_min(k.host, cgroup, host::kRootCgroup) || !lruvec_is_sizable(k, node_index, cgroup, sc)) return false;
  const LruGen& gens = generations_of(k, node_index, cgroup);
  const int64_t born = gens.born_ns[host::gen_of_seq(gens.min_seq[kGenFile])];
  return born + k.host.spec.vm.lru_gen_min_ttl_ms * 1'000'000 < k.sched.now().count();
}

}  // namespace

bool try_to_inc_max_seq(Kernel& k, host::NodeIndex node_index, host::CgroupIndex cgroup, uint64_t seq, bool can_swap,
                        ScanControl& sc) {
  Lruvec& lruvec = k.host.nodes[node_index].lruvec(cgroup);
  LruGen& gens = *lruvec.gens;
  if (seq <= gens.walked_seq) return false;
  if (k.host.spec.lru_gen_mm_walk) {
    sc.mm_walk = true;
    if (!Walk(k, node_index, cgroup, seq, can_swap).run()) return false;
  } else {
    ++gens.walked_seq;
  }
  inc_max_seq(k, lruvec, can_swap);
  return true;
}

bool try_to_inc_min_seq(LruGen& gens, bool can_swap) {
  std::array<uint64_t, kGenTypes> min_seq = gens.min_seq;
  const size_t first = can_swap ? kGenAnon : kGenFile;
  for (size_t type = first; type < kGenTypes; ++type) {
    while (min_seq[type] + kGenerationsMin <= gens.max_seq && oldest_is_empty(gens, min_seq[type], type))
      ++min_seq[type];
  }
  if (can_swap) {
    min_seq[kGenAnon] = std::min(min_seq[kGenAnon], min_seq[kGenFile]);
    min_seq[kGenFile] = std::max(min_seq[kGenAnon], gens.min_seq[kGenFile]);
  }
  bool success = false;
  for (size_t type = first; type < kGenTypes; ++type) {
    if (min_seq[type] == gens.min_seq[type]) continue;
    carry_over(gens, type);
    gens.min_seq[type] = min_seq[type];
    success = true;
  }
  return success;
}

int64_t lru_gen_swappiness(const Kernel& k, host::CgroupIndex cgroup, const ScanControl& sc) {
  if (!sc.may_swap) return 0;
  int64_t slots = k.host.free_swap();
  for (host::CgroupIndex g = cgroup; g != host::kRootCgroup; g = k.host.cgroups[g].parent)
    slots = std::min(slots, k.host.cgroups[g].swap_max - k.host.cgroups[g].swap_usage);
  return slots < kMinLruBatch ? 0 : swappiness_of(k.host, cgroup);
}

bool lruvec_is_sizable(const Kernel& k, host::NodeIndex node_index, host::CgroupIndex cgroup, const ScanControl& sc) {
  const LruGen& gens = generations_of(k, node_index, cgroup);
  int64_t total = 0;
  for (size_t type = lru_gen_swappiness(k, cgroup, sc) > 0 ? kGenAnon : kGenFile; type < kGenTypes; ++type) {
    for (uint64_t seq = gens.min_seq[type]; seq <= gens.max_seq; ++seq)
      total += gens.size_of_generation(host::gen_of_seq(seq), type);
  }
  return total >> sc.priority > 0;
}

void set_initial_priority(const Kernel& k, const Node& node, ScanControl& sc) {
  if (sc.priority != kDefPriority || sc.nr_to_reclaim < kMinLruBatch) return;
  int64_t reclaimable = node.size(host::LruKindIndex::kInactiveFile);
  if (can_reclaim_anon(k)) reclaimable += node.size(host::LruKindIndex::kInactiveAnon);
  const auto fls = [](int64_t value) {
    return value <= 0 ? 0 : static_cast<int>(std::bit_width(static_cast<uint64_t>(value)));
  };
  sc.priority = std::clamp(fls(reclaimable) - 1 - fls(sc.nr_to_reclaim - 1), kDefPriority / 2, kDefPriority);
}

void lru_gen_age_node(Kernel& k, host::NodeIndex node_index, ScanControl& sc) {
  const Node& node = k.host.nodes[node_index];
  set_initial_priority(k, node, sc);
  bool reclaimable = k.host.spec.vm.lru_gen_min_ttl_ms == 0;
  for (const host::CgroupIndex group : node.lruvecs.indices()) {
    if (reclaimable) break;
    reclaimable = old_enough(k, node_index, group, sc);
  }
  if (reclaimable || k.oom_locked) return;
  k.oom_locked = true;
  out_of_memory(k, kGfpKernel, node_index, {.thrashing = true});
  k.oom_locked = false;
}

}  // namespace oomcast::mm
