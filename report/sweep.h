// Forecasts one recording on every combination of the varied values, to find which of many hosts are enough.
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

/// The first incident of a kind.
struct Beginning {
  Nanoseconds t;
  Bytes app_footprint;  // does not depend on the host's speed
};

/// The figures of one forecast that a sweep keeps and shows.
struct SweepFigures {
  Nanoseconds forecast;
  Bytes footprint_peak;
  std::optional<Beginning> kswapd_wake, direct_reclaim, swap_out, alloc_refused, oom_kill;
  std::optional<std::string> victim;  // comm of the first process that the OOM killer kills
  sim::Stall stall;
  int64_t pswpin = 0, pswpout = 0;
  int64_t evictions = 0;  // by the kubelet of a Kubernetes node; they are no part of the verdict
};

struct SweepRow {
  std::vector<std::string> values;  // one per variation
  std::string error;                // not empty: there is no such host, and all below is unset
  std::optional<sim::Verdict> verdict;
  bool unrecorded_uses = false, other_limits = false;  // see Replayed
  bool extrapolated() const { return unrecorded_uses || other_limits; }
  std::string incomplete;    // see incomplete_text(); the same in all rows of a trace
  std::string why;           // a sentence on what the verdict is about; empty if nothing happened
  bool on_the_edge = false;  // the verdict hangs on a race of microseconds, or a host with less memory has a better one
  SweepFigures figures;
};

/// Returns the host that "host=NAME" names, with the changes that all hosts of the sweep have. Several threads call it
/// at the same time.
using HostReader = std::function<Result<host::HostSpec>(const std::string& name)>;

/// What a sweep forecasts. `options` hold the recorded target_words. `host` is the host that is varied, with the --set,
/// --cgroup and --limits-from of `options`.
struct SweepInput {
  const Workload& workload;
  const host::HostSpec& host;
  const RunOptions& options;
  HostReader named_host = {};  // needed if a variation is "host"
};

/// Called after each host's forecast, from any thread, by one thread at a time.
using SweepProgress = std::function<void(size_t done, size_t all)>;

/// A range of a sweep's combinations, by number.
struct SweepRange {
  size_t first = 0, count = 0;
};

/// Returns the rows of a range. `jobs` simulations run at a time (0: one per CPU); the rows do not depend on it. Error:
/// the trace cannot be replayed.
Result<std::vector<SweepRow>> forecast_rows(const SweepInput& input, const Combinations& combinations, SweepRange range,
                                            int jobs, const SweepProgress& progress = {});

/// Succeeds if at least one combination is a host. Error: why none is, for example a key that does not exist.
Result<void> check_hosts(const SweepInput& input, const Combinations& combinations);

/// Finishes the complete rows of a sweep: marks those on the edge. Error: no row has a host.
Result<void> conclude_rows(const SweepInput& input, const Combinations& combinations, std::vector<SweepRow>& rows);

/// Returns the rows of all combinations, concluded. Errors: as forecast_rows() and conclude_rows().
Result<std::vector<SweepRow>> sweep(const SweepInput& input, const Combinations& combinations, int jobs,
                                    const SweepProgress& progress = {});

std::string sweep_table(const std::vector<Variation>& variations, const std::vector<SweepRow>& rows);
std::string sweep_json(const std::vector<Variation>& variations, const std::vector<SweepRow>& rows);

}  // namespace oomcast::report
