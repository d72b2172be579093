// Writes OpenMetrics text (https://openmetrics.io). Prometheus, its textfile collector and a push gateway read it.
#include <algorithm>
#include <map>

#include "report/export/exports.h"

namespace oomcast::report {
namespace {

using Json = nlohmann::json;
using Labels = std::vector<std::pair<std::string, std::string>>;

constexpr size_t kSitesMost = 20;  // each frame is a label value, and a time series database keeps a series for each

std::string escaped(const std::string& text) {
  std::string out;
  for (char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    out += c == '\n' ? std::string("\\n") : std::string(1, c);
  }
  return out;
}

/// The text of all metric families. TYPE, UNIT and HELP stand before a family's samples, and no family comes twice.
class Exposition {
 public:
  /// Begins a family. `unit` is the last word of `name`, or empty.
  void begin(const std::string& name, const std::string& type, const std::string& unit, const std::string& help) {
    name_ = "oomcast_" + name;
    text_ += "# TYPE " + name_ + " " + type + "\n";
    if (!unit.empty()) text_ += "# UNIT " + name_ + " " + unit + "\n";
    text_ += "# HELP " + name_ + " " + escaped(help) + "\n";
  }
  void add(const Labels& labels, double value, const std::string& suffix = "") {
    text_ += name_ + suffix;
    for (size_t i = 0; i < labels.size(); ++i)
      text_ += (i == 0 ? "{" : ",") + labels[i].first + "=\"" + escaped(labels[i].second) + "\"";
    text_ += (labels.empty() ? " " : "} ") + number_text(value) + "\n";
  }
  void gauge(const std::string& name, const std::string& unit, const std::string& help, std::optional<double> value) {
    if (!value) return;  // the value is withheld, or the incident never happened
    begin(name, "gauge", unit, help);
    add({}, *value);
  }
  std::string finished() const { return text_ + "# EOF\n"; }

 private:
  std::string name_, text_;
};

void write_verdict(const ReportView& view, Exposition& out) {
  out.begin("report", "info", "", "What was forecast, and for whom.");
  out.add({{"version", OOMCAST_VERSION}, {"command", command_text(view)}, {"host", view.host}, {"kernel", view.kernel}},
          1, "_info");
  out.begin("verdict", "stateset", "", "The worst thing that the forecast holds; all 0 where it is withheld.");
  for (const char* name : {"fits", "background_reclaim", "direct_reclaim", "alloc_refused", "oom_kill"})
    out.add({{"oomcast_verdict", name}}, view.verdict == name ? 1 : 0);
}

void write_app(const FinishedReport& report, Exposition& out) {
  const auto number = [&](const char* key) { return value_of(report, key).number; };
  out.gauge("forecast_seconds", "seconds", "Virtual length of the run on the target.", number("forecast_s"));
  out.gauge("app_footprint_peak_bytes", "bytes", "Anonymous memory that the program added to the host at most.",
            number("app.footprint_peak_bytes"));
  out.gauge("app_whole_run_peak_bytes", "bytes", "The same as if nobody had been killed.",
            number("app.whole_run_peak_bytes"));
  out.gauge("app_resident_peak_bytes", "bytes", "Resident memory of the program at most.",
            number("app.resident_peak_bytes"));
  out.gauge("app_touched_bytes", "bytes", "Memory that the program touched for the first time.",
            number("app.touched_bytes"));
  out.gauge("margin_to_low_bytes", "bytes", "Least distance of free memory to the low watermark.",
            number("margin_to_low_bytes"));
  out.gauge("coverage_ratio", "", "Memory that was tracked, of what the kernel counted.", number("coverage.ratio"));
  out.gauge("lost_events", "", "Events of the program that were lost.", number("coverage.lost_events"));
  out.gauge("oom_kills", "", "Processes that the OOM killer would take.", number("oom_kills_total"));
}

void write_stalls(const FinishedReport& report, Exposition& out) {
  out.begin("stall_seconds", "gauge", "seconds", "Time that tasks of the program wait for memory.");
  static const std::pair<const char*, const char*> kKinds[] = {{"direct_reclaim", "stall.direct_reclaim_ns_total"},
                                                               {"swap_in", "stall.swap_in_ns_total"},
                                                               {"throttled", "stall.throttled_ns_total"},
                                                               {"all", "stall_ns_total"}};
  for (const auto& [kind, key] : kKinds)
    if (auto ns = value_of(report, key).number) out.add({{"kind", kind}}, *ns / 1e9);
  out.begin("pressure_stalled_seconds", "gauge", "seconds", "Totals of /proc/pressure/memory at the end.");
  for (const char* line : {"some", "full"})
    if (auto us = value_of(report, std::string("pressure.") + line + ".total_us").number)
      out.add({{"line", line}}, *us / 1e6);
}

void write_incidents(const ReportView& view, Exposition& out) {
  out.begin("first_incident_seconds", "gauge", "seconds", "When it happens first; absent if it never does.");
  std::map<std::string, double> first;
  for (const IncidentView& incident : view.incidents) first.try_emplace(incident.name, incident.t_s);
  for (const auto& [name, t_s] : first) out.add({{"incident", name}}, t_s);
}

/// The type is gauge, because some of the counters fall, such as workingset_nodes.
void write_counters(const FinishedReport& report, Exposition& out) {
  out.begin("vmstat", "gauge", "", "Change over the run of a counter of /proc/vmstat.");
  const auto counters = report.document.find("counters");
  if (counters == report.document.end()) return;
  for (const auto& [name, value] : counters->items())
    if (value.is_number()) out.add({{"counter", name}}, value.get<double>());
}

/// Sites are added up by kind and innermost frame: whole stacks are left to the other forms.
void write_sites(const ReportView& view, Exposition& out) {
  out.begin(
      "site_resident_peak_bytes", "gauge", "bytes",
      "Resident memory by the innermost frame that asked for it, the heaviest " + std::to_string(kSitesMost) + ".");
  std::map<std::pair<std::string, std::string>, double> frames;
  for (const SiteView& site : view.sites)
    frames[{site.kind, site.stack.empty() ? "" : site.stack.front()}] += static_cast<double>(site.resident_bytes_peak);
  std::vector<std::pair<std::pair<std::string, std::string>, double>> rows(frames.begin(), frames.end());
  std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  rows.resize(std::min(rows.size(), kSitesMost));
  for (const auto& [site, bytes] : rows) out.add({{"kind", site.first}, {"frame", site.second}}, bytes);
}

}  // namespace

std::string openmetrics_text(const ReportView& view, const FinishedReport& report) {
  Exposition out;
  write_verdict(view, out);
  write_app(report, out);
  write_stalls(report, out);
  write_incidents(view, out);
  write_counters(report, out);
  write_sites(view, out);
  return out.finished();
}

}  // namespace oomcast::report
