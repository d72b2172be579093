// Writes the timeline as comma-separated values: RFC 4180, but with LF at the end of lines.
#include <cmath>
#include <nlohmann/json.hpp>

#include "report/export/exports.h"

namespace oomcast::report {
namespace {

std::string field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

}  // namespace

std::string number_text(double value) {
  constexpr double kExactIntegers = 9e15;
  if (value == std::floor(value) && std::abs(value) < kExactIntegers)
    return std::to_string(static_cast<int64_t>(value));
  return nlohmann::json(value).dump();
}

std::string timeline_csv(const ReportView& view) {
  std::string text = "t_s";
  for (const SeriesView& series : view.series) text += "," + field(series.key);
  text += "\n";
  for (size_t i = 0; i < view.t_s.size(); ++i) {
    text += number_text(view.t_s[i]);
    for (const SeriesView& series : view.series) text += series.values[i] ? "," + number_text(*series.values[i]) : ",";
    text += "\n";
  }
  return text;
}

}  // namespace oomcast::report
