// Findings about what a few pages decide: the verdict, and the OOM killer's choice.
#include <algorithm>

#include "model/spec/kernel_rules.h"
#include "report/coverage.h"
#include "report/findings.h"
#include "report/margin.h"
#include "report/words/format.h"

namespace oomcast::report {
namespace {

// Pages that one thread, and later one CPU, may hold back before the process's count includes them (before 6.2
// TASK_RSS_EVENTS_THRESH, later the batch of a percpu_counter).
constexpr int64_t kCountsBehindPages = 64;
// Before 5.9 each group has slab caches of its own and is charged whole slabs: 8 pages each for task_struct, mm_struct,
// signal_cache and sighand_cache, 4 for files_cache, 1 each for a dozen others.
constexpr int64_t kSlabPagesOfGroup = 48;

/// How many points the victim's score on the target may differ from the model's.
int64_t unsure_points(const sim::OomKill& kill, const sim::Outcome& outcome, const trace::CaptureSummary& capture) {
  const int64_t seen = to_pages(judge_margin(outcome, capture).resolution).count() + kCountsBehindPages;
  if (kill.incident.scope != sim::Scope::kCgroup) return seen;
  const bool own_slabs = !holds(host::KernelRule::kSharedSlabs, outcome.host.kernel);
  return seen + (own_slabs ? kSlabPagesOfGroup : 0);
}

bool chosen_by_points(const sim::OomKill& kill) {
  return kill.end == sim::OomEnd::kKilled && !kill.went_along && !kill.allocating_task;
}

}  // namespace

void find_close_victim(const sim::Outcome& outcome, const trace::CaptureSummary& capture, Findings& findings) {
  const auto first = std::find_if(outcome.oom_kills.begin(), outcome.oom_kills.end(), chosen_by_points);
  if (first == outcome.oom_kills.end()) return;
  const sim::OomCandidate* const next = runner_up(*first);
  const int64_t unsure = unsure_points(*first, outcome, capture);
  if (next == nullptr || first->victim.points - next->points > unsure) return;
  const sim::OomCandidate& victim = first->victim;
  Finding finding{"close_victim", Severity::kWarning};
  finding.title = "It may be " + next->comm + " (pid " + std::to_string(next->pid) + ") that is killed, and not " +
                  victim.comm + " (pid " + std::to_string(victim.pid) + ")";
  finding.why = "they have " + count_text(next->points) + " and " + points_text(victim.points) +
                ", a point is a page, and the points may be wrong by " + pages_text(Pages(unsure));
  finding.why += ": the kernel's counts of a process are up to 64 pages behind";
  finding.evidence = {{"pid", victim.pid},
                      {"points", victim.points},
                      {"next_pid", next->pid},
                      {"next_points", next->points},
                      {"resolution_points", unsure}};
  finding.tries.push_back({"set oom_score_adj so that the one to lose is far ahead of the other"});
  findings.push_back(std::move(finding));
}

void find_close(const sim::Outcome& outcome, const trace::CaptureSummary& capture, Findings& findings) {
  if (!supported_verdict(outcome, capture)) return;
  const VerdictMargin margin = judge_margin(outcome, capture);
  if (!margin.close()) return;
  Finding finding{"close_to_the_edge", Severity::kWarning};
  finding.title = std::string("The verdict ") + sim::verdict_name(outcome.verdict) + " hangs on little";
  finding.why = margin.why;
  finding.evidence["resolution_bytes"] = margin.resolution.count();
  finding.evidence["spread_bytes"] = margin.spread.count();
  if (margin.next_worse) finding.evidence["next_worse_bytes"] = margin.next_worse->distance.count();
  if (margin.next_better) finding.evidence["next_better_bytes"] = margin.next_better->distance.count();
  finding.evidence["direct_reclaim_ns_total"] = outcome.stall.direct_reclaim_total.count();
  finding.tries.push_back({"run it several times, and take the worst verdict for the forecast"});
  findings.push_back(std::move(finding));
}

}  // namespace oomcast::report
