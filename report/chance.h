// Simulates the same run on the same host with several seeds, and gives the range of the results: what a real kernel
// leaves to chance.
//
// A seed decides how late kswapd wakes, in which bin of the memcg LRU (multi-gen LRU) a group lands, and which blocks
// the processes beside the program read. The order in which the program's threads ran is recorded: no seed changes it.
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

/// One number of the forecast over the seeds that have the number: the time of an OOM kill exists only for seeds with
/// an OOM kill.
struct HeadlineRange {
  std::string name;  // ends with the unit
  int seeds = 0;
  int64_t least = 0, median = 0, most = 0;
};

struct Chance {
  int seeds = 0;  // seeds that were simulated; 0: --seeds was not given
  std::array<int, kVerdicts> verdicts{};
  std::vector<HeadlineRange> headlines;
  std::string cut;  // a clause: why fewer seeds were simulated than asked for; empty: all were
  bool flips() const;
  sim::Verdict worst() const;
};

struct ChanceSettings {
  int seeds = 1;
  int jobs = 0;  // simulations that run at the same time; 0: one per CPU
  std::function<void(int done, int all)> progress;
  std::function<bool()> interrupted;
};

/// Replays the recording once for each seed from 1 to `settings.seeds`. A seed whose replay fails or is interrupted is
/// left out, and `cut` says why.
Chance try_seeds(const Recorded& recorded, const ChanceSettings& settings);
/// Returns the same summary of forecasts that are finished.
Chance chance_of(const std::vector<sim::Outcome>& outcomes);

/// Returns "direct_reclaim with 7 of 10 seeds, background_reclaim with 3", the more frequent verdict first.
std::string chance_text(const Chance& chance);
/// Returns JSON null if --seeds was not given.
nlohmann::ordered_json chance_json(const Chance& chance);

}  // namespace oomcast::report
