// Finds which of many hosts would do: one recording, forecast on every combination of what is varied.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/base/result.h"
#include "report/command_line.h"
#include "report/replay.h"

namespace oomcast::report {

/// One --vary: a key of --set, or the name of an option that mirrors the target, and the values it takes.
struct Variation {
  std::string key;
  std::vector<std::string> values;
};
/// "memory=1G..16G" doubles, "memory=1G..4G:1G" adds, "vm.swappiness=0,60,100" lists.
Result<Variation> parse_variation(const std::string& text);

struct SweepRow {
  std::vector<std::string> values;  // of each variation
  std::string error;                // not empty: there is no such host, and nothing below is valid
  std::optional<sim::Verdict> verdict;
  bool unrecorded_uses = false, other_limits = false;  // what the recording cannot know, as in Replayed
  bool extrapolated() const { return unrecorded_uses || other_limits; }
  std::string incomplete;    // see incomplete_text(); the same in all rows of a trace
  bool on_the_edge = false;  // the verdict hangs on a race of microseconds, or a host with less memory has a better one
  sim::Outcome outcome;      // without its timeline
};

/// Called by any thread, one at a time, when a host has been forecast.
using SweepProgress = std::function<void(size_t done, size_t all)>;

/// Every combination, the last variation fastest. `jobs` simulations run at a time; the rows do not depend on it.
/// The options must hold the recorded target_words already. Fails if the trace does, if a key is varied twice, and if
/// there is no host in any row, as with a key that does not exist.
Result<std::vector<SweepRow>> sweep(const Workload& workload, const host::HostSpec& host, const RunOptions& options,
                                    const std::vector<Variation>& variations, int jobs,
                                    const SweepProgress& progress = {});

std::string sweep_table(const std::vector<Variation>& variations, const std::vector<SweepRow>& rows);
std::string sweep_json(const std::vector<Variation>& variations, const std::vector<SweepRow>& rows);

}  // namespace oomcast::report
