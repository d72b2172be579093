// Turns a need into a size of the host. See more_memory.h.
#include "report/more_memory.h"

#include <algorithm>

#include "model/host/read_host.h"

namespace oomcast::report {
namespace {

/// What requests for user memory may take: __zone_watermark_ok() of all zones with the min mark.
Pages usable(const host::HostSpec& host) {
  Pages pages;
  for (const host::NodeSpec& node : host.nodes)
    for (const host::ZoneSpec& zone : node.zones) {
      const Pages reserved = zone.watermarks.min + zone.lowmem_reserve[static_cast<size_t>(host::ZoneKind::kMovable)];
      pages += std::max(Pages(0), zone.free - reserved);
    }
  return pages;
}

Pages managed(const host::HostSpec& host) {
  Pages pages;
  for (const host::NodeSpec& node : host.nodes) pages += node.managed();
  return pages;
}

}  // namespace

Bytes memory_to_add(const host::HostSpec& host, Bytes growth) {
  constexpr int kRounds = 8;  // each takes up what the marks of the last one's memory took: a few per cent
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

std::string at_least_text(Bytes bytes) {
  constexpr int64_t kTenth = (1 << 20) / 10;
  const int64_t tenths = (bytes.count() + kTenth - 1) / kTenth;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " MiB";
}

}  // namespace oomcast::report
