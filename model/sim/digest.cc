// A digest of a run. See digest.h.
#include "model/sim/digest.h"

#include "model/base/fnv1a.h"

namespace oomcast::sim {
namespace {

constexpr int64_t kNobody = 0xffffffff;

void add_pages(Fnv1a& digest, const host::Host& host, host::PageId head) {
  for (host::PageId id = head; id != host::kNoPage; id = host.pages[id].next) {
    const host::Page& page = host.pages[id];
    digest.add_number(static_cast<int64_t>(page.vpn));
    digest.add_number(page.owner == host::kNoProcess ? kNobody : page.owner);
    digest.add_number(page.flags);
  }
}

void add_generations(Fnv1a& digest, const host::Host& host, const host::LruGen& gens) {
  digest.add_number(static_cast<int64_t>(gens.max_seq));
  for (const auto& by_type : gens.lists) {
    for (const auto& by_zone : by_type) {
      for (const host::GenList& list : by_zone) {
        digest.add_number(list.reservoir.size());
        add_pages(digest, host, list.head);
      }
    }
  }
}

void add_lists(Fnv1a& digest, const host::Host& host, const host::Node& node) {
  for (const host::Lruvec& lruvec : node.lruvecs) {
    for (const host::LruList& list : lruvec.lists) {
      digest.add_number(list.reserved());
      add_pages(digest, host, list.head());
    }
    if (lruvec.gens) add_generations(digest, host, *lruvec.gens);
  }
}

}  // namespace

uint64_t digest_of(const host::Host& host, const Outcome& outcome) {
  Fnv1a digest;
  for (int i = 0; i < host::vmstat_count(host.spec); ++i) digest.add_number(host.vmstat.at_index(i));
  for (const host::Node& node : host.nodes) {
    for (const host::Zone& zone : node.zones) {
      digest.add_number(zone.free);
      digest.add_number(zone.used);
      digest.add_number(zone.boost);
    }
    add_lists(digest, host, node);
  }
  for (const host::SwapDevice& device : host.swaps) digest.add_number(device.free());
  digest.add_number(outcome.forecast.count());
  digest.add_number(static_cast<int64_t>(outcome.events));
  digest.add_number(static_cast<int64_t>(outcome.oom_kills.size()));
  digest.add_number(outcome.stall.direct_reclaim_total.count());
  digest.add_number(outcome.stall.swap_in_total.count());
  return digest.value();
}

}  // namespace oomcast::sim
