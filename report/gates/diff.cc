// Compares the numbers of two reports, and their sites by the code that they name.
#include "report/gates/diff.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace oomcast::report {
namespace {

struct Compared {
  const char* key;
  bool judged;
  bool more_is_worse;
  double ignored;  // a change of at most this much is noise; in the key's unit
};
constexpr Compared kCompared[] = {
    {"verdict", true, true, 0},
    {"app.footprint_peak_bytes", true, true, 256 << 10},
    {"margin_to_low_bytes", true, false, 256 << 10},
    {"stall_ns_total", true, true, 1e6},
    {"stall.longest_ns", false, true, 1e6},
    {"counters.pswpout", true, true, 64},
    {"counters.pswpin", true, true, 64},
    {"app.touched_bytes", false, true, 256 << 10},
    {"app.mapped_peak_bytes", false, true, 1 << 20},
    {"forecast_s", false, true, 0.05},
    {"coverage.ratio", false, false, 0.01},
};
constexpr size_t kMostSites = 10;

void weigh(DiffRow& row, bool more_is_worse, double ignored, double threshold_percent) {
  if (!row.before && !row.after) return;
  // Only one report has the number. If the new report lacks a judged number, the new report is worse.
  if (!row.before || !row.after) {
    row.worse = row.judged && !row.after;
    return;
  }
  double change = *row.after - *row.before;
  double least = std::max(ignored, std::abs(*row.before) * threshold_percent / 100);
  if (row.key == "verdict") least = 0;
  if (std::abs(change) <= least) return;
  ((change > 0) == more_is_worse ? row.worse : row.better) = true;
}

/// Sums over sites with the same frames, without addresses and lines: an edit above a function moves its lines only.
std::map<std::string, double> sites_of(const FinishedReport& report) {
  std::map<std::string, double> sites;
  const auto& document = report.document;
  if (!document.contains("sites") || !document["sites"].is_array()) return sites;
  for (const auto& site : document["sites"]) {
    std::string name, kind = site.value("kind", "");
    for (const auto& frame : site.value("stack", nlohmann::json::array())) {
      if (!frame.is_string()) continue;
      std::string text = frame.get<std::string>();
      text = text.substr(0, text.find(" at "));
      if (text.empty() || text.starts_with("0x") || text.starts_with("seen")) continue;
      name += (name.empty() ? "" : " < ") + text;
    }
    if (name.empty()) name = kind.empty() ? "not sampled" : kind;
    auto bytes = site.find("resident_bytes_peak");
    if (bytes != site.end() && bytes->is_number()) sites[name] += bytes->get<double>();
  }
  return sites;
}

std::vector<DiffRow> compare_sites(const FinishedReport& before, const FinishedReport& after,
                                   double threshold_percent) {
  auto old_sites = sites_of(before), new_sites = sites_of(after);
  double all = 0;
  for (const auto& [name, bytes] : new_sites) {
    all += bytes;
    old_sites.try_emplace(name, 0);
  }
  std::vector<DiffRow> rows;
  for (const auto& [name, bytes] : old_sites) {
    auto now = new_sites.find(name);
    DiffRow row{"site " + name, bytes, now == new_sites.end() ? 0 : now->second, false, false, false};
    double change = *row.after - *row.before;
    if (std::abs(change) <= std::max(all * threshold_percent / 100, 1.0)) continue;
    (change > 0 ? row.worse : row.better) = true;
    rows.push_back(row);
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [](const DiffRow& a, const DiffRow& b) { return *a.after - *a.before > *b.after - *b.before; });
  if (rows.size() > kMostSites) rows.resize(kMostSites);
  return rows;
}

std::string side(const DiffRow& row, const std::optional<double>& value) {
  return value ? value_text(row.key, *value) : "none";
}

std::string change_text(const DiffRow& row) {
  if (!row.before || !row.after || row.key == "verdict" || *row.before == 0) return "";
  double percent = 100 * (*row.after - *row.before) / std::abs(*row.before);
  std::string text = value_text("percent", std::round(percent * 10) / 10) + " %";
  return (percent > 0 ? "+" : "") + text;
}

const char* word(const DiffRow& row) { return row.worse ? "worse" : row.better ? "better" : ""; }

std::vector<const DiffRow*> all_rows(const Diff& diff) {
  std::vector<const DiffRow*> rows;
  for (const auto* list : {&diff.numbers, &diff.sites})
    for (const DiffRow& row : *list) rows.push_back(&row);
  return rows;
}

/// Text and Markdown cut long stacks; the JSON has them whole.
std::string short_name(const std::string& key) {
  constexpr size_t kMost = 70;
  return key.size() <= kMost ? key : key.substr(0, kMost - 3) + "...";
}

}  // namespace

