// What does /proc/zoneinfo hold? Zones, their marks and lists, per-node counters and per-CPU lists, of 6.1 and 6.12.
#include <algorithm>

#include "model/host/defaults.h"
#include "model/host/field_names.h"
#include "model/host/node.h"
#include "model/host/parse_text.h"
#include "model/host/snapshot_reader.h"

namespace oomcast::host {
namespace {

constexpr const char* kPath = "proc/zoneinfo";
constexpr int64_t kPagesMax = int64_t{1} << 34;  // 64 TiB
constexpr const char* kCopyAgain = "copy the file again from a running kernel (cat /proc/zoneinfo)";

Pages* lru_of(LruSizes& lru, std::string_view key) {
  if (key == "inactive_anon") return &lru.inactive_anon;
  if (key == "active_anon") return &lru.active_anon;
  if (key == "inactive_file") return &lru.inactive_file;
  if (key == "active_file") return &lru.active_file;
  if (key == "unevictable") return &lru.unevictable;
  return nullptr;
}

Pages* node_counter(NodeSpec& node, std::string_view key) {
  if (!key.starts_with("nr_")) return nullptr;
  key.remove_prefix(3);
  if (key == "slab_reclaimable") return &node.slab_reclaimable;
  if (key == "slab_unreclaimable") return &node.slab_unreclaimable;
  if (key == "anon_pages") return &node.anon_pages;
  if (key == "mapped") return &node.mapped;
  if (key == "file_pages") return &node.file_pages;
  if (key == "shmem") return &node.shmem;
  if (key == "dirty") return &node.dirty;
  if (key == "writeback") return &node.writeback;
  if (key == "page_table_pages") return &node.page_tables;
  if (key == "swapcached") return &node.swapcached;
  return lru_of(node.lru, key);
}

struct Mark {
  const char* key;
  const char* field;
  Pages* target;
};

class Zoneinfo {
 public:
  explicit Zoneinfo(SnapshotReader& reader) : reader_(reader) {}

  void read(const std::string& text) {
    for (const Line& line : lines(text)) {
      if (reader_.error) return;
      line_ = line.number;
      take(line.text);
    }
    finish_zone();
    settle_cpus();
    settle_nodes();
  }

 private:
  void fail(const std::string& message) { reader_.fail(kPath, line_, message); }

  std::optional<int64_t> number(std::string_view word, std::string_view key, int64_t max = kPagesMax) {
    const auto value = parse_integer(word, 0, max);
    if (!value) {
      fail("'" + std::string(key) + "' is " + quote(word) + ", expected a number from 0 to " + std::to_string(max) +
           "; " + kCopyAgain);
    }
    return value;
  }

  void take(std::string_view text) {
    const std::vector<std::string_view> word = words(text);
    if (word.empty()) return;
    if (word[0] == "Node") return begin_zone(word);
    if (!in_zone_) return fail(quote(trim(text)) + " stands before the first 'Node N, zone NAME' line; " + kCopyAgain);
    if (text.find("per-node stats") != std::string_view::npos) {
      node_stats_ = true;
      return;
    }
    if (word[0] == "pages") {
      node_stats_ = false;
      if (word.size() < 3 || word[1] != "free")
        return fail(quote(trim(text)) + " is not 'pages free N'; " + kCopyAgain);
      return mark({"free", "free_pages", &zone_.free}, word[2]);
    }
    if (word[0] == "protection:") return protection(text);
    if (word[0] == "pagesets") return;
    if (word.size() < 2) return fail(quote(trim(text)) + " has no value; is the file cut off? " + kCopyAgain);
    if (node_stats_) return node_stat(word);
    if (word[0].ends_with(":") || word[0] == "vm") return tail(word);
    if (word[0].starts_with("nr_")) return zone_counter(word);
    const Mark marks[] = {{"boost", "boost_pages", &zone_.boost},
                          {"min", "watermarks_pages", &zone_.watermarks.min},
                          {"low", "watermarks_pages.low", &zone_.watermarks.low},
                          {"high", "watermarks_pages.high", &zone_.watermarks.high},
                          {"present", "present_pages", &zone_.present},
                          {"managed", "managed_pages", &zone_.managed}};
    for (const Mark& one : marks) {
      if (word[0] == one.key) return mark(one, word[1]);
    }
  }

