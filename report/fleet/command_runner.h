// Runs another program, such as sbatch, and keeps what it said.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "model/base/result.h"

namespace oomcast::report {

struct CommandResult {
  int status = 0;  // as a shell sees it
  std::string out, err;
};

/// Runs `words[0]`, looked for in PATH, without a shell and without an input. An error: it cannot be started. A test
/// hands in a fake.
using CommandRunner = std::function<Result<CommandResult>(const std::vector<std::string>& words)>;

Result<CommandResult> run_command_line(const std::vector<std::string>& words);

}  // namespace oomcast::report
