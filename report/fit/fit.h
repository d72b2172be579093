// Finds the smallest memory, limit or swap with which a recorded program does well enough on a host.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "model/base/result.h"
#include "report/command_line.h"
#include "report/sweep.h"

namespace oomcast::report {

/// One forecast of the search, or both ends of it.
struct FitPoint {
  int64_t value = 0;                    // bytes, or the unit of the key
  std::optional<sim::Verdict> verdict;  // absent: withheld, or there is no such host
  std::string why;                      // one sentence of the first thing that goes wrong; empty: nothing does
};

struct Fit {
  std::string key, until;
  std::optional<FitPoint> smallest;  // absent: not even the largest value that was asked does
  std::optional<FitPoint> below;     // absent: the smallest value that was asked does well enough
  int64_t recommended = 0;           // smallest with the margin
  int64_t most_asked = 0;
  int64_t footprint_peak_bytes = 0;  // at `smallest`
  std::optional<int64_t> swap_max_bytes;
  int margin_percent = 0;
  int asked = 0;
  int seeds = 1;                   // each value that is enough is so with all of them
  bool host_is_too_small = false;  // the limit that was searched is not what is short
  bool uneven = false;
  bool unrecorded_uses = false, other_limits = false;  // what the recording cannot know, as in Replayed
  int recordings = 1;  // of the program; more than one where it sizes itself by its limit
};

/// Called before each round with the number of values asked so far.
using FitProgress = std::function<void(int asked, int64_t least, int64_t most)>;

/// Bisects by sweeping `host`. The options must hold the recorded target_words already. Errors: a key that is none, a
/// trace that cannot be replayed.
Result<Fit> fit(const Workload& workload, const host::HostSpec& host, const RunOptions& options,
                const FitOptions& fit_options, const FitProgress& progress);

std::string fit_lines(const Fit& fit);
/// The setting to hand over, in one of setting_forms(). Empty if no size was found.
std::string fit_setting(const Fit& fit, const std::string& form);
std::string fit_json(const Fit& fit);  // oomcast.fit.v1

}  // namespace oomcast::report