  void begin_zone(const std::vector<std::string_view>& word) {
    finish_zone();
    if (reader_.error) return;
    if (word.size() != 4 || word[2] != "zone" || !word[1].ends_with(",")) {
      return fail("expected 'Node N, zone NAME'; " + std::string(kCopyAgain));
    }
    const auto id = parse_integer(word[1].substr(0, word[1].size() - 1), 0, 1023);
    if (!id) return fail("node number " + quote(word[1]) + " is not in 0..1023; " + kCopyAgain);
    const auto kind = zone_kind(word[3]);
    if (!kind)
      return fail("zone " + quote(word[3]) +
                  " is unknown; the zones of x86-64 are DMA, DMA32, Normal, Movable, Device");
    in_zone_ = true;
    node_stats_ = false;
    node_id_ = static_cast<int>(*id);
    header_line_ = line_;
    zone_ = ZoneSpec{};
    zone_.kind = *kind;
    seen_.clear();
    lines_.clear();
    pcp_cpus_.clear();
    complete_ = false;
    if (std::find(reader_.node_ids_seen.begin(), reader_.node_ids_seen.end(), node_id_) ==
        reader_.node_ids_seen.end()) {
      reader_.node_ids_seen.push_back(node_id_);
    }
    for (const auto& [node, other] : zones_seen_) {
      if (node == node_id_ && other == *kind) {
        return fail("zone " + std::string(word[3]) + " of node " + std::to_string(node_id_) +
                    " comes a second time; were two files joined?");
      }
    }
    zones_seen_.emplace_back(node_id_, *kind);
    pending_node_ = NodeSpec{};
  }

  void mark(const Mark& one, std::string_view word) {
    const auto value = number(word, one.key);
    if (!value) return;
    if (std::find(seen_.begin(), seen_.end(), one.key) != seen_.end()) {
      return fail("'" + std::string(one.key) + "' comes a second time in this zone; is a 'Node' line missing above?");
    }
    *one.target = Pages(*value);
    seen_.push_back(one.key);
    lines_[one.field] = line_;
  }

  void node_stat(const std::vector<std::string_view>& word) {
    if (word[0] == "nr_kernel_stack") {
      if (const auto value = number(word[1], word[0], kPagesMax * 4)) pending_node_.kernel_stack_kb = *value;
    } else if (Pages* target = node_counter(pending_node_, word[0])) {
      if (const auto value = number(word[1], word[0])) *target = Pages(*value);
    }
  }

  void zone_counter(const std::vector<std::string_view>& word) {
    Pages* target = nullptr;
    if (word[0].starts_with("nr_zone_")) target = lru_of(zone_.lru, word[0].substr(8));
    if (word[0] == "nr_zone_write_pending") target = &zone_.write_pending;
    if (word[0] == "nr_mlock") target = &zone_.mlocked;
    if (!target) return;
    if (const auto value = number(word[1], word[0])) *target = Pages(*value);
  }

  void protection(std::string_view text) {
    const size_t open = text.find('('), close = text.find(')');
    if (open == std::string_view::npos || close == std::string_view::npos || close < open) {
      return fail("protection is not '(a, b, ...)'; " + std::string(kCopyAgain));
    }
    std::string list(text.substr(open + 1, close - open - 1));
    std::replace(list.begin(), list.end(), ',', ' ');
    size_t column = 0;
    for (std::string_view word : words(list)) {
      const auto value = number(word, "protection");
      if (!value) return;
      if (column < zone_.lowmem_reserve.size()) zone_.lowmem_reserve[column] = Pages(*value);
      ++column;
    }
  }

  // What follows the counters: "cpu: 0", "count: 231", "vm stats threshold: 8", "node_unreclaimable: 0", "start_pfn:
  // 1".
  void tail(const std::vector<std::string_view>& word) {
    if (word[0] == "cpu:") {
      const auto cpu = number(word[1], "cpu", 8191);
      if (!cpu) return;
      if (!pcp_cpus_.empty() && *cpu <= pcp_cpus_.back())
        return fail("CPU " + std::to_string(*cpu) + " comes twice or out of order; " + kCopyAgain);
      pcp_cpus_.push_back(static_cast<int>(*cpu));
      zone_.pcp.emplace_back();
      return;
    }
    if (word[0] == "vm") {
      if (word.size() < 4) return fail(std::string("'vm stats threshold' has no value; ") + kCopyAgain);
      if (const auto value = number(word[3], "vm stats threshold")) zone_.stat_threshold = Pages(*value);
      return;
    }
    if (word[0] == "node_unreclaimable:") {
      if (const auto value = number(word[1], word[0], 1)) pending_node_.unreclaimable = *value != 0;
      return;
    }
    if (word[0] == "start_pfn:") {
      complete_ = true;
      return;
    }
    if (word[0] != "count:" && word[0] != "high:" && word[0] != "batch:") return;
    if (zone_.pcp.empty()) return fail(quote(word[0]) + " stands before any 'cpu: N' line; " + kCopyAgain);
    const auto value = number(word[1], word[0]);
    if (!value) return;
    PcpSpec& pcp = zone_.pcp.back();
    (word[0] == "count:" ? pcp.count : word[0] == "high:" ? pcp.high : pcp.batch) = Pages(*value);
  }

