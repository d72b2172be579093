// Forecasts a recording on many hosts. See sweep.h.
#include "report/sweep.h"

#include <algorithm>
#include <mutex>

#include "model/spec/parse_text.h"
#include "report/changed_target.h"
#include "report/coverage.h"
#include "report/parallel.h"
#include "report/words/why.h"

namespace oomcast::report {
namespace {

using host::Vmstat;

/// Returns the target of one combination: the host that it names, or the input's host, with the combination's other
/// values.
Result<ChangedTarget> target_of(const SweepInput& input, const std::vector<Variation>& variations,
                                const std::vector<std::string>& values) {
  std::vector<std::string> words;
  std::optional<host::HostSpec> named;
  for (size_t i = 0; i < variations.size(); ++i) {
    if (!varies_host(variations[i])) {
      words.push_back(variations[i].key + "=" + values[i]);
      continue;
    }
    auto read = input.named_host(values[i]);
    if (!read) return read.error();
    named = std::move(read).value();
  }
  return changed_target(named ? *std::move(named) : input.host, input.options, words);
}

// Whether kswapd or the task reclaims the last pages is a race, in the kernel as in the model. A task that waited for
// less than kRace might as well not have reclaimed.
bool hardly_stalled(const SweepRow& row) {
  constexpr Nanoseconds kRace{1'000'000};
  const sim::Stall& stall = row.figures.stall;
  return row.verdict == sim::Verdict::kDirectReclaim &&
         stall.direct_reclaim_total + stall.swap_in_total + stall.throttled_total < kRace;
}

bool is_memory(const std::string& key) {
  return key == "memory" || key.ends_with(".managed") || key.ends_with("memory.max") || key.ends_with("memory.high");
}

// True if the rows differ only in one amount of memory, and `more` has more of it.
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

std::optional<Beginning> beginning(const std::optional<sim::Incident>& incident) {
  if (!incident) return std::nullopt;
  return Beginning{incident->t, incident->app_footprint};
}

SweepFigures figures_of(const sim::Outcome& outcome) {
  SweepFigures figures;
  figures.forecast = outcome.forecast;
  figures.footprint_peak = outcome.app.footprint_peak;
  figures.kswapd_wake = beginning(outcome.kswapd_wake);
  figures.direct_reclaim = beginning(outcome.direct_reclaim);
  figures.swap_out = beginning(outcome.swap_out);
  figures.alloc_refused = beginning(outcome.alloc_refused);
  figures.oom_kill = beginning(outcome.oom_kill);
  if (!outcome.oom_kills.empty()) figures.victim = outcome.oom_kills.front().victim.comm;
  figures.stall = outcome.stall;
  figures.pswpin = outcome.counters[Vmstat::pswpin];
  figures.pswpout = outcome.counters[Vmstat::pswpout];
  figures.evictions = static_cast<int64_t>(outcome.evictions.size());
  return figures;
}

std::string why_of(const sim::Outcome& outcome) {
  if (outcome.oom_kill) return why_first_kill_text(outcome);
  if (!outcome.evictions.empty()) return eviction_text(outcome);
  for (const auto* incident : {&outcome.alloc_refused, &outcome.direct_reclaim, &outcome.kswapd_scan})
    if (*incident) return why_text(**incident);
  return "";
}

/// Forecasts one row. Returns why the trace cannot be replayed on any target; empty: it can.
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
  row.why = why_of(replayed->outcome);
  row.figures = figures_of(replayed->outcome);
  return "";
}

}  // namespace

Result<std::vector<SweepRow>> forecast_rows(const SweepInput& input, const Combinations& combinations, SweepRange range,
                                            int jobs, const SweepProgress& progress) {
  std::vector<SweepRow> rows(range.count);
  std::vector<std::string> trace_errors(range.count);
  std::mutex telling;
  size_t done = 0;
  for_each_in_parallel(rows.size(), jobs, [&](size_t i) {
    rows[i].values = combinations.values(range.first + i);
    trace_errors[i] =
        forecast_row(input.workload, target_of(input, combinations.variations(), rows[i].values), rows[i]);
    std::lock_guard alone(telling);
    ++done;
    if (progress) progress(done, rows.size());
  });
  for (const std::string& error : trace_errors)
    if (!error.empty()) return Error{error};
  return rows;
}

Result<void> check_hosts(const SweepInput& input, const Combinations& combinations) {
  const std::vector<Variation>& variations = combinations.variations();
  std::string first_error;
  for (size_t i = 0; i < combinations.count(); ++i) {
    const auto target = target_of(input, variations, combinations.values(i));
    if (target) return {};
    if (first_error.empty()) first_error = target.error().message;
  }
  // If no value of one key makes a host (the key does not exist, for example), that key's error is the better one. Each
  // key is tried alone, on the input's host.
  for (const Variation& variation : variations) {
    std::string first;
    bool any = false;
    for (size_t i = 0; i < variation.values.size() && !any; ++i) {
      const auto one = target_of(input, {variation}, {variation.values[i]});
      any = one.ok();
      if (first.empty() && !any) first = one.error().message;
    }
    if (!any) return Error{first};
  }
  return Error{first_error};
}

Result<void> conclude_rows(const SweepInput& input, const Combinations& combinations, std::vector<SweepRow>& rows) {
  if (std::all_of(rows.begin(), rows.end(), [](const SweepRow& row) { return !row.error.empty(); }))
    if (auto checked = check_hosts(input, combinations); !checked) return checked.error();
  mark_edges(combinations.variations(), rows);
  return {};
}

Result<std::vector<SweepRow>> sweep(const SweepInput& input, const Combinations& combinations, int jobs,
                                    const SweepProgress& progress) {
  auto rows = forecast_rows(input, combinations, {0, combinations.count()}, jobs, progress);
  if (!rows) return rows;
  if (auto concluded = conclude_rows(input, combinations, rows.value()); !concluded) return concluded.error();
  return rows;
}

}  // namespace oomcast::report