Diff compare(const FinishedReport& before, const FinishedReport& after, double threshold_percent) {
  Diff diff;
  for (const Compared& one : kCompared) {
    DiffRow row{one.key, value_of(before, one.key).number, value_of(after, one.key).number, one.judged, false, false};
    weigh(row, one.more_is_worse, one.ignored, threshold_percent);
    diff.worse |= row.judged && row.worse;
    diff.numbers.push_back(std::move(row));
  }
  diff.sites = compare_sites(before, after, threshold_percent);
  return diff;
}

std::string diff_lines(const Diff& diff, bool color) {
  size_t width = 0;
  for (const DiffRow* row : all_rows(diff)) width = std::max(width, short_name(row->key).size());
  std::string text;
  for (const DiffRow* row : all_rows(diff)) {
    std::string name = short_name(row->key);
    std::string mark = word(*row);
    if (color && row->worse) mark = "\x1b[31m" + mark + "\x1b[0m";
    if (color && row->better) mark = "\x1b[32m" + mark + "\x1b[0m";
    std::string line =
        name + std::string(width - name.size() + 2, ' ') + side(*row, row->before) + " -> " + side(*row, row->after);
    std::string change = change_text(*row);
    if (!change.empty()) line += "  " + change;
    if (!mark.empty()) line += "  " + mark;
    text += line + "\n";
  }
  return text + (diff.worse ? "The new report is worse.\n" : "The new report is not worse.\n");
}

std::string diff_markdown(const Diff& diff) {
  std::string text = "| number | before | after | change | |\n| --- | --- | --- | --- | --- |\n";
  for (const DiffRow* row : all_rows(diff)) {
    std::string name = short_name(row->key);
    for (size_t at = 0; (at = name.find_first_of("|<>*[`", at)) != std::string::npos; at += 2) name.insert(at, "\\");
    text += "| " + name + " | " + side(*row, row->before) + " | " + side(*row, row->after) + " | " + change_text(*row) +
            " | " + word(*row) + " |\n";
  }
  return text + (diff.worse ? "\nThe new report is worse.\n" : "\nThe new report is not worse.\n");
}

std::string diff_json(const Diff& diff) {
  using Json = nlohmann::ordered_json;
  const auto rows = [](const std::vector<DiffRow>& list) {
    Json all = Json::array();
    const auto value = [](const DiffRow& row, const std::optional<double>& number) {
      if (!number) return Json();
      return row.key == "verdict" ? Json(value_text(row.key, *number)) : Json(*number);
    };
    for (const DiffRow& row : list)
      all.push_back({{"key", row.key},
                     {"before", value(row, row.before)},
                     {"after", value(row, row.after)},
                     {"judged", row.judged},
                     {"result", row.worse    ? "worse"
                                : row.better ? "better"
                                             : "same"}});
    return all;
  };
  return Json{{"schema", "oomcast.diff.v1"},
              {"worse", diff.worse},
              {"numbers", rows(diff.numbers)},
              {"sites", rows(diff.sites)}}
             .dump(2, ' ', false, Json::error_handler_t::replace) +
         "\n";
}

}  // namespace oomcast::report
