// Findings about OOM kills: why this process is killed and not the next one, who dies besides, and what would help.
//
// Points mirror oom_badness(): rss + swap + page tables + oom_score_adj * (totalpages / 1000), in pages. totalpages is
// RAM + swap for a host-wide kill, and the limit (+ swap) for a cgroup's.
#include <algorithm>

#include "report/coverage.h"
#include "report/findings.h"
#include "report/json_report.h"
#include "report/margin.h"
#include "report/more_memory.h"
#include "report/words/format.h"

namespace oomcast::report {
namespace {

using sim::OomCandidate;

constexpr int kOomScoreAdjMin = -1000;

bool killed(const sim::OomKill& kill) { return kill.end == sim::OomEnd::kKilled; }
bool bystander(const sim::OomKill& kill) { return killed(kill) && !kill.victim.guest; }

std::string named(const OomCandidate& task) { return task.comm + " (pid " + std::to_string(task.pid) + ")"; }

int64_t points_without_adj(const OomCandidate& task) {
  return (task.rss_anon + task.rss_file + task.rss_shmem + task.swap_entries).count() +
         to_pages(task.page_tables).count();
}

/// Points per step of oom_score_adj. Computed from a candidate with a non-zero oom_score_adj if there is one (exact for
/// cgroups, too), otherwise from the size of the host; 0 if neither is known.
int64_t points_per_adj(const sim::OomKill& kill, const host::HostSpec& host) {
  for (const OomCandidate& task : kill.candidates)
    if (task.killable && task.oom_score_adj != 0) return (task.points - points_without_adj(task)) / task.oom_score_adj;
  if (kill.incident.scope == sim::Scope::kCgroup) return 0;
  return (host.total_ram + host.total_swap()).count() / 1000;
}

/// The highest oom_score_adj with which `task` has less than `limit` points; nothing if only -1000 (never killed) would
/// do.
std::optional<int> adj_below(const OomCandidate& task, int64_t limit, int64_t step) {
  if (step <= 0) return std::nullopt;
  int64_t excess = points_without_adj(task) - limit;  // points(adj) < limit  <=>  excess + adj * step < 0
  int64_t adj = excess >= 0 ? -(excess / step) - 1 : (-excess - 1) / step;
  if (adj <= kOomScoreAdjMin) return std::nullopt;
  return static_cast<int>(std::min<int64_t>(adj, 1000));
}

void suggest_adj(const sim::OomKill& kill, const OomCandidate& next, int64_t step, Finding& finding) {
  if (auto adj = adj_below(kill.victim, next.points, step)) {
    finding.evidence["oom_score_adj_to_survive"] = *adj;
    finding.why += "; with an oom_score_adj of " + std::to_string(*adj) + " or lower " + named(next) +
                   " would have been taken instead";
    finding.tries.push_back({"oom_score_adj " + std::to_string(*adj) + " for " + kill.victim.comm +
                                 ": the memory is still short, and " + named(next) + " dies instead",
                             set_to({"oom-score-adj=" + std::to_string(*adj)}, Aim::kProgramLives)});
  } else {
    finding.why += "; only an oom_score_adj of -1000 would have spared it";
  }
}

/// Suggests more swap if the swap was full or there was none. If swap was free, it was filled too slowly: then suggests
/// that kswapd begins earlier.
void suggest_swap(const sim::OomKill& kill, const sim::Outcome& outcome, Bytes growth, Finding& finding) {
  if (sim::swap_is_forbidden(kill) || sim::movable_is_forbidden(kill)) return;
  if (sim::lack_is_locked(kill) && kill.shortage.swap_free > Pages(0)) return;
  const host::VmTunables& vm = outcome.host.vm;
  if (kill.incident.scope == sim::Scope::kHost && kill.shortage.swap_free > Pages(0)) {
    constexpr int kMostScale = 3000;
    finding.evidence["swap_free_bytes"] = to_bytes(kill.shortage.swap_free).count();
    finding.why += "; " + bytes_text(to_bytes(kill.shortage.swap_free)) +
                   " of swap are free: memory is asked for faster than it is swapped out";
    if (vm.watermark_scale_factor < kMostScale)
      finding.tries.push_back({"a larger vm.watermark_scale_factor: kswapd begins to swap earlier",
                               larger_sysctl("vm.watermark_scale_factor", vm.watermark_scale_factor, kMostScale)});
    finding.tries.push_back(
        {"a larger vm.min_free_kbytes: kswapd begins to swap earlier", more_min_free(outcome.host)});
    return;
  }
  finding.tries.push_back(
      {"more swap, for what the program does not use all the time", more_swap_of(outcome.host, growth)});
}

std::string may_be_unseen_text(const trace::CaptureSummary& capture) {
  const Bytes unseen = may_be_unseen(capture);
  return unseen.count() < 1 << 20 ? "" : ", " + bytes_text(unseen) + " that it may have used without being seen";
}

/// Suggests the memory for everything that the run went on to need: anonymous memory and page tables at their peak, as
/// if nobody had been killed. It includes page cache and text that could not be reclaimed at the kill.
void suggest_more(const sim::OomKill& kill, const sim::Outcome& outcome, const trace::CaptureSummary& capture,
                  Finding& finding) {
  if (!outcome.need_after_kill || outcome.need_after_kill->count() <= 0) return;
  const Bytes growth = *outcome.need_after_kill;
  const bool cgroup = kill.incident.scope == sim::Scope::kCgroup;
  finding.evidence["growth_after_bytes"] = growth.count();
  // Movable memory was free already: more of it would not help.
  if (sim::movable_is_forbidden(kill)) return;
  const Bytes spread = uncertain_size(outcome, capture), with_spread = growth + spread;
  const Bytes more = cgroup ? with_spread : memory_to_add(outcome.host, with_spread);
  finding.evidence["more_bytes"] = more.count();
  finding.tries.insert(finding.tries.begin(),
                       {"at least " + at_least_text(more) + " more " + (cgroup ? "in memory.max" : "memory") +
                            ": the growth of the program and its page tables after the kill, 2 % of its peak for the "
                            "difference between runs" +
                            may_be_unseen_text(capture) + (cgroup ? "" : ", and what the watermarks keep free of it"),
                        cgroup ? higher_limit(outcome.host, "memory.max", growth, spread)
                               : more_memory_of(outcome.host, memory_to_add(outcome.host, growth), spread)});
  suggest_swap(kill, outcome, growth, finding);
}

/// Adds to the explanation that locked memory cannot be swapped out, although swap is free.
void blame_locked(const sim::OomKill& kill, Finding& finding) {
  if (!sim::lack_is_locked(kill)) return;
  const Bytes locked = to_bytes(kill.shortage.locked);
  finding.evidence["locked_bytes"] = locked.count();
  finding.why += "; " + bytes_text(locked) +
                 " are locked (mlock) and cannot be reclaimed or swapped out, however much swap is free";
}

/// Suggests to permit memory or swap that was free but forbidden to the request: this costs nothing.
void suggest_what_is_free(const sim::OomKill& kill, const host::HostSpec& host, Finding& finding) {
  const sim::OomShortage& shortage = kill.shortage;
  if (sim::swap_is_forbidden(kill)) {
    const bool v1 = kill.incident.group->v1;
    const std::string of_group = v1 ? "memory." : "vm.";
    finding.evidence["swap_free_bytes"] = to_bytes(shortage.swap_free).count();
    finding.evidence["swappiness"] = shortage.swappiness;
    finding.why += "; " + bytes_text(to_bytes(shortage.swap_free)) + " of swap are free, but with " + of_group +
                   "swappiness=0 a group at its limit swaps nothing";
    finding.tries.push_back({of_group + "swappiness=1: the group may use the free swap",
                             set_to({v1 ? "cgroup.memory.swappiness=1" : "vm.swappiness=1"})});
  }
  if (sim::movable_is_forbidden(kill)) {
    finding.evidence["movable_free_bytes"] = to_bytes(shortage.movable_free).count();
    finding.why += "; the request was for kernel memory (page tables), which cannot use zone Movable, where " +
                   bytes_text(to_bytes(shortage.movable_free)) + " are free";
    finding.tries.push_back(
        {"online part of zone Movable as Normal: echo online_kernel > "
         "/sys/devices/system/memory/memoryN/state for some of its blocks, or boot with a smaller "
         "movablecore= or without movable_node",
         movable_as_normal(host)});
  }
}

/// A remedy: the largest memory.max for the program's own cgroup with which no other process dies.
Remedy own_limit(const sim::OomKill& kill) {
  constexpr int64_t kMiB = int64_t{1} << 20;
  const int64_t footprint = kill.incident.app_footprint.count() / kMiB * kMiB;
  SearchedValue search;
  search.name = "memory.max";
  search.key = "cgroup.memory.max";
  search.now = footprint;
  search.guess = footprint - std::max(kMiB, footprint / 64 / kMiB * kMiB);
  search.most = kMiB;
  search.step = kMiB;
  search.largest = true;
  return {{}, search, Aim::kOthersLive};
}

}  // namespace

const OomCandidate* runner_up(const sim::OomKill& kill) {
  const OomCandidate* best = nullptr;
  for (const OomCandidate& task : kill.candidates)
    if (task.killable && task.pid != kill.victim.pid && (!best || task.points >= best->points)) best = &task;
  return best;
}

void find_oom_kill(const sim::Outcome& outcome, const trace::CaptureSummary& capture, Findings& findings) {
  const auto first = std::find_if(outcome.oom_kills.begin(), outcome.oom_kills.end(), killed);
  if (first == outcome.oom_kills.end()) return;
  const sim::OomKill& kill = *first;
  const OomCandidate& victim = kill.victim;
  bool cgroup = kill.incident.scope == sim::Scope::kCgroup;
  Finding finding{"oom_kill", Severity::kError};
  finding.title = std::string(cgroup ? "The cgroup's" : "The") + " OOM killer takes " + named(victim) + " at " +
                  seconds_text(kill.incident.t);
  finding.why = "it scores " + points_text(victim.points) + " (" +
                pages_text(victim.rss_anon + victim.rss_file + victim.rss_shmem) + " resident, " +
                pages_text(victim.swap_entries) + " swapped, oom_score_adj " + std::to_string(victim.oom_score_adj) +
                ")";
  finding.evidence = {{"t_s", json_seconds(kill.incident.t)},
                      {"victim_pid", victim.pid},
                      {"victim_points", victim.points},
                      {"app_footprint_bytes", kill.incident.app_footprint.count()},
                      {"kills", outcome.oom_kills_total}};
  int64_t step = points_per_adj(kill, outcome.host);
  if (const OomCandidate* next = runner_up(kill)) {
    finding.evidence["next_pid"] = next->pid;
    finding.evidence["next_points"] = next->points;
    finding.evidence["margin_points"] = victim.points - next->points;
    finding.why += ", " + count_text(victim.points - next->points) + " more than the next one, " + named(*next) +
                   " with " + count_text(next->points);
    suggest_adj(kill, *next, step, finding);
  } else {
    finding.why += " and nobody else may be killed";
  }
  blame_locked(kill, finding);
  suggest_what_is_free(kill, outcome.host, finding);
  suggest_more(kill, outcome, capture, finding);
  findings.push_back(std::move(finding));
}

void find_oom_bystander(const sim::Outcome& outcome, const trace::CaptureSummary&, Findings& findings) {
  std::vector<std::string> victims;
  for (const sim::OomKill& kill : outcome.oom_kills)
    if (bystander(kill)) victims.push_back(named(kill.victim));
  if (victims.empty()) return;
  const sim::OomKill& first = *std::find_if(outcome.oom_kills.begin(), outcome.oom_kills.end(), bystander);
  Finding finding{"oom_bystander", Severity::kError};
  finding.title = "The program takes others with it: " + victims.front() +
                  (victims.size() > 1 ? " and " + std::to_string(victims.size() - 1) + " more" : "");
  const OomCandidate* largest = nullptr;
  for (const OomCandidate& task : first.candidates)
    if (task.guest && (!largest || points_without_adj(task) > points_without_adj(*largest))) largest = &task;
  if (!largest) {
    finding.why = "none of the program's own processes was a candidate at that moment";
  } else if (!largest->killable) {
    finding.why = named(*largest) +
                  " has oom_score_adj -1000 and may not be killed, so the kernel goes on to whoever scores next";
  } else {
    finding.why = named(*largest) + " scores " + count_text(largest->points) + " with oom_score_adj " +
                  std::to_string(largest->oom_score_adj) + ", the victim " + count_text(first.victim.points) +
                  " with " + std::to_string(first.victim.oom_score_adj);
  }
  finding.evidence["victims"] = victims;
  finding.tries.push_back(
      {"a memory.max on the program's own cgroup, so that it pays for its own memory", own_limit(first)});
  if (largest && (!largest->killable || largest->oom_score_adj < 0)) {
    finding.why +=
        ". A program whose memory may grow must not be protected by its oom_score_adj: others die for it, one after "
        "the other";
    finding.tries.push_back(
        {"oom_score_adj 0 for " + largest->comm + ": it dies itself", set_to({"oom-score-adj=0"}, Aim::kOthersLive)});
  }
  findings.push_back(std::move(finding));
}

}  // namespace oomcast::report
