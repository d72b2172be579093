// Says in words how memory was used at a moment of a report. See moment_summary.h.
#include "report/show/moment_summary.h"

#include <algorithm>

#include "report/export/exports.h"
#include "report/report_values.h"
#include "report/words/format.h"

namespace oomcast::report {
namespace {

using Json = nlohmann::json;

constexpr size_t kFramesMost = 6, kSitesMost = 20;

std::string labelled(const std::string& label, const std::string& what) {
  return "  " + label + std::string(label.size() < 11 ? 11 - label.size() : 1, ' ') + what + "\n";
}
std::string bytes_at(const Json& parent, const char* key) {
  return bytes_text(Bytes(value_or<int64_t>(parent, key, 0)));
}
std::string pages_at(const Json& parent, const char* key) {
  return pages_text(Pages(value_or<int64_t>(parent, key, 0)));
}

std::string marks_text(const Json& marks) {
  return "min " + pages_at(marks, "min") + ", low " + pages_at(marks, "low") + ", high " + pages_at(marks, "high");
}

/// The stack, innermost frame first; "" if no stack was sampled.
std::string stack_lines(const Json& stack) {
  std::string text;
  for (size_t i = 0; i < std::min(stack.size(), kFramesMost); ++i)
    text += labelled(i == 0 ? "stack" : "", stack[i].get<std::string>());
  return text;
}

std::string incident_lines(const Json& incident) {
  std::string text = labelled("why", value_or(incident, "why", std::string()));
  text += labelled("task", value_or(incident, "comm", std::string()) + " (pid " +
                               std::to_string(value_or(incident, "pid", 0)) + ")");
  text += labelled("footprint", bytes_at(incident, "app_footprint_bytes"));
  if (const Json& group = child(incident, "cgroup"); group.is_object())
    text += labelled("cgroup", value_or(group, "path", std::string()) + " uses " + bytes_at(group, "usage_bytes"));
  return text;
}

std::string state_lines(const Json& state, bool has_incident) {
  std::string text;
  if (!has_incident) text += labelled("footprint", bytes_at(state, "app_footprint_bytes"));
  for (const Json& node : child(state, "nodes")) {
    const std::string name = "node " + std::to_string(value_or(node, "node", 0));
    for (const Json& zone : child(node, "zones")) {
      text +=
          labelled(name, "zone " + value_or(zone, "zone", std::string()) + ": free " + pages_at(zone, "free_pages"));
      text += labelled("", marks_text(child(zone, "watermarks")));
    }
    const Json& lru = child(node, "lru_pages");
    text += labelled(
        "lists", "anon " + pages_at(lru, "active_anon") + " active, " + pages_at(lru, "inactive_anon") + " inactive");
    text += labelled(
        "", "file " + pages_at(lru, "active_file") + " active, " + pages_at(lru, "inactive_file") + " inactive");
  }
  const int64_t swap = value_or<int64_t>(state, "swap_total_bytes", 0);
  if (swap > 0)
    text += labelled("swap", bytes_text(Bytes(swap - value_or<int64_t>(state, "swap_free_bytes", 0))) + " of " +
                                 bytes_text(Bytes(swap)) + " used");
  const Json& some = child(child(state, "pressure"), "some");
  if (value_or<int64_t>(some, "total_us", 0) > 0)
    text +=
        labelled("pressure", "some avg10=" + number_text(value_or(some, "avg10", 0.0)) + ", " +
                                 duration_text(Nanoseconds(value_or<int64_t>(some, "total_us", 0) * 1000)) + " in all");
  return text;
}

/// For a moment that only the timeline has, and for incidents of older reports.
std::string row_lines(const Json& document, size_t row) {
  std::string text;
  const Json& timeline = child(document, "timeline");
  const auto add = [&](const std::string& label, const std::string& what, const Json& column) {
    if (column.is_array() && row < column.size() && column[row].is_number())
      text += labelled(label, what + bytes_text(Bytes(column[row].get<int64_t>())));
  };
  add("footprint", "", child(timeline, "app_footprint_bytes"));
  for (const auto& [node, column] : child(timeline, "node_free_bytes").items()) add(node, "free ", column);
  for (const char* key : {"active_anon_bytes", "inactive_anon_bytes", "active_file_bytes", "inactive_file_bytes",
                          "swap_used_bytes", "dirty_bytes"})
    add("", std::string(key).substr(0, std::string(key).rfind('_')) + " ", child(timeline, key));
  return text;
}

}  // namespace

std::string moment_summary(const FinishedReport& report, const ShownMoment& moment) {
  const Json& verdict = child(report.document, "verdict");
  std::string text = moment.name + (moment.name.ends_with(" s") ? "" : " at " + number_text(moment.t_s) + " s") +
                     " of a forecast for " + value_or(child(report.document, "host"), "name", std::string("?")) +
                     " (verdict: " + (verdict.is_string() ? verdict.get<std::string>() : "withheld") + ")\n";
  if (moment.incident != nullptr) text += incident_lines(*moment.incident);
  if (moment.kill != nullptr) {
    const Json& victim = child(*moment.kill, "victim");
    text += labelled("victim", value_or(victim, "comm", std::string()) + " (pid " +
                                   std::to_string(value_or(victim, "pid", 0)) + "), " + bytes_at(victim, "rss_bytes") +
                                   " resident, oom_score_adj " + std::to_string(value_or(victim, "oom_score_adj", 0)));
  }
  if (moment.state != nullptr)
    text += state_lines(*moment.state, moment.incident != nullptr);
  else if (moment.row)
    text += row_lines(report.document, *moment.row);
  if (moment.incident != nullptr) text += stack_lines(child(*moment.incident, "stack"));
  return text + labelled("moments", moments_text(report));
}

bool holds_sites(const FinishedReport& report, const ShownMoment& moment) {
  if (moment.state == nullptr) return false;
  const Json& resident = child(*moment.state, "site_resident_bytes");
  return resident.is_array() && resident.size() == child(report.document, "sites").size();
}

std::string sites_text(const FinishedReport& report, const ShownMoment& moment) {
  struct Site {
    const Json* site;
    int64_t resident;
  };
  std::vector<Site> sites;
  int64_t all = 0;
  const bool then = holds_sites(report, moment);
  const Json& every = child(report.document, "sites");
  for (size_t i = 0; i < every.size(); ++i) {
    const int64_t resident = then ? child(*moment.state, "site_resident_bytes")[i].get<int64_t>()
                                  : value_or<int64_t>(every[i], "resident_bytes_peak", 0);
    if (resident <= 0) continue;
    sites.push_back({&every[i], resident});
    all += resident;
  }
  if (then && sites.empty()) return "no memory of the program was resident at " + moment.name + "\n";
  std::stable_sort(sites.begin(), sites.end(), [](const Site& a, const Site& b) { return a.resident > b.resident; });
  std::string text;
  for (size_t i = 0; i < std::min(sites.size(), kSitesMost); ++i) {
    const Json& stack = child(*sites[i].site, "stack");
    const std::string size = bytes_text(Bytes(sites[i].resident)), share = percent_text(sites[i].resident, all);
    const std::string kind = value_or(*sites[i].site, "kind", std::string());
    text += std::string(size.size() < 11 ? 11 - size.size() : 0, ' ') + size +
            std::string(share.size() < 7 ? 7 - share.size() : 1, ' ') + share + "  " + kind +
            std::string(kind.size() < 10 ? 10 - kind.size() : 1, ' ') +
            (stack.empty() ? "(no stack)" : stack[0].get<std::string>()) + "\n";
    for (size_t frame = 1; frame < std::min(stack.size(), kFramesMost); ++frame)
      text += std::string(30, ' ') + stack[frame].get<std::string>() + "\n";
  }
  if (sites.size() > kSitesMost)
    text += "and " + std::to_string(sites.size() - kSitesMost) + " more; see oomcast export --as folded\n";
  return text;
}

}  // namespace oomcast::report
