// Measures a sweep through Slurm: runs one as 1, 2, 4 and 8 tasks on a real munged, slurmctld and slurmd of this
// machine.
//
//   build/tests/bench/slurm_bench [--rounds 3] [--hosts 800]
//
// Rows of "computes" are `oomcast sweep --engine slurm` as it is, which no machine does faster than its CPUs allow.
// Rows of "dispatch" are the same call on a node said to have eight CPUs, whose tasks sleep for as long as their part
// took of a CPU and leave the part's file: what is lost then is Slurm's and oomcast's own. Both merge to the table of
// one machine, or the bench fails.
#include <oomcast_paths.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/end_to_end/file_content.h"
#include "tests/end_to_end/slurm_cluster.h"

namespace oomcast::bench {
namespace {

namespace fs = std::filesystem;
using end_to_end::content;

constexpr int kTasks[] = {1, 2, 4, 8};
constexpr int kCpusOfNode = 8;
constexpr int kSkipped = 77;

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

double cpu_seconds_of_children() {
  rusage usage{};
  ::getrusage(RUSAGE_CHILDREN, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// One sweep, in a folder of its own, in all the ways that it can be run.
class Sweep {
 public:
  explicit Sweep(int hosts) : hosts_(hosts) {
    char name[] = "/tmp/oomcast-bench.XXXXXX";
    folder_ = ::mkdtemp(name);
    shell(
        "$OOMCAST run --host vm-1g --prove 0 --quiet --trace t.trace -- dd if=/dev/zero of=/dev/null bs=300M count=1 "
        "status=none");
    shell(line("") + " >whole");
    write_front();
  }
  Sweep(const Sweep&) = delete;
  Sweep& operator=(const Sweep&) = delete;
  ~Sweep() {
    std::error_code failed;
    fs::remove_all(folder_, failed);
  }

  /// CPU seconds of all parts together. Keeps their files, and how long each took, for what only sleeps.
  double compute_parts(int tasks) const {
    double all = 0;
    for (int part = 1; part <= tasks; ++part) {
      const double before = cpu_seconds_of_children();
      shell(line("--jobs 1 --parts ready --part " + std::to_string(part) + "/" + std::to_string(tasks)));
      const double took = cpu_seconds_of_children() - before;
      std::ofstream(folder_ / ("took-" + std::to_string(part) + "-of-" + std::to_string(tasks))) << took;
      all += took;
    }
    return all;
  }

  /// Wall-clock seconds from the call to the merged table.
  double run(const end_to_end::SlurmCluster& slurm, int tasks, bool sleeps) const {
    fs::remove_all(folder_ / "parts");
    const std::string front =
        sleeps ? "PATH=" + folder_.string() + "/front:$PATH TASKS=" + std::to_string(tasks) + " " : "";
    const auto begin = std::chrono::steady_clock::now();
    shell(front + "SLURM_CONF=" + slurm.configuration() + " " +
          line("--parts parts --engine slurm --split " + std::to_string(tasks)) + " >merged");
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    if (content(folder_ / "merged") != content(folder_ / "whole"))
      throw std::runtime_error("the merged table is another one");
    return took.count();
  }

 private:
  std::string line(const std::string& options) const {
    return "$OOMCAST sweep t.trace --set vm.overcommit_memory=1 --vary memory=256M.." +
           std::to_string(256 + hosts_ - 1) + "M:1M " + options;
  }

  void shell(const std::string& command) const {
    const std::string all = "cd " + folder_.string() +
                            " && export OOMCAST=" OOMCAST_BINARY_DIR "/report/oomcast && { " + command + "; } 2>err";
    const int status = std::system(all.c_str());
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
      throw std::runtime_error(command + ": " + content(folder_ / "err"));
  }

  /// An sbatch before Slurm's: it hands on all but what the task runs.
  void write_front() const {
    fs::create_directory(folder_ / "front");
    const std::string task = (folder_ / "front/task").string();
    std::ofstream(folder_ / "front/sbatch") << "#!/bin/sh\n"
                                               "for word; do\n"
                                               "  case $word in --wrap=*) word='--wrap=exec "
                                            << task
                                            << "' ;; esac\n"
                                               "  set -- \"$@\" \"$word\"\n"
                                               "  shift\n"
                                               "done\n"
                                               "PATH=${PATH#*:} exec sbatch \"$@\"\n";
    std::ofstream(task) << "#!/bin/sh\n"
                           "sleep \"$(cat took-$SLURM_ARRAY_TASK_ID-of-$TASKS)\"\n"
                           "name=$(printf 'part-%04d-of-%04d.jsonl' \"$SLURM_ARRAY_TASK_ID\" \"$TASKS\")\n"
                           "cp \"ready/$name\" \"copy-of-$name\" && mv \"copy-of-$name\" \"parts/$name\"\n";
    for (const char* program : {"front/sbatch", "front/task"}) fs::permissions(folder_ / program, fs::perms(0755));
  }

  int hosts_;
  fs::path folder_;
};

/// Seconds of each round, by tasks.
using Rounds = std::map<int, std::vector<double>>;

void print(const char* what, Rounds& rounds, int hosts, double work_s, long cpus) {
  for (const int tasks : kTasks) {
    std::vector<double> faster;
    for (size_t round = 0; round < rounds[tasks].size(); ++round)
      faster.push_back(rounds[1][round] / rounds[tasks][round]);
    const double seconds = median(rounds[tasks]), at_once = static_cast<double>(std::min<long>(tasks, cpus));
    std::printf("| %s | %d | %.2f | %.1f | %.2f | %.0f %% | %.2f |\n", what, tasks, seconds, hosts / seconds,
                median(faster), 100 * median(faster) / at_once, seconds - work_s / at_once);
  }
}

int run(int rounds, int hosts) {
  if (const std::string problem = end_to_end::SlurmCluster::problem(); !problem.empty()) {
    std::fprintf(stderr, "slurm_bench: %s\n", problem.c_str());
    return kSkipped;
  }
  const Sweep sweep(hosts);
  std::vector<double> works;
  for (const int tasks : kTasks) works.push_back(sweep.compute_parts(tasks));
  const end_to_end::SlurmCluster slurm(kCpusOfNode);
  if (!slurm.is_up())
    throw std::runtime_error("slurm did not come up: " + content(slurm.folder() / "log/slurmctld.log"));
  Rounds computes, dispatch;
  for (int round = 0; round < rounds; ++round)
    for (size_t i = 0; i < std::size(kTasks); ++i) {
      const int tasks = kTasks[(i + static_cast<size_t>(round)) % std::size(kTasks)];
      computes[tasks].push_back(sweep.run(slurm, tasks, false));
      dispatch[tasks].push_back(sweep.run(slurm, tasks, true));
    }
  const long cpus = ::sysconf(_SC_NPROCESSORS_ONLN);
  std::printf("%d hosts, %.1f s of CPU time as one part, %.1f s as %d; %d rounds, medians; %ld CPUs\n\n", hosts,
              works.front(), works.back(), kTasks[std::size(kTasks) - 1], rounds, cpus);
  std::printf(
      "| what | tasks | seconds | hosts a second | times as fast | of what the CPUs allow | seconds beside the work |\n"
      "| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n");
  print("computes", computes, hosts, works.front(), cpus);
  print("dispatch", dispatch, hosts, works.front(), kCpusOfNode);
  return 0;
}

}  // namespace
}  // namespace oomcast::bench

int main(int argc, char** argv) {
  CLI::App app("Measures a sweep through Slurm.");
  int rounds = 3, hosts = 800;
  app.add_option("--rounds", rounds, "of each number of tasks, in turns")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--hosts", hosts, "that the sweep has")->check(CLI::Range(8, 100000))->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    return oomcast::bench::run(rounds, hosts);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "slurm_bench: %s\n", error.what());
    return 1;
  }
}
