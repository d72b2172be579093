// Finds a moment of a report. See shown_moment.h.
#include "report/show/shown_moment.h"

#include <algorithm>
#include <cmath>

#include "model/spec/parse_text.h"
#include "report/export/exports.h"
#include "report/report_values.h"

namespace oomcast::report {
namespace {

using Json = nlohmann::json;

constexpr double kMicrosecond = 1e-6;  // the resolution of times in a report

const Json* or_null(const Json& value) { return value.is_null() ? nullptr : &value; }

/// Names and times of all moments that can be asked for by name, sorted by time.
std::vector<std::pair<std::string, double>> known_moments(const Json& document) {
  std::vector<std::pair<std::string, double>> known;
  const auto add = [&](const std::string& name, double t_s) {
    const bool is_new = std::none_of(known.begin(), known.end(), [&](const auto& each) { return each.first == name; });
    if (is_new) known.emplace_back(name, t_s);
  };
  for (const Json& moment : child(document, "moments"))
    add(value_or(moment, "name", std::string()), value_or(moment, "t_s", 0.0));
  for (const char* name : kFirstIncidents)
    if (const Json& incident = child(child(document, "first"), name); !incident.is_null())
      add(name, value_or(incident, "t_s", 0.0));
  const Json& kills = child(document, "oom_kills");
  for (size_t i = 0; i < kills.size(); ++i)
    add(i == 0 ? "oom_kill" : "oom_kill:" + std::to_string(i + 1), value_or(kills[i], "t_s", 0.0));
  add("end", value_or(document, "forecast_s", 0.0));
  std::stable_sort(known.begin(), known.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return known;
}

const Json* kill_named(const Json& document, const std::string& name) {
  const Json& kills = child(document, "oom_kills");
  for (size_t i = 0; i < kills.size(); ++i)
    if (name == (i == 0 ? "oom_kill" : "oom_kill:" + std::to_string(i + 1))) return &kills[i];
  return nullptr;
}

/// `name` empty: the state that the report has for that time.
const Json* state_of(const Json& document, const std::string& name, double t_s) {
  for (const Json& moment : child(document, "moments")) {
    const bool named = value_or(moment, "name", std::string()) == name;
    const bool then = name.empty() && std::abs(value_or(moment, "t_s", -1.0) - t_s) < kMicrosecond;
    if (named || then) return &moment;
  }
  return nullptr;
}

std::optional<size_t> row_at(const Json& document, double t_s) {
  std::optional<size_t> row;
  const Json& times = child(child(document, "timeline"), "t_s");
  for (size_t i = 0; i < times.size(); ++i)
    if (times[i].is_number() && (times[i].get<double>() <= t_s + kMicrosecond || i == 0)) row = i;
  return row;
}

ShownMoment moment_at(const Json& document, const std::string& name, double t_s) {
  ShownMoment moment{
      name, t_s, state_of(document, name, t_s), nullptr, kill_named(document, name), row_at(document, t_s)};
  moment.incident = or_null(child(child(document, "first"), name));
  return moment;
}

/// The incident that decided the verdict; "end" for the verdict "fits".
std::string decisive_name(const Json& document) {
  const std::string name = decisive_incident(document);
  return child(child(document, "first"), name).is_null() ? "end" : name;
}

}  // namespace

std::string moments_text(const FinishedReport& report) {
  std::string text;
  for (const auto& [name, t_s] : known_moments(report.document))
    text += (text.empty() ? "" : ", ") + name + " (" + number_text(t_s) + " s)";
  return text;
}

Result<ShownMoment> find_moment(const FinishedReport& report, const std::string& at) {
  const Json& document = report.document;
  const std::string name = at.empty() ? decisive_name(document) : at;
  for (const auto& [known, t_s] : known_moments(document))
    if (known == name) return moment_at(document, known, t_s);
  const std::string has = "; it has: " + moments_text(report) + ", and every time up to its end";
  if (std::find(kFirstIncidents.begin(), kFirstIncidents.end(), name) != kFirstIncidents.end())
    return Error{report.path + ": " + name + " never happens in this forecast" + has};
  const auto t_s = parse_value("t_s", name);
  if (!t_s || *t_s < 0)
    return Error{report.path + ": " + host::quote(name) + " is no moment of this forecast and no time" + has};
  const double end = value_or(document, "forecast_s", 0.0);
  if (*t_s > end + kMicrosecond)
    return Error{report.path + ": " + number_text(*t_s) + " s is after the end of this forecast, " + number_text(end) +
                 " s"};
  ShownMoment moment = moment_at(document, "", *t_s);
  moment.name = number_text(*t_s) + " s";
  return moment;
}

}  // namespace oomcast::report
