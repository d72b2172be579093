// Tells whether two runs are the same. See digest.h. FNV-1a over 64-bit words.
#include "model/sim/digest.h"

namespace oomcast::sim {
namespace {

constexpr int64_t kNobody = 0xffffffff;

class Digest {
 public:
  void add(int64_t value) {
    for (int i = 0; i < 8; ++i) {
      hash_ ^= static_cast<uint64_t>(value >> (8 * i)) & 0xff;
      hash_ *= 0x100000001b3u;
    }
  }
  uint64_t value() const { return hash_; }

 private:
  uint64_t hash_ = 0xcbf29ce484222325u;
};

void add_pages(Digest& digest, const host::Host& host, host::PageId head) {
  for (host::PageId id = head; id != host::kNoPage; id = host.pages[id].next) {
    const host::Page& page = host.pages[id];
    digest.add(static_cast<int64_t>(page.vpn));
    digest.add(page.owner == host::kNoProcess ? kNobody : page.owner);
    digest.add(page.flags);
  }
}

void add_generations(Digest& digest, const host::Host& host, const host::LruGen& gens) {
  digest.add(static_cast<int64_t>(gens.max_seq));
  for (const auto& by_type : gens.lists) {
    for (const auto& by_zone : by_type) {
      for (const host::GenList& list : by_zone) {
        digest.add(list.reservoir.size());
        add_pages(digest, host, list.head);
      }
    }
  }
}

void add_lists(Digest& digest, const host::Host& host, const host::Node& node) {
  for (const host::Lruvec& lruvec : node.lruvecs) {
    for (const host::LruList& list : lruvec.lists) {
      digest.add(list.reserved());
      add_pages(digest, host, list.head());
    }
    if (lruvec.gens) add_generations(digest, host, *lruvec.gens);
  }
}

}  // namespace

uint64_t digest_of(const host::Host& host, const Outcome& outcome) {
  Digest digest;
  for (int i = 0; i < host::kVmstatCount; ++i) digest.add(host.vmstat.at_index(i));
  for (const host::Node& node : host.nodes) {
    for (const host::Zone& zone : node.zones) {
      digest.add(zone.free);
      digest.add(zone.used);
      digest.add(zone.boost);
    }
    add_lists(digest, host, node);
  }
  for (const host::SwapDevice& device : host.swaps) digest.add(device.free());
  digest.add(outcome.forecast.count());
  digest.add(static_cast<int64_t>(outcome.events));
  digest.add(static_cast<int64_t>(outcome.oom_kills.size()));
  digest.add(outcome.stall.direct_reclaim_total.count());
  digest.add(outcome.stall.swap_in_total.count());
  return digest.value();
}

}  // namespace oomcast::sim
