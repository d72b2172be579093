// Words for what happened to services. See service_words.h.
#include "report/services/service_words.h"

#include "report/words/format.h"

namespace oomcast::report {

const sim::ServiceOutcome* first_killed(const sim::Outcome& outcome) {
  const sim::ServiceOutcome* first = nullptr;
  for (const sim::ServiceOutcome& service : outcome.services)
    if (service.killed_at && (!first || *service.killed_at < *first->killed_at)) first = &service;
  return first;
}

const sim::ServiceOutcome* longest_stalled(const sim::Outcome& outcome) {
  const sim::ServiceOutcome* longest = nullptr;
  for (const sim::ServiceOutcome& service : outcome.services)
    if (service.stall.total.count() > 0 && (!longest || service.stall.total > longest->stall.total)) longest = &service;
  return longest;
}

std::string killed_text(const sim::ServiceOutcome& service) {
  return service.killed_comm + " (pid " + std::to_string(service.killed_pid) + ") at " +
         seconds_text(*service.killed_at) + "; the service held " + bytes_text(service.footprint_peak) + " at most";
}

std::string service_text(const sim::ServiceOutcome& service) {
  std::string text;
  if (service.evicted_at)
    text = "evicted by the kubelet at " + seconds_text(*service.evicted_at) + ", ";
  else if (service.killed_at)
    text = "killed at " + seconds_text(*service.killed_at) + " (" + service.killed_comm + ")" +
           (service.killed > 1 ? " and " + count_text(service.killed - 1) + " more of its processes" : "") + ", ";
  else if (service.stuck_at)
    text = "stands still from " + seconds_text(*service.stuck_at) + " on, ";
  text += "footprint peak " + bytes_text(service.footprint_peak);
  if (service.stall.total.count() > 0) text += ", stalled " + duration_text(service.stall.total);
  if (service.swap_outs + service.swap_ins > 0)
    text += ", " + bytes_text(to_bytes(Pages(service.swap_outs))) + " swapped out, " +
            bytes_text(to_bytes(Pages(service.swap_ins))) + " in";
  return text;
}

}  // namespace oomcast::report
