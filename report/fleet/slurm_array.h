// Runs parts of a sweep as a Slurm job array: one task for each part.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "report/fleet/command_runner.h"
#include "report/fleet/part_queue.h"

namespace oomcast::report {

/// A task of the array.
struct SlurmTask {
  std::string name;                // of the job: the same for the same sweep, division and folder
  std::string working_directory;   // relative paths in `words` are below it
  std::string log_folder;          // gets part-K.log of each task
  std::vector<std::string> words;  // the command, with kPartWord for the task's number
  int cpus = 1;
};

/// Stands for the number of the part in a command.
inline constexpr const char* kPartWord = "@PART@";

/// Quotes the word for a POSIX shell. `number` replaces kPartWord and is expanded by the shell.
std::string shell_word(const std::string& word, const std::string& number);
/// The quoted words with blanks between them.
std::string shell_line(const std::vector<std::string>& words, const std::string& number);

/// Partition, account, time and memory are set by Slurm's own variables: SBATCH_PARTITION, SBATCH_ACCOUNT, ...
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
