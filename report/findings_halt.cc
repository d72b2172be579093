// Findings about runs that cannot go on: the host panics, processes wait for ever, or memory.high slows the program to
// a standstill.
#include <algorithm>

#include "report/coverage.h"
#include "report/findings.h"
#include "report/json_report.h"
#include "report/margin.h"
#include "report/words/format.h"
#include "report/words/why.h"

namespace oomcast::report {
namespace {

std::string named(const sim::AppProcess& process) {
  return process.comm + " (pid " + std::to_string(process.pid) + ")";
}

void find_panic(const sim::Outcome& outcome, const sim::OomKill& panic, Findings& findings) {
  const host::VmTunables& vm = outcome.host.vm;
  Finding finding{"panic", Severity::kError};
  finding.title = "The host panics at " + seconds_text(panic.incident.t) + "; nothing after that is forecast";
  finding.why = why_text(panic);
  finding.evidence = {{"t_s", json_seconds(panic.incident.t)},
                      {"panic_on_oom", vm.panic_on_oom},
                      {"candidates", panic.candidates.size()},
                      {"app_footprint_bytes", panic.incident.app_footprint.count()}};
  if (vm.panic_on_oom != 0)
    finding.tries.push_back(
        {"vm.panic_on_oom=0: a process dies instead of the host", set_to({"vm.panic_on_oom=0"}, Aim::kHostLives)});
  const bool spared = std::any_of(panic.candidates.begin(), panic.candidates.end(),
                                  [](const sim::OomCandidate& task) { return task.guest && !task.killable; });
  if (spared)
    finding.tries.push_back({"an oom_score_adj above -1000 for the program, so that it dies instead of the host",
                             set_to({"oom-score-adj=0"}, Aim::kHostLives)});
  finding.tries.push_back({"more memory", more_memory_of(outcome.host, Bytes(0), Bytes(0))});
  finding.tries.push_back({"more swap", more_swap_of(outcome.host, Bytes(0))});
  findings.push_back(std::move(finding));
}

void find_stuck(const sim::Outcome& outcome, Findings& findings) {
  std::vector<std::string> names;
  std::optional<Nanoseconds> first;
  for (const sim::AppProcess& process : outcome.app.processes) {
    if (!process.stuck_at) continue;
    names.push_back(named(process));
    first = first ? std::min(*first, *process.stuck_at) : *process.stuck_at;
  }
  if (names.empty()) return;
  Finding finding{"stuck", Severity::kError};
  finding.title = names.front() +
                  (names.size() > 1 ? " and " + std::to_string(names.size() - 1) + " more wait" : " waits") +
                  " for ever from " + seconds_text(*first) +
                  " on: there is no memory for it, and no process may be killed to free some";
  finding.why = outcome.oom_kill ? why_first_kill_text(outcome) : halted_text(outcome);
  finding.evidence["processes"] = names;
  if (outcome.host.cgroup.memory_oom_kill_disable)
    finding.tries.push_back({"memory.oom_control=0: one of the group's processes dies and the others go on",
                             set_to({"cgroup.memory.oom_control=0"}, Aim::kHostLives)});
  else
    finding.tries.push_back(
        {"an oom_score_adj above -1000 for one of the group's processes, so that it dies and the others go on",
         set_to({"oom-score-adj=0"}, Aim::kHostLives)});
  const Bytes growth = outcome.need_after_kill.value_or(Bytes(0));
  if (outcome.host.cgroup.present && outcome.host.cgroup.memory_max >= 0)
    finding.tries.push_back(
        {"a higher memory.max", higher_limit(outcome.host, "memory.max", growth, spread_of(outcome))});
  finding.tries.push_back({"more swap for the group", more_swap_of(outcome.host, growth)});
  findings.push_back(std::move(finding));
}

}  // namespace

void find_halt(const sim::Outcome& outcome, const trace::CaptureSummary&, Findings& findings) {
  for (const sim::OomKill& kill : outcome.oom_kills) {
    if (kill.end == sim::OomEnd::kPanic) find_panic(outcome, kill, findings);
  }
  find_stuck(outcome, findings);
}

void find_memory_high(const sim::Outcome& outcome, const trace::CaptureSummary&, Findings& findings) {
  const Nanoseconds asleep = outcome.stall.memory_high_total;
  if (asleep.count() == 0) return;
  const int64_t run = outcome.forecast.count();
  const bool heavy = asleep.count() * 20 > run;      // more than 5 % of the run
  const bool standstill = asleep.count() * 2 > run;  // more than half of the run
  Finding finding{"memory_high_throttled", heavy ? Severity::kError : Severity::kWarning};
  finding.title = std::string(standstill ? "memory.high throttles the program to a standstill: "
                                         : "memory.high throttles the program: ") +
                  duration_text(asleep) + " of " + duration_text(outcome.forecast) + " asleep (" +
                  percent_text(asleep.count(), run) + ")";
  finding.why =
      "above memory.high reclaim finds too little in the group, so each further 256 KiB costs a sleep that grows with "
      "the "
      "square of the excess, up to 2 s; no process is killed, the program only sleeps";
  if (std::string dry = dry_memory_high_text(outcome); !dry.empty()) finding.why += ". " + dry;
  finding.evidence = {{"memory_high_ns_total", asleep.count()},
                      {"forecast_ns", run},
                      {"share", static_cast<double>(asleep.count() * 1000 / std::max<int64_t>(1, run)) / 1000},
                      {"memory_peak_bytes", outcome.cgroup.peak.count()},
                      {"memory_events_high", outcome.cgroup.events.high}};
  finding.tries.push_back(
      {"memory.high above the group's peak of " + bytes_text(outcome.cgroup.peak) + ", with memory.max as the limit",
       higher_limit(outcome.host, "memory.high", outcome.app.footprint_peak / 8,
                    Bytes(outcome.app.footprint_peak.count() / 50))});
  finding.tries.push_back({"memory.high=max: none, with memory.max as the limit", set_to({"cgroup.memory.high=max"})});
  finding.tries.push_back({"swap for the group (memory.swap.max), so that reclaim finds something",
                           more_swap_of(outcome.host, outcome.app.footprint_peak / 4)});
  findings.push_back(std::move(finding));
}

}  // namespace oomcast::report
