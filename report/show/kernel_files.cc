// Writes a moment of a report in the formats of mm/vmstat.c, fs/proc/meminfo.c and kernel/sched/psi.c (6.1).
#include "report/show/kernel_files.h"

#include <fmt/core.h>

#include "model/base/units.h"
#include "model/host/vmstat.h"
#include "model/spec/node_counters.h"
#include "report/report_values.h"
#include "report/words/format.h"

namespace oomcast::report {
namespace {

using Json = nlohmann::json;

int64_t pages(const Json& parent, const std::string& key) { return value_or<int64_t>(parent, key, 0); }

/// A counter of vmstat in zoneinfo.
std::string counter_line(const std::string& name, int64_t count) {
  return fmt::format("\n      {:<12} {}", name, count);
}

/// The LRU sizes of a node (prefix "nr_") or of a zone ("nr_zone_").
std::string lru_lines(const Json& lru, const char* prefix) {
  std::string text;
  for (const host::LruCounter& counter : host::kLruCounters)
    text += counter_line(std::string(prefix) + counter.key, pages(lru, counter.key));
  return text;
}

struct NodeLine {
  const char* name;
  const char* key;
};
constexpr NodeLine kNodeLines[] = {{"nr_slab_reclaimable", "slab_reclaimable_pages"},
                                   {"nr_mapped", "mapped_pages"},
                                   {"nr_dirty", "dirty_pages"},
                                   {"nr_writeback", "writeback_pages"},
                                   {"nr_shmem", "shmem_pages"}};

std::string node_lines(const Json& node) {
  std::string text = "\n  per-node stats" + lru_lines(child(node, "lru_pages"), "nr_");
  for (const NodeLine& each : kNodeLines) text += counter_line(each.name, pages(node, each.key));
  return text;
}

/// zoneinfo_show_print().
std::string zone_lines(const Json& zone) {
  const Json& marks = child(zone, "watermarks");
  return fmt::format(
             "\n  pages free     {}\n        boost    {}\n        min      {}\n        low      {}\n        high     "
             "{}",
             pages(zone, "free_pages"), pages(zone, "boost_pages"), pages(marks, "min"), pages(marks, "low"),
             pages(marks, "high")) +
         fmt::format("\n        present  {}\n        managed  {}\n        cma      {}", pages(zone, "present_pages"),
                     pages(zone, "managed_pages"), pages(zone, "free_cma_pages")) +
         counter_line("nr_free_pages", pages(zone, "free_pages")) + lru_lines(child(zone, "lru_pages"), "nr_zone_") +
         counter_line("nr_zone_write_pending", pages(zone, "write_pending_pages")) +
         counter_line("nr_free_cma", pages(zone, "free_cma_pages")) + "\n";
}

/// Sums over the nodes of a state.
int64_t node_sum(const Json& state, const std::string& key) {
  int64_t sum = 0;
  for (const Json& node : child(state, "nodes")) sum += value_or<int64_t>(node, key, 0);
  return sum;
}
int64_t lru_sum(const Json& state, const std::string& list) {
  int64_t sum = 0;
  for (const Json& node : child(state, "nodes")) sum += value_or<int64_t>(child(node, "lru_pages"), list, 0);
  return sum;
}
int64_t zone_sum(const Json& nodes, const std::string& key) {
  int64_t sum = 0;
  for (const Json& node : nodes)
    for (const Json& zone : child(node, "zones")) sum += value_or<int64_t>(zone, key, 0);
  return sum;
}

/// fs/proc/meminfo.c: show_val_kb().
std::string kb_line(const std::string& label, int64_t bytes) { return proc_line(label, bytes / 1024); }

/// The value of a timeline column in a row; nothing if it has none.
std::optional<int64_t> bytes_at(const Json& column, size_t row) {
  if (!column.is_array() || row >= column.size() || !column[row].is_number()) return std::nullopt;
  return column[row].get<int64_t>();
}

std::string meminfo_of_state(const Json& state) {
  std::string text;
  const auto add = [&](const std::string& label, int64_t count) { text += kb_line(label, count * kPageBytes); };
  const auto lru = [&](const char* list) { return lru_sum(state, list); };
  add("MemTotal", zone_sum(child(state, "nodes"), "managed_pages"));
  add("MemFree", zone_sum(child(state, "nodes"), "free_pages"));
  add("Active", lru("active_anon") + lru("active_file"));
  add("Inactive", lru("inactive_anon") + lru("inactive_file"));
  add("Active(anon)", lru("active_anon"));
  add("Inactive(anon)", lru("inactive_anon"));
  add("Active(file)", lru("active_file"));
  add("Inactive(file)", lru("inactive_file"));
  add("Unevictable", lru("unevictable"));
  text += kb_line("SwapTotal", value_or<int64_t>(state, "swap_total_bytes", 0));
  text += kb_line("SwapFree", value_or<int64_t>(state, "swap_free_bytes", 0));
  add("Dirty", node_sum(state, "dirty_pages"));
  add("Writeback", node_sum(state, "writeback_pages"));
  add("Mapped", node_sum(state, "mapped_pages"));
  add("Shmem", node_sum(state, "shmem_pages"));
  add("SReclaimable", node_sum(state, "slab_reclaimable_pages"));
  text += kb_line("Committed_AS", value_or<int64_t>(state, "committed_bytes", 0));
  return text;
}

std::string meminfo_of_row(const Json& document, size_t row) {
  const Json& timeline = child(document, "timeline");
  const auto at = [&](const char* key) { return bytes_at(child(timeline, key), row); };
  std::optional<int64_t> free;
  const Json& nodes = child(timeline, "node_free_bytes");
  for (const auto& [name, column] : nodes.items())
    if (const auto bytes = bytes_at(column, row)) free = free.value_or(0) + *bytes;
  std::string text =
      kb_line("MemTotal", zone_sum(child(child(document, "host"), "nodes"), "managed_pages") * kPageBytes);
  const auto add = [&](const char* label, std::optional<int64_t> bytes) {
    if (bytes) text += kb_line(label, *bytes);
  };
  const auto sum = [](std::optional<int64_t> a, std::optional<int64_t> b) {
    return a && b ? std::optional(*a + *b) : std::nullopt;
  };
  add("MemFree", free);
  add("Active", sum(at("active_anon_bytes"), at("active_file_bytes")));
  add("Inactive", sum(at("inactive_anon_bytes"), at("inactive_file_bytes")));
  add("Active(anon)", at("active_anon_bytes"));
  add("Inactive(anon)", at("inactive_anon_bytes"));
  add("Active(file)", at("active_file_bytes"));
  add("Inactive(file)", at("inactive_file_bytes"));
  const int64_t swap = value_or<int64_t>(child(document, "host"), "swap_bytes", 0);
  add("SwapTotal", swap);
  if (const auto used = at("swap_used_bytes")) add("SwapFree", swap - *used);
  add("Dirty", at("dirty_bytes"));
  add("Writeback", at("writeback_bytes"));
  return text;
}

}  // namespace

std::string zoneinfo_text(const ShownMoment& moment) {
  std::string text;
  if (moment.state == nullptr) return text;
  for (const Json& node : child(*moment.state, "nodes")) {
    bool first = true;  // the node's own lines are in its first zone
    for (const Json& zone : child(node, "zones")) {
      text += fmt::format("Node {}, zone {:>8}", pages(node, "node"), value_or(zone, "zone", std::string()));
      if (first) text += node_lines(node);
      first = false;
      text += zone_lines(zone);
    }
  }
  return text;
}

std::string meminfo_text(const FinishedReport& report, const ShownMoment& moment) {
  if (moment.state != nullptr) return meminfo_of_state(*moment.state);
  return moment.row ? meminfo_of_row(report.document, *moment.row) : "";
}

std::string vmstat_text(const ShownMoment& moment) {
  if (moment.state == nullptr) return "";
  const Json& state = *moment.state;
  std::string text = "nr_free_pages " + std::to_string(zone_sum(child(state, "nodes"), "free_pages")) + "\n";
  for (const host::LruCounter& counter : host::kLruCounters)
    text += std::string("nr_") + counter.key + " " + std::to_string(lru_sum(state, counter.key)) + "\n";
  for (const NodeLine& each : kNodeLines)
    text += std::string(each.name) + " " + std::to_string(node_sum(state, each.key)) + "\n";
  const Json& counters = child(state, "counters");
  const auto of_all_hosts = static_cast<size_t>(host::vmstat_count({}));
  for (size_t i = 0; i < host::kVmstatNames.size(); ++i) {
    const char* const name = host::kVmstatNames[i];
    if (i >= of_all_hosts && !counters.contains(name)) continue;
    text += std::string(name) + " " + std::to_string(value_or<int64_t>(counters, name, 0)) + "\n";
  }
  return text;
}

std::string psi_text(const ShownMoment& moment) {
  if (moment.state == nullptr) return "";
  std::string text;
  for (const char* name : {"some", "full"}) {
    const Json& psi = child(child(*moment.state, "pressure"), name);
    text += fmt::format("{} avg10={:.2f} avg60={:.2f} avg300={:.2f} total={}\n", name, value_or(psi, "avg10", 0.0),
                        value_or(psi, "avg60", 0.0), value_or(psi, "avg300", 0.0), pages(psi, "total_us"));
  }
  return text;
}

std::string dmesg_text(const Json& kill) {
  std::string text;
  const double t_s = value_or(kill, "t_s", 0.0);
  for (const Json& each : child(kill, "dmesg")) text += fmt::format("[{:12.6f}] {}\n", t_s, each.get<std::string>());
  return text;
}

}  // namespace oomcast::report
