// Reads /proc/zoneinfo of Linux 3.x to 6.12: zones, their marks and lists, per-node counters, per-CPU lists.
//
// The place of a counter depends on the kernel. Before 4.8 all counters are in the zones. Slab moved to the nodes in
// 4.13, kernel stacks in 5.9, page tables in 5.11. Distributions backport such moves, so the name decides and not the
// version: a counter of nodes that the zones print is added up for the node, unless the node prints it, too.
#include <algorithm>
#include <map>
#include <set>

#include "model/spec/field_names.h"
#include "model/spec/node_counters.h"
#include "model/spec/parse_text.h"
#include "model/spec/snapshot/snapshot_reader.h"

namespace oomcast::host {
namespace {

constexpr const char* kPath = "proc/zoneinfo";
constexpr int64_t kPagesMax = int64_t{1} << 34;  // 64 TiB
constexpr const char* kCopyAgain = "copy the file again from a running kernel (cat /proc/zoneinfo)";

Pages* lru_of(LruSizes& lru, std::string_view key) {
  for (const LruCounter& list : kLruCounters)
    if (key == list.key) return &(lru.*list.of);
  return nullptr;
}

Pages* node_counter(NodeSpec& node, std::string_view name) {
  for (const NodeCounter& counter : kNodeCounters)
    if (name == counter.zoneinfo) return &(node.*counter.of);
  return name.starts_with("nr_") ? lru_of(node.lru, name.substr(3)) : nullptr;
}

// Adds up the counters that the zones of a node print.
void add_counters(NodeSpec& sum, const NodeSpec& one) {
  for (const NodeCounter& counter : kNodeCounters) sum.*counter.of += one.*counter.of;
  for (const LruCounter& list : kLruCounters) sum.lru.*list.of += one.lru.*list.of;
  sum.kernel_stack_kb += one.kernel_stack_kb;
}

// Before 4.8 nr_kernel_stack counts stacks of THREAD_SIZE: 8 KiB; 16 KiB from 3.15 on, and in RHEL 7's 3.10.
int kb_per_kernel_stack(const HostSpec& spec) {
  const bool large = spec.kernel >= KernelVersion{3, 15} || spec.kernel_release.find(".el7") != std::string::npos;
  return large ? 16 : 8;
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
    if (!reader_.error) note_guesses();
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
    if (is_nameless_counter(word)) return;
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

  // 4.14.y to 4.18: nr_indirectly_reclaimable_bytes is printed without its name.
  bool is_nameless_counter(const std::vector<std::string_view>& word) const {
    return node_stats_ && word.size() == 1 && parse_integer(word[0], 0, INT64_MAX).has_value();
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
    zone_counters_ = NodeSpec{};
    zone_unreclaimable_ = false;
    printed_by_node_.clear();
    printed_by_zone_.clear();
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
    counter_of_node(pending_node_, word, printed_by_node_);
    node_prints_[node_id_].emplace(word[0]);
  }

  void counter_of_node(NodeSpec& node, const std::vector<std::string_view>& word, std::set<std::string>& printed) {
    if (word[0] == "nr_kernel_stack") {
      if (const auto value = number(word[1], word[0], kPagesMax * 4)) node.kernel_stack_kb = *value;
    } else if (Pages* target = node_counter(node, word[0])) {
      if (const auto value = number(word[1], word[0])) *target = Pages(*value);
    } else {
      return;
    }
    printed.emplace(word[0]);
  }

  void zone_counter(const std::vector<std::string_view>& word) {
    Pages* target = nullptr;
    if (word[0].starts_with("nr_zone_")) target = lru_of(zone_.lru, word[0].substr(8));
    if (target) reader_.nodes_with_zone_lists.insert(node_id_);
    if (word[0] == "nr_zone_write_pending") target = &zone_.write_pending;
    if (word[0] == "nr_mlock") target = &zone_.mlocked;
    if (word[0] == "nr_free_cma") target = &zone_.free_cma;
    if (!target && node_prints_[node_id_].contains(std::string(word[0]))) return;
    if (!target) return counter_of_node(zone_counters_, word, printed_by_zone_);
    if (const auto value = number(word[1], word[0])) *target = Pages(*value);
  }

  // Before 4.8 LRU lists and pages to be written are counters of the zone.
  void take_counters_of_zone() {
    if (!printed_by_zone_.contains("nr_inactive_file") && !printed_by_zone_.contains("nr_inactive_anon")) return;
    zone_.lru = zone_counters_.lru;
    zone_.write_pending = zone_counters_.dirty + zone_counters_.writeback;
    reader_.nodes_with_zone_lists.insert(node_id_);
    zone_counters_.kernel_stack_kb *= kb_per_kernel_stack(reader_.spec);
    stacks_counted_ = stacks_counted_ || zone_counters_.kernel_stack_kb > 0;
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

  // The lines after the counters: "cpu: 0", "count: 231", "vm stats threshold: 8", "node_unreclaimable: 0", "start_pfn:
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
    if (word[0] == "node_unreclaimable:" || word[0] == "all_unreclaimable:") {
      if (const auto value = number(word[1], word[0], 1)) zone_unreclaimable_ = *value != 0;
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
      if (key == std::string_view("managed") && older_than_managed()) continue;
      return reader_.fail(kPath, header_line_, name + " has no '" + key + "' line; is the file cut off? " + kCopyAgain);
    }
    if (zone_.watermarks.min < zone_.boost) {
      return reader_.fail(kPath, header_line_, name + " is boosted by more than its min mark, which holds the boost");
    }
    // The kernel prints the marks with the boost; ZoneSpec has them without.
    for (Pages Watermarks::*const mark : {&Watermarks::min, &Watermarks::low, &Watermarks::high}) {
      zone_.watermarks.*mark -= zone_.boost;
    }
    // The kernel prints unpopulated zones only as far as their protection line.
    if (zone_.present == Pages(0)) {
      if (zone_.managed > Pages(0))
        fail(name + " has " + std::to_string(zone_.managed.count()) + " managed pages but none present");
      return;
    }
    if (!complete_)
      return reader_.fail(kPath, header_line_,
                          name + " does not reach its 'start_pfn' line; is the file cut off? " + kCopyAgain);
    if (std::find(seen_.begin(), seen_.end(), "managed") == seen_.end()) take_present_for_managed();
    take_counters_of_zone();
    if (reader_.spec.cpus.empty()) reader_.spec.cpus = pcp_cpus_;
    if (pcp_cpus_ != reader_.spec.cpus)
      return reader_.fail(kPath, header_line_, name + " lists other CPUs than the zones above; " + kCopyAgain);
    add_zone();
  }

  // Kernels before 3.8 print no "managed" line. A zone that is complete except for that line is from such a kernel; a
  // zone that ends early is from a truncated file.
  bool older_than_managed() const {
    if (reader_.kernel_known && reader_.spec.kernel >= KernelVersion{3, 8}) return false;
    return printed_by_node_.empty() && (complete_ || zone_.present == Pages(0));
  }

  // In kernels before 3.8 "present" leaves out holes and the zone's struct pages, so that it is close to "managed". In
  // zone DMA more pages may be free than that.
  void take_present_for_managed() {
    zone_.managed = zone_.present = std::max(zone_.present, zone_.free + zone_.on_pcp());
    managed_guessed_ = true;
  }

  void add_zone() {
    std::vector<NodeSpec>& nodes = reader_.spec.nodes;
    auto node = std::find_if(nodes.begin(), nodes.end(), [&](const NodeSpec& one) { return one.id.value == node_id_; });
    if (node == nodes.end()) {
      if (!nodes.empty() && nodes.back().id.value > node_id_) {
        return reader_.fail(kPath, header_line_,
                            "node " + std::to_string(node_id_) + " follows a higher one; " + kCopyAgain);
      }
      // Per-node counters stand in the node's first populated zone.
      pending_node_.id = NodeId{node_id_};
      nodes.push_back(pending_node_);
      node = nodes.end() - 1;
      node->unreclaimable = true;
    }
    node->unreclaimable = node->unreclaimable && zone_unreclaimable_;
    add_counters(*node, zone_counters_);
    std::set<std::string>& printed = reader_.node_counters_printed[node_id_];
    printed.insert(printed_by_node_.begin(), printed_by_node_.end());
    printed.insert(printed_by_zone_.begin(), printed_by_zone_.end());
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

  void note_guesses() {
    if (managed_guessed_) {
      reader_.assume("nodes[].zones[].managed_pages", "the present ones", "kernels before 3.8 do not print them");
    }
    if (stacks_counted_) {
      reader_.assume("nodes[].kernel_stack_kb",
                     std::to_string(kb_per_kernel_stack(reader_.spec)) + " KiB for each stack",
                     "kernels before 4.8 count stacks");
    }
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
  NodeSpec zone_counters_;                                   // counters of nodes that this zone prints
  std::set<std::string> printed_by_node_, printed_by_zone_;  // names of such counters
  std::map<int, std::set<std::string>> node_prints_;         // by node id: names in its "per-node stats"
  bool zone_unreclaimable_ = false;
  bool managed_guessed_ = false, stacks_counted_ = false;
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
      reader.error = Error{reader.place(kPath) +
                           ": not there; a snapshot keeps the kernel's files under their own paths, 'oomcast host "
                           "capture DIR' makes one"};
    }
    return;
  }
  Zoneinfo(reader).read(*text);
}

}  // namespace oomcast::host
