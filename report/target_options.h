// Options that mirror the target, in so far as it is not the host's own description: CPUs, NUMA policy, OOM score.
//
// Traces hold them as words, so that a replay needs none of them.
#pragma once

#include <string>
#include <vector>

#include "model/base/result.h"

namespace CLI {
class App;
}

namespace oomcast::report {

struct RunOptions;

void add_target_options(CLI::App& app, RunOptions& options);

/// Returns the target options that were given to `app`: "--cpu-node=1".
std::vector<std::string> target_words(const CLI::App& app);

/// Applies such words, as RunOptions::target_words and traces hold them.
Result<void> apply_target_words(const std::vector<std::string>& words, RunOptions& options);

}  // namespace oomcast::report
