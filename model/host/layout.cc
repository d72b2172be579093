// How is a node's memory cut into zones? By address: DMA below 16 MiB, DMA32 below 4 GiB, Normal above.
#include <algorithm>

#include "model/host/defaults.h"

namespace oomcast::host {
namespace {

constexpr int64_t kDmaPresent = 3998, kDmaManaged = 3840;  // what PCs and QEMU show
constexpr int64_t kDma32Present = 786432 - 4096;           // up to 3 GiB; firmware keeps the fourth for devices
constexpr int64_t kDmaPinned = 32;

Pages lru_total(const LruSizes& lru) {
  return lru.inactive_anon + lru.active_anon + lru.inactive_file + lru.active_file + lru.unevictable;
}

Pages on_pcp(const ZoneSpec& zone) {
  Pages sum;
  for (const PcpSpec& pcp : zone.pcp) sum += pcp.count;
  return sum;
}

// Pages that are neither free nor on a list: the kernel's own.
Pages pinned(const ZoneSpec& zone) { return zone.managed - zone.free - lru_total(zone.lru) - on_pcp(zone); }
Pages room(const ZoneSpec& zone) { return zone.managed - lru_total(zone.lru) - on_pcp(zone); }

// The empty zones of one node; takes what it needs of the DMA32 range.
std::vector<ZoneSpec> cut(const NodeMemory& memory, bool first, int64_t& dma32_left) {
  std::vector<ZoneSpec> zones;
  int64_t managed = memory.managed.count(), present = memory.present.count();
  const auto add = [&](ZoneKind kind, int64_t zone_managed, int64_t zone_present) {
    if (zone_present <= 0 || zone_managed <= 0) return;
    ZoneSpec zone;
    zone.kind = kind;
    zone.managed = Pages(zone_managed);
    zone.present = Pages(std::max(zone_present, zone_managed));
    zones.push_back(zone);
    managed -= zone_managed;
    present -= zone_present;
  };
  if (first) add(ZoneKind::kDma, std::min(managed, kDmaManaged), std::min(present, kDmaPresent));
  const int64_t low = std::min(present, dma32_left);
  dma32_left -= low;
  // Boot-time reservations are spread evenly.
  if (present > 0)
    add(ZoneKind::kDma32,
        low == present ? managed : static_cast<int64_t>(static_cast<__int128>(managed) * low / present), low);
  add(ZoneKind::kNormal, managed, present);
  return zones;
}

// Gives each zone its part of `total` in proportion to `weight`, never more than that.
template <class Weight, class Give>
void share_out(std::vector<ZoneSpec>& zones, int64_t total, Weight weight, Give give) {
  int64_t weights = 0;
  for (const ZoneSpec& zone : zones) weights += weight(zone);
  int64_t left = total;
  std::vector<int64_t> parts;
  for (const ZoneSpec& zone : zones) {
    parts.push_back(weights > 0 ? static_cast<int64_t>(static_cast<__int128>(total) * weight(zone) / weights) : 0);
    left -= parts.back();
  }
  for (size_t i = zones.size(); i-- > 0;) {
    const int64_t more = std::min(left, weight(zones[i]) - parts[i]);
    left -= more;
    give(zones[i], parts[i] + more);
  }
}

// What the old zones hold goes to the zone of the same kind; where it does not fit, it is spread over all.
bool carry_lists(std::vector<ZoneSpec>& zones, const std::vector<ZoneSpec>& old) {
  if (zones.empty()) return old.empty();
  Pages ZoneSpec::*const plain[] = {&ZoneSpec::mlocked, &ZoneSpec::write_pending};
  Pages LruSizes::*const lists[] = {&LruSizes::inactive_anon, &LruSizes::active_anon, &LruSizes::inactive_file,
                                    &LruSizes::active_file, &LruSizes::unevictable};
  for (const ZoneSpec& from : old) {
    auto to = std::find_if(zones.begin(), zones.end(), [&](const ZoneSpec& zone) { return zone.kind == from.kind; });
    if (to == zones.end()) to = zones.end() - 1;
    for (auto list : lists) to->lru.*list += from.lru.*list;
    for (auto field : plain) (*to).*field += from.*field;
    if (to->kind == from.kind) to->pcp = from.pcp;
  }
  const auto fits = [](const ZoneSpec& zone) { return room(zone) >= Pages(0) && zone.mlocked <= zone.managed; };
  if (std::all_of(zones.begin(), zones.end(), fits)) return true;
  for (auto list : lists) {
    int64_t total = 0;
    for (ZoneSpec& zone : zones) {
      total += (zone.lru.*list).count();
      zone.lru.*list = Pages(0);
      zone.pcp.clear();
    }
    share_out(
        zones, total, [](const ZoneSpec& zone) { return std::max<int64_t>(0, room(zone).count()); },
        [&](ZoneSpec& zone, int64_t part) { zone.lru.*list = Pages(part); });
  }
  return std::all_of(zones.begin(), zones.end(), fits);
}

void place_free(std::vector<ZoneSpec>& zones, const std::vector<ZoneSpec>& old, Pages free) {
  Pages rooms, kept;
  for (const ZoneSpec& zone : zones) rooms += room(zone);
  bool as_before = !old.empty();
  for (ZoneSpec& zone : zones) {
    zone.free = room(zone);
    for (const ZoneSpec& from : old) {
      if (from.kind == zone.kind) zone.free -= pinned(from);
    }
    as_before = as_before && zone.free >= Pages(0) && zone.free <= room(zone);
    kept += zone.free;
  }
  if (as_before && kept == free) return;
  int64_t pinned_left = (rooms - free).count();
  for (ZoneSpec& zone : zones) zone.free = room(zone);
  if (zones.size() > 1 && zones.front().kind == ZoneKind::kDma) {
    // The kernel's own pages are above the DMA zone, which is kept for devices.
    const int64_t few = std::min({kDmaPinned, pinned_left, zones.front().free.count()});
    zones.front().free -= Pages(few);
    pinned_left -= few;
    const Pages dma_free = zones.front().free;
    std::vector<ZoneSpec> others(zones.begin() + 1, zones.end());
    int64_t others_room = 0;
    for (const ZoneSpec& zone : others) others_room += zone.free.count();
    const int64_t from_others = std::min(pinned_left, others_room);
    share_out(
        others, from_others, [](const ZoneSpec& zone) { return zone.free.count(); },
        [](ZoneSpec& zone, int64_t part) { zone.free -= Pages(part); });
    std::copy(others.begin(), others.end(), zones.begin() + 1);
    zones.front().free = dma_free - Pages(pinned_left - from_others);
    return;
  }
  share_out(
      zones, pinned_left, [](const ZoneSpec& zone) { return zone.free.count(); },
      [](ZoneSpec& zone, int64_t part) { zone.free -= Pages(part); });
}

}  // namespace

Result<void> lay_out_zones(HostSpec& spec, const std::vector<NodeMemory>& memory) {
  int64_t dma32_left = kDma32Present;
  for (size_t i = 0; i < spec.nodes.size(); ++i) {
    NodeSpec& node = spec.nodes[i];
    const std::string name = "nodes[" + std::to_string(i) + "]";
    std::vector<ZoneSpec> zones = cut(memory[i], i == 0, dma32_left);
    if (zones.empty()) return Error{name + ".managed: no memory; give at least 16M"};
    if (memory[i].free > memory[i].managed) {
      return Error{name + ".free: " + std::to_string(memory[i].free.count()) + " pages free of " +
                   std::to_string(memory[i].managed.count()) + " managed; free never exceeds managed"};
    }
    Pages held;
    if (!carry_lists(zones, node.zones))
      return Error{name +
                   ".managed: the pages on its LRU lists do not fit; give more memory or start from an emptier host"};
    for (const ZoneSpec& zone : zones) held += zone.managed - room(zone);
    if (held + memory[i].free > memory[i].managed) {
      return Error{name + ".free: " + std::to_string(memory[i].free.count()) + " pages free and " +
                   std::to_string(held.count()) + " on lists are more than the " +
                   std::to_string(memory[i].managed.count()) + " managed"};
    }
    place_free(zones, node.zones, memory[i].free);
    node.zones = std::move(zones);
  }
  return {};
}

}  // namespace oomcast::host
