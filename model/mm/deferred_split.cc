// Deferred splitting of partly unmapped huge pages. See deferred_split.h; kernel-spec section 10.4.
#include "model/mm/deferred_split.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "model/mm/huge_memory.h"
#include "model/mm/lru.h"
#include "model/mm/shrinker.h"

namespace oomcast::mm {

using host::kHugePages;
using host::Page;
using host::PageId;
using host::PartlyMapped;
using host::PartlyMappedKey;
using host::PartlyMappedPages;
using host::ProcessIndex;
using host::Vmstat;

namespace {

PartlyMappedKey key_of(ProcessIndex process, uint64_t vpn) { return {process, huge_start(vpn)}; }

PartlyMappedPages::iterator find(Kernel& k, const Page& page) {
  if (k.host.partly_mapped.empty() || !page.anon() || page.background || page.has(host::kPageSwapCache))
    return k.host.partly_mapped.end();
  return k.host.partly_mapped.find(key_of(page.owner, page.vpn));
}

bool is_mapped_part(const PartlyMapped& huge, const Page& page) {
  return page.mapcount > 0 && huge.mapped[page.vpn % kHugePages];
}

bool is_held(const PartlyMapped& huge, const Page& page, PageId id) {
  return page.mapcount == 0 && std::find(huge.held.begin(), huge.held.end(), id) != huge.held.end();
}

// Frees a page whose block has other pages in use: the block does not become whole.
void release_piece(Kernel& k, PageId id, host::CpuIndex cpu) {
  ++k.host.zone_of(k.host.pages[id]).pcp[cpu].pieces;
  release_page(k, id, cpu);
}

// Frees the unmapped pages that are on an LRU list. Reclaim has isolated the others and frees them itself. Erases the
// huge page when no unmapped page is left.
void free_held(Kernel& k, PartlyMappedPages::iterator at) {
  PartlyMapped& huge = at->second;
  const auto release = huge.mapped.any() ? release_piece : release_page;
  huge.mapped.reset();
  const host::CpuIndex cpu = k.sched.current().cpu;
  std::erase_if(huge.held, [&](PageId id) {
    const Page& page = k.host.pages[id];
    if (page.list == host::LruKindIndex::kNone && !page.has(host::kPageInBatch)) return false;
    release(k, id, cpu);
    return true;
  });
  if (huge.held.empty()) k.host.partly_mapped.erase(at);
}

void split(Kernel& k, PartlyMappedPages::iterator at) {
  if (at->second.mapped.none()) return;  // split already; reclaim has isolated its last unmapped pages
  k.host.count(Vmstat::thp_split_page);
  free_held(k, at);
}

// Huge pages of the group that are not split yet.
int64_t queue_length(const Kernel& k, host::CgroupIndex cgroup) {
  return std::count_if(k.host.partly_mapped.begin(), k.host.partly_mapped.end(), [cgroup](const auto& entry) {
    return entry.second.cgroup == cgroup && entry.second.mapped.any();
  });
}

// list_empty() of the queue. Huge pages taken by another shrinker are on a list of that shrinker.
bool queue_empty(const Kernel& k, host::CgroupIndex cgroup) {
  return std::none_of(k.host.partly_mapped.begin(), k.host.partly_mapped.end(), [cgroup](const auto& entry) {
    return entry.second.cgroup == cgroup && entry.second.mapped.any() && !entry.second.taken;
  });
}

// Takes the oldest huge pages off the group's queue, so that no other shrinker finds them.
std::vector<std::pair<uint64_t, PartlyMappedKey>> take(Kernel& k, host::CgroupIndex cgroup, int64_t nr_to_scan) {
  std::vector<std::pair<uint64_t, PartlyMappedKey>> queue;
  for (const auto& [key, huge] : k.host.partly_mapped) {
    if (huge.cgroup == cgroup && huge.mapped.any() && !huge.taken) queue.emplace_back(huge.number, key);
  }
  std::sort(queue.begin(), queue.end());
  if (static_cast<int64_t>(queue.size()) > nr_to_scan) queue.resize(static_cast<size_t>(nr_to_scan));
  for (const auto& [number, key] : queue) k.host.partly_mapped.at(key).taken = true;
  return queue;
}

// deferred_split_scan(). Other tasks run while this one splits, so a huge page may be gone by its turn.
std::optional<int64_t> scan_queue(Kernel& k, host::CgroupIndex cgroup, int64_t nr_to_scan) {
  int64_t done = 0;
  for (const auto& [number, key] : take(k, cgroup, nr_to_scan)) {
    k.sched.cpu(k.costs.zap_page * kHugePages);  // 512 entries are taken out and put back
    k.sched.point();
    const auto at = k.host.partly_mapped.find(key);
    if (at == k.host.partly_mapped.end() || at->second.number != number || at->second.mapped.none()) continue;
    split(k, at);
    ++done;
  }
  if (done == 0 && queue_empty(k, cgroup)) return std::nullopt;
  return done;
}

}  // namespace

void deferred_split_huge_page(Kernel& k, ProcessIndex process, uint64_t first_vpn, host::CgroupIndex cgroup) {
  split_partly_mapped(k, process, first_vpn, first_vpn + kHugePages);
  k.host.count(Vmstat::thp_deferred_split_page);
  PartlyMapped& huge = k.host.partly_mapped[key_of(process, first_vpn)];
  huge.number = ++k.host.partly_mapped_numbers;
  huge.cgroup = cgroup;
  huge.mapped.set();
}

bool hold_unmapped_page(Kernel& k, ProcessIndex process, uint64_t vpn, PageId id) {
  if (k.host.partly_mapped.empty()) return false;
  const auto at = k.host.partly_mapped.find(key_of(process, vpn));
  if (at == k.host.partly_mapped.end() || !at->second.mapped[vpn % kHugePages]) return false;
  PartlyMapped& huge = at->second;
  Page& page = k.host.pages[id];
  page.set_owner(process);  // the old address, by which its huge page is found
  page.set_vpn(vpn);
  page.clear(host::kPageYoung | host::kPageReferenced);
  page.stack_id = 0;
  huge.held.push_back(id);
  huge.mapped.reset(vpn % kHugePages);
  if (huge.mapped.none()) free_held(k, at);
  return true;
}

bool split_for_reclaim(Kernel& k, PageId id) {
  const Page& page = k.host.pages[id];
  const auto at = find(k, page);
  if (at == k.host.partly_mapped.end()) return false;
  const bool held = is_held(at->second, page, id);
  if (!held && !is_mapped_part(at->second, page)) return false;
  if (held) std::erase(at->second.held, id);
  const bool last = at->second.held.empty() && at->second.mapped.none();
  if (last)
    k.host.partly_mapped.erase(at);
  else
    split(k, at);
  return held;
}

void split_partly_mapped(Kernel& k, ProcessIndex process, uint64_t first_vpn, uint64_t last_vpn) {
  if (k.host.partly_mapped.empty()) return;
  auto at = k.host.partly_mapped.lower_bound(key_of(process, first_vpn));
  while (at != k.host.partly_mapped.end() && at->first.first == process && at->first.second < last_vpn) {
    const auto next = std::next(at);
    split(k, at);
    at = next;
  }
}

int64_t shrink_deferred_splits(Kernel& k, host::NodeIndex node, host::CgroupIndex cgroup, int priority) {
  if (k.host.partly_mapped.empty()) return 0;
  return do_shrink_slab(k, {.objects = queue_length(k, cgroup)}, priority,
                        k.host.nodes[node].lruvec(cgroup).splits_deferred,
                        [&](int64_t nr_to_scan) { return scan_queue(k, cgroup, nr_to_scan); });
}

}  // namespace oomcast::mm
