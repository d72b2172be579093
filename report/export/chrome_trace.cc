// Writes the timeline and the incidents in Chrome's trace event format, for ui.perfetto.dev and chrome://tracing.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "report/export/exports.h"

namespace oomcast::report {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kHostPid = 1, kIncidentsTid = 1;

int64_t microseconds(double seconds) { return std::llround(seconds * 1e6); }

/// An integer goes out as 4096, not as 4096.0.
Json number(double value) { return Json::parse(number_text(value)); }

/// A counter track with one value per series.
struct Track {
  std::string name;
  std::vector<std::pair<std::string, std::string>> series;  // key in the report, name in the track
};

/// Related columns share a track (free memory per node, LRU lists, reclaim, dirty pages); every other column is a track
/// of its own.
std::vector<Track> tracks_of(const ReportView& view) {
  std::vector<Track> tracks = {
      {"free memory (bytes)", {}},
      {"LRU lists (bytes)",
       {{"active_anon_bytes", "active_anon"},
        {"inactive_anon_bytes", "inactive_anon"},
        {"active_file_bytes", "active_file"},
        {"inactive_file_bytes", "inactive_file"}}},
      {"reclaim (pages/s)", {{"pgscank_s", "pgscank"}, {"pgscand_s", "pgscand"}, {"pgsteal_s", "pgsteal"}}},
      {"dirty pages (bytes)", {{"dirty_bytes", "dirty"}, {"writeback_bytes", "writeback"}}}};
  const auto grouped = [&](const std::string& key) {
    for (const Track& track : tracks)
      for (const auto& [member, name] : track.series)
        if (member == key) return true;
    return false;
  };
  for (const SeriesView& series : view.series) {
    if (grouped(series.key)) continue;
    static const std::string kFree = "node_free_bytes.";
    if (series.key.starts_with(kFree))
      tracks[0].series.emplace_back(series.key, series.key.substr(kFree.size()));
    else
      tracks.push_back({series.key, {{series.key, "value"}}});
  }
  return tracks;
}

const SeriesView* series_named(const ReportView& view, const std::string& key) {
  for (const SeriesView& series : view.series)
    if (series.key == key) return &series;
  return nullptr;
}

void add_counters(const ReportView& view, Json& events) {
  for (const Track& track : tracks_of(view)) {
    for (size_t i = 0; i < view.t_s.size(); ++i) {
      Json values = Json::object();
      for (const auto& [key, name] : track.series) {
        const SeriesView* series = series_named(view, key);
        if (series != nullptr && series->values[i]) values[name] = number(*series->values[i]);
      }
      if (values.empty()) continue;
      events.push_back(
          {{"ph", "C"}, {"pid", kHostPid}, {"name", track.name}, {"ts", microseconds(view.t_s[i])}, {"args", values}});
    }
  }
}

Json named(const char* what, int tid, const std::string& name) {
  return {{"ph", "M"}, {"pid", kHostPid}, {"tid", tid}, {"name", what}, {"args", {{"name", name}}}};
}

}  // namespace

std::string chrome_trace_json(const ReportView& view) {
  Json events = {named("process_name", 0, view.host + " (forecast)"), named("thread_name", kIncidentsTid, "incidents")};
  add_counters(view, events);
  for (const IncidentView& incident : view.incidents)
    events.push_back({{"ph", "i"},
                      {"s", "g"},
                      {"pid", kHostPid},
                      {"tid", kIncidentsTid},
                      {"cat", "incident"},
                      {"name", incident.name},
                      {"ts", microseconds(incident.t_s)},
                      {"args",
                       {{"why", incident.why},
                        {"comm", incident.comm},
                        {"pid", incident.pid},
                        {"scope", incident.scope},
                        {"after_divergence", incident.after_divergence},
                        {"stack", incident.stack}}}});
  if (view.diverged_at_s)
    events.push_back({{"ph", "X"},
                      {"pid", kHostPid},
                      {"tid", kIncidentsTid},
                      {"cat", "divergence"},
                      {"name", "after divergence: extrapolated"},
                      {"ts", microseconds(*view.diverged_at_s)},
                      {"dur", std::max<int64_t>(0, microseconds(view.forecast_s) - microseconds(*view.diverged_at_s))},
                      {"args", {{"why", view.diverged_why}}}});
  Json file = {{"traceEvents", events},
               {"displayTimeUnit", "ms"},
               {"otherData",
                {{"exporter", std::string("oomcast ") + OOMCAST_VERSION},
                 {"command", command_text(view)},
                 {"host", view.host},
                 {"verdict", view.verdict ? Json(*view.verdict) : Json()}}}};
  return file.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace oomcast::report
