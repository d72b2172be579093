// Reads a finished report, checks its form, and computes the numbers that gates need beyond its keys.
#include "report/gates/finished_report.h"

#include <algorithm>

#include "model/sim/outcome.h"
#include "report/json_report.h"
#include "report/report_shape.h"
#include "report/whole_file.h"
#include "report/words/format.h"

namespace oomcast::report {
namespace {

using Json = nlohmann::json;

constexpr int64_t kMostReportBytes = int64_t{1} << 30;

/// Keys may contain dots ("memory.peak"): tries the longest key that fits first at each level.
const Json* find(const Json& at, const std::string& key) {
  if (key.empty()) return &at;
  if (at.is_array()) {
    size_t dot = std::min(key.find('.'), key.size());
    std::string index = key.substr(0, dot);
    if (index.empty() || index.size() > 9 || index.find_first_not_of("0123456789") != std::string::npos) return nullptr;
    size_t position = std::stoul(index);
    if (position >= at.size()) return nullptr;
    return find(at[position], key.substr(std::min(dot + 1, key.size())));
  }
  if (!at.is_object()) return nullptr;
  for (size_t end = key.size(); end != std::string::npos && end > 0; end = key.rfind('.', end - 1)) {
    auto child = at.find(key.substr(0, end));
    if (child == at.end()) continue;
    if (const Json* found = find(*child, key.substr(std::min(end + 1, key.size())))) return found;
  }
  return nullptr;
}

std::optional<double> number_at(const Json& document, const std::string& key) {
  const Json* found = find(document, key);
  if (found == nullptr || !found->is_number()) return std::nullopt;
  return found->get<double>();
}

/// The low watermarks of a node without zone DMA, and the free pages of zone DMA that lowmem_reserve holds back from
/// every allocation that could use another zone: these are no margin. Older reports lack held_back_pages; then all free
/// pages of zone DMA count.
struct LowMark {
  double low_bytes = 0, held_back_bytes = 0;
};

LowMark low_mark(const Json& node) {
  LowMark mark;
  for (const Json& zone : node.value("zones", Json::array())) {
    const auto held_back = number_at(zone, "held_back_pages");
    if (zone.value("zone", "") == "DMA")
      mark.held_back_bytes +=
          (held_back ? held_back : number_at(zone, "free_pages")).value_or(0) * static_cast<double>(kPageBytes);
    else
      mark.low_bytes += number_at(zone, "watermarks.low").value_or(0) * static_cast<double>(kPageBytes);
  }
  return mark;
}

struct Margin {
  double bytes, percent;
};

/// The distance of the zone that woke kswapd, at that moment: the timeline may not have a sample of it.
std::optional<Margin> margin_at_wake(const Json& document) {
  auto free = number_at(document, "first.kswapd_wake.free_pages");
  auto low = number_at(document, "first.kswapd_wake.watermarks.low");
  if (!free || !low || *low <= 0) return std::nullopt;
  return Margin{(*free - *low) * static_cast<double>(kPageBytes), 100 * (*free - *low) / *low};
}

/// The least distance of a node's free memory to its low watermarks over the run.
std::optional<Margin> margin_to_low(const Json& document) {
  std::optional<Margin> least = margin_at_wake(document);
  const Json* nodes = find(document, "host.nodes");
  const Json* columns = find(document, "timeline.node_free_bytes");
  if (nodes == nullptr || columns == nullptr || !nodes->is_array() || !columns->is_object()) return least;
  for (const Json& node : *nodes) {
    auto id = number_at(node, "node");
    if (!id) continue;
    auto column = columns->find("node" + std::to_string(static_cast<int>(*id)));
    LowMark mark = low_mark(node);
    if (column == columns->end() || !column->is_array() || mark.low_bytes <= 0) continue;
    for (const Json& free : *column) {
      if (!free.is_number()) continue;
      double bytes = free.get<double>() - mark.held_back_bytes - mark.low_bytes;
      if (!least || bytes < least->bytes) least = Margin{bytes, 100 * bytes / mark.low_bytes};
    }
  }
  return least;
}

ReportValue computed(std::optional<double> number) { return {true, number}; }

ReportValue stall_total(const Json& document) {
  // Older reports have only the parts. A wait inside direct reclaim is in two of them.
  if (const auto all = number_at(document, "stall.total_ns")) return computed(*all);
  double total = 0;
  for (const char* key : {"stall.direct_reclaim_ns_total", "stall.swap_in_ns_total", "stall.throttled_ns_total"}) {
    auto part = number_at(document, key);
    if (!part) return computed(std::nullopt);
    total += *part;
  }
  return computed(total);
}

void collect_keys(const Json& at, const std::string& prefix, std::vector<std::string>& keys) {
  if (at.is_number() || at.is_boolean()) keys.push_back(prefix);
  if (!at.is_object()) return;
  for (const auto& [name, child] : at.items()) collect_keys(child, prefix.empty() ? name : prefix + "." + name, keys);
}

/// Why the document is refused: it is no report, or a report of another version of the schema.
std::string unknown_schema(const Json& document) {
  const std::string kind = std::string(kReportSchema).substr(0, std::string(kReportSchema).rfind('.') + 1);
  const bool has_name = document.is_object() && document.contains("schema") && document["schema"].is_string();
  const std::string name = has_name ? document["schema"].get<std::string>() : "";
  if (name.starts_with(kind))
    return "a report of another version: its \"schema\" is \"" + shortened_text(name, 40, "...") +
           "\", and this oomcast reads \"" + kReportSchema + "\"";
  return std::string("this is not a report of oomcast (its \"schema\" is not \"") + kReportSchema + "\")";
}

}  // namespace

Result<FinishedReport> parse_finished_report(const std::string& text, const std::string& path) {
  Json document = Json::parse(text, nullptr, false);
  if (document.is_discarded()) return Error{path + ": this is not JSON, or it is cut off; write the report again"};
  if (!document.is_object() || !document.contains("schema") || document["schema"] != kReportSchema)
    return Error{path + ": " + unknown_schema(document)};
  if (std::string problem = shape_problem(document); !problem.empty())
    return Error{path + ": this report is damaged: " + problem + "; write the report again"};
  return FinishedReport{path, std::move(document)};
}

Result<FinishedReport> read_finished_report(const std::string& path) {
  auto text = read_whole_file(path, kMostReportBytes);
  if (!text)
    return Error{path + ": cannot be read: " + text.error().message +
                 "; give the path of a report that 'oomcast run --report FILE' has written"};
  return parse_finished_report(text.value(), path);
}

std::optional<int> verdict_rank(const std::string& name) {
  auto verdict = sim::verdict_named(name);
  return verdict ? std::optional(static_cast<int>(*verdict)) : std::nullopt;
}

ReportValue value_of(const FinishedReport& report, const std::string& key) {
  const Json& document = report.document;
  if (key == "stall_ns_total") return stall_total(document);
  if (key == "margin_to_low_bytes" || key == "margin_to_low_percent") {
    auto margin = margin_to_low(document);
    if (!margin) return computed(std::nullopt);
    return computed(key.ends_with("bytes") ? margin->bytes : margin->percent);
  }
  const Json* found = find(document, key);
  if (found == nullptr || found->is_object() || found->is_array()) return {};
  if (found->is_number()) return computed(found->get<double>());
  if (found->is_boolean()) return computed(found->get<bool>() ? 1 : 0);
  if (found->is_null()) return computed(std::nullopt);
  if (key != "verdict") return {};
  auto rank = verdict_rank(found->get<std::string>());
  return rank ? computed(*rank) : ReportValue{};
}

double site_bytes(const FinishedReport& report, const std::string& text, bool touched) {
  double total = 0;
  const Json* sites = find(report.document, "sites");
  if (sites == nullptr || !sites->is_array()) return 0;
  for (const Json& site : *sites) {
    const Json stack = site.value("stack", Json::array());
    bool named = std::any_of(stack.begin(), stack.end(), [&](const Json& frame) {
      return frame.is_string() && frame.get_ref<const std::string&>().find(text) != std::string::npos;
    });
    if (named) total += number_at(site, touched ? "touched_bytes" : "resident_bytes_peak").value_or(0);
  }
  return total;
}

std::vector<std::string> number_keys(const FinishedReport& report) {
  std::vector<std::string> keys{"verdict", "stall_ns_total", "margin_to_low_bytes", "margin_to_low_percent"};
  collect_keys(report.document, "", keys);
  return keys;
}

}  // namespace oomcast::report
