// The options of the verb `fit`.
#pragma once

#include <string>

namespace oomcast::report {

struct FitOptions {
  std::string key = "memory.max";  // --for: memory, swap, a file of the cgroup, or a key of --set in bytes
  std::string until = "no_oom";    // --until: fits, no_direct_reclaim, no_oom
  int margin_percent = 15;         // added to the smallest value for the setting that is handed over
  int seeds = 5;                   // a value is enough only if it is with each seed
  std::string as;                  // form of the setting; empty: no setting
};

}  // namespace oomcast::report
