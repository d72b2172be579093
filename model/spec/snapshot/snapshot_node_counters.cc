// Fills the counters of a node that its proc/zoneinfo does not print: from the node's own meminfo, or from proc/meminfo
// in proportion to the nodes' memory. A counter that is in neither file is 0. Each is listed as assumed.
#include <algorithm>

#include "model/spec/node_counters.h"
#include "model/spec/proportion.h"
#include "model/spec/snapshot/meminfo.h"
#include "model/spec/snapshot/snapshot_reader.h"

namespace oomcast::host {
namespace {

// The node's KiB, and the file they are from. Nothing if no file has them.
std::optional<int64_t> part_of_node(SnapshotReader& reader, const NodeSpec& node, const char* label,
                                    std::string& source) {
  source = "sys/devices/system/node/node" + std::to_string(node.id.value) + "/meminfo";
  if (const auto own = meminfo_kilobytes(reader.text(source), label)) return own;
  source = "proc/meminfo";
  const auto whole = meminfo_kilobytes(reader.text(source), label);
  if (!whole) return std::nullopt;
  Pages managed;
  for (const NodeSpec& each : reader.spec.nodes) managed += each.managed();
  return proportion(*whole, node.managed().count(), managed.count());
}

void fill(SnapshotReader& reader, NodeSpec& node, const std::string& path) {
  const std::set<std::string>& printed = reader.node_counters_printed[node.id.value];
  std::string nowhere;
  const auto settle = [&](const std::string& name, const char* label, const std::string& field, auto set) {
    if (printed.contains(name)) return;
    std::string source;
    if (const auto kb = part_of_node(reader, node, label, source)) {
      set(*kb);
      reader.assume(path + "." + field, "that of " + source, "no " + name + " in proc/zoneinfo");
    } else {
      nowhere += std::string(nowhere.empty() ? "" : ", ") + field;
    }
  };
  for (const LruCounter& list : kLruCounters) {
    const std::string key = list.key;
    settle("nr_" + key, list.meminfo, "lru_pages." + key, [&](int64_t kb) { node.lru.*list.of = Pages(kb / 4); });
  }
  for (const NodeCounter& counter : kNodeCounters) {
    settle(counter.zoneinfo, counter.meminfo, counter.key, [&](int64_t kb) { node.*counter.of = Pages(kb / 4); });
  }
  settle("nr_kernel_stack", "KernelStack:", "kernel_stack_kb", [&](int64_t kb) { node.kernel_stack_kb = kb; });
  if (!nowhere.empty()) reader.assume(path + ": " + nowhere, "0", "neither in proc/zoneinfo nor in meminfo");
}

// Spreads the node's LRU pages over its zones, in proportion to the pages in use in each zone.
void spread_lists(SnapshotReader& reader, NodeSpec& node, const std::string& path) {
  if (node.lru.sum() == Pages(0)) return;
  std::vector<int64_t> rooms;
  int64_t room = 0;
  for (const ZoneSpec& zone : node.zones) {
    rooms.push_back(std::max<int64_t>(0, (zone.managed - zone.free - zone.on_pcp()).count()));
    room += rooms.back();
  }
  if (node.lru.sum() > Pages(room)) return;  // a contradiction: find_contradiction() reports it
  for (const LruCounter& counter : kLruCounters) {
    const auto list = counter.of;
    Pages left = node.lru.*list;
    for (size_t z = 0; z < node.zones.size(); ++z) {
      node.zones[z].lru.*list = Pages(proportion((node.lru.*list).count(), rooms[z], room));
      left -= node.zones[z].lru.*list;
    }
    // The remainder of the rounding is smaller than the number of zones.
    for (size_t z = 0; z < node.zones.size() && left > Pages(0); ++z) {
      const Pages more = std::min(left, std::max(Pages(0), Pages(rooms[z]) - node.zones[z].lru.sum()));
      node.zones[z].lru.*list += more;
      left -= more;
    }
  }
  reader.assume(path + ".zones[].lru_pages", "the node's, by what is in use in each zone",
                "no nr_zone_* in proc/zoneinfo");
}

}  // namespace

void settle_node_counters(SnapshotReader& reader) {
  for (size_t i = 0; i < reader.spec.nodes.size(); ++i) {
    NodeSpec& node = reader.spec.nodes[i];
    const std::string path = "nodes[" + std::to_string(i) + "]";
    fill(reader, node, path);
    if (!reader.nodes_with_zone_lists.contains(node.id.value)) spread_lists(reader, node, path);
  }
}

}  // namespace oomcast::host
