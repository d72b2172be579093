// Frees the memory of killed processes. See free_victims.h.
#include "report/oomlog/free_victims.h"

#include <algorithm>
#include <vector>

#include "model/spec/proportion.h"
#include "report/oomlog/facts.h"

namespace oomcast::oomlog {
namespace {

using namespace oomcast::host;

/// Adds free pages as whole blocks, as an exit frees neighbours.
void add_free(ZoneSpec& zone, Pages pages) {
  zone.free += pages;
  int64_t rest = pages.count();
  for (size_t order = zone.free_blocks.size(); order-- > 0;) {
    zone.free_blocks[order] += rest >> order;
    rest -= (rest >> order) << order;
  }
}

/// Takes from the inactive list first.
void take_anon(LruSizes& lru, Pages pages) {
  const Pages inactive = std::min(pages, lru.inactive_anon);
  lru.inactive_anon -= inactive;
  lru.active_anon = std::max(Pages(0), lru.active_anon - (pages - inactive));
}

/// Frees anonymous pages of the lists, in each zone in proportion to its anonymous pages. Returns the pages freed.
Pages free_anon(HostSpec& spec, Pages wanted) {
  Pages all, freed;
  for (const NodeSpec& node : spec.nodes)
    for (const ZoneSpec& zone : node.zones) all += zone.lru.inactive_anon + zone.lru.active_anon;
  wanted = std::min(wanted, all);
  for (NodeSpec& node : spec.nodes) {
    for (ZoneSpec& zone : node.zones) {
      const Pages part = proportion(wanted, zone.lru.inactive_anon + zone.lru.active_anon, all);
      take_anon(zone.lru, part);
      take_anon(node.lru, part);
      node.anon_pages = std::max(Pages(0), node.anon_pages - part);
      add_free(zone, part);
      freed += part;
    }
  }
  return freed;
}

Pages free_tables(HostSpec& spec, Pages wanted) {
  Pages freed;
  for (NodeSpec& node : spec.nodes) {
    const Pages here = std::min(wanted - freed, node.page_tables);
    if (here.count() <= 0 || node.zones.empty()) continue;
    ZoneSpec& zone = node.zones.back();
    const Pages part = std::min(here, std::max(Pages(0), zone.pinned()));
    node.page_tables -= part;
    add_free(zone, part);
    freed += part;
  }
  return freed;
}

}  // namespace

std::string free_victims(HostSpec& spec, const OomReport& report) {
  std::vector<const Killed*> dead{&*report.killed};
  for (const Killed& other : report.also_killed) dead.push_back(&other);
  Pages anon, tables, swapped;
  for (const Killed* killed : dead) {
    anon += pages_of_kb(killed->anon_rss_kb.value_or(0));
    const auto at = std::find_if(spec.processes.begin(), spec.processes.end(),
                                 [&](const ProcessSpec& process) { return process.pid == killed->pid; });
    if (at == spec.processes.end()) {
      tables += pages_of_kb(killed->tables_kb.value_or(0));
      continue;
    }
    swapped += at->swap_entries;
    tables += to_pages(at->page_tables);
    if (!killed->anon_rss_kb) anon += at->rss_anon;
    spec.processes.erase(at);
  }
  const Pages freed = free_anon(spec, anon) + free_tables(spec, tables);
  if (!spec.swaps.empty()) spec.swaps[0].used = std::max(Bytes(0), spec.swaps[0].used - to_bytes(swapped));
  const Killed& victim = *report.killed;
  return "processes[]: without pid " + std::to_string(victim.pid) + " (" + victim.comm + ")" +
         (dead.size() > 1 ? " and " + std::to_string(dead.size() - 1) + " more" : "") +
         ", which this kill ended: " + std::to_string(freed.count()) + " pages of memory" +
         (swapped.count() > 0 ? " and " + std::to_string(swapped.count()) + " of swap" : "") +
         " are free again, each zone by its part of anonymous memory";
}

}  // namespace oomcast::oomlog
