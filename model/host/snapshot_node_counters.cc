// Fills the counters of a node that its kernel's proc/zoneinfo does not print: from the nodes' own meminfo, else from
// proc/meminfo in proportion to the nodes' memory. What stands nowhere is 0, and listed among the assumed.
#include <algorithm>

#include "model/host/parse_text.h"
#include "model/host/snapshot_reader.h"

namespace oomcast::host {
namespace {

constexpr int64_t kKilobytesMax = int64_t{1} << 36;

struct Counter {
  const char* zoneinfo;  // name in proc/zoneinfo
  const char* meminfo;   // label in meminfo
  const char* field;     // key of oomcast.host.v1
  Pages& (*of)(NodeSpec&);
};

const Counter kCounters[] = {
    {"nr_inactive_anon", "Inactive(anon):", "lru_pages.inactive_anon", [](NodeSpec& n) -> Pages& { return n.lru.inactive_anon; }},
    {"nr_active_anon", "Active(anon):", "lru_pages.active_anon", [](NodeSpec& n) -> Pages& { return n.lru.active_anon; }},
    {"nr_inactive_file", "Inactive(file):", "lru_pages.inactive_file", [](NodeSpec& n) -> Pages& { return n.lru.inactive_file; }},
    {"nr_active_file", "Active(file):", "lru_pages.active_file", [](NodeSpec& n) -> Pages& { return n.lru.active_file; }},
    {"nr_unevictable", "Unevictable:", "lru_pages.unevictable", [](NodeSpec& n) -> Pages& { return n.lru.unevictable; }},
    {"nr_slab_reclaimable", "SReclaimable:", "slab_reclaimable_pages", [](NodeSpec& n) -> Pages& { return n.slab_reclaimable; }},
    {"nr_slab_unreclaimable", "SUnreclaim:", "slab_unreclaimable_pages", [](NodeSpec& n) -> Pages& { return n.slab_unreclaimable; }},
    {"nr_anon_pages", "AnonPages:", "anon_pages", [](NodeSpec& n) -> Pages& { return n.anon_pages; }},
    {"nr_mapped", "Mapped:", "mapped_pages", [](NodeSpec& n) -> Pages& { return n.mapped; }},
    {"nr_file_pages", "Cached:", "file_pages", [](NodeSpec& n) -> Pages& { return n.file_pages; }},
    {"nr_shmem", "Shmem:", "shmem_pages", [](NodeSpec& n) -> Pages& { return n.shmem; }},
    {"nr_dirty", "Dirty:", "dirty_pages", [](NodeSpec& n) -> Pages& { return n.dirty; }},
    {"nr_writeback", "Writeback:", "writeback_pages", [](NodeSpec& n) -> Pages& { return n.writeback; }},
    {"nr_page_table_pages", "PageTables:", "page_table_pages", [](NodeSpec& n) -> Pages& { return n.page_tables; }},
    {"nr_swapcached", "SwapCached:", "swapcached_pages", [](NodeSpec& n) -> Pages& { return n.swapcached; }},
};

// "Inactive(file):  123104 kB", in a node's file "Node 0 Inactive(file): 123104 kB".
std::optional<int64_t> kilobytes(const std::string* text, std::string_view label) {
  if (!text) return std::nullopt;
  for (const Line& line : lines(*text)) {
    const std::vector<std::string_view> word = words(line.text);
    for (size_t i = 0; i + 1 < word.size() && i < 3; ++i) {
      if (word[i] == label) return parse_integer(word[i + 1], 0, kKilobytesMax);
    }
  }
  return std::nullopt;
}

Pages managed_of(const NodeSpec& node) {
  Pages sum;
  for (const ZoneSpec& zone : node.zones) sum += zone.managed;
  return sum;
}

// The node's part of what the host has, and where it was found; nullopt: nowhere.
std::optional<int64_t> part_of_node(SnapshotReader& reader, const NodeSpec& node, const char* label, std::string& source) {
  source = "sys/devices/system/node/node" + std::to_string(node.id.value) + "/meminfo";
  if (const auto own = kilobytes(reader.text(source), label)) return own;
  source = "proc/meminfo";
  const auto whole = kilobytes(reader.text(source), label);
  if (!whole) return std::nullopt;
  Pages managed;
  for (const NodeSpec& each : reader.spec.nodes) managed += managed_of(each);
  const __int128 product = static_cast<__int128>(*whole) * managed_of(node).count();
  return managed > Pages(0) ? static_cast<int64_t>(product / managed.count()) : 0;
}

void fill(SnapshotReader& reader, NodeSpec& node, const std::string& path) {
  const std::set<std::string>& printed = reader.node_counters_printed[node.id.value];
  std::string nowhere;
  const auto settle = [&](const char* name, const char* label, const char* field, auto set) {
    if (printed.contains(name)) return;
    std::string source;
    if (const auto kb = part_of_node(reader, node, label, source)) {
      set(*kb);
      reader.assume(path + "." + field, "that of " + source, std::string("no ") + name + " in proc/zoneinfo");
    } else {
      nowhere += std::string(nowhere.empty() ? "" : ", ") + field;
    }
  };
  for (const Counter& counter : kCounters) {
    settle(counter.zoneinfo, counter.meminfo, counter.field, [&](int64_t kb) { counter.of(node) = Pages(kb / 4); });
  }
  settle("nr_kernel_stack", "KernelStack:", "kernel_stack_kb", [&](int64_t kb) { node.kernel_stack_kb = kb; });
  if (!nowhere.empty()) reader.assume(path + ": " + nowhere, "0", "neither in proc/zoneinfo nor in meminfo");
}

// Which of the node's pages lie in which zone: in proportion to what is in use there.
void spread_lists(SnapshotReader& reader, NodeSpec& node, const std::string& path) {
  if (node.lru.sum() == Pages(0)) return;
  std::vector<int64_t> rooms;
  int64_t room = 0;
  for (const ZoneSpec& zone : node.zones) {
    Pages used = zone.managed - zone.free;
    for (const PcpSpec& pcp : zone.pcp) used -= pcp.count;
    rooms.push_back(std::max<int64_t>(0, used.count()));
    room += rooms.back();
  }
  if (node.lru.sum() > Pages(room)) return;  // a contradiction, which find_contradiction() words
  for (auto list : kLruLists) {
    Pages left = node.lru.*list;
    for (size_t z = 0; z < node.zones.size(); ++z) {
      const __int128 share = static_cast<__int128>((node.lru.*list).count()) * rooms[z] / std::max<int64_t>(1, room);
      node.zones[z].lru.*list = Pages(static_cast<int64_t>(share));
      left -= node.zones[z].lru.*list;
    }
    // Rounding leaves fewer pages than there are zones.
    for (size_t z = 0; z < node.zones.size() && left > Pages(0); ++z) {
      const Pages more = std::min(left, std::max(Pages(0), Pages(rooms[z]) - node.zones[z].lru.sum()));
      node.zones[z].lru.*list += more;
      left -= more;
    }
  }
  reader.assume(path + ".zones[].lru_pages", "the node's, by what is in use in each zone", "no nr_zone_* in proc/zoneinfo");
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