  void finish_zone() {
    if (!in_zone_ || reader_.error) return;
    in_zone_ = false;
    const std::string name = std::string("zone ") + zone_name(zone_.kind) + " of node " + std::to_string(node_id_);
    for (const char* key : {"free", "min", "low", "high", "present", "managed"}) {
      if (std::find(seen_.begin(), seen_.end(), key) != seen_.end()) continue;
      return reader_.fail(kPath, header_line_, name + " has no '" + key + "' line; is the file cut off? " + kCopyAgain);
    }
    // The kernel prints unpopulated zones down to their protection only.
    if (zone_.present == Pages(0)) {
      if (zone_.managed > Pages(0))
        fail(name + " has " + std::to_string(zone_.managed.count()) + " managed pages but none present");
      return;
    }
    if (!complete_)
      return reader_.fail(kPath, header_line_,
                          name + " does not reach its 'start_pfn' line; is the file cut off? " + kCopyAgain);
    if (reader_.spec.cpus.empty()) reader_.spec.cpus = pcp_cpus_;
    if (pcp_cpus_ != reader_.spec.cpus)
      return reader_.fail(kPath, header_line_, name + " lists other CPUs than the zones above; " + kCopyAgain);
    add_zone();
  }

  void add_zone() {
    std::vector<NodeSpec>& nodes = reader_.spec.nodes;
    auto node = std::find_if(nodes.begin(), nodes.end(), [&](const NodeSpec& one) { return one.id.value == node_id_; });
    if (node == nodes.end()) {
      if (!nodes.empty() && nodes.back().id.value > node_id_) {
        return reader_.fail(kPath, header_line_,
                            "node " + std::to_string(node_id_) + " follows a higher one; " + kCopyAgain);
      }
      // The per-node counters stand in the node's first populated zone.
      pending_node_.id = NodeId{node_id_};
      nodes.push_back(pending_node_);
      node = nodes.end() - 1;
    }
    node->unreclaimable = pending_node_.unreclaimable;
    const std::string node_path = "nodes[" + std::to_string(node - nodes.begin()) + "]";
    const std::string path = node_path + ".zones[" + std::to_string(node->zones.size()) + "]";
    for (const auto& [field, line] : lines_) reader_.places.emplace(path + "." + field, reader_.place(kPath, line));
    reader_.places.emplace(path, reader_.place(kPath, header_line_));
    reader_.places.emplace(node_path, reader_.place(kPath, header_line_));
    node->zones.push_back(zone_);
  }

  void settle_cpus() {
    if (reader_.error || !reader_.spec.cpus.empty() || reader_.spec.nodes.empty()) return;
    reader_.fail(kPath, header_line_, std::string("no zone lists a CPU under 'pagesets'; ") + kCopyAgain);
  }

  void settle_nodes() {
    if (reader_.error || !reader_.spec.nodes.empty()) return;
    reader_.fail(kPath, std::max(line_, 1),
                 std::string("no zone has memory; is the file empty or cut off? ") + kCopyAgain);
  }

