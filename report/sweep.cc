// Forecasts a recording on many hosts. See sweep.h.
#include "report/sweep.h"

#include <algorithm>
#include <mutex>

#include "model/spec/parse_text.h"
#include "report/changed_target.h"
#include "report/coverage.h"
#include "report/parallel.h"

namespace oomcast::report {
namespace {

constexpr size_t kMostValues = 1000;
constexpr size_t kMostHosts = 10000;

std::string size_text(int64_t bytes, bool with_unit) {
  const char* units[] = {"", "K", "M", "G", "T"};
  int unit = 0;
  for (; with_unit && unit < 4 && bytes != 0 && bytes % 1024 == 0; ++unit) bytes /= 1024;
  return std::to_string(bytes) + units[unit];
}

bool is_number(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

Result<std::vector<std::string>> list_of(const std::string& text) {
  std::vector<std::string> values;
  for (size_t at = 0; at <= text.size();) {
    size_t comma = std::min(text.find(',', at), text.size());
    values.push_back(text.substr(at, comma - at));
    if (values.back().empty()) return Error{"an empty value"};
    at = comma + 1;
  }
  return values;
}

Result<std::vector<std::string>> range_of(const std::string& text, size_t dots) {
  size_t colon = text.find(':', dots);
  std::string last_text = text.substr(dots + 2, colon == std::string::npos ? colon : colon - dots - 2);
  std::string first_text = text.substr(0, dots), step_text = colon == std::string::npos ? "" : text.substr(colon + 1);
  auto first = host::parse_size_bytes(first_text), last = host::parse_size_bytes(last_text);
  if (!first || !last) return Error{"expected FIRST..LAST, for example 1G..16G"};
  if (*first > *last) return Error{"FIRST is above LAST; the smaller one comes first, as in 1G..16G"};
  bool with_unit = !is_number(first_text) || !is_number(last_text);
  std::optional<int64_t> step;
  if (!step_text.empty()) {
    step = host::parse_size_bytes(step_text);
    if (!step || *step <= 0) return Error{"the step after ':' is not a size or a number above 0"};
  } else if (*first <= 0) {
    return Error{"a range from 0 needs a step, for example 0..100:20"};
  }
  std::vector<std::string> values;
  for (int64_t at = *first; at <= *last; at = step ? at + *step : at * 2) {
    values.push_back(size_text(at, with_unit));
    if (values.size() > kMostValues) return Error{"more than " + std::to_string(kMostValues) + " values"};
  }
  return values;
}

Result<ChangedTarget> make_case(const host::HostSpec& host, const RunOptions& options,
                                const std::vector<Variation>& variations, const std::vector<std::string>& values) {
  std::vector<std::string> words;
  for (size_t i = 0; i < variations.size(); ++i) words.push_back(variations[i].key + "=" + values[i]);
  return changed_target(host, options, words);
}

std::string bare_key(const std::string& key) { return key.starts_with("--") ? key.substr(2) : key; }

Result<void> check_keys(const std::vector<Variation>& variations) {
  for (size_t i = 0; i < variations.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (bare_key(variations[i].key) != bare_key(variations[j].key)) continue;
      return Error{"--vary " + variations[i].key + " is given twice; write all its values as one list, for example " +
                   variations[i].key + "=" + variations[j].values.front() + "," + variations[i].values.front()};
    }
  }
  return {};
}

// There is no host in any row: is there a key that no value suits, for example one that does not exist?
Result<void> check_values(const host::HostSpec& host, const RunOptions& options,
                          const std::vector<Variation>& variations) {
  for (const Variation& variation : variations) {
    std::string first;
    bool any = false;
    for (size_t i = 0; i < variation.values.size() && !any; ++i) {
      const auto one = make_case(host, options, {variation}, {variation.values[i]});
      any = one.ok();
      if (first.empty() && !any) first = one.error().message;
    }
    if (!any) return Error{first};
  }
  return {};
}

// Which of kswapd and the task reclaims the last pages is a race in the kernel as in the model. A task that wins it by
// so little might as well not have reclaimed.
bool hardly_stalled(const SweepRow& row) {
  constexpr Nanoseconds kRace{1'000'000};
  const sim::Outcome& outcome = row.outcome;
  return row.verdict == sim::Verdict::kDirectReclaim &&
         outcome.stall.direct_reclaim_total + outcome.stall.swap_in_total + outcome.stall.throttled_total < kRace;
}

bool is_memory(const std::string& key) {
  return key == "memory" || key.ends_with(".managed") || key.ends_with("memory.max") || key.ends_with("memory.high");
}

// Do the rows differ in one amount of memory alone, of which `more` has more?
bool differ_in_memory(const std::vector<Variation>& variations, const SweepRow& less, const SweepRow& more) {
  bool found = false;
  for (size_t i = 0; i < variations.size(); ++i) {
    if (less.values[i] == more.values[i]) continue;
    const auto low = host::parse_size_bytes(less.values[i]), high = host::parse_size_bytes(more.values[i]);
    if (found || !is_memory(variations[i].key) || !low || !high || *low >= *high) return false;
    found = true;
  }
  return found;
}

void mark_edges(const std::vector<Variation>& variations, std::vector<SweepRow>& rows) {
  for (SweepRow& row : rows) {
    row.on_the_edge = row.error.empty() && hardly_stalled(row);
    for (const SweepRow& other : rows) {
      if (row.on_the_edge || !row.verdict || !other.verdict || !other.error.empty() || *other.verdict >= *row.verdict)
        continue;
      row.on_the_edge = differ_in_memory(variations, other, row);
    }
  }
}

std::vector<std::vector<std::string>> combinations(const std::vector<Variation>& variations) {
  std::vector<std::vector<std::string>> all{{}};
  for (const Variation& variation : variations) {
    std::vector<std::vector<std::string>> longer;
    for (const auto& begun : all)
      for (const std::string& value : variation.values) {
        longer.push_back(begun);
        longer.back().push_back(value);
      }
    all = std::move(longer);
  }
  return all;
}

/// Fills in what comes of the row's target. Returns why the trace cannot be replayed, on any target; empty: it can.
std::string forecast_row(const Workload& workload, Result<ChangedTarget> target, SweepRow& row) {
  if (!target) {
    row.error = target.error().message;
    return "";
  }
  auto replayed = replay(workload, std::move(target->host), target->settings);
  if (!replayed) return replayed.error().message;
  row.verdict = supported_verdict(replayed->outcome, replayed->capture);
  row.incomplete = incomplete_text(replayed->capture);
  row.unrecorded_uses = replayed->unrecorded_uses;
  row.other_limits = replayed->other_limits;
  row.outcome = std::move(replayed->outcome);
  row.outcome.timeline = {};
  row.outcome.moments = {};
  return "";
}

}  // namespace

Result<Variation> parse_variation(const std::string& text) {
  size_t equals = text.find('=');
  auto failed = [&](const std::string& what) { return Error{"--vary " + text + ": " + what}; };
  if (equals == std::string::npos || equals == 0)
    return failed("expected KEY=VALUES, for example memory=1G..16G or vm.swappiness=0,60,100");
  std::string values_text = text.substr(equals + 1);
  size_t dots = values_text.find("..");
  auto values = dots == std::string::npos ? list_of(values_text) : range_of(values_text, dots);
  if (!values) return failed(values.error().message);
  return Variation{text.substr(0, equals), std::move(values).value()};
}

Result<std::vector<SweepRow>> sweep(const Workload& workload, const host::HostSpec& host, const RunOptions& options,
                                    const std::vector<Variation>& variations, int jobs, const SweepProgress& progress) {
  if (auto checked = check_keys(variations); !checked) return checked.error();
  size_t hosts = 1;
  for (const Variation& variation : variations)
    if ((hosts *= variation.values.size()) > kMostHosts)
      return Error{"sweep: more than " + std::to_string(kMostHosts) + " hosts; vary less at a time"};
  auto values = combinations(variations);
  std::vector<SweepRow> rows(values.size());
  std::vector<std::string> trace_errors(values.size());
  std::mutex telling;
  size_t done = 0;
  for_each_in_parallel(rows.size(), jobs, [&](size_t i) {
    rows[i].values = values[i];
    trace_errors[i] = forecast_row(workload, make_case(host, options, variations, values[i]), rows[i]);
    std::lock_guard alone(telling);
    ++done;
    if (progress) progress(done, rows.size());
  });
  for (const std::string& error : trace_errors)
    if (!error.empty()) return Error{error};
  if (std::all_of(rows.begin(), rows.end(), [](const SweepRow& row) { return !row.error.empty(); })) {
    if (auto checked = check_values(host, options, variations); !checked) return checked.error();
    return Error{rows.front().error};
  }
  mark_edges(variations, rows);
  return rows;
}

}  // namespace oomcast::report
