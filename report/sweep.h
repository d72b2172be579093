// Finds which of many hosts would do: one recording, forecast on every combination of what is varied.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "model/base/result.h"
#include "report/command_line.h"
#include "report/replay.h"
#include "report/variation.h"

namespace oomcast::report {

/// Where something began: the first incident of its kind.
struct Beginning {
  Nanoseconds t;
  Bytes app_footprint;  // the number that does not depend on the host's speed
};

/// What a sweep shows of one forecast, and all that it keeps of it.
struct SweepFigures {
  Nanoseconds forecast;
  Bytes footprint_peak;
  std::optional<Beginning> kswapd_wake, direct_reclaim, swap_out, alloc_refused, oom_kill;
  std::optional<std::string> victim;  // comm of the first process that the OOM killer took
  sim::Stall stall;
  int64_t pswpin = 0, pswpout = 0;
};

struct SweepRow {
  std::vector<std::string> values;  // of each variation
  std::string error;                // not empty: there is no such host, and nothing below is valid
  std::optional<sim::Verdict> verdict;
  bool unrecorded_uses = false, other_limits = false;  // what the recording cannot know, as in Replayed
  bool extrapolated() const { return unrecorded_uses || other_limits; }
  std::string incomplete;    // see incomplete_text(); the same in all rows of a trace
  std::string why;           // the sentence of what the verdict is about; empty where nothing happened
  bool on_the_edge = false;  // the verdict hangs on a race of microseconds, or a host with less memory has a better one
  SweepFigures figures;
};

/// Gives the host that "host=NAME" names, with the changes that all hosts of the sweep have. Called by several threads
/// at a time.
using HostReader = std::function<Result<host::HostSpec>(const std::string& name)>;

/// What is forecast. `options` hold the recorded target_words already; `host` is the one that is varied, with the
/// --set, --cgroup and --limits-from of `options`.
struct SweepInput {
  const Workload& workload;
  const host::HostSpec& host;
  const RunOptions& options;
  HostReader named_host = {};  // needed where a variation is "host"
};

/// Called by any thread, one at a time, when a host has been forecast.
using SweepProgress = std::function<void(size_t done, size_t all)>;

/// Some of a sweep's combinations, by their numbers.
struct SweepRange {
  size_t first = 0, count = 0;
};

/// The rows of a range. `jobs` simulations run at a time; the rows do not depend on it. Fails if the trace cannot be
/// replayed.
Result<std::vector<SweepRow>> forecast_rows(const SweepInput& input, const Combinations& combinations, SweepRange range,
                                            int jobs, const SweepProgress& progress = {});

/// No error: at least one combination is a host. Otherwise the reason, such as a key that does not exist.
Result<void> check_hosts(const SweepInput& input, const Combinations& combinations);

/// What can be said only when all rows of a sweep are there: fails if none of them has a host, marks edges.
Result<void> conclude_rows(const SweepInput& input, const Combinations& combinations, std::vector<SweepRow>& rows);

/// Every combination: forecast_rows() of all, concluded.
Result<std::vector<SweepRow>> sweep(const SweepInput& input, const Combinations& combinations, int jobs,
                                    const SweepProgress& progress = {});

std::string sweep_table(const std::vector<Variation>& variations, const std::vector<SweepRow>& rows);
std::string sweep_json(const std::vector<Variation>& variations, const std::vector<SweepRow>& rows);

}  // namespace oomcast::report