  SnapshotReader& reader_;
  int line_ = 0;
  bool in_zone_ = false;
  bool node_stats_ = false;
  bool complete_ = false;
  int node_id_ = 0;
  int header_line_ = 1;
  ZoneSpec zone_;
  NodeSpec pending_node_;
  std::vector<std::string> seen_;
  std::map<std::string, int> lines_;
  std::vector<int> pcp_cpus_;
  std::vector<std::pair<int, ZoneKind>> zones_seen_;
};

}  // namespace

void read_zoneinfo(SnapshotReader& reader) {
  const std::string* text = reader.text(kPath);
  if (!text) {
    if (!reader.error) {
      reader.error = Error{(reader.files.root.empty() ? "" : reader.files.root + "/") + std::string(kPath) +
                           ": not there; a snapshot keeps the kernel's files under their own paths, 'oomcast host "
                           "capture DIR' makes one"};
    }
    return;
  }
  Zoneinfo(reader).read(*text);
}

void read_buddyinfo(SnapshotReader& reader) {
  constexpr const char* path = "proc/buddyinfo";
  const std::string* text = reader.text(path);
  if (!text) {
    for (NodeSpec& node : reader.spec.nodes) {
      for (ZoneSpec& zone : node.zones) unfragment(zone);
    }
    reader.assume("free_blocks", "unfragmented", "no proc/buddyinfo");
    return;
  }
  for (const Line& line : lines(*text)) {
    const std::vector<std::string_view> word = words(line.text);
    if (word.empty()) continue;
    // "Node 0, zone    DMA32      4      3 ..."
    if (word.size() < 4 + 11 || word[0] != "Node" || word[2] != "zone" || !word[1].ends_with(",")) {
      return reader.fail(path, line.number, "expected 'Node N, zone NAME' and eleven counts; is the file cut off?");
    }
    const auto id = parse_integer(word[1].substr(0, word[1].size() - 1), 0, 1023);
    const auto kind = zone_kind(word[3]);
    if (!id || !kind)
      return reader.fail(path, line.number, "zone " + quote(word[3]) + " of node " + quote(word[1]) + " is unknown");
    for (NodeSpec& node : reader.spec.nodes) {
      for (ZoneSpec& zone : node.zones) {
        if (node.id.value != *id || zone.kind != *kind) continue;
        for (size_t order = 0; order < zone.free_blocks.size(); ++order) {
          const auto blocks = parse_integer(word[4 + order], 0, kPagesMax >> order);
          if (!blocks)
            return reader.fail(path, line.number,
                               "free blocks of order " + std::to_string(order) + " are " + quote(word[4 + order]) +
                                   ", expected a number");
          zone.free_blocks[order] = *blocks;
        }
        int64_t pages = 0;
        for (size_t order = 0; order < zone.free_blocks.size(); ++order) pages += zone.free_blocks[order] << order;
        if (pages > zone.managed.count())
          return reader.fail(path, line.number, std::to_string(pages) + " pages in free blocks, but proc/zoneinfo has " + std::to_string(zone.managed.count()) +
                                                    " managed in that zone; copy both from the same machine");
      }
    }
  }
}

namespace {

constexpr const char* kPageTypes = "proc/pagetypeinfo";

ZoneSpec* zone_of(HostSpec& spec, std::string_view node_word, std::string_view zone_word) {
  for (NodeSpec& node : spec.nodes)
    for (ZoneSpec& zone : node.zones)
      if (std::to_string(node.id.value) + "," == node_word && zone_name(zone.kind) == zone_word) return &zone;
  return nullptr;
}

// "Node    0, zone    DMA32, type    Unmovable      4      3 ..."; a count above 100000 is printed as ">100000".
// A whole free block changes its type without any fuss when another type needs it: it is not counted (kHugeOrder is
// also the order of a pageblock).
void read_free_by_type(SnapshotReader& reader, int line, const std::vector<std::string_view>& word) {
  constexpr size_t kFirstCount = 6;
  const bool highatomic = word[5] == "HighAtomic";
  if (!highatomic && word[5] != "Unmovable" && word[5] != "Reclaimable") return;
  int64_t pages = 0;
  for (size_t order = 0; order < 11; ++order) {
    std::string_view count = order + kFirstCount < word.size() ? word[order + kFirstCount] : "";
    if (count.starts_with(">")) count.remove_prefix(1);
    const auto blocks = parse_integer(count, 0, kPagesMax >> order);
    if (!blocks) return reader.fail(kPageTypes, line, "free blocks of order " + std::to_string(order) + " are " + quote(count) + ", expected a number; is the file cut off?");
    if (highatomic || order < kHugeOrder) pages += *blocks << order;
  }
  ZoneSpec* zone = zone_of(reader.spec, word[1], word[3].substr(0, word[3].size() - 1));
  if (zone == nullptr) return;
  // The files of a snapshot are read one after the other: what moved in between cannot be more than there is.
  const Pages others = highatomic ? Pages(0) : std::max(zone->free_unmovable, Pages(0)) + std::max(zone->free_reclaimable, Pages(0));
  const Pages free_here = std::min(Pages(pages), zone->free - others);
  if (highatomic) zone->highatomic_free = free_here;
  else if (word[5] == "Unmovable") zone->free_unmovable = free_here;
  else zone->free_reclaimable = free_here;
}

}  // namespace

// Two tables: free blocks by type and order, and after "Number of blocks type Unmovable ..." all blocks by type.
void read_pagetypeinfo(SnapshotReader& reader) {
  const std::string* text = reader.text(kPageTypes);
  if (!text) return;
  size_t highatomic_column = 0;
  for (const Line& line : lines(*text)) {
    const std::vector<std::string_view> word = words(line.text);
    if (word.size() > 4 && word[0] == "Number" && word[3] == "type") {
      for (size_t i = 4; i < word.size(); ++i)
        if (word[i] == "HighAtomic") highatomic_column = i;
      continue;
    }
    if (word.size() < 6 || word[0] != "Node") continue;
    if (word[4] == "type") {
      read_free_by_type(reader, line.number, word);
      continue;
    }
    if (highatomic_column == 0 || highatomic_column >= word.size()) continue;
    const auto blocks = parse_integer(word[highatomic_column], 0, kPagesMax >> 9);
    if (!blocks) return reader.fail(kPageTypes, line.number, "blocks of type HighAtomic are " + quote(word[highatomic_column]) + ", expected a number");
    if (ZoneSpec* zone = zone_of(reader.spec, word[1], word[3])) zone->highatomic_reserved = Pages(std::min(*blocks << 9, zone->managed.count()));
  }
}

}  // namespace oomcast::host
