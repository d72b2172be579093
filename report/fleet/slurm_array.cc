// Runs parts of a sweep as a Slurm job array. See slurm_array.h.
#include "report/fleet/slurm_array.h"

#include <limits>
#include <optional>
#include <sstream>

#include "model/spec/parse_text.h"
#include "report/fleet/part.h"
#include "report/words/format.h"

namespace oomcast::report {
namespace {

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

/// Escapes '%': in file names sbatch replaces "%a" by the number of the task, and "%%" by a percent sign.
std::string without_patterns(std::string path) {
  for (size_t at = 0; (at = path.find('%', at)) != std::string::npos; at += 2) path.insert(at, 1, '%');
  return path;
}

/// The command's output. An error quotes the first line of what it printed.
Result<std::string> output_of(const CommandRunner& run, const std::vector<std::string>& words) {
  auto ran = run(words);
  if (!ran) return Error{ran.error().message + "; Slurm's commands have to be in PATH (Debian: slurm-client)"};
  if (ran->status != 0)
    return Error{words[0] + " failed (status " + std::to_string(ran->status) +
                 "): " + first_line(ran->err.empty() ? ran->out : ran->err)};
  return std::move(ran->out);
}

/// A line of squeue: "3
/// PENDING
/// Resources".
struct Line {
  size_t part = 0;
  std::string state, reason;
};

std::optional<Line> line_of(const std::string& text) {
  const size_t first = text.find('|'), second = text.find('|', first + 1);
  if (first == std::string::npos || second == std::string::npos) return std::nullopt;
  const auto part = host::parse_integer(std::string_view(text).substr(0, first), 0, std::numeric_limits<int>::max());
  if (!part) return std::nullopt;
  return Line{static_cast<size_t>(*part), text.substr(first + 1, second - first - 1), text.substr(second + 1)};
}

}  // namespace

std::string shell_word(const std::string& word, const std::string& number) {
  std::string quoted = "'";
  for (size_t at = 0; at < word.size();) {
    if (word.compare(at, std::string_view(kPartWord).size(), kPartWord) == 0) {
      quoted += "'\"" + number + "\"'";
      at += std::string_view(kPartWord).size();
    } else if (word[at] == '\'') {
      quoted += "'\\''";
      ++at;
    } else {
      quoted += word[at++];
    }
  }
  return quoted + "'";
}

std::string shell_line(const std::vector<std::string>& words, const std::string& number) {
  std::vector<std::string> quoted;
  for (const std::string& word : words) quoted.push_back(shell_word(word, number));
  return joined_text(quoted, " ");
}

Result<void> SlurmArray::submit(const std::vector<size_t>& parts) {
  auto out = output_of(
      run_, {"sbatch", "--parsable", "--job-name=" + task_.name, "--array=" + numbers_text(parts),
             "--chdir=" + task_.working_directory, "--output=" + without_patterns(task_.log_folder) + "/part-%a.log",
             "--open-mode=truncate", "--requeue", "--ntasks=1", "--cpus-per-task=" + std::to_string(task_.cpus),
             "--wrap=exec " + shell_line(task_.words, "$SLURM_ARRAY_TASK_ID")});
  if (out) return {};
  const bool too_large = out.error().message.find("Invalid job array") != std::string::npos;
  return Error{out.error().message +
               (too_large ? "; Slurm's MaxArraySize bounds the tasks: try a smaller --split" : "")};
}

Result<QueuedParts> SlurmArray::queued() {
  auto out = output_of(run_, {"squeue", "--noheader", "--array", "--name=" + task_.name, "--format=%K|%T|%r"});
  if (!out) return out.error();
  QueuedParts queued;
  bool any_runs = false;
  std::istringstream lines(out.value());
  for (std::string text; std::getline(lines, text);) {
    const auto line = line_of(text);
    if (!line) return Error{"squeue: not a task of an array: " + text};
    queued.parts.insert(line->part);
    any_runs |= line->state != "PENDING";
    queued.waiting_for = line->reason == "None" ? "" : line->reason;  // None: Slurm has not looked at the task yet
  }
  if (any_runs) queued.waiting_for.clear();
  return queued;
}

}  // namespace oomcast::report
