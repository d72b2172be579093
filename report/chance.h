// Simulates the same run on the same host with other seeds: what luck decides on a real kernel comes as a range.
//
// A seed decides how late kswapd wakes, in which bin of the memcg LRU a group lands, and which blocks the processes
// beside the program read. Which thread of the program comes first is recorded, and no seed changes it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "report/proof/prove.h"

namespace oomcast::report {

inline constexpr size_t kVerdicts = static_cast<size_t>(sim::Verdict::kOomKill) + 1;

/// One number of the forecast over all seeds that have it: a kill has a time only where there is a kill.
struct HeadlineRange {
  std::string name;  // ends with its unit
  int seeds = 0;
  int64_t least = 0, median = 0, most = 0;
};

struct Chance {
  int seeds = 0;  // simulated; 0: not asked for
  std::array<int, kVerdicts> verdicts{};
  std::vector<HeadlineRange> headlines;
  std::string cut;  // why there are fewer than asked for, a clause; empty: there are not
  bool flips() const;
  sim::Verdict worst() const;
};

struct ChanceSettings {
  int seeds = 1;
  int jobs = 0;  // simulations at a time; 0: one per CPU
  std::function<void(int done, int all)> progress;
  std::function<bool()> interrupted;
};

/// Replays the recording once for each seed from 1 on. What cannot be replayed is left out and named in `cut`.
Chance try_seeds(const Recorded& recorded, const ChanceSettings& settings);
/// The same from finished forecasts.
Chance chance_of(const std::vector<sim::Outcome>& outcomes);

/// "direct_reclaim with 7 of 10 seeds, background_reclaim with 3"; the more frequent first.
std::string chance_text(const Chance& chance);
/// Null if it was not asked for.
nlohmann::ordered_json chance_json(const Chance& chance);

}  // namespace oomcast::report
