// Writes what happened, where and to whom, as JSON: an incident, an OOM kill with its candidates, a finding.
#include "model/host/cgroup.h"
#include "report/json_report.h"
#include "report/proof/json_proof.h"

namespace oomcast::report {
namespace {

using Json = nlohmann::ordered_json;

const char* scope_name(sim::Scope scope) {
  switch (scope) {
    case sim::Scope::kHost:
      return "host";
    case sim::Scope::kCgroup:
      return "cgroup";
  }
  return "host";
}

Json task_json(const sim::OomCandidate& task) {
  return {{"pid", task.pid},
          {"comm", task.comm},
          {"oom_score_adj", task.oom_score_adj},
          {"rss_bytes", to_bytes(task.rss_anon + task.rss_file + task.rss_shmem).count()},
          {"swap_bytes", to_bytes(task.swap_entries).count()},
          {"pgtables_bytes", task.page_tables.count()},
          {"points", task.killable ? Json(task.points) : Json()},
          {"uid", task.uid},
          {"guest", task.guest},
          {"killable", task.killable}};
}

/// Returns the stack of the touch that led to the incident. If that was not sampled: the last stack sampled before it,
/// of that thread if there is one.
Json incident_stack(const sim::Incident& incident, const trace::CaptureSummary& capture) {
  Json own = stack_json(incident.stack_id, capture);
  return own.empty() ? stack_json(incident.nearest_stack_id, capture) : own;
}

Json group_json(const std::optional<sim::GroupState>& group) {
  if (!group) return {};
  return {{"path", group->path},
          {"usage_bytes", to_bytes(group->usage).count()},
          {"max_bytes", limit_json(group->max)},
          {"high_bytes", limit_json(group->high)}};
}

}  // namespace

Json limit_json(Pages limit) { return limit.count() >= host::kUnlimited ? Json() : Json(to_bytes(limit).count()); }

Json incident_json(const sim::Incident& incident, const std::string& why, const trace::CaptureSummary& capture) {
  return {{"t_s", json_seconds(incident.t)},
          {"pid", incident.pid},
          {"tid", incident.tid},
          {"comm", incident.comm},
          {"scope", scope_name(incident.scope)},
          {"node", incident.node.value},
          {"zone", host::zone_name(incident.zone)},
          {"app_touched_bytes", incident.app_touched.count()},
          {"app_footprint_bytes", incident.app_footprint.count()},
          {"app_file_bytes", incident.app_file.count()},
          {"free_pages", incident.free_pages.count()},
          {"watermarks", watermarks_json(incident.watermarks)},
          {"boost_pages", incident.boost.count()},
          {"cgroup", group_json(incident.group)},
          {"why", why},
          {"stack", incident_stack(incident, capture)},
          {"after_divergence", incident.after_divergence}};
}

Json oom_kill_json(const sim::OomKill& kill) {
  Json candidates = Json::array();
  for (const sim::OomCandidate& task : kill.candidates) candidates.push_back(task_json(task));
  return {{"t_s", json_seconds(kill.incident.t)},
          {"scope", scope_name(kill.incident.scope)},
          {"victim", task_json(kill.victim)},
          {"candidates", candidates},
          {"app_footprint_bytes", kill.incident.app_footprint.count()},
          {"dmesg", kill.dmesg},
          {"after_divergence", kill.incident.after_divergence}};
}

Json findings_json(const Findings& findings) {
  Json list = Json::array();
  for (const Finding& finding : findings) {
    Json tries = Json::array();
    for (const Try& suggestion : finding.tries) tries.push_back(try_json(suggestion));
    list.push_back({{"id", finding.id},
                    {"severity", severity_name(finding.severity)},
                    {"title", finding.title},
                    {"why", finding.why},
                    {"evidence", finding.evidence},
                    {"try", tries}});
  }
  return list;
}

}  // namespace oomcast::report
