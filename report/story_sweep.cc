// Turns the rows of a sweep or of a comparison into a story. See story.h.
#include <algorithm>
#include <map>
#include <optional>

#include "model/sim/outcome.h"
#include "model/spec/parse_text.h"
#include "report/story.h"
#include "report/words/format.h"

namespace oomcast::report {
namespace {

using Json = nlohmann::ordered_json;

/// At most so many series have a sentence: a fleet has thousands.
constexpr size_t kSeriesNamed = 12;

/// Rows that differ only in the first varied key, in the order of the sweep.
struct Series {
  std::string others;  // "vm.swappiness=60"; empty if one key is varied
  std::vector<const Json*> rows;
};

std::vector<Series> series_of(const Json& sweep) {
  std::vector<Series> all;
  for (const Json& row : sweep.at("rows")) {
    std::string others;
    bool first = true;
    for (const auto& [key, value] : row.at("vary").items()) {
      if (!first) others += (others.empty() ? "" : ", ") + key + "=" + value.get<std::string>();
      first = false;
    }
    auto found = std::find_if(all.begin(), all.end(), [&](const Series& one) { return one.others == others; });
    if (found == all.end()) found = all.insert(all.end(), {others, {}});
    found->rows.push_back(&row);
  }
  return all;
}

std::string first_key(const Json& sweep) {
  const Json& rows = sweep.at("rows");
  if (rows.empty() || rows.front().at("vary").empty()) return "";
  return rows.front().at("vary").begin().key();
}

std::optional<int> rank(const Json& row) {
  const auto verdict = row.find("verdict");
  if (verdict == row.end() || !verdict->is_string()) return std::nullopt;
  const auto named = sim::verdict_named(verdict->get<std::string>());
  return named ? std::optional(static_cast<int>(*named)) : std::nullopt;
}

/// True if the varied size grows from row to row: only then does "from ... on" have a meaning.
bool grows(const Series& series, const std::string& key) {
  int64_t last = -1;
  for (const Json* row : series.rows) {
    const auto size = host::parse_size_bytes(row->at("vary").at(key).get<std::string>());
    if (!size || *size <= last) return false;
    last = *size;
  }
  return series.rows.size() > 1;
}

bool is_memory(const std::string& key) {
  return key == "memory" || key.ends_with(".managed") || key.ends_with("memory.max") || key.ends_with("memory.high");
}

/// Returns the first row from which on every verdict is `most` or better.
const Json* smallest(const Series& series, sim::Verdict most) {
  const Json* found = nullptr;
  for (auto row = series.rows.rbegin(); row != series.rows.rend(); ++row) {
    const auto its = rank(**row);
    if (!its || *its > static_cast<int>(most) || (*row)->value("evictions", 0) > 0) break;
    found = *row;
  }
  return found;
}

/// REQUIRES: `row` is in `series`, and not its first row.
const Json* row_before(const Series& series, const Json* row) {
  return *std::prev(std::find(series.rows.begin(), series.rows.end(), row));
}

std::string value_of_row(const Json& row, const std::string& key) { return row.at("vary").at(key).get<std::string>(); }

std::string with_doubts(const Json& row, const std::string& value) {
  std::string doubts;
  if (row.value("extrapolated", false)) doubts = "extrapolated";
  if (row.value("on_the_edge", false)) doubts += std::string(doubts.empty() ? "" : ", ") + "on the edge";
  return value + (doubts.empty() ? "" : " (" + doubts + ")");
}

std::string smallest_sentence(const Series& series, const std::string& key) {
  struct Wish {
    sim::Verdict most;
    const char* words;
  };
  constexpr Wish kWishes[] = {{sim::Verdict::kAllocRefused, "nobody is killed from "},
                              {sim::Verdict::kDirectReclaim, "nothing is refused from "},
                              {sim::Verdict::kBackgroundReclaim, "no thread reclaims for itself from "},
                              {sim::Verdict::kFits, "nothing is reclaimed from "}};
  std::string line, last;
  for (const Wish& wish : kWishes) {
    const Json* row = smallest(series, wish.most);
    if (row == nullptr) {
      line += std::string(line.empty() ? "" : "; ") + "no value is enough for the next better verdict";
      break;
    }
    const std::string value = with_doubts(*row, value_of_row(*row, key));
    if (value == last) continue;  // the same value keeps the next better promise, too
    line += (line.empty() ? "" : "; ") + std::string(wish.words) + value + " on";
    last = value;
  }
  if (series.others.empty()) return capitalised(line) + ".";
  return "With " + series.others + ": " + line + ".";
}

}  // namespace

Story sweep_story(const Json& sweep) {
  Story story;
  const Json& rows = sweep.at("rows");
  const std::string key = first_key(sweep);
  story.headline = "Forecast on " + count_text(static_cast<int64_t>(rows.size())) + " hosts" +
                   (key == "host" ? "" : " that differ in " + key);
  story.tone = "unknown";
  if (const auto incomplete = sweep.find("incomplete"); incomplete != sweep.end() && incomplete->is_string())
    story.sentences.push_back("INCOMPLETE: " + incomplete->get<std::string>());
  const auto all = series_of(sweep);
  std::vector<const Series*> sized;
  for (const Series& series : all)
    if (is_memory(key) && grows(series, key)) sized.push_back(&series);
  for (size_t i = 0; i < sized.size() && i < kSeriesNamed; ++i)
    story.sentences.push_back(smallest_sentence(*sized[i], key));
  if (sized.size() > kSeriesNamed)
    story.sentences.push_back("The same of " + count_text(static_cast<int64_t>(sized.size() - kSeriesNamed)) +
                              " more is in the table.");
  const Series* only = all.size() == 1 ? &all.front() : nullptr;
  if (only != nullptr && is_memory(key) && grows(*only, key)) {
    const Json* safe = smallest(*only, sim::Verdict::kAllocRefused);
    story.headline = safe == nullptr ? "No " + key + " of this sweep keeps the OOM killer away"
                     : safe == only->rows.front()
                         ? "No OOM kill at any " + key + " of this sweep"
                         : "No OOM kill from " + key + "=" + value_of_row(*safe, key) + " on; the next smaller, " +
                               value_of_row(*row_before(*only, safe), key) + ", has one";
    story.tone = safe == nullptr ? "bad" : "good";
  }
  std::map<int, int64_t> counts;
  int64_t without = 0;
  for (const Json& row : rows)
    if (const auto its = rank(row))
      ++counts[*its];
    else
      ++without;
  for (const auto& [its, count] : counts)
    story.figures.push_back({verdict_words(sim::verdict_name(static_cast<sim::Verdict>(its))),
                             count_text(count) + (count == 1 ? " host" : " hosts")});
  if (without > 0) story.figures.push_back({"No verdict", count_text(without) + (without == 1 ? " host" : " hosts")});
  return story;
}

Story diff_story(const Json& diff) {
  Story story;
  const bool worse = diff.at("worse").get<bool>();
  story.headline = worse ? "The new report is worse" : "The new report is not worse";
  story.tone = worse ? "bad" : "good";
  std::vector<std::string> grew, shrank;
  for (const Json& row : diff.at("numbers")) {
    const std::string result = row.at("result").get<std::string>();
    if (row.at("judged").get<bool>() && result == "worse") grew.push_back(row.at("key").get<std::string>());
    if (result == "better") shrank.push_back(row.at("key").get<std::string>());
  }
  constexpr size_t kNamed = 6;
  if (!grew.empty()) story.sentences.push_back("Worse: " + list_text(grew, kNamed) + ".");
  if (!shrank.empty()) story.sentences.push_back("Better: " + list_text(shrank, kNamed) + ".");
  const size_t sites = diff.at("sites").size();
  story.sentences.push_back(sites == 0
                                ? "No code holds notably more or less memory."
                                : count_text(static_cast<int64_t>(sites)) +
                                      (sites == 1 ? " site holds" : " sites hold") + " notably more or less memory.");
  return story;
}

}  // namespace oomcast::report
