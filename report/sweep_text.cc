// Prints the forecasts of a sweep: as a table for people, and as JSON for scripts.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "report/json_report.h"
#include "report/sweep.h"
#include "report/words/format.h"

namespace oomcast::report {
namespace {

using Json = nlohmann::ordered_json;

std::string verdict_text(const SweepRow& row) {
  return (row.verdict ? sim::verdict_name(*row.verdict) : "withheld") +
         std::string(row.figures.evictions > 0 ? ", evicted" : "") + std::string(row.on_the_edge ? " ~" : "") +
         std::string(row.extrapolated() ? " *" : "");
}

/// Returns the footprint at the incident, which does not depend on the host's speed; "-" without an incident.
std::string at_text(const std::optional<Beginning>& beginning) {
  return beginning ? bytes_text(beginning->app_footprint) : "-";
}

std::vector<std::string> cells(const SweepRow& row) {
  std::vector<std::string> out = row.values;
  if (!row.error.empty()) return out.push_back("no such host: " + row.error), out;
  const SweepFigures& f = row.figures;
  for (std::string cell :
       {verdict_text(row), bytes_text(f.footprint_peak), at_text(f.kswapd_wake), at_text(f.direct_reclaim),
        at_text(f.oom_kill), f.victim.value_or("-"), duration_text(f.stall.total)})
    out.push_back(std::move(cell));
  return out;
}

/// Returns why the trace is incomplete. It comes first in the table and the JSON, because no row can be better than the
/// trace.
std::string incomplete_of(const std::vector<SweepRow>& rows) {
  for (const SweepRow& row : rows)
    if (!row.incomplete.empty()) return row.incomplete;
  return {};
}

Json incident_at(const std::optional<Beginning>& beginning) {
  if (!beginning) return nullptr;
  return {{"t_s", json_seconds(beginning->t)}, {"app_footprint_bytes", beginning->app_footprint.count()}};
}

}  // namespace

std::string sweep_table(const std::vector<Variation>& variations, const std::vector<SweepRow>& rows) {
  std::vector<std::vector<std::string>> lines(1);
  for (const Variation& variation : variations) lines[0].push_back(variation.key);
  for (const char* title : {"verdict", "peak", "kswapd at", "direct at", "OOM at", "victim", "stalled"})
    lines[0].emplace_back(title);
  bool extrapolated = false, on_the_edge = false;
  for (const SweepRow& row : rows) {
    on_the_edge |= row.on_the_edge;
    lines.push_back(cells(row));
    extrapolated |= row.extrapolated();
  }
  std::vector<size_t> widths(lines[0].size());
  for (const auto& line : lines)
    if (line.size() == widths.size())
      for (size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  std::string text;
  if (std::string incomplete = incomplete_of(rows); !incomplete.empty()) text = "INCOMPLETE: " + incomplete + "\n";
  for (const auto& line : lines) {
    std::string padded;
    for (size_t i = 0; i < line.size(); ++i)
      padded += line[i] + std::string(widths[i] - std::min(widths[i], line[i].size()) + 2, ' ');
    text += padded.substr(0, padded.find_last_not_of(' ') + 1) + "\n";
  }
  if (on_the_edge)
    text +=
        "~ on the edge: stalls of less than 1 ms, or less memory does better; whether kswapd or the task reclaims the "
        "last "
        "pages is a race that ends differently from run to run\n";
  if (extrapolated)
    text +=
        "* extrapolated: the recording cannot know (pages whose use was not recorded, other limits than the program "
        "was shown); see "
        "'oomcast replay' for it\n";
  return text;
}

std::string sweep_json(const std::vector<Variation>& variations, const std::vector<SweepRow>& rows) {
  Json all = Json::array();
  for (const SweepRow& row : rows) {
    Json values = Json::object();
    for (size_t i = 0; i < variations.size(); ++i) values[variations[i].key] = row.values[i];
    const SweepFigures& f = row.figures;
    if (!row.error.empty()) {
      all.push_back({{"vary", values}, {"error", row.error}});
      continue;
    }
    all.push_back({{"vary", values},
                   {"error", nullptr},
                   {"verdict", row.verdict ? Json(sim::verdict_name(*row.verdict)) : Json()},
                   {"extrapolated", row.extrapolated()},
                   {"on_the_edge", row.on_the_edge},
                   {"forecast_s", json_seconds(f.forecast)},
                   {"footprint_peak_bytes", f.footprint_peak.count()},
                   {"first",
                    {{"kswapd_wake", incident_at(f.kswapd_wake)},
                     {"direct_reclaim", incident_at(f.direct_reclaim)},
                     {"swap_out", incident_at(f.swap_out)},
                     {"alloc_refused", incident_at(f.alloc_refused)},
                     {"oom_kill", incident_at(f.oom_kill)}}},
                   {"victim", f.victim ? Json(*f.victim) : Json()},
                   {"stall", stall_json(f.stall)},
                   {"counters", {{"pswpin", f.pswpin}, {"pswpout", f.pswpout}}}});
    if (f.evictions > 0) all.back()["evictions"] = f.evictions;
  }
  std::string incomplete = incomplete_of(rows);
  return Json{{"schema", "oomcast.sweep.v1"},
              {"incomplete", incomplete.empty() ? Json() : Json(incomplete)},
              {"rows", all}}
             .dump(2, ' ', false, Json::error_handler_t::replace) +
         "\n";
}

}  // namespace oomcast::report
