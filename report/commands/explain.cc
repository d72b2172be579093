// The verb `explain`: explains a kill of a kernel log in plain words. The words are in oomlog/.
#include "report/oomlog/explain.h"

#include <filesystem>
#include <utility>

#include "report/commands/commands.h"
#include "report/console.h"
#include "report/host_files/host_text.h"
#include "report/oomlog/explain_simulation.h"
#include "report/oomlog/parse_oom_report.h"
#include "report/whole_file.h"

namespace oomcast::report {
namespace {

constexpr int64_t kLogBytesMost = int64_t{1} << 30;

}  // namespace

int explain_command(const ExplainOptions& options) {
  const bool from_stdin = options.log == "-";
  const std::string name = from_stdin ? "stdin" : options.log;
  auto log = read_whole_file(from_stdin ? "/dev/stdin" : options.log, kLogBytesMost);
  if (!log)
    return fail(kExitUsage, "explain: " + name + ": " + log.error().message +
                                "; name a kernel log, or pipe one: journalctl -k | oomcast explain -");
  const auto text = kernel_log_in(std::move(log).value(), name);
  if (!text) return fail(kExitUsage, "explain: " + text.error().message);
  const auto report = oomlog::parse_oom_report(text.value(), name, options.nth);
  if (!report) return fail(kExitUsage, "explain: " + report.error().message);
  oomlog::Explanation explanation = oomlog::explain(report.value());
  const auto simulated = [&] {
    return oomlog::simulate_kill(report.value(), std::filesystem::path(name).filename().string(),
                                 {options.prove_s, nullptr});
  };
  if (options.json) {
    if (options.prove_s == 0) return print(oomlog::explanation_json(report.value(), explanation, nullptr));
    const oomlog::SimulatedKill kill = simulated();
    explanation.sections.push_back(explain_simulation(report.value(), kill));
    return print(oomlog::explanation_json(report.value(), explanation, &kill));
  }
  // The explanation is printed before the simulation, which takes seconds.
  if (const int failed = print(oomlog::explanation_text(explanation)); failed != 0 || options.prove_s == 0)
    return failed;
  return print(section_text(explain_simulation(report.value(), simulated())));
}

}  // namespace oomcast::report
