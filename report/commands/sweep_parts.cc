// A sweep in parts: runs one part, lets an engine run all, or merges the parts. See sweep_parts.h.
#include "report/commands/sweep_parts.h"

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <thread>

#include "report/console.h"
#include "report/fleet/command_runner.h"
#include "report/fleet/fingerprint.h"
#include "report/fleet/kubernetes_job.h"
#include "report/fleet/parts_folder.h"
#include "report/fleet/run_parts.h"
#include "report/fleet/slurm_array.h"
#include "report/terminal/search_progress.h"
#include "report/whole_file.h"

namespace oomcast::report {
namespace {

namespace fs = std::filesystem;
using State = FoundPart::State;

constexpr size_t kProblemsShown = 20;

void say(const std::string& text) { std::fprintf(stderr, "oomcast: sweep: %s\n", text.c_str()); }

PartsEnd failed(const std::string& text) { return {fail(kExitUsage, "sweep: " + text), false}; }

/// Prints the first problems, one line each, and the number of the others.
PartsEnd failed(const std::vector<std::string>& problems, const std::string& advice) {
  for (size_t i = 0; i < problems.size() && i < kProblemsShown; ++i) say(problems[i]);
  if (problems.size() > kProblemsShown) say("and " + std::to_string(problems.size() - kProblemsShown) + " parts more");
  return failed(std::to_string(problems.size()) + (problems.size() == 1 ? " part is" : " parts are") +
                " not there as they should be; " + advice);
}

std::string absolute(const std::string& path) {
  std::error_code error;
  return fs::absolute(path, error).lexically_normal().string();
}

Result<void> check_division(const std::string& what, size_t parts, size_t combinations) {
  if (parts <= combinations) return {};
  return Error{what + ": the sweep has " + std::to_string(combinations) + (combinations == 1 ? " host" : " hosts") +
               " and so at most as many parts"};
}

PartsEnd run_part(const PartsFolder& folder, const SweepInput& input, const Combinations& combinations,
                  const CommandLine& line) {
  const auto part = parse_part(line.fleet.part);
  if (!part) return failed(part.error().message);
  if (auto checked = check_division("--part " + line.fleet.part, part->parts, combinations.count()); !checked)
    return failed(checked.error().message);
  if (auto created = folder.create(); !created) return failed(created.error().message);
  FoundPart found = folder.read(part.value());
  if (found.state == State::kWhole) {
    say("part " + line.fleet.part + " is there already: " + folder.file_of(part.value()));
    return {};
  }
  if (found.state == State::kForeign) return failed(found.problem + "; choose another folder with --parts");
  if (found.state == State::kDamaged) say(found.problem + "; it is run again");
  auto file = folder.prepare(part.value());
  if (!file) return failed(file.error().message);
  auto rows = rows_made_here(input, combinations, range_of(part.value(), combinations.count()), line);
  if (!rows) return failed(rows.error().message);
  if (auto written = folder.write(file.value(), part.value(), std::move(rows).value()); !written)
    return failed(written.error().message);
  say("wrote " + folder.file_of(part.value()));
  return {};
}

PartsEnd merge(const PartsFolder& folder, size_t parts, const std::string& advice, std::vector<SweepRow>& rows) {
  MergedParts merged = folder.merged(parts);
  if (const auto* problems = std::get_if<std::vector<std::string>>(&merged)) return failed(*problems, advice);
  rows = std::get<std::vector<SweepRow>>(std::move(merged));
  return {0, true};
}

/// The number of parts: --split, or that of the files in the folder, or a suitable one. Error: more parts than
/// combinations.
Result<size_t> parts_of(const PartsFolder& folder, const FleetOptions& fleet, size_t combinations) {
  if (auto checked = check_division("--split " + std::to_string(fleet.split), fleet.split, combinations); !checked)
    return checked.error();
  if (fleet.split > 0) return fleet.split;
  auto there = folder.division();
  if (!there || there.value() > 0) return there;
  return default_parts(combinations);
}

/// The command of a part, for any machine.
std::vector<std::string> words_of_part(const std::string& program, const CommandLine& line, const std::string& folder,
                                       size_t parts, int jobs) {
  std::vector<std::string> words = {program, "sweep"};
  words.insert(words.end(), line.fleet.words.begin(), line.fleet.words.end());
  for (const std::string& word : {"--parts=" + folder, std::string("--part=") + kPartWord + "/" + std::to_string(parts),
                                  "--jobs=" + std::to_string(jobs), std::string("--progress=never")})
    words.push_back(word);
  return words;
}

/// The same for the same sweep, division and folder, so that a second call finds the tasks of the first.
std::string job_name(const std::string& sweep, const std::string& folder, size_t parts) {
  Fingerprint print;
  print.add(sweep).add(folder).add_number(static_cast<int64_t>(parts));
  return "oomcast-" + print.text();
}

std::string last_line(const std::string& path) {
  constexpr int64_t kMostLogBytes = int64_t{64} << 20;
  auto text = read_whole_file(path, kMostLogBytes);
  if (!text) return text.error().message;
  std::string all = std::move(text).value();
  while (!all.empty() && (all.back() == '\n' || all.back() == '\r')) all.pop_back();
  return all.empty() ? "empty" : all.substr(all.rfind('\n') + 1);
}

/// Removes damaged files, so that their parts run again. Error: a file of another sweep; it is left alone.
Result<void> clear_damaged(const PartsFolder& folder, size_t parts) {
  for (size_t number = 1; number <= parts; ++number) {
    const FoundPart found = folder.read({number, parts});
    if (found.state == State::kForeign) return Error{found.problem + "; choose another folder with --parts"};
    if (found.state != State::kDamaged) continue;
    say(found.problem + "; it is run again");
    std::error_code error;
    if (!fs::remove(folder.file_of({number, parts}), error))
      return Error{folder.file_of({number, parts}) + ": " + error.message()};
  }
  return {};
}

class SlurmSweep {
 public:
  SlurmSweep(const PartsFolder& folder, const Combinations& combinations, const CommandLine& line, size_t parts)
      : folder_(folder),
        combinations_(combinations),
        line_(line),
        parts_(parts),
        array_(task(), run_command_line),
        progress_(status_line(progress_mode(line.run.progress), Beside::kNobody, false)) {}

