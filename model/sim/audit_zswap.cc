// Recounts what zswap holds. See audit_zswap.h.
#include "model/sim/audit_zswap.h"

#include <algorithm>

namespace oomcast::sim {

using host::CgroupIndex;
using host::Host;
using host::SlotId;
using host::ZswapEntry;
using host::ZswapKind;

namespace {

void differ(std::vector<std::string>& faults, const std::string& what, int64_t counted, int64_t found) {
  if (counted != found)
    faults.push_back(what + " counts " + std::to_string(counted) + ", " + std::to_string(found) + " were found");
}

// Checks that each compressed entry is on one list and, except with zsmalloc, on one page of the pool.
void check_entries(const Host& host, std::vector<std::string>& faults) {
  const host::Zswap& zswap = host.zswap;
  const bool packed = host.spec.zswap.zpool == host::Zpool::kZsmalloc;
  int64_t compressed = 0, stored = 0, listed = 0, on_pages = 0;
  for (const auto& [slot, entry] : zswap.entries) {
    stored += entry.kind == ZswapKind::kZero ? 0 : 1;
    if (!host.device(slot).in_use(slot))
      faults.push_back("zswap keeps swap slot " + std::to_string(slot) + ", which is free");
    if (entry.kind != ZswapKind::kCompressed) continue;
    ++compressed;
    if (*entry.place != slot) faults.push_back("zswap's list has another entry than slot " + std::to_string(slot));
    if (packed) continue;
    const std::vector<SlotId>& slots = zswap.pool.pages.at(entry.pool_page).slots;
    if (std::find(slots.begin(), slots.end(), slot) == slots.end())
      faults.push_back("zswap's pool has no entry of slot " + std::to_string(slot));
  }
  for (const auto& [which, list] : zswap.lists) listed += static_cast<int64_t>(list.size());
  for (const host::ZpoolPage& page : zswap.pool.pages) on_pages += static_cast<int64_t>(page.slots.size());
  differ(faults, "zswap's pool", zswap.pool.compressed, compressed);
  differ(faults, "zswap", zswap.stored, stored);
  differ(faults, "zswap's lists", listed, compressed);
  if (!packed) differ(faults, "zswap's pages", on_pages, compressed);
}

void check_groups(const Host& host, std::vector<std::string>& faults) {
  const int64_t bytes = kPageBytes * host.spec.zswap.stored_percent / 100;
  IndexVector<CgroupIndex, int64_t> kept(host.cgroups.size(), 0), stored(host.cgroups.size(), 0);
  for (const auto& [slot, entry] : host.zswap.entries) {
    if (entry.kind != ZswapKind::kZero) ++kept[entry.cgroup];
    if (entry.kind == ZswapKind::kCompressed) stored[entry.cgroup] += bytes;
  }
  for (size_t place = host.cgroups.size(); place-- > 1;) {
    const auto group = CgroupIndex::from(place);
    const host::Cgroup& cgroup = host.cgroups[group];
    kept[cgroup.parent] += kept[group];
    stored[cgroup.parent] += stored[group];
    differ(faults, "cgroup " + cgroup.path + " zswapped", cgroup.zswapped, kept[group]);
    differ(faults, "cgroup " + cgroup.path + " memory.zswap.current", cgroup.zswap_bytes, stored[group]);
  }
}

}  // namespace

std::vector<host::ZoneRef> check_zswap(const Host& host, std::vector<std::string>& faults) {
  check_entries(host, faults);
  check_groups(host, faults);
  const host::Zswap& zswap = host.zswap;
  std::vector<host::ZoneRef> memory = zswap.slab;
  memory.insert(memory.end(), zswap.pool.packed.begin(), zswap.pool.packed.end());
  for (const host::ZpoolPage& page : zswap.pool.pages)
    if (page.at.ok()) memory.push_back(page.at);
  return memory;
}

}  // namespace oomcast::sim
