// Reads the host's counters: Mem-Info, the node lines, and the totals at the end.
#include "report/oomlog/line_fields.h"
#include "report/oomlog/parts.h"

namespace oomcast::oomlog {
namespace {

constexpr std::string_view kFirstNames[] = {"active_anon:",
                                            "active_file:",
                                            "unevictable:",
                                            "slab_reclaimable:",
                                            "mapped:",
                                            "sec_pagetables:",
                                            "kernel_misc_reclaimable:",
                                            "free:",
                                            "bounce:"};

bool read_node(std::string_view line, OomReport& report) {
  // A node line continues with a counter, a zone line with the name of the zone. Before 4.8 there are no node lines.
  const std::vector<std::string_view> words = words_of(line.substr(0, 64));
  if (words.size() < 3 || words[0] != "Node" || !words[2].starts_with("active_anon:")) return false;
  const auto id = whole_number(words[1]);
  if (!id || *id < 0 || *id > 1023) return false;
  for (const NodeReport& node : report.nodes)
    if (node.id == *id) return true;  // a second copy of the line
  NodeReport& node = report.nodes.emplace_back();
  node.id = static_cast<int>(*id);
  read_counters(line, node.kb);
  if (line.find("all_unreclaimable? ") != std::string_view::npos)
    node.all_unreclaimable = line.find("all_unreclaimable? yes") != std::string_view::npos;
  return true;
}

bool read_total(std::string_view line, OomReport& report) {
  struct Total {
    std::string_view words;
    std::optional<int64_t> OomReport::*value;
  };
  static constexpr Total kTotals[] = {{" total pagecache pages", &OomReport::page_cache_pages},
                                      {" pages in swap cache", &OomReport::swap_cache_pages},
                                      {" pages RAM", &OomReport::ram_pages},
                                      {" pages HighMem/MovableOnly", &OomReport::movable_only_pages},
                                      {" pages reserved", &OomReport::reserved_pages},
                                      {" pages cma reserved", &OomReport::cma_reserved_pages}};
  if (line.starts_with("Free swap")) return (report.free_swap_kb = number_after(line, "=")).has_value();
  if (line.starts_with("Total swap")) return (report.total_swap_kb = number_after(line, "=")).has_value();
  for (const Total& total : kTotals) {
    if (!line.ends_with(total.words)) continue;
    const auto value = whole_number(line.substr(0, line.size() - total.words.size()));
    if (value && *value >= 0) report.*total.value = value;
    return true;
  }
  return false;
}

/// "kmalloc-512      123KB    456KB" below "Unreclaimable slab info:".
bool read_slab(std::string_view line, OomReport& report) {
  const std::vector<std::string_view> words = words_of(line);
  if (words.size() != 3 || !words[1].ends_with("KB") || !words[2].ends_with("KB")) return false;
  const auto total = leading_number(words[2]);
  if (total && *total >= 0 && report.slabs_kb.size() < 4096) report.slabs_kb.emplace_back(words[0], *total);
  return true;
}

/// The rest of a zone's or a node's line that was broken: "mapped:12kB dirty:0kB". Mem-Info's own numbers have no unit.
bool read_rest_of_line(std::string_view line, OomReport& report) {
  const std::string_view first = line.substr(0, line.find_first_of(" \t"));
  const size_t colon = first.find(':');
  if (colon == std::string_view::npos || !first.ends_with("kB") || colon + 3 > first.size()) return false;
  if (!leading_number(first.substr(colon + 1))) return false;
  Counters* const into = !report.zones.empty()   ? &report.zones.back().kb
                         : !report.nodes.empty() ? &report.nodes.back().kb
                                                 : nullptr;
  if (!into) return false;
  Counters rest;
  read_counters(line, rest);
  for (const auto& [name, value] : rest.all())
    if (!into->has(name)) into->set(name, value);
  return true;
}

}  // namespace

bool read_mem_info(std::string_view line, OomReport& report) {
  if (read_rest_of_line(line, report)) return true;
  if (read_node(line, report) || read_total(line, report) || read_slab(line, report)) return true;
  for (const std::string_view name : kFirstNames) {
    if (!line.starts_with(name)) continue;
    // The report of another failure in the same log would overwrite this one's.
    if (report.mem_info.has(name.substr(0, name.size() - 1))) return true;
    read_counters(line, report.mem_info);
    return true;
  }
  return false;
}

}  // namespace oomcast::oomlog