  PartsEnd run(std::vector<SweepRow>& rows) {
    const PartsWatch watch = make_watch();
    const auto submitted = submit_missing(array_, watch);
    if (!submitted) return failed(submitted.error().message);
    if (line_.fleet.no_wait) return no_wait(submitted.value());
    const auto lost = wait_for_parts(array_, watch);
    progress_.end();
    if (!lost) return failed(lost.error().message);
    if (!lost->empty()) return failed(words_of_lost(lost.value()), "the same call again runs them once more");
    return merge(folder_, parts_, "the same call again runs them", rows);
  }

 private:
  SlurmTask task() const {
    const std::string folder = absolute(folder_.path());
    std::error_code error;
    const int jobs = std::max(1, line_.replay.jobs);
    const std::string program = fs::read_symlink("/proc/self/exe", error).string();
    return {job_name(folder_.sweep(), folder, parts_), fs::current_path(error).string(), folder,
            words_of_part(program, line_, folder, parts_, jobs), jobs};
  }

  PartsWatch make_watch() {
    PartsWatch watch;
    watch.missing = [this] { return folder_.missing(parts_); };
    watch.progress = [this](const std::vector<size_t>& missing) {
      size_t left = 0;
      for (const size_t number : missing) left += range_of({number, parts_}, combinations_.count()).count;
      progress_.sweep(combinations_.count() - left, combinations_.count());
    };
    watch.pause = [](double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); };
    watch.say = [this](const std::string& text) {
      progress_.end();
      say(text);
    };
    return watch;
  }

  PartsEnd no_wait(size_t submitted) const {
    const size_t missing = folder_.missing(parts_).size();
    say(std::to_string(submitted) + " of " + std::to_string(parts_) + " parts submitted, " +
        std::to_string(parts_ - missing) + " there; the same call without --no-wait waits and merges");
    return {};
  }

  std::vector<std::string> words_of_lost(const std::vector<size_t>& lost) const {
    std::vector<std::string> words;
    for (const size_t number : lost) {
      const std::string log = folder_.path() + "/part-" + std::to_string(number) + ".log";
      words.push_back("part " + std::to_string(number) + " of " + std::to_string(parts_) +
                      " is lost: its task has ended twice without a result; the end of " + log + ": " + last_line(log));
    }
    return words;
  }

