// Divides a node's memory into zones by address: DMA below 16 MiB, DMA32 below 4 GiB, Normal above. See defaults.h.
#include <algorithm>

#include "model/spec/defaults.h"
#include "model/spec/node_counters.h"
#include "model/spec/proportion.h"

namespace oomcast::host {
namespace {

constexpr int64_t kDmaPresent = 3998, kDmaManaged = 3840;  // pages, as on PCs and QEMU
constexpr int64_t kDma32Present = 786432 - 4096;           // up to 3 GiB; firmware keeps 3 to 4 GiB for devices
constexpr Pages kDmaPinned{32};

// The empty zones of one node. Takes the DMA32 pages that it uses off `dma32_left`.
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
  // Memory reserved at boot (present, not managed) is spread evenly.
  if (present > 0) add(ZoneKind::kDma32, low == present ? managed : proportion(managed, low, present), low);
  add(ZoneKind::kNormal, managed, present);
  return zones;
}

// Divides `total` over the zones in proportion to the room of each.
template <class Room, class Give>
void share_out(std::vector<ZoneSpec>& zones, Pages total, Room room, Give give) {
  std::vector<int64_t> rooms;
  for (const ZoneSpec& zone : zones) rooms.push_back(std::max<int64_t>(0, room(zone).count()));
  const std::vector<int64_t> parts = shares(total.count(), rooms);
  for (size_t i = 0; i < zones.size(); ++i) give(zones[i], Pages(parts[i]));
}

// Moves the lists of the old zones to the zones of the same kind. If one overflows, spreads all lists over all zones.
// False: they do not fit.
bool carry_lists(std::vector<ZoneSpec>& zones, const std::vector<ZoneSpec>& old) {
  if (zones.empty()) return old.empty();
  Pages ZoneSpec::*const plain[] = {&ZoneSpec::mlocked, &ZoneSpec::write_pending};
  for (const ZoneSpec& from : old) {
    auto to = std::find_if(zones.begin(), zones.end(), [&](const ZoneSpec& zone) { return zone.kind == from.kind; });
    if (to == zones.end()) to = zones.end() - 1;
    for (const LruCounter& list : kLruCounters) to->lru.*list.of += from.lru.*list.of;
    for (auto field : plain) (*to).*field += from.*field;
    if (to->kind == from.kind) to->pcp = from.pcp;
  }
  const auto fits = [](const ZoneSpec& zone) { return zone.room() >= Pages(0) && zone.mlocked <= zone.managed; };
  if (std::all_of(zones.begin(), zones.end(), fits)) return true;
  for (const LruCounter& list : kLruCounters) {
    Pages total, room;
    for (ZoneSpec& zone : zones) {
      total += zone.lru.*list.of;
      zone.lru.*list.of = Pages(0);
      zone.pcp.clear();
    }
    for (const ZoneSpec& zone : zones) room += std::max(Pages(0), zone.room());
    if (total > room) return false;
    share_out(
        zones, total, [](const ZoneSpec& zone) { return zone.room(); },
        [&](ZoneSpec& zone, Pages part) { zone.lru.*list.of = part; });
  }
  return std::all_of(zones.begin(), zones.end(), fits);
}

// Sets the free pages of each zone so that they add up to `free`. Keeps what each old zone had pinned, if that fits.
void place_free(std::vector<ZoneSpec>& zones, const std::vector<ZoneSpec>& old, Pages free) {
  Pages rooms, kept;
  for (const ZoneSpec& zone : zones) rooms += zone.room();
  bool as_before = !old.empty();
  for (ZoneSpec& zone : zones) {
    zone.free = zone.room();
    for (const ZoneSpec& from : old) {
      if (from.kind == zone.kind) zone.free -= from.pinned();
    }
    as_before = as_before && zone.free >= Pages(0) && zone.free <= zone.room();
    kept += zone.free;
  }
  if (as_before && kept == free) return;
  Pages pinned_left = rooms - free;
  for (ZoneSpec& zone : zones) zone.free = zone.room();
  const auto free_of = [](const ZoneSpec& zone) { return zone.free; };
  const auto take = [](ZoneSpec& zone, Pages part) { zone.free -= part; };
  if (zones.size() > 1 && zones.front().kind == ZoneKind::kDma) {
    // The kernel allocates its own pages from the other zones first: zone DMA is kept for devices.
    const Pages few = std::min({kDmaPinned, pinned_left, zones.front().free});
    zones.front().free -= few;
    pinned_left -= few;
    std::vector<ZoneSpec> others(zones.begin() + 1, zones.end());
    Pages others_room;
    for (const ZoneSpec& zone : others) others_room += zone.free;
    const Pages from_others = std::min(pinned_left, others_room);
    share_out(others, from_others, free_of, take);
    std::copy(others.begin(), others.end(), zones.begin() + 1);
    zones.front().free -= pinned_left - from_others;
    return;
  }
  share_out(zones, pinned_left, free_of, take);
}

// CMA areas keep their size. The area of a zone that is gone moves to the last zone. No zone gets more free CMA pages
// than it has free pages.
void carry_cma(std::vector<ZoneSpec>& zones, const std::vector<ZoneSpec>& old) {
  for (const ZoneSpec& from : old) {
    auto to = std::find_if(zones.begin(), zones.end(), [&](const ZoneSpec& zone) { return zone.kind == from.kind; });
    if (to == zones.end()) to = zones.end() - 1;
    to->free_cma = std::min(to->free_cma + from.free_cma, to->free);
  }
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
    for (const ZoneSpec& zone : zones) held += zone.managed - zone.room();
    if (held + memory[i].free > memory[i].managed) {
      return Error{name + ".free: " + std::to_string(memory[i].free.count()) + " pages free and " +
                   std::to_string(held.count()) + " on lists are more than the " +
                   std::to_string(memory[i].managed.count()) + " managed"};
    }
    place_free(zones, node.zones, memory[i].free);
    carry_cma(zones, node.zones);
    node.zones = std::move(zones);
  }
  return {};
}

}  // namespace oomcast::host
