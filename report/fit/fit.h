// Finds the smallest memory, limit or swap with which a recorded program runs well enough on a host.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "model/base/result.h"
#include "report/command_line.h"
#include "report/sweep.h"

namespace oomcast::report {

/// One forecast of the search.
struct FitPoint {
  int64_t value = 0;                    // in bytes, or in the unit of the key
  std::optional<sim::Verdict> verdict;  // absent: the verdict is withheld, or there is no such host
  std::string why;                      // one sentence about the first thing that goes wrong; empty: nothing does
};

struct Fit {
  std::string key, until;
  std::optional<FitPoint> smallest;  // absent: not even the largest value that was asked is enough
  std::optional<FitPoint> below;  // the largest value not enough; absent: the smallest value that was asked is enough
  int64_t recommended = 0;        // `smallest` and the margin
  int64_t most_asked = 0;
  int64_t footprint_peak_bytes = 0;  // of the forecast at `smallest`
  std::optional<int64_t> swap_max_bytes;
  bool any_swap = false;      // the host has swap, and the group may use all of it
  bool without_swap = false;  // the group was given none, for the form of the setting cannot say how much
  int margin_percent = 0;
  int asked = 0;
  int seeds = 1;                   // a value is enough only if it is with each seed
  bool host_is_too_small = false;  // no value of the searched limit is enough: the host lacks the memory
  bool uneven = false;
  bool unrecorded_uses = false, other_limits = false;  // see Replayed
  int recordings = 1;  // of the program; more than one if the program sizes itself by its limit
};

inline int64_t with_margin(int64_t bytes, int percent) { return bytes + bytes / 100 * percent; }

/// Called before each round. `asked`: the values that were asked so far; `least` and `most`: the range of this round's
/// values.
using FitProgress = std::function<void(int asked, int64_t least, int64_t most)>;

/// Searches by sweeping `host`. REQUIRES: `options` hold the recorded target_words. Errors: an unknown key, a trace
/// that cannot be replayed.
Result<Fit> fit(const Workload& workload, const host::HostSpec& host, const RunOptions& options,
                const FitOptions& fit_options, const FitProgress& progress);

std::string fit_lines(const Fit& fit);
/// Returns the setting to hand over, in one of setting_forms(); empty if no size was found.
std::string fit_setting(const Fit& fit, const std::string& form);
std::string fit_json(const Fit& fit);  // oomcast.fit.v1

}  // namespace oomcast::report
