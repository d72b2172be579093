// Direct compaction. See compaction.h; kernel-spec section 2.6.
#include "model/mm/compaction.h"

#include "model/mm/free_blocks.h"

namespace oomcast::mm {

namespace {

// compact_gap(): free pages for the copies, twice the size of the request.
constexpr int64_t kGap = 2 * host::kHugePages;

// Frees one pageblock. On average half of its pages have to be moved.
void compact_zone(Kernel& k, host::Zone& zone) {
  make_whole_block(zone);
  k.host.count(host::Vmstat::pgmigrate_success, host::kHugePages / 2);
  k.sched.cpu(k.costs.copy_page * (host::kHugePages / 2));
}

}  // namespace

bool compact_nodes(Kernel& k, const Gfp& gfp, host::NodeIndex preferred_node) {
  for (const host::NodeIndex node : k.host.zonelists[preferred_node]) {
    if (!gfp.allows(node)) continue;
    for (const host::ZoneKind z : host::zones_down_from(gfp.highest_zone)) {
      host::Zone& zone = k.host.nodes[node].zones[z];
      if (zone.managed == 0 || !watermark_ok(zone, zone.low_mark() + kGap, gfp.highest_zone, zone.free, 0, true))
        continue;
      k.host.count(host::Vmstat::compact_stall);
      k.sched.memstall_enter();
      while (whole_free_blocks(zone) == 0) compact_zone(k, zone);
      k.sched.memstall_leave();
      k.host.count(host::Vmstat::compact_success);
      return true;
    }
  }
  return false;
}

}  // namespace oomcast::mm
