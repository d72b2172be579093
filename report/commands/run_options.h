// The options of `oomcast run`, also given to the bare library by the environment.
#pragma once

#include <string>

#include "model/base/result.h"

namespace CLI {
class App;
}

namespace oomcast::report {

struct RunOptions;

void add_run_options(CLI::App& app, RunOptions& options);

/// `OOMCAST_OPTIONS` of the bare library: the options of `run`, separated by blanks, quoted as in a shell.
Result<RunOptions> parse_options_text(const std::string& text);

}  // namespace oomcast::report
