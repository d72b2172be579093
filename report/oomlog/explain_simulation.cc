// Checks an explanation by simulation. See explain_simulation.h. The remedies are proven as those of `oomcast run`.
#include "report/oomlog/explain_simulation.h"

#include <algorithm>
#include <chrono>

#include "report/findings.h"
#include "report/oomlog/facts.h"
#include "report/oomlog/reenact.h"
#include "report/oomlog/words.h"
#include "report/proof/proof_words.h"
#include "report/proof/prove.h"
#include "report/replay.h"

namespace oomcast::oomlog {
namespace {

double distance_of(const SimulatedKill& simulated) {
  const auto log = static_cast<double>(std::max<int64_t>(1, simulated.held_log.count()));
  return (static_cast<double>(simulated.held.count()) - log) / log;
}

/// "2.1 % less than in the log", "as much as in the log".
std::string compared(const SimulatedKill& simulated) {
  const int64_t permille =
      static_cast<int64_t>(distance_of(simulated) * 1000 + (distance_of(simulated) < 0 ? -0.5 : 0.5));
  if (permille == 0) return "as much as in the log";
  const int64_t size = permille < 0 ? -permille : permille;
  return std::to_string(size / 10) + "." + std::to_string(size % 10) + " % " + (permille < 0 ? "less" : "more") +
         " than in the log";
}

/// The remedies that were tried. After a cgroup's kill only those for the cgroup: the host around it is made up.
std::vector<SimulatedKill::Change> changes_of(const report::Findings& findings, bool of_group) {
  std::vector<SimulatedKill::Change> changes;
  for (const report::Finding& finding : findings) {
    if (finding.id != "oom_kill") continue;
    for (const report::Try& suggestion : finding.tries)
      if (suggestion.proven && suggestion.remedy.search &&
          (!of_group || suggestion.remedy.search->name.starts_with("memory.")))
        changes.push_back({suggestion.change, proof_text(suggestion), *suggestion.proven});
  }
  return changes;
}

/// cgroup v1: memory.memsw limits memory and swap together.
bool both_are_full(const OomReport& report) {
  const auto& both = report.memcg ? report.memcg->memory_and_swap : std::nullopt;
  return both && !both->unlimited() && both->usage_kb + 1024 > both->limit_kb;
}

void add_changes(const SimulatedKill& simulated, std::vector<std::string>& out) {
  bool introduced = false;
  for (const SimulatedKill::Change& change : simulated.changes) {
    if (!change.proven) {
      out.push_back("Does not help: " + change.words + " [" + change.proof + "].");
      continue;
    }
    if (!introduced)
      out.push_back("How much the victim would have gone on to take, the log cannot know. For another " +
                    report::bytes_text(simulated.growth) + " each of these would have been enough:");
    introduced = true;
    out.push_back(change.words + " [" + change.proof + "].");
  }
}

}  // namespace

bool SimulatedKill::agrees() const {
  constexpr double kNear = 0.1;
  return not_simulated.empty() && kills && same_victim && distance_of(*this) > -kNear && distance_of(*this) < kNear;
}

SimulatedKill simulate_kill(const OomReport& report, const std::string& name, const SimulationBudget& budget) {
  SimulatedKill out;
  const auto begun = std::chrono::steady_clock::now();
  const auto spent = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count(); };
  auto made = reenact(report, name);
  if (!made) {
    out.not_simulated = made.error().message;
    return out;
  }
  out.held_log = made->held;
  out.growth = made->growth;
  report::Recorded recorded;
  recorded.workload.trace = made->trace;
  recorded.workload.name = name;
  recorded.host = made->host;
  recorded.settings.stop = [&](double) {
    return spent() > budget.seconds || (budget.interrupted && budget.interrupted());
  };
  auto replayed = report::replay(recorded.workload, recorded.host, recorded.settings);
  if (!replayed) {
    out.not_simulated = spent() > budget.seconds
                            ? "it takes longer than " + std::to_string(static_cast<int>(budget.seconds)) +
                                  " s; --prove SECONDS gives more"
                            : replayed.error().message;
    return out;
  }
  const sim::Outcome& outcome = replayed->outcome;
  if (outcome.oom_kills.empty()) return out;
  const sim::OomKill& kill = outcome.oom_kills.front();
  out.kills = true;
  out.held = kill.incident.app_footprint;
  out.victim = task_text(kill.victim.pid, kill.victim.comm);
  out.same_victim = kill.victim.pid == report.killed->pid;
  report::Findings findings = report::find_all(outcome, replayed->capture);
  report::ProveSettings settings;
  settings.budget_s = std::max(0.1, budget.seconds - spent());
  settings.interrupted = budget.interrupted;
  recorded.settings.stop = nullptr;
  prove(recorded, outcome, settings, findings);
  out.changes = changes_of(findings, report.memcg.has_value());
  return out;
}

Section explain_simulation(const OomReport& report, const SimulatedKill& simulated) {
  Section section{"simulation", "Checked by simulation", {}};
  std::vector<std::string>& out = section.sentences;
  if (!simulated.not_simulated.empty()) {
    out.push_back("Not simulated: " + simulated.not_simulated + ".");
    return section;
  }
  const std::string victim = task_text(report.killed->pid, report.killed->comm);
  const char* const where = report.memcg ? "in the group as the report has it" : "on the host of the report";
  if (!simulated.kills) {
    out.push_back("The simulation disagrees with the log: " + victim + " takes its memory " + where + ", and " +
                  report::bytes_text(simulated.growth) +
                  " more, and nobody is killed. The shortage was more than the "
                  "report's figures show.");
    return section;
  }
  out.push_back("The model kills, too, " + std::string(where) + ", when the processes of the kill hold " +
                report::bytes_text(simulated.held) + " (" + compared(simulated) + ").");
  if (report.memcg)
    out.push_back(
        "Around the group a host with memory to spare and without swap is assumed: its report says nothing of "
        "the host.");
  if (simulated.same_victim)
    out.push_back("It takes the same victim, " + victim + ".");
  else
    out.push_back("The simulation disagrees with the log about the victim: it takes " + simulated.victim +
                  ", the kernel took " + victim + ".");
  if (simulated.same_victim && !simulated.agrees())
    out.push_back(
        "The simulation disagrees with the log about when: the figures of the report do not explain all of it.");
  add_changes(simulated, out);
  if (limit_of_both(report))
    out.push_back(
        "It was the limit of memory and swap together that was reached: it is simulated as a limit of memory alone, "
        "and the values above are values of it (memory.memsw.limit_in_bytes).");
  else if (both_are_full(report) && !simulated.changes.empty())
    out.push_back("The limit of memory and swap together was reached, too: it has to grow by as much.");
  return section;
}

}  // namespace oomcast::oomlog
