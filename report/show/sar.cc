// Writes the timeline of a report in the columns of sysstat's sar -B, -W and -r.
#include <fmt/core.h>

#include <algorithm>

#include "report/report_values.h"
#include "report/show/kernel_files.h"

namespace oomcast::report {
namespace {

using Json = nlohmann::json;

/// A column: sar's name, the report's key, and the factor between their units.
struct Column {
  const char* name;
  const char* key;
  double scale;  // from the report's unit to sar's
};
constexpr double kToKb = 1.0 / 1024;
constexpr Column kColumns[] = {{"majflt/s", "majflt_s", 1},
                               {"pgscank/s", "pgscank_s", 1},
                               {"pgscand/s", "pgscand_s", 1},
                               {"pgsteal/s", "pgsteal_s", 1},
                               {"pswpin/s", "pswpin_s", 1},
                               {"pswpout/s", "pswpout_s", 1},
                               {"kbswpused", "swap_used_bytes", kToKb},
                               {"kbdirty", "dirty_bytes", kToKb}};

std::string cell(const std::string& text) { return std::string(text.size() < 11 ? 11 - text.size() : 1, ' ') + text; }

std::string number_cell(std::optional<double> value, int decimals) {
  if (!value) return cell("-");
  return cell(fmt::format("{:.{}f}", *value, decimals));
}

std::optional<double> value_at(const Json& column, size_t row) {
  if (!column.is_array() || row >= column.size() || !column[row].is_number()) return std::nullopt;
  return column[row].get<double>();
}

/// %vmeff: pgsteal in per cent of pgscan. sar prints 0 if nothing was scanned.
std::optional<double> efficiency(const Json& timeline, size_t row) {
  const auto kswapd = value_at(child(timeline, "pgscank_s"), row), direct = value_at(child(timeline, "pgscand_s"), row);
  const auto stolen = value_at(child(timeline, "pgsteal_s"), row);
  if (!kswapd || !direct || !stolen) return std::nullopt;
  return *kswapd + *direct > 0 ? 100 * *stolen / (*kswapd + *direct) : 0;
}

std::optional<double> free_kb(const Json& timeline, size_t row) {
  std::optional<double> sum;
  for (const auto& [node, column] : child(timeline, "node_free_bytes").items())
    if (const auto bytes = value_at(column, row)) sum = sum.value_or(0) + *bytes * kToKb;
  return sum;
}

std::string row_text(const Json& timeline, size_t row) {
  std::string text = number_cell(value_at(child(timeline, "t_s"), row), 2) + number_cell(free_kb(timeline, row), 0);
  for (const Column& column : kColumns) {
    auto value = value_at(child(timeline, column.key), row);
    if (value) *value *= column.scale;
    text += number_cell(value, std::string_view(column.name).ends_with("/s") ? 2 : 0);
    if (std::string_view(column.name) == "pgsteal/s") text += number_cell(efficiency(timeline, row), 2);
  }
  return text + "\n";
}

}  // namespace

std::string sar_text(const FinishedReport& report, const ShownMoment& moment, std::optional<size_t> around) {
  const Json& timeline = child(report.document, "timeline");
  const size_t rows = child(timeline, "t_s").size();
  if (rows == 0) return "";
  const Json& host = child(report.document, "host");
  std::string text =
      "Linux " + value_or(host, "kernel", std::string()) + " (" + value_or(host, "name", std::string()) + ")\n\n";
  text += cell("t_s") + cell("kbmemfree");
  for (const Column& column : kColumns) {
    text += cell(column.name);
    if (std::string_view(column.name) == "pgsteal/s") text += cell("%vmeff");
  }
  text += "\n";
  const size_t middle = moment.row.value_or(0);
  const size_t first = around ? middle - std::min(middle, *around) : 0;
  const size_t last = around ? std::min(rows - 1, middle + *around) : rows - 1;
  for (size_t row = first; row <= last; ++row) text += row_text(timeline, row);
  return text;
}

}  // namespace oomcast::report
