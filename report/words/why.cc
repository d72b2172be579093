// Puts causes and their numbers into sentences. See why.h.
#include "report/words/why.h"

#include <algorithm>

#include "model/host/page.h"
#include "report/words/format.h"

namespace oomcast::report {
namespace {

using sim::Cause;
using sim::Incident;
using sim::OomKill;

constexpr int kRoundsMost = 16;  // MAX_RECLAIM_RETRIES: one futile round more, and the kernel gives up

std::string process_text(int pid, const std::string& comm) {
  return "process " + std::to_string(pid) + " (" + comm + ")";
}

std::string kswapd(const Incident& incident) { return "kswapd" + std::to_string(incident.node.value); }

std::string free_in_zone(const Incident& incident) {
  return where_text(incident.node, incident.zone) + " has " + pages_text(incident.free_pages) + " free";
}

std::string against_mark(const Incident& incident, const char* name, Pages mark) {
  std::string text = free_in_zone(incident) + ", " + (incident.free_pages <= mark ? "at or below" : "near") + " its " +
                     name + " watermark of " + pages_text(mark);
  if (incident.boost.count() > 0) text += " (" + count_text(incident.boost.count()) + " of them boost)";
  return text;
}

/// The limit that the group has reached, by the name of its file.
std::string limit_of(const sim::GroupState& group) {
  if (group.at_memsw)
    return "memory.memsw.limit_in_bytes of " + pages_text(group.memsw_max) + " of memory and swap together";
  return (group.v1 ? "memory.limit_in_bytes of " : "memory.max of ") + pages_text(group.max);
}

std::string group_limit_text(const Incident& incident) {
  const sim::GroupState& group = incident.group.value();
  const bool at_max = incident.cause == Cause::kMemoryMax;
  return "cgroup " + group.path + " uses " + pages_text(group.usage) + ", " +
         (at_max ? "its " + limit_of(group) : "above its memory.high of " + pages_text(group.high)) +
         ", so the task has to reclaim inside the group";
}

/// What stood in the way, whoever asked.
std::string obstacle_text(const mm::Refusal& refusal) {
  const std::string request = "a request of " + pages_text(refusal.requested);
  const std::string limit = pages_text(Pages(refusal.limit));
  switch (refusal.by) {
    case mm::RefusedBy::kAddressSpaceLimit:
      return request + " exceeds the process's RLIMIT_AS of " + limit;
    case mm::RefusedBy::kDataLimit:
      return request + " exceeds the process's RLIMIT_DATA of " + limit;
    case mm::RefusedBy::kMapCount:
      return "the process has more than vm.max_map_count = " + std::to_string(refusal.limit) + " mappings";
    case mm::RefusedBy::kRamAndSwap:
      return "one request of " + pages_text(refusal.requested) + " exceeds RAM and swap together, " + limit +
             " (vm.overcommit_memory=0)";
    case mm::RefusedBy::kCommitLimit:
      return request + " would bring Committed_AS to " + pages_text(refusal.committed) +
             ", above the commit limit of " + limit + " (vm.overcommit_memory=2)";
    case mm::RefusedBy::kTmpfsFull:
      return refusal.mount + " has " + pages_text(refusal.in_use) + " in use, its limit is " + limit + ", and " +
             (refusal.mapped ? "a page more is touched through a mapping: SIGBUS" : "a page more is written: ENOSPC");
    case mm::RefusedBy::kPageTables:
      return "there is no memory for the child's page tables";
  }
  return "";
}

std::string refusal_text(const Incident& incident) {
  const mm::Refusal& refusal = incident.refusal.value();
  const std::string obstacle = obstacle_text(refusal);
  if (!refusal.fork) return obstacle;
  const std::string fork = "fork() of " + process_text(incident.pid, incident.comm);
  if (refusal.by == mm::RefusedBy::kPageTables) return fork + ": " + obstacle;
  return fork + " copies what it has committed, " + pages_text(refusal.parent_committed) +
         ", however little of it is used: " + obstacle;
}

/// Memory or swap that was free and that the request could not have.
std::string unusable_text(const OomKill& kill) {
  const sim::OomShortage& shortage = kill.shortage;
  if (swap_is_forbidden(kill))
    return ": " + pages_text(shortage.swap_free) + " of swap are free, but " +
           (kill.incident.group->v1 ? "memory.swappiness of the group" : "vm.swappiness") +
           " is 0, and then a cgroup at its limit swaps nothing";
  if (movable_is_forbidden(kill))
    return "; " + pages_text(shortage.movable_free) +
           " are free in zone Movable, but the request is for kernel memory (page tables), which that zone may not "
           "serve";
  if (sim::lack_is_locked(kill))
    return "; " + pages_text(shortage.locked) + " of the program are locked (mlock), and locked memory stays";
  return "";
}

/// Before kRoundsMost the kernel stops where all that can be reclaimed would not lift a zone above its min watermark.
std::string futile_text(int rounds) {
  if (rounds > kRoundsMost) return "reclaim found nothing in " + std::to_string(rounds) + " rounds";
  const std::string rest = "what is left to reclaim would not lift a zone above its min watermark";
  if (rounds == 0) return rest;
  return "reclaim found nothing in " + std::to_string(rounds) + (rounds == 1 ? " round, and " : " rounds, and ") + rest;
}

/// What made the kernel call its OOM killer, without who was chosen.
std::string shortage_text(const OomKill& kill) {
  const Incident& incident = kill.incident;
  switch (incident.cause) {
    case Cause::kGroupOutOfMemory:
      return "cgroup " + incident.group.value().path + " is at its " + limit_of(incident.group.value()) +
             " and nothing in it can be reclaimed" + unusable_text(kill);
    case Cause::kOutOfMemory:
      return futile_text(kill.futile_rounds) + "; " +
             (incident.swap_free.count() == 0 ? std::string("no swap is free")
                                              : pages_text(incident.swap_free) + " of swap are free") +
             unusable_text(kill) + "; " + against_mark(incident, "min", incident.watermarks.min);
    default:
      return why_text(incident);
  }
}

}  // namespace

std::string why_text(const Incident& incident) {
  switch (incident.cause) {
    case Cause::kLowMark:
      return kswapd(incident) + " runs because " + against_mark(incident, "low", incident.watermarks.low);
    case Cause::kBoost:
      return kswapd(incident) + " runs because the free lists of movable pages in " +
             where_text(incident.node, incident.zone) + " ran dry and its watermarks were boosted by " +
             pages_text(incident.boost) + "; " + pages_text(incident.free_pages) + " are free";
    case Cause::kBelowHighMark:
      return kswapd(incident) + " looks for pages to reclaim until a zone is above its high watermark of " +
             pages_text(incident.watermarks.high) + "; " + free_in_zone(incident);
    case Cause::kMinMark:
      return "no zone that the request may use has pages above its min watermark, so the task has to reclaim for "
             "itself: " +
             against_mark(incident, "min", incident.watermarks.min);
    case Cause::kMemoryMax:
    case Cause::kMemoryHigh:
      return group_limit_text(incident);
    case Cause::kSwapOut:
      return std::string(incident.by_kswapd ? "kswapd" : "a task in direct reclaim") +
             " writes the first anonymous page of node " + std::to_string(incident.node.value) + " to swap; " +
             pages_text(incident.swap_free) + " of swap are free";
    case Cause::kRefused:
      return refusal_text(incident);
    case Cause::kOutOfMemory:
      return "reclaim finds too little; " + against_mark(incident, "min", incident.watermarks.min);
    case Cause::kThrashing:
      return "what was used within the last lru_gen/min_ttl_ms does not fit into memory";
    case Cause::kGroupOutOfMemory:
      return "cgroup " + incident.group.value().path + " is at its " + limit_of(incident.group.value()) +
             " and nothing in it can be reclaimed";
    case Cause::kGroupKill:
      return "another process of the group was chosen, and memory.oom.group is set";
    case Cause::kNeverServed:
      return process_text(incident.pid, incident.comm) +
             " tries the same access again and again, and the memory for it cannot be had";
  }
  return "";
}

std::string why_text(const OomKill& kill) {
  const Cause cause = kill.incident.cause;
  if (cause == Cause::kGroupKill || cause == Cause::kNeverServed) return why_text(kill.incident);
  const std::string shortage = shortage_text(kill) + "; ";
  switch (kill.end) {
    case sim::OomEnd::kPanic:
      return shortage +
             (kill.panic_on_oom != 0 ? "vm.panic_on_oom is " + std::to_string(kill.panic_on_oom)
                                     : "nobody may be killed") +
             ", so the host panics";
    case sim::OomEnd::kNobody:
      if (kill.kill_disabled)
        return shortage +
               "memory.oom_control of the group forbids to kill, so whoever needs memory there waits until somebody "
               "frees some";
      return shortage + "nobody in it may be killed, so whoever needs memory there waits for ever";
    case sim::OomEnd::kKilled:
      break;
  }
  return shortage + kill.victim.comm +
         (kill.allocating_task ? " is the one that asks (vm.oom_kill_allocating_task), with "
                               : " has the most points, ") +
         count_text(kill.victim.points) + " of " + count_text(kill.total.count());
}

std::string pod_of(const sim::EvictionCandidate& candidate) {
  return candidate.service.empty() ? "the program" : candidate.service;
}

std::string eviction_text(const sim::Outcome& outcome) {
  if (outcome.evictions.empty()) return "";
  const sim::Eviction& first = outcome.evictions.front();
  std::string text = "The kubelet evicts " + pod_of(first.ranked.front()) + " at " + seconds_text(first.t);
  if (const auto more = static_cast<int64_t>(outcome.evictions.size()) - 1; more > 0)
    text += ", and " + count_text(more) + (more == 1 ? " other" : " others") + " later";
  return text;
}

std::string why_first_kill_text(const sim::Outcome& outcome) {
  if (!outcome.oom_kill) return "";
  return outcome.oom_kills.empty() ? why_text(*outcome.oom_kill) : why_text(outcome.oom_kills.front());
}

std::string halted_text(const sim::Outcome& outcome) {
  if (!outcome.halted) return "";
  if (outcome.halted->by == sim::HaltedBy::kAllStuck)
    return "every process of the program that lives waits for memory that cannot be had";
  const auto panic = std::find_if(outcome.oom_kills.begin(), outcome.oom_kills.end(),
                                  [](const OomKill& kill) { return kill.end == sim::OomEnd::kPanic; });
  return panic == outcome.oom_kills.end() ? "the host panics" : "the host panics: " + why_text(*panic);
}

std::string diverged_text(const sim::Outcome& outcome) {
  if (!outcome.diverged) return "";
  const sim::Divergence& diverged = *outcome.diverged;
  switch (diverged.by) {
    case sim::DivergedBy::kRefusal:
      if (!diverged.mount.empty())
        return "a page on " + diverged.mount + " would be refused to process " + std::to_string(diverged.pid) +
               (diverged.mapped ? " with SIGBUS" : " with ENOSPC");
      return (diverged.fork ? "a fork()" : "an allocation of " + pages_text(diverged.requested)) + " by process " +
             std::to_string(diverged.pid) + " would be refused with ENOMEM";
    case sim::DivergedBy::kKill:
      return process_text(diverged.pid, diverged.comm) + " would have been killed";
    case sim::DivergedBy::kEviction:
      return process_text(diverged.pid, diverged.comm) + " would have been evicted by the kubelet";
    case sim::DivergedBy::kStuck:
      return process_text(diverged.pid, diverged.comm) + " would wait for ever for memory that cannot be had";
    case sim::DivergedBy::kHalt:
      return halted_text(outcome);
  }
  return "";
}

std::vector<std::string> model_caveats(const sim::Outcome& outcome) {
  std::vector<std::string> caveats;
  if (outcome.left_out.stacks)
    caveats.push_back("the program was sampled in more places than the model tells apart (" +
                      count_text(host::kStackIdMax) + "); what was touched from others is not listed by place");
  if (outcome.left_out.beyond_pid)
    caveats.push_back(
        "process " + std::to_string(*outcome.left_out.beyond_pid) +
        " used memory or a part of a file beyond 4 PiB, more than the model can number; that was left out");
  for (const sim::AuditFault& fault : outcome.audit_faults)
    caveats.push_back("internal: the audit after event " + std::to_string(fault.event) + " found that " + fault.what);
  return caveats;
}

}  // namespace oomcast::report
