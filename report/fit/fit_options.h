// The options of the verb `fit`.
#pragma once

#include <string>

namespace oomcast::report {

struct FitOptions {
  std::string key = "memory.max";  // --for: memory, swap, a file of the cgroup, or a key of --set in bytes
  std::string until = "no_oom";    // fits, no_direct_reclaim, no_oom
  int margin_percent = 15;         // on top of the smallest value, for what is handed over
  int seeds = 5;                   // a value is enough if it is with all of them
  std::string as;                  // form of the setting; empty: none
};

}  // namespace oomcast::report
