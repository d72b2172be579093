// Turns additional need into a size of the host. See more_memory.h.
#include "report/more_memory.h"

#include <algorithm>

#include "model/spec/read_host.h"

namespace oomcast::report {
namespace {

/// Returns the free pages of all zones that requests for user memory may take.
Pages usable(const host::HostSpec& host) {
  Pages pages;
  for (const host::NodeSpec& node : host.nodes)
    for (const host::ZoneSpec& zone : node.zones) pages += zone.free - held_back(zone);
  return pages;
}

Pages managed(const host::HostSpec& host) {
  Pages pages;
  for (const host::NodeSpec& node : host.nodes) pages += node.managed();
  return pages;
}

}  // namespace

Pages held_back(const host::ZoneSpec& zone) {
  return std::min(zone.free, zone.watermarks.min + zone.lowmem_reserve[static_cast<size_t>(host::ZoneKind::kMovable)]);
}

Bytes memory_to_add(const host::HostSpec& host, Bytes growth) {
  constexpr int kRounds = 8;  // each round adds what the last round's larger watermarks took, a few per cent
  const Pages before = managed(host), wanted = usable(host) + to_pages(growth + Bytes(kPageBytes - 1));
  Pages more = to_pages(growth + Bytes(kPageBytes - 1));
  for (int round = 0; round < kRounds; ++round) {
    host::HostSpec larger = host;
    if (!host::set_field(larger, "memory=" + std::to_string(to_bytes(before + more).count()))) break;
    const Pages missing = wanted - usable(larger);
    if (missing.count() <= 0) break;
    more += missing;
  }
  return to_bytes(more);
}

}  // namespace oomcast::report
