// Distances to the neighbouring verdicts. See margins.h.
#include "model/sim/margins.h"

#include <algorithm>

#include "model/mm/memcg.h"
#include "model/sim/headroom.h"
#include "model/sim/outcome_text.h"

namespace oomcast::sim {

using host::LruKindIndex;

namespace {

struct Lists {
  int64_t file = 0, anon = 0;
};

Lists lists_of(const host::Host& host, host::CgroupIndex group) {
  Lists out;
  for (const host::Node& node : host.nodes) {
    const auto size = [&](LruKindIndex list) {
      return group == host::kRootCgroup ? node.size(list) : node.size(list, group);
    };
    out.file += size(LruKindIndex::kInactiveFile) + size(LruKindIndex::kActiveFile);
    out.anon += size(LruKindIndex::kInactiveAnon) + size(LruKindIndex::kActiveAnon);
  }
  return out;
}

/// Pages until an OOM kill: page cache can be dropped and anonymous memory swapped out first.
int64_t host_to_kill(const host::Host& host, int64_t above_min) {
  const Lists lists = lists_of(host, host::kRootCgroup);
  return above_min + lists.file + std::min(lists.anon, host.free_swap());
}

int64_t group_to_kill(const host::Host& host, host::CgroupIndex own) {
  int64_t least = INT64_MAX, swap = mm::swappiness_of(host, own) > 0 ? host.free_swap() : 0;
  for (host::CgroupIndex at = own; at != host::kRootCgroup; at = host.cgroups[at].parent) {
    const host::Cgroup& group = host.cgroups[at];
    swap = std::min(swap, std::max<int64_t>(0, group.swap_max - group.swap_usage));
    if (group.max >= host::kUnlimited) continue;
    const Lists lists = lists_of(host, at);
    const int64_t to_max = std::max<int64_t>(0, group.max - group.usage) + std::min(lists.anon, swap),
                  to_memsw = std::max<int64_t>(0, group.memsw_max - group.memsw_usage());  // swap does not help
    least = std::min(least, std::min(to_max, to_memsw) + lists.file);
  }
  return least;
}

int64_t groups_to_kill(const host::Host& host) {
  int64_t least = INT64_MAX;
  host.for_each_guest_group([&](host::CgroupIndex own) { least = std::min(least, group_to_kill(host, own)); });
  return least;
}

/// Pages in use, plus all pages that reclaim has taken. It falls only when the program frees memory.
int64_t demand_of(const host::Host& host) {
  int64_t pages = host.vmstat[host::Vmstat::pgsteal_anon] + host.vmstat[host::Vmstat::pgsteal_file];
  for (const host::Node& node : host.nodes)
    for (const host::Zone& zone : node.zones) pages += zone.managed - zone.free;
  return pages;
}

Bytes bytes_of(int64_t pages) { return to_bytes(Pages(std::max<int64_t>(0, pages))); }

}  // namespace

void Margins::Overrun::note(bool happened, int64_t demand) {
  if (!happened) return;
  if (!begin) begin = most = demand;
  most = std::max(most, demand);
}

void Margins::note(const host::Host& host, bool one_node, const Incidents& incidents) {
  if (verdict_of(incidents) >= Verdict::kAllocRefused) return;  // finish() does not use the minima then
  const Headroom room = headroom(host, one_node);
  above_low_ = std::min(above_low_, room.above_low);
  above_min_ = std::min(above_min_, room.above_min);
  group_left_ = std::min(group_left_, room.group);
  if (!incidents.kswapd_scan && !incidents.direct_reclaim) return;
  const int64_t demand = demand_of(host);
  since_scan_.note(incidents.kswapd_scan.has_value(), demand);
  since_direct_.note(incidents.direct_reclaim.has_value(), demand);
  if (incidents.direct_reclaim)
    to_kill_ = std::min({to_kill_, host_to_kill(host, room.above_min), groups_to_kill(host)});
}

NextVerdicts Margins::finish(const Incidents& incidents, Verdict verdict, std::optional<Bytes> need_after_kill) const {
  NextVerdicts next;
  const auto worse = [&](Verdict then, int64_t pages) {
    if (pages < INT64_MAX) next.next_worse = Margin{then, bytes_of(pages)};
  };
  switch (verdict) {
    case Verdict::kFits:
      if (group_left_ < above_low_)
        worse(Verdict::kDirectReclaim, group_left_);
      else
        worse(Verdict::kBackgroundReclaim, above_low_);
      break;
    case Verdict::kBackgroundReclaim:
      worse(Verdict::kDirectReclaim, std::min(above_min_, group_left_));
      next.next_better = Margin{Verdict::kFits, bytes_of(since_scan_.pages())};
      break;
    case Verdict::kDirectReclaim:
      worse(Verdict::kOomKill, to_kill_);
      next.next_better =
          Margin{incidents.kswapd_scan ? Verdict::kBackgroundReclaim : Verdict::kFits, bytes_of(since_direct_.pages())};
      break;
    case Verdict::kAllocRefused:
      break;
    case Verdict::kOomKill:
      if (need_after_kill) next.next_better = Margin{Verdict::kDirectReclaim, *need_after_kill};
      break;
  }
  return next;
}

}  // namespace oomcast::sim
