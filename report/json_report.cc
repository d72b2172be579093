// The report from above: which key comes where. The contract is DESIGN section 6 and the schema beside this file.
#include "report/json_report.h"

#include "report/coverage.h"
#include "report/margin.h"
#include "report/more_memory.h"
#include "report/proof/json_proof.h"
#include "report/sites.h"
#include "report/words/format.h"
#include "report/words/why.h"

namespace oomcast::report {
namespace {

using Json = nlohmann::ordered_json;

/// The groups that the program is charged to, its own first.
Json groups_json(const sim::Outcome& outcome) {
  Json groups = Json::array();
  for (const sim::EndedGroup& group : outcome.groups)
    groups.push_back(
        {{"path", group.path},
         {"max_bytes", limit_json(group.max)},
         {"high_bytes", limit_json(group.high)},
         {"pressure",
          {{"some", pressure_line_json(group.pressure_some)}, {"full", pressure_line_json(group.pressure_full)}}}});
  return groups;
}

// Only of a host that has it on. pool_limit_hit, written_back_pages: as debugfs names them.
Json zswap_json(const sim::Outcome& outcome) {
  const host::ZswapSpec& spec = outcome.host.zswap;
  return {
      {"max_pool_percent", spec.max_pool_percent},
      {"accept_threshold_percent", spec.accept_threshold_percent},
      {"shrinker_enabled", spec.shrinker_enabled},
      {"zpool", host::zpool_name(spec.zpool)},
      {"compressor", spec.compressor},
      {"stored_percent", spec.stored_percent},
      {"same_filled_percent", spec.same_filled_percent},
      {"pool_limit_bytes", to_bytes(Pages(outcome.host.zswap.pool_pages_max(outcome.host.total_ram.count()))).count()},
      {"pool_peak_bytes", outcome.zswap.pool_peak.count()},
      {"stored_peak_pages", outcome.zswap.stored_peak},
      {"pool_limit_hit", outcome.zswap.pool_limit_hit},
      {"written_back_pages", outcome.zswap.written_back_pages}};
}

Json host_json(const sim::Outcome& outcome) {
  const host::HostSpec& host = outcome.host;
  Json nodes = Json::array();
  for (const host::NodeSpec& node : host.nodes) {
    Json zones = Json::array();
    for (const host::ZoneSpec& zone : node.zones)
      zones.push_back({{"zone", host::zone_name(zone.kind)},
                       {"managed_pages", zone.managed.count()},
                       {"free_pages", zone.free.count()},
                       {"held_back_pages", held_back(zone).count()},
                       {"watermarks", watermarks_json(zone.watermarks)}});
    nodes.push_back({{"node", node.id.value}, {"cpus", node.cpus}, {"zones", zones}});
  }
  Json json = {{"name", host.name},
               {"kernel", host.kernel_release},
               {"lru", host.lru == host::LruKind::kMultiGen ? "mglru" : "classic"},
               {"nodes", nodes},
               {"swap_bytes", to_bytes(host.total_swap()).count()},
               {"assumed", host.assumed},
               {"cgroups", groups_json(outcome)}};
  if (host.zswap.enabled) json["zswap"] = zswap_json(outcome);
  return json;
}

Json bands_json(const sim::Outcome& outcome) {
  Json bands = Json::object();
  for (const sim::Bands& b : outcome.bands)
    bands["node" + std::to_string(b.node.value)] = {{"above_high_s", json_seconds(b.above_high)},
                                                    {"high_to_low_s", json_seconds(b.high_to_low)},
                                                    {"low_to_min_s", json_seconds(b.low_to_min)},
                                                    {"below_min_s", json_seconds(b.below_min)}};
  return bands;
}

Json first_json(const sim::Outcome& outcome, const trace::CaptureSummary& capture) {
  auto maybe = [&](const std::optional<sim::Incident>& incident) {
    return incident ? incident_json(*incident, why_text(*incident), capture) : Json();
  };
  // Of the first kill more is known than its incident says: who died, and what was free.
  const Json killed =
      outcome.oom_kill ? incident_json(*outcome.oom_kill, why_first_kill_text(outcome), capture) : Json();
  return {{"kswapd_wake", maybe(outcome.kswapd_wake)},       {"kswapd_scan", maybe(outcome.kswapd_scan)},
          {"direct_reclaim", maybe(outcome.direct_reclaim)}, {"swap_out", maybe(outcome.swap_out)},
          {"alloc_refused", maybe(outcome.alloc_refused)},   {"oom_kill", killed}};
}

Json sites_json(const std::vector<SiteRow>& rows, const trace::CaptureSummary& capture) {
  Json sites = Json::array();
  for (const SiteRow& row : rows)
    sites.push_back({{"kind", row.kind},
                     {"stack", stack_json(row.stack_id, capture)},
                     {"touched_bytes", row.touched.count()},
                     {"resident_bytes_peak", row.resident_peak.count()},
                     {"share", json_share(row.share_ppm)}});
  return sites;
}

Json neighbour_json(const std::optional<sim::Margin>& margin) {
  if (!margin) return {};
  return {{"verdict", sim::verdict_name(margin->verdict)}, {"distance_bytes", margin->distance.count()}};
}

Json margin_json(const VerdictMargin& margin) {
  return {{"next_worse", neighbour_json(margin.next_worse)},
          {"next_better", neighbour_json(margin.next_better)},
          {"resolution_bytes", margin.resolution.count()},
          {"spread_bytes", margin.spread.count()},
          {"close", margin.close()},
          {"why", margin.why}};
}

Json app_json(const sim::AppSummary& app) {
  Json processes = Json::array();
  for (const sim::AppProcess& p : app.processes)
    processes.push_back({{"pid", p.pid},
                         {"parent_pid", p.parent_pid},
                         {"comm", p.comm},
                         {"oom_score_adj", p.oom_score_adj},
                         {"touched_bytes", p.touched.count()},
                         {"resident_peak_bytes", p.resident_peak.count()},
                         {"mapped_peak_bytes", p.mapped_peak.count()},
                         {"killed_by_model", p.killed_by_model},
                         {"committed_peak_bytes", p.committed_peak.count()},
                         {"stuck_at_s", p.stuck_at ? Json(json_seconds(*p.stuck_at)) : Json()}});
  Json json = {{"touched_bytes", app.touched.count()},
               {"footprint_peak_bytes", app.footprint_peak.count()},
               {"whole_run_peak_bytes", app.whole_run_peak.count()},
               {"resident_peak_bytes", app.resident_peak.count()},
               {"mapped_peak_bytes", app.mapped_peak.count()},
               {"processes", processes},
               {"committed_peak_bytes", app.committed_peak.count()},
               {"locked_peak_bytes", app.locked_peak.count()},
               {"processes_total", app.processes_total}};
  for (const sim::MemoryMount& mount : app.memory_mounts) {
    json["memory_mounts"].push_back({{"mount", mount.mount},
                                     {"peak_bytes", mount.peak.count()},
                                     {"limit_bytes", mount.limit ? Json(mount.limit->count()) : Json()}});
    if (!mount.service.empty()) json["memory_mounts"].back()["service"] = mount.service;
  }
  return json;
}

Json basis_json(const sim::Outcome& outcome, const trace::CaptureSummary& capture) {
  Json basis = Json::object();
  for (const Basis& b : headline_basis(outcome, capture))
    basis[b.key] = {{"rests_on", rests_on_name(b.rests_on)}, {"why", b.why}};
  return basis;
}

}  // namespace

Json exit_json(bool exited, int code, int signal) {
  const bool by_signal = !exited && signal != 0;
  return {{"code", exited ? Json(code) : Json()}, {"signal", by_signal ? Json(signal) : Json()}};
}

Json watermarks_json(const host::Watermarks& marks) {
  return {{"min", marks.min.count()}, {"low", marks.low.count()}, {"high", marks.high.count()}};
}

Json pressure_line_json(const sim::PressureLine& line) {
  auto percent = [](int64_t centi) { return static_cast<double>(centi) / 100; };
  return {{"avg10", percent(line.avg10_centi)},
          {"avg60", percent(line.avg60_centi)},
          {"avg300", percent(line.avg300_centi)},
          {"total_us", line.total.count() / 1000}};
}

double json_seconds(Nanoseconds t) {
  int64_t half = t.count() < 0 ? -500 : 500;
  return static_cast<double>((t.count() + half) / 1000) / 1e6;
}

double json_share(int64_t ppm) { return static_cast<double>(ppm) / 1e6; }

Json stack_json(uint32_t stack_id, const trace::CaptureSummary& capture) {
  if (stack_id == 0 || stack_id > capture.stacks.size()) return Json::array();
  return capture.stacks[stack_id - 1];
}

Json to_json(const sim::Outcome& outcome, const trace::CaptureSummary& capture, const Findings& findings,
             const ProofSummary& proofs, const Chance& chance) {
  auto verdict = supported_verdict(outcome, capture);
  const std::vector<SiteRow> sites = site_rows(outcome, capture);
  Json report;
  report["schema"] = kReportSchema;
  report["command"] = capture.command;
  report["exit"] = exit_json(capture.exited, capture.exit_code, capture.exit_signal);
  report["host"] = host_json(outcome);
  report["verdict"] = verdict ? Json(sim::verdict_name(*verdict)) : Json();
  report["verdict_margin"] = verdict ? margin_json(judge_margin(outcome, capture)) : Json();
  report["halted_at_s"] = outcome.halted ? Json(json_seconds(outcome.halted->t)) : Json();
  report["halted_why"] = outcome.halted ? Json(halted_text(outcome)) : Json();
  report["diverged_at_s"] = outcome.diverged ? Json(json_seconds(outcome.diverged->t)) : Json();
  report["diverged_why"] = outcome.diverged ? Json(diverged_text(outcome)) : Json();
  report["forecast_s"] = json_seconds(outcome.forecast);
  report["bands"] = bands_json(outcome);
  report["first"] = first_json(outcome, capture);
  report["oom_kills"] = Json::array();
  for (const sim::OomKill& kill : outcome.oom_kills) report["oom_kills"].push_back(oom_kill_json(kill));
  report["oom_kills_total"] = outcome.oom_kills_total;
  report["counters"] = counters_json(outcome);
  report["stall"] = stall_json(outcome.stall);
  report["pressure"] = {{"some", pressure_line_json(outcome.pressure_some)},
                        {"full", pressure_line_json(outcome.pressure_full)}};
  report["timeline"] = timeline_json(outcome);
  report["moments"] = moments_json(outcome, sites);
  report["findings"] = findings_json(findings);
  report["sites"] = sites_json(sites, capture);
  report["app"] = app_json(outcome.app);
  report["coverage"] = coverage_json(outcome, capture);
  report["host_sensitive"] = capture.host_sensitive;
  report["basis"] = basis_json(outcome, capture);
  report["proofs"] = proofs_json(proofs);
  report["chance"] = chance_json(chance);
  if (outcome.host.kubelet.eviction_hard > Bytes(0)) report["evictions"] = evictions_json(outcome);
  if (!outcome.services.empty()) report["services"] = services_json(outcome, capture);
  return report;
}

}  // namespace oomcast::report
