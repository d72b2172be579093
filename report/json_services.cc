// Writes the services of a report: what became of each program that shared the host.
#include "report/json_report.h"

namespace oomcast::report {
namespace {

using Json = nlohmann::ordered_json;

template <class T>
Json or_null(const std::string& text, T value) {
  return text.empty() ? Json() : Json(value);
}

Json seconds_or_null(const std::optional<Nanoseconds>& t) { return t ? Json(json_seconds(*t)) : Json(); }

/// What the target did to the service comes first. Only if the target let the service live does the recorded end count.
const char* ended(const sim::ServiceOutcome& service, const trace::ServiceCapture& capture) {
  if (service.evicted_at) return "evicted";
  if (service.killed > 0) return "oom_killed";
  if (service.stuck_at) return "stuck";
  if (capture.cut) return "trace_cut";
  if (capture.still_running) return "still_running";
  return capture.exited ? "exited" : "signal";
}

Json taken_by_json(const std::vector<sim::TakenBy>& taken_by) {
  Json list = Json::array();
  for (const sim::TakenBy& taken : taken_by)
    list.push_back({{"service", or_null(taken.service, taken.service)}, {"pages", taken.pages}});
  return list;
}

Json service_json(const sim::ServiceOutcome& service, const trace::ServiceCapture& capture) {
  return {{"name", service.name},
          {"trace", capture.trace},
          {"command", capture.command},
          {"start_s", json_seconds(service.start)},
          {"last_event_s", json_seconds(service.last)},
          {"ended", ended(service, capture)},
          {"exit", exit_json(capture.exited, capture.exit_code, capture.exit_signal)},
          {"oom_kills", service.killed},
          {"killed_at_s", seconds_or_null(service.killed_at)},
          {"killed", service.killed_at ? Json{{"pid", service.killed_pid}, {"comm", service.killed_comm}} : Json()},
          {"evicted_at_s", seconds_or_null(service.evicted_at)},
          {"stuck_at_s", seconds_or_null(service.stuck_at)},
          {"cgroup", or_null(service.cgroup, service.cgroup)},
          {"cgroup_peak_bytes", or_null(service.cgroup, service.cgroup_peak.count())},
          {"touched_bytes", service.touched.count()},
          {"footprint_peak_bytes", service.footprint_peak.count()},
          {"processes", service.processes},
          {"stall_ns", service.stall.total.count()},
          {"stall", stall_json(service.stall)},
          {"direct_reclaims", service.direct_reclaims},
          {"swap_out_pages", service.swap_outs},
          {"swap_in_pages", service.swap_ins},
          {"taken_by", taken_by_json(service.taken_by)}};
}

}  // namespace

Json evictions_json(const sim::Outcome& outcome) {
  Json list = Json::array();
  for (const sim::Eviction& eviction : outcome.evictions) {
    Json ranked = Json::array();
    for (const sim::EvictionCandidate& candidate : eviction.ranked)
      ranked.push_back({{"service", or_null(candidate.service, candidate.service)},
                        {"usage_bytes", candidate.usage.count()},
                        {"request_bytes", candidate.request.count()},
                        {"priority", candidate.priority}});
    list.push_back({{"t_s", json_seconds(eviction.t)},
                    {"available_bytes", eviction.available.count()},
                    {"threshold_bytes", eviction.threshold.count()},
                    {"ranked", std::move(ranked)}});
  }
  return list;
}

Json services_json(const sim::Outcome& outcome, const trace::CaptureSummary& capture) {
  Json services = Json::array();
  for (size_t s = 0; s < outcome.services.size(); ++s)
    services.push_back(
        service_json(outcome.services[s], s < capture.services.size() ? capture.services[s] : trace::ServiceCapture{}));
  return services;
}

}  // namespace oomcast::report