  const PartsFolder& folder_;
  const Combinations& combinations_;
  const CommandLine& line_;
  const size_t parts_;
  SlurmArray array_;
  SearchProgress progress_;
};

/// All paths that a task reads or writes.
std::vector<std::string> paths_of(const SweepInput& input, const Combinations& combinations, const CommandLine& line) {
  std::vector<std::string> paths = {line.fleet.parts, line.fleet.hosts, line.replay.services_file, line.run.limits_from,
                                    input.workload.name};
  for (const RecordedService& service : input.workload.services) paths.push_back(service.trace_name);
  std::vector<std::string> hosts = {line.run.host};
  for (const Variation& variation : combinations.variations())
    if (varies_host(variation)) hosts = variation.values;
  std::error_code error;
  for (const std::string& host : hosts)
    if (fs::exists(host, error)) paths.push_back(host);  // else it is a preset
  std::erase(paths, "");
  return paths;
}

/// All pods see the working directory, and no other folder of this machine.
Result<void> check_mounted(const std::vector<std::string>& paths) {
  std::error_code error;
  const std::string here = fs::current_path(error).string() + "/";
  for (const std::string& path : paths)
    if (!(absolute(path) + "/").starts_with(here))
      return Error{"--engine k8s: " + path + " is not below the working directory, which is what the pods share"};
  return {};
}

PartsEnd print_manifest(const PartsFolder& folder, const SweepInput& input, const Combinations& combinations,
                        const CommandLine& line, size_t parts) {
  if (auto mounted = check_mounted(paths_of(input, combinations, line)); !mounted)
    return failed(mounted.error().message);
  std::error_code error;
  KubernetesJob job;
  job.name = job_name(folder.sweep(), absolute(folder.path()), parts);
  job.image = line.fleet.image.empty() ? "oomcast:" OOMCAST_VERSION : line.fleet.image;
  job.working_directory = fs::current_path(error).string();
  job.cpus = std::max(1, line.replay.jobs);
  job.words = words_of_part("oomcast", line, folder.path(), parts, job.cpus);
  job.parts = parts;
  return {print(kubernetes_manifest(job)), false};
}

PartsEnd run_engine(const PartsFolder& folder, const SweepInput& input, const Combinations& combinations,
                    const CommandLine& line, std::vector<SweepRow>& rows) {
  // Finds mistakes that every task would make before the tasks exist.
  if (auto checked = check_hosts(input, combinations); !checked) return failed(checked.error().message);
  if (auto created = folder.create(); !created) return failed(created.error().message);
  const auto parts = parts_of(folder, line.fleet, combinations.count());
  if (!parts) return failed(parts.error().message);
  if (line.fleet.engine == "k8s") return print_manifest(folder, input, combinations, line, parts.value());
  if (auto cleared = clear_damaged(folder, parts.value()); !cleared) return failed(cleared.error().message);
  if (folder.missing(parts.value()).empty()) return merge(folder, parts.value(), "", rows);
  return SlurmSweep(folder, combinations, line, parts.value()).run(rows);
}

}  // namespace

Result<std::vector<SweepRow>> rows_made_here(const SweepInput& input, const Combinations& combinations,
                                             SweepRange range, const CommandLine& line) {
  SearchProgress progress(status_line(progress_mode(line.run.progress), Beside::kNobody, false));
  auto rows = forecast_rows(input, combinations, range, line.replay.jobs,
                            [&](size_t done, size_t all) { progress.sweep(done, all); });
  progress.end();
  return rows;
}

PartsEnd sweep_parts(const SweepInput& input, const Combinations& combinations, const CommandLine& line,
                     std::vector<SweepRow>& rows) {
  const PartsFolder folder(line.fleet.parts, input, combinations);
  if (!line.fleet.part.empty()) return run_part(folder, input, combinations, line);
  if (!line.fleet.engine.empty()) return run_engine(folder, input, combinations, line, rows);
  const auto division = folder.division();
  if (!division && line.fleet.split == 0) return failed(division.error().message);
  if (division && division.value() == 0)
    return failed("--parts " + folder.path() + ": there is no part in it; run them with --part K/N or --engine");
  const size_t parts = line.fleet.split > 0 ? line.fleet.split : division.value();
  if (parts > combinations.count())
    return failed("--parts " + folder.path() + ": holds parts of a sweep divided by " + std::to_string(parts) +
                  ", and this one has " + std::to_string(combinations.count()) + " hosts");
  return merge(folder, parts, "run them with --part K/" + std::to_string(parts) + ", then merge again", rows);
}

}  // namespace oomcast::report
