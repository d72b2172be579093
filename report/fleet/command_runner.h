// Runs another program, such as sbatch, and returns its output.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "model/base/result.h"

namespace oomcast::report {

struct CommandResult {
  int status = 0;  // as in a shell: the exit status, or 128 plus the number of the signal
  std::string out, err;
};

/// Runs `words[0]`, found in PATH, without a shell and with an empty stdin. Error: it cannot be started. Tests pass a
/// fake.
using CommandRunner = std::function<Result<CommandResult>(const std::vector<std::string>& words)>;

Result<CommandResult> run_command_line(const std::vector<std::string>& words);

}  // namespace oomcast::report
