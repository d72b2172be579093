// Makes the host's lists agree with its processes. See neighbours.h.
#include "model/spec/neighbours.h"

#include <algorithm>

#include "model/spec/proportion.h"

namespace oomcast::host {
namespace {

// What the kernel is assumed to need on a node without counters, in percent; read_json.cc assumes the same.
constexpr int64_t kKernelPercent = 3;

struct Place {
  size_t node, zone;
  Pages pages;
};

template <class Visit>
void for_each_zone(const HostSpec& spec, Visit visit) {
  for (size_t n = 0; n < spec.nodes.size(); ++n) {
    for (size_t z = 0; z < spec.nodes[n].zones.size(); ++z) visit(n, z, spec.nodes[n].zones[z]);
  }
}

Pages sum_of(const std::vector<Place>& places) {
  Pages sum;
  for (const Place& place : places) sum += place.pages;
  return sum;
}

// Divides `wanted` over the places in proportion to their pages; all their pages if they have less.
std::vector<Place> parts_of(const std::vector<Place>& places, Pages wanted) {
  std::vector<int64_t> rooms;
  for (const Place& place : places) rooms.push_back(place.pages.count());
  const std::vector<int64_t> pages = shares(wanted.count(), rooms);
  std::vector<Place> parts = places;
  for (size_t i = 0; i < parts.size(); ++i) parts[i].pages = Pages(pages[i]);
  return parts;
}

// Pages that are neither free nor on a list, less what the kernel needs for itself.
std::vector<Place> unaccounted(const HostSpec& spec) {
  std::vector<Place> places;
  for (size_t n = 0; n < spec.nodes.size(); ++n) {
    const NodeSpec& node = spec.nodes[n];
    std::vector<Place> of_node;
    for (size_t z = 0; z < node.zones.size(); ++z)
      of_node.push_back({n, z, std::max(Pages(0), node.zones[z].pinned())});
    const Pages own = node.slab_reclaimable + node.slab_unreclaimable + node.page_tables +
                      Pages(node.kernel_stack_kb / 4) + node.managed() * kKernelPercent / 100;
    for (const Place& place : parts_of(of_node, std::max(Pages(0), sum_of(of_node) - own))) places.push_back(place);
  }
  return places;
}

// Free pages; with `spare` only those above the high mark and the reserve for lower zones.
std::vector<Place> free_memory(const HostSpec& spec, bool spare) {
  std::vector<Place> places;
  for_each_zone(spec, [&](size_t n, size_t z, const ZoneSpec& zone) {
    const Pages kept = zone.watermarks.high + zone.boost + zone.lowmem_reserve[static_cast<size_t>(ZoneKind::kMovable)];
    places.push_back({n, z, spare ? std::max(Pages(0), zone.free - kept) : zone.free});
  });
  return places;
}

// Takes pages from the largest blocks and splits them, as the buddy allocator does.
void take_free(ZoneSpec& zone, Pages pages) {
  zone.free -= pages;
  int64_t left = pages.count();
  for (size_t order = zone.free_blocks.size(); order-- > 0;) {
    const int64_t whole = std::min(zone.free_blocks[order], left >> order);
    zone.free_blocks[order] -= whole;
    left -= whole << order;
    if (order == 0 || left == 0 || zone.free_blocks[order] == 0) continue;
    --zone.free_blocks[order];
    zone.free_blocks[order - 1] += 2;
  }
  zone.free_unmovable = std::min(zone.free_unmovable, zone.free);
  zone.free_reclaimable = std::min(zone.free_reclaimable, zone.free - std::max(Pages(0), zone.free_unmovable));
  zone.highatomic_free = std::min(zone.highatomic_free, zone.free);
  zone.free_cma = std::min(zone.free_cma, zone.free);
}

void put_on_list(HostSpec& spec, const std::vector<Place>& places, Pages LruSizes::*list, Pages NodeSpec::*counter,
                 bool from_free) {
  for (const Place& place : places) {
    NodeSpec& node = spec.nodes[place.node];
    ZoneSpec& zone = node.zones[place.zone];
    if (from_free) take_free(zone, place.pages);
    zone.lru.*list += place.pages;
    node.lru.*list += place.pages;
    node.*counter += place.pages;
  }
}

// Puts the pages on the list and notes it as assumed. False if the host has no room for all of them.
bool put_on_lists(HostSpec& spec, Pages pages, Pages LruSizes::*list, Pages NodeSpec::*counter, const char* what) {
  if (pages <= Pages(0)) return true;
  Pages left = pages;
  const auto take = [&](const std::vector<Place>& places, bool from_free) {
    const std::vector<Place> parts = parts_of(places, left);
    put_on_list(spec, parts, list, counter, from_free);
    left -= sum_of(parts);
  };
  take(unaccounted(spec), false);
  const Pages of_free = left;
  take(free_memory(spec, true), true);
  take(free_memory(spec, false), true);
  if (left > Pages(0)) return false;
  std::string note =
      "nodes[].lru_pages: " + std::to_string(pages.count()) + " pages more of " + what + " (processes hold them";
  if (of_free > Pages(0)) note += "; " + std::to_string(of_free.count()) + " of them taken from free memory";
  spec.assumed.push_back(note + ")");
  return true;
}

Pages listed_anon(const HostSpec& spec) {
  Pages sum;
  for_each_zone(spec, [&](size_t, size_t, const ZoneSpec& zone) {
    sum += zone.lru.inactive_anon + zone.lru.active_anon + zone.lru.unevictable;
  });
  return sum;
}

// Page cache. The unevictable list is included: it holds ramfs files (a root in memory) and locked ones.
Pages listed_file(const HostSpec& spec) {
  Pages sum;
  for_each_zone(spec, [&](size_t, size_t, const ZoneSpec& zone) {
    sum += zone.lru.inactive_file + zone.lru.active_file + zone.lru.unevictable;
  });
  return sum;
}

Pages free_pages(const HostSpec& spec) { return sum_of(free_memory(spec, false)); }

// The process for which `pages` is largest: probably the one that was added.
template <class PagesOf>
size_t largest(const HostSpec& spec, PagesOf pages) {
  size_t found = 0;
  for (size_t i = 1; i < spec.processes.size(); ++i) {
    if (pages(spec.processes[i]) > pages(spec.processes[found])) found = i;
  }
  return found;
}

Contradiction too_large(const HostSpec& spec, Pages more, const char* field, size_t process) {
  return {"processes[" + std::to_string(process) + "]." + field,
          "the processes hold " + std::to_string(more.count()) + " pages beyond those on the lists, but only " +
              std::to_string(free_pages(spec).count()) + " are free; give more memory or smaller processes"};
}

// Marks swap as used, devices of the highest priority first, if processes have swap entries and no device says used.
std::optional<Contradiction> hold_swap(HostSpec& spec) {
  Pages wanted, used;
  for (const ProcessSpec& process : spec.processes) wanted += process.swap_entries;
  for (const SwapSpec& swap : spec.swaps) used += to_pages(swap.used);
  if (wanted == Pages(0) || used > Pages(0)) return std::nullopt;
  if (wanted > spec.total_swap()) {
    const size_t process = largest(spec, [](const ProcessSpec& each) { return each.swap_entries; });
    return Contradiction{"processes[" + std::to_string(process) + "].swap_pages",
                         "the processes have " + std::to_string(wanted.count()) +
                             " pages in swap, but the swap devices hold " + std::to_string(spec.total_swap().count()) +
                             "; give larger ones in swap"};
  }
  std::vector<SwapSpec*> by_priority;
  for (SwapSpec& swap : spec.swaps) by_priority.push_back(&swap);
  std::stable_sort(by_priority.begin(), by_priority.end(), [](auto* a, auto* b) { return a->priority > b->priority; });
  Pages left = wanted;
  for (SwapSpec* swap : by_priority) {
    const Pages here = std::min(left, to_pages(swap->size));
    swap->used = to_bytes(here);
    left -= here;
  }
  spec.assumed.push_back("swap[].used: " + std::to_string(wanted.count()) + " pages (what processes have in swap)");
  return std::nullopt;
}

}  // namespace

Pages anon_beyond_lists(const HostSpec& spec) {
  Pages anon, shmem, mapped_shmem;
  for (const ProcessSpec& process : spec.processes) {
    anon += process.rss_anon;
    mapped_shmem = std::max(mapped_shmem, process.rss_shmem);
  }
  for (const NodeSpec& node : spec.nodes) shmem += node.shmem;
  const Pages held = std::max(Pages(0), anon - spec.shared_anon) + std::max(shmem, mapped_shmem);
  return std::max(Pages(0), held - listed_anon(spec));
}

std::optional<Contradiction> hold_process_memory(HostSpec& spec) {
  const Pages anon = anon_beyond_lists(spec);
  if (!put_on_lists(spec, anon, &LruSizes::inactive_anon, &NodeSpec::anon_pages, "anonymous memory")) {
    return too_large(spec, anon, "rss_anon_pages",
                     largest(spec, [](const ProcessSpec& each) { return each.rss_anon + each.rss_shmem; }));
  }
  if (!spec.processes.empty()) {
    // Files are shared: the page cache needs to hold no more than the largest RssFile of one process.
    const size_t process = largest(spec, [](const ProcessSpec& each) { return each.rss_file; });
    const Pages file = std::max(Pages(0), spec.processes[process].rss_file - listed_file(spec));
    if (!put_on_lists(spec, file, &LruSizes::inactive_file, &NodeSpec::file_pages, "page cache")) {
      return too_large(spec, file, "rss_file_pages", process);
    }
  }
  return hold_swap(spec);
}

}  // namespace oomcast::host
