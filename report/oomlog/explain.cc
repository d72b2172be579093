// Combines the sections of an explanation, as text and as JSON. See explain.h.
#include "report/oomlog/explain.h"

#include <nlohmann/json.hpp>

#include "report/oomlog/explain_simulation.h"
#include "report/oomlog/facts.h"
#include "report/oomlog/words.h"
#include "report/terminal/terminal_text.h"

namespace oomcast::oomlog {
namespace {

using Json = nlohmann::ordered_json;
constexpr size_t kWidth = 100;

std::string cause(const OomReport& report) {
  if (report.memcg) return "its cgroup was at its limit";
  if (report.request.order == -1) return "somebody pressed SysRq f";
  if (has_node_constraint(report)) return "the nodes that the request could use had no memory to give";
  if (only_programs_had_room(report)) return "the kernel's own memory was used up, while programs' memory was not";
  if (for_low_zone(report)) return "a device's zone had no memory to give";
  if (fragmented(report)) return "the host had no free memory in pieces as large as was asked for";
  return "the host had no memory to give";
}

std::string headline(const OomReport& report) {
  const std::string of = " " + std::to_string(report.nth) + " of " + std::to_string(report.of);
  std::string text = report.refused ? (report.of == 1 ? "The log's one refusal" : "Refusal" + of)
                                    : (report.of == 1 ? "The log's one kill" : "Kill" + of);
  if (report.first_line > 0)
    text += ", lines " + std::to_string(report.first_line) + " to " + std::to_string(report.last_line);
  if (!report.kernel_release.empty()) text += ", kernel " + report.kernel_release;
  text += ": ";
  if (report.refused)
    return text + "the kernel had no memory for " + report.request.comm +
           " (page allocation failure), and killed nobody.";
  if (!report.killed) {
    if (!report.panicked) return text + "no victim in the log.";
    return text + "the kernel panicked" +
           (report.panic.find("panic_on_oom") == std::string::npos ? "." : " (vm.panic_on_oom).");
  }
  return text + task_text(report.killed->pid, report.killed->comm) + " was killed because " + cause(report) + ".";
}

/// A sentence as an item of a list. Names come from programs: control bytes are replaced, so that a terminal gets none.
std::string item(const std::string& sentence) {
  std::string out, lead = "  - ";
  for (const std::string& line : report::wrapped(report::printable(sentence), kWidth)) {
    out += lead + line + "\n";
    lead = "    ";
  }
  return out;
}

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json counters_json(const Counters& counters) {
  Json json = Json::object();
  for (const auto& [name, value] : counters.all()) json[name] = value;
  return json;
}

Json request_json(const OomReport& report) {
  const Request& request = report.request;
  if (!report.has_header) return nullptr;
  return {{"comm", request.comm},
          {"pid", or_null(request.pid)},
          {"order", or_null(request.order)},
          {"gfp_mask", or_null(request.gfp_mask)},
          {"gfp_names", request.gfp_names},
          {"oom_score_adj", or_null(request.oom_score_adj)},
          {"nodemask", request.nodemask},
          {"mems_allowed", request.mems_allowed},
          {"constraint", report.constraint}};
}

Json zones_json(const OomReport& report) {
  Json zones = Json::array();
  for (const ZoneState& state : zone_states(report))
    zones.push_back({{"node", state.zone->node},
                     {"zone", state.zone->name},
                     {"usable", state.usable},
                     {"free_bytes", state.free_kb * 1024},
                     {"needed_bytes", state.needed_kb * 1024}});
  return zones;
}

Json charge_json(const std::optional<Charge>& charge) {
  if (!charge) return nullptr;
  return {{"usage_bytes", std::min(charge->usage_kb, kCountLimit) * 1024},
          {"limit_bytes", charge->unlimited() ? Json(nullptr) : Json(charge->limit_kb * 1024)},
          {"failcnt", charge->failcnt}};
}

Json memcg_json(const OomReport& report) {
  if (!report.memcg) return nullptr;
  return {{"path", report.memcg->path},
          {"task_path", report.memcg->task_path},
          {"memory", charge_json(report.memcg->memory)},
          {"swap", charge_json(report.memcg->swap)},
          {"memory_and_swap", charge_json(report.memcg->memory_and_swap)},
          {"stat_bytes", counters_json(report.memcg->stat_bytes)}};
}

Json victim_json(const OomReport& report) {
  if (!report.killed) return nullptr;
  const Killed& killed = *report.killed;
  const auto bytes = [](const std::optional<int64_t>& kb) {
    return kb ? Json(std::min(*kb, kCountLimit) * 1024) : Json(nullptr);
  };
  return {{"pid", killed.pid},
          {"comm", killed.comm},
          {"oom_score_adj", or_null(killed.oom_score_adj)},
          {"anon_rss_bytes", bytes(killed.anon_rss_kb)},
          {"file_rss_bytes", bytes(killed.file_rss_kb)},
          {"shmem_rss_bytes", bytes(killed.shmem_rss_kb)},
          {"pgtables_bytes", bytes(killed.tables_kb)}};
}

Json candidates_json(const OomReport& report) {
  Json candidates = Json::array();
  for (const Score& score : scores_of(report).most_first) {
    if (candidates.size() == 20) break;
    candidates.push_back({{"pid", score.task->pid},
                          {"comm", score.task->comm},
                          {"points", score.points},
                          {"oom_score_adj", score.task->oom_score_adj}});
  }
  return candidates;
}

Json simulation_json(const SimulatedKill* simulated) {
  if (!simulated) return nullptr;
  if (!simulated->not_simulated.empty()) return {{"not_simulated", simulated->not_simulated}};
  Json changes = Json::array();
  for (const SimulatedKill::Change& change : simulated->changes)
    changes.push_back({{"change", change.words}, {"proof", change.proof}, {"proven", change.proven}});
  return {{"kills", simulated->kills},
          {"agrees", simulated->agrees()},
          {"same_victim", simulated->kills ? Json(simulated->same_victim) : Json()},
          {"held_bytes", simulated->kills ? Json(simulated->held.count()) : Json()},
          {"held_in_log_bytes", simulated->held_log.count()},
          {"growth_bytes", simulated->growth.count()},
          {"changes", std::move(changes)}};
}

}  // namespace

Explanation explain(const OomReport& report) {
  Explanation out;
  out.headline = headline(report);
  for (auto* section :
       {&explain_request, &explain_shortage, &explain_victim, &explain_reclaimable, &explain_help, &explain_missing}) {
    Section one = (*section)(report);
    if (!one.sentences.empty()) out.sections.push_back(std::move(one));
  }
  return out;
}

std::string section_text(const Section& section) {
  std::string out = "\n" + section.title + "\n";
  for (const std::string& sentence : section.sentences) out += item(sentence);
  return out;
}

std::string explanation_text(const Explanation& explanation) {
  std::string out = report::printable(explanation.headline) + "\n";
  for (const Section& section : explanation.sections) out += section_text(section);
  return out;
}

std::string explanation_json(const OomReport& report, const Explanation& explanation, const SimulatedKill* simulated) {
  Json json = {
      {"schema", "oomcast.explain.v1"},
      {"kill",
       {{"nth", report.nth}, {"of", report.of}, {"first_line", report.first_line}, {"last_line", report.last_line}}},
      {"kernel", report.kernel_release},
      {"refused", report.refused},
      {"scope", report.memcg ? "cgroup" : "host"},
      {"request", request_json(report)},
      {"zones", zones_json(report)},
      {"cgroup", memcg_json(report)},
      {"mem_info_pages", counters_json(report.mem_info)},
      {"swap_bytes", report.total_swap_kb
                         ? Json{{"total", std::min(*report.total_swap_kb, kCountLimit) * 1024},
                                {"free", std::min(report.free_swap_kb.value_or(0), kCountLimit) * 1024}}
                         : Json(nullptr)},
      {"victim", victim_json(report)},
      {"candidates", candidates_json(report)},
      {"simulation", simulation_json(simulated)},
      {"headline", explanation.headline}};
  for (const char* key : {"asked", "short", "victim", "reclaimable", "help", "missing", "simulation"}) {
    Json sentences = Json::array();
    for (const Section& section : explanation.sections)
      if (section.key == key) sentences = section.sentences;
    json["sentences"][key] = sentences;
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace oomcast::oomlog
