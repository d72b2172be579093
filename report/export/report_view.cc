// Reads sites, incidents and the timeline of a finished report, whose values' types read_finished_report() has checked.
#include "report/export/report_view.h"

#include <algorithm>

#include "report/report_values.h"
#include "report/words/format.h"

namespace oomcast::report {
namespace {

using Json = nlohmann::json;
using Strings = std::vector<std::string>;

std::vector<SiteView> sites_of(const Json& document) {
  std::vector<SiteView> sites;
  for (const Json& site : child(document, "sites"))
    sites.push_back({value_or(site, "kind", std::string("unsampled")), value_or(site, "stack", Strings{}),
                     std::max<int64_t>(0, value_or<int64_t>(site, "touched_bytes", 0)),
                     std::max<int64_t>(0, value_or<int64_t>(site, "resident_bytes_peak", 0))});
  return sites;
}

IncidentView incident_of(const std::string& name, const Json& incident) {
  return {name,
          value_or(incident, "t_s", 0.0),
          value_or<int64_t>(incident, "pid", 0),
          value_or(incident, "comm", std::string()),
          value_or(incident, "scope", std::string("host")),
          value_or(incident, "why", std::string()),
          value_or(incident, "stack", Strings{}),
          value_or(incident, "after_divergence", false)};
}

/// The report holds the first OOM kill twice. It is taken from `first`, which alone says why it happened.
std::vector<IncidentView> incidents_of(const Json& document) {
  std::vector<IncidentView> incidents;
  const Json& first = child(document, "first");
  for (const char* name : kFirstIncidents)
    if (const Json& incident = child(first, name); !incident.is_null())
      incidents.push_back(incident_of(name, incident));
  const Json& kills = child(document, "oom_kills");
  for (size_t i = child(first, "oom_kill").is_null() ? 0 : 1; i < kills.size(); ++i) {
    IncidentView kill = incident_of("oom_kill", kills[i]);
    const Json& victim = child(kills[i], "victim");
    kill.comm = value_or(victim, "comm", std::string());
    kill.pid = value_or<int64_t>(victim, "pid", 0);
    kill.why = "the victim is " + kill.comm;
    incidents.push_back(std::move(kill));
  }
  std::stable_sort(incidents.begin(), incidents.end(), [](const auto& a, const auto& b) { return a.t_s < b.t_s; });
  return incidents;
}

std::vector<std::optional<double>> column_of(const Json& column) {
  std::vector<std::optional<double>> values;
  for (const Json& value : column)
    values.push_back(value.is_null() ? std::nullopt : std::optional(value.get<double>()));
  return values;
}

/// Sorts node2 before node10.
bool by_number(const SeriesView& a, const SeriesView& b) {
  return a.key.size() != b.key.size() ? a.key.size() < b.key.size() : a.key < b.key;
}

/// A member of the timeline is a column, or an object with a column per node. Returns the nodes' columns first.
std::vector<SeriesView> series_of(const Json& timeline) {
  std::vector<SeriesView> of_nodes, of_host;
  for (const auto& [key, value] : timeline.items()) {
    if (key == "t_s") continue;
    if (value.is_array()) of_host.push_back({key, column_of(value)});
    if (!value.is_object()) continue;
    for (const auto& [node, column] : value.items()) of_nodes.push_back({key + "." + node, column_of(column)});
  }
  std::stable_sort(of_nodes.begin(), of_nodes.end(), by_number);
  of_nodes.insert(of_nodes.end(), std::make_move_iterator(of_host.begin()), std::make_move_iterator(of_host.end()));
  return of_nodes;
}

std::string timeline_problem(const Json& times, const ReportView& view) {
  for (const Json& t : times)
    if (t.is_null()) return "timeline.t_s has a null in it";
  for (const SeriesView& series : view.series)
    if (series.values.size() != times.size())
      return "timeline." + series.key + " has " + std::to_string(series.values.size()) + " values, timeline.t_s has " +
             std::to_string(times.size());
  return "";
}

}  // namespace

FrameView frame_of(const std::string& frame) {
  static constexpr std::string_view kInlined = " (inlined)";
  const std::string text = frame.ends_with(kInlined) ? frame.substr(0, frame.size() - kInlined.size()) : frame;
  const size_t colon = text.rfind(':'), at = text.rfind(" at ", colon);
  const bool numbered = colon != std::string::npos && colon + 1 < text.size() && text.size() - colon <= 10 &&
                        text.find_first_not_of("0123456789", colon + 1) == std::string::npos;
  if (!numbered || at == std::string::npos || at == 0) return {text, "", 0};
  return {text.substr(0, at), text.substr(at + 4, colon - at - 4), std::stoll(text.substr(colon + 1))};
}

Result<ReportView> view_of(const FinishedReport& report) {
  const Json& document = report.document;
  ReportView view;
  view.command = value_or(document, "command", Strings{});
  view.host = value_or(child(document, "host"), "name", std::string());
  view.kernel = value_or(child(document, "host"), "kernel", std::string());
  if (const Json& verdict = child(document, "verdict"); verdict.is_string()) view.verdict = verdict.get<std::string>();
  view.forecast_s = value_or(document, "forecast_s", 0.0);
  if (const Json& at = child(document, "diverged_at_s"); at.is_number()) view.diverged_at_s = at.get<double>();
  view.diverged_why = value_or(document, "diverged_why", std::string());
  view.sites = sites_of(document);
  view.incidents = incidents_of(document);
  const Json& timeline = child(document, "timeline");
  const Json& times = child(timeline, "t_s");
  if (timeline.is_object()) view.series = series_of(timeline);
  if (std::string problem = timeline_problem(times, view); !problem.empty())
    return Error{report.path + ": this report is damaged: " + problem + "; write the report again"};
  for (const Json& t : times) view.t_s.push_back(t.get<double>());
  if (!std::is_sorted(view.t_s.begin(), view.t_s.end()))
    return Error{report.path + ": this report is damaged: the times of its timeline go back; write the report again"};
  return view;
}

std::string command_text(const ReportView& view) { return joined_text(view.command, " "); }

}  // namespace oomcast::report
