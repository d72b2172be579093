// Hands parts of a sweep to Slurm: one job array, a task for each part.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "report/fleet/command_runner.h"
#include "report/fleet/part_queue.h"

namespace oomcast::report {

/// What a task of the array is.
struct SlurmTask {
  std::string name;                // of the job: the same for the same sweep, division and folder
  std::string working_directory;   // relative paths of `command` are below it
  std::string log_folder;          // part-K.log, of each task
  std::vector<std::string> words;  // the command; kPartWord in it is replaced by the task's number
  int cpus = 1;
};

/// Stands for the number of a part in the words of a command.
inline constexpr const char* kPartWord = "@PART@";

/// As one word of a POSIX shell, kPartWord replaced by `number`, which the shell expands.
std::string shell_word(const std::string& word, const std::string& number);
/// The words with blanks between them.
std::string shell_line(const std::vector<std::string>& words, const std::string& number);

/// Everything else (partition, account, time, memory) is Slurm's own: SBATCH_PARTITION, SBATCH_ACCOUNT, ... in the
/// environment.
class SlurmArray final : public PartQueue {
 public:
  SlurmArray(SlurmTask task, CommandRunner runner) : task_(std::move(task)), run_(std::move(runner)) {}
  Result<void> submit(const std::vector<size_t>& parts) override;
  Result<QueuedParts> queued() override;

 private:
  SlurmTask task_;
  CommandRunner run_;
};

}  // namespace oomcast::report
