// model_alone: forecasts a case of the ground truth, fed with the exact events of its workload.
//
//   model_alone CASE.json HOST [--report OUT.json] [--timeline OUT.tsv] [--events OUT.tsv]
//                              [--audit] [--seed N] [--set K=V]
//
// CASE.json says what was run (`run`, `cgroup`), HOST is the snapshot of the machine before it. Exit status:
// 0 forecast made, 2 something is wrong with the input, 77 the case is no memload command (skipped).
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "model/sim/simulation.h"
#include "model/spec/node_list.h"
#include "model/spec/read_host.h"
#include "report/words/why.h"
#include "tests/ground_truth/memload_events.h"
#include "tests/ground_truth/memload_script.h"

namespace oomcast::ground_truth {
namespace {

using Json = nlohmann::ordered_json;
constexpr int kBadInput = 2, kSkipped = 77;

struct Arguments {
  std::string case_path, host_path, report, timeline, events;
  bool audit = false;
  uint64_t seed = 1;
  std::vector<std::string> settings;
};

std::optional<Arguments> parse_arguments(int argc, char** argv) {
  Arguments parsed;
  std::vector<std::string> plain;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const bool has_value = i + 1 < argc;
    if (word == "--audit")
      parsed.audit = true;
    else if (word == "--report" && has_value)
      parsed.report = argv[++i];
    else if (word == "--timeline" && has_value)
      parsed.timeline = argv[++i];
    else if (word == "--events" && has_value)
      parsed.events = argv[++i];
    else if (word == "--seed" && has_value)
      parsed.seed = std::strtoull(argv[++i], nullptr, 10);
    else if (word == "--set" && has_value)
      parsed.settings.emplace_back(argv[++i]);
    else if (word.starts_with("--"))
      return std::nullopt;
    else
      plain.push_back(word);
  }
  if (plain.size() != 2) return std::nullopt;
  parsed.case_path = plain[0];
  parsed.host_path = plain[1];
  return parsed;
}

Json incident_json(const std::optional<sim::Incident>& incident, const std::string& why) {
  if (!incident) return nullptr;
  return {{"t_s", static_cast<double>(incident->t.count()) / 1e9},
          {"pid", incident->pid},
          {"comm", incident->comm},
          {"scope", incident->scope == sim::Scope::kHost ? "host" : "cgroup"},
          {"node", incident->node.value},
          {"zone", host::zone_name(incident->zone)},
          {"app_touched_bytes", incident->app_touched.count()},
          {"app_footprint_bytes", incident->app_footprint.count()},
          {"app_file_bytes", incident->app_file.count()},
          {"free_pages", incident->free_pages.count()},
          {"why", why},
          {"after_divergence", incident->after_divergence}};
}

Json pressure_json(const sim::PressureLine& some, const sim::PressureLine& full) {
  const auto line = [](const sim::PressureLine& each) {
    const auto percent = [](int64_t centi) { return static_cast<double>(centi) / 100; };
    return Json{{"avg10", percent(each.avg10_centi)},
                {"avg60", percent(each.avg60_centi)},
                {"avg300", percent(each.avg300_centi)},
                {"total_us", each.total.count() / 1000}};
  };
  return {{"some", line(some)}, {"full", line(full)}};
}

/// The keys of the report (oomcast.report.v1) that a comparison with a real kernel reads.
Json facts_json(const sim::Outcome& outcome) {
  Json report;
  report["schema"] = "oomcast.report.v1";
  report["verdict"] = sim::verdict_name(outcome.verdict);
  report["forecast_s"] = static_cast<double>(outcome.forecast.count()) / 1e9;
  const auto first = [](const std::optional<sim::Incident>& incident) {
    return incident_json(incident, incident ? report::why_text(*incident) : "");
  };
  report["first"] = {{"kswapd_wake", first(outcome.kswapd_wake)},
                     {"kswapd_scan", first(outcome.kswapd_scan)},
                     {"direct_reclaim", first(outcome.direct_reclaim)},
                     {"swap_out", first(outcome.swap_out)},
                     {"alloc_refused", first(outcome.alloc_refused)},
                     {"oom_kill", incident_json(outcome.oom_kill, report::why_first_kill_text(outcome))}};
  report["oom_kills"] = Json::array();
  for (const sim::OomKill& kill : outcome.oom_kills) {
    const sim::OomCandidate& victim = kill.victim;
    const Pages rss = victim.rss_anon;  // the kernel's line gives anon-rss, file-rss and shmem-rss apart
    report["oom_kills"].push_back({{"t_s", static_cast<double>(kill.incident.t.count()) / 1e9},
                                   {"victim",
                                    {{"pid", victim.pid},
                                     {"comm", victim.comm},
                                     {"oom_score_adj", victim.oom_score_adj},
                                     {"rss_bytes", to_bytes(rss).count()},
                                     {"swap_bytes", to_bytes(victim.swap_entries).count()},
                                     {"points", victim.points}}},
                                   {"app_footprint_bytes", kill.incident.app_footprint.count()}});
  }
  for (int i = 0; i < host::vmstat_count(outcome.host); ++i) {
    report["counters"][host::kVmstatNames[static_cast<size_t>(i)]] = outcome.counters.at_index(i);
  }
  report["stall"] = {{"direct_reclaim_ns_total", outcome.stall.direct_reclaim_total.count()},
                     {"swap_in_ns_total", outcome.stall.swap_in_total.count()},
                     {"longest_ns", outcome.stall.longest.count()}};
  report["pressure"] = pressure_json(outcome.pressure_some, outcome.pressure_full);
  if (outcome.host.zswap.enabled)
    report["host"]["zswap"] = {{"pool_peak_bytes", outcome.zswap.pool_peak.count()},
                               {"written_back_pages", outcome.zswap.written_back_pages}};
  report["host"]["cgroups"] = Json::array();
  for (const sim::EndedGroup& group : outcome.groups)
    report["host"]["cgroups"].push_back(
        {{"path", group.path}, {"pressure", pressure_json(group.pressure_some, group.pressure_full)}});
  report["app"] = {{"touched_bytes", outcome.app.touched.count()},
                   {"footprint_peak_bytes", outcome.app.footprint_peak.count()},
                   {"resident_peak_bytes", outcome.app.resident_peak.count()}};
  report["coverage"] = {{"tracker", "exact"}, {"caveats", report::model_caveats(outcome)}};
  report["digest"] = outcome.digest;
  return report;
}

void write_timeline(const sim::Outcome& outcome, std::ostream& out) {
  out << "t_s\tfree\tinactive_anon\tactive_anon\tinactive_file\tactive_file\tswap_used\tdirty\twriteback"
         "\tpgscank_s\tpgscand_s\tpgsteal_s\n";
  for (const sim::TimelineRow& row : outcome.timeline) {
    Pages free;
    for (const Pages node : row.node_free) free += node;
    out << static_cast<double>(row.t.count()) / 1e9 << '\t' << free.count() << '\t' << row.inactive_anon.count() << '\t'
        << row.active_anon.count() << '\t' << row.inactive_file.count() << '\t' << row.active_file.count() << '\t'
        << row.swap_used.count() << '\t' << row.dirty.count() << '\t' << row.writeback.count() << '\t'
        << row.pgscan_kswapd_s << '\t' << row.pgscan_direct_s << '\t' << row.pgsteal_s << '\n';
  }
}

Result<void> set_limits(host::HostSpec& host, const Json& description, const char* key) {
  if (!description.contains(key)) return {};
  for (const auto& [file, value] : description[key].items()) {
    if (auto set = host::set_cgroup(host, file + "=" + value.get<std::string>()); !set) return set.error();
  }
  return {};
}

/// A group around the run's that has no other child limits as if the run's own group had the tighter limit of the two.
void tighten(int64_t& limit, int64_t outer) {
  if (outer >= 0 && (limit < 0 || outer < limit)) limit = outer;
}

/// The host as the case had it: its snapshot, the cgroups' limits and the overrides of the command line.
Result<host::HostSpec> host_of(const Arguments& arguments, const Json& description) {
  Result<host::HostSpec> host = host::read_host(arguments.host_path);
  if (!host) return host;
  host::HostSpec around = host.value();
  if (auto set = set_limits(around, description, "cgroup_parent"); !set) return set.error();
  if (auto set = set_limits(host.value(), description, "cgroup"); !set) return set.error();
  host::CgroupSpec& own = host.value().cgroup;
  tighten(own.memory_max, around.cgroup.memory_max);
  tighten(own.memory_high, around.cgroup.memory_high);
  tighten(own.memory_swap_max, around.cgroup.memory_swap_max);
  for (const std::string& setting : arguments.settings) {
    if (auto set = host::set_field(host.value(), setting); !set) return set.error();
  }
  if (auto valid = host::validate(host.value()); !valid) return valid.error();
  return host;
}

/// The policy that the case gives to numactl: {"membind": "0"}, "interleave" or "preferred".
std::optional<Error> set_policy(const Json& description, const host::HostSpec& host, sim::Options& options) {
  const std::pair<const char*, host::PolicyMode> keys[] = {{"membind", host::PolicyMode::kBind},
                                                           {"interleave", host::PolicyMode::kInterleave},
                                                           {"preferred", host::PolicyMode::kPreferred}};
  for (const auto& [key, mode] : keys) {
    if (!description.contains(key)) continue;
    const Result<host::NodeMask> nodes = host::parse_node_list(description[key].get<std::string>(), host);
    if (!nodes) return Error{std::string(key) + ": " + nodes.error().message};
    options.policy_mode = mode;
    options.policy_nodes = nodes.value();
  }
  return std::nullopt;
}

/// Files in the host's page cache are there for the script; the host gets the ids that the script's events call them
/// by.
std::vector<Player::File> number_files(host::HostSpec& host) {
  std::vector<Player::File> files;
  for (host::CachedFileSpec& file : host.page_cache) {
    files.emplace_back(file.file, static_cast<uint64_t>(file.bytes.count()));
    file.file_id = static_cast<int64_t>(files.size());
  }
  for (host::BackgroundSpec& actor : host.background) {
    const auto same =
        std::find_if(files.begin(), files.end(), [&](const Player::File& file) { return file.first == actor.file; });
    if (same != files.end()) actor.file_id = same - files.begin() + 1;
  }
  return files;
}

sim::Outcome forecast(const Arguments& arguments, host::HostSpec host, const Script& script, sim::Options options) {
  options.kill_on_oom = true;
  options.audit = arguments.audit;
  options.seed = Seed{arguments.seed};
  for (const host::NodeSpec& node : host.nodes) {
    const bool has_it = std::find(node.cpus.begin(), node.cpus.end(), script.pinned_cpu) != node.cpus.end();
    if (has_it) options.cpu_node = node.id.value;
  }
  const Timing timing{host.calibration.page_touch_ps, host.calibration.page_fault.count()};
  std::vector<Player::File> files = number_files(host);
  const bool text_on_disk = !host::root_in_memory(host);
  sim::Simulation simulation(std::move(host), options);
  std::ofstream log;
  if (!arguments.events.empty()) log.open(arguments.events);
  Player player(
      script, timing,
      [&](const trace::Event& event) {
        if (log.is_open()) {
          log << event.pid << '\t' << static_cast<int>(event.kind) << '\t' << std::hex << event.address << std::dec
              << '\t' << event.bytes << '\t' << static_cast<int>(event.flags) << '\n';
        }
        simulation.feed(event);
      },
      [&] { return simulation.now().count(); }, std::move(files), text_on_disk);
  std::vector<trace::WatchRequest> watches;
  std::vector<trace::KillRequest> kills;
  while (player.advance()) {
    watches.clear();
    simulation.take_watches(watches);
    for (const trace::WatchRequest& request : watches) player.watch(request.pid, request.address);
    kills.clear();
    simulation.take_kills(kills);
    for (const trace::KillRequest& request : kills) player.kill(request.pid);
  }
  return simulation.finish();
}

int complain(const std::string& message) {
  std::cerr << "model_alone: " << message << '\n';
  return kBadInput;
}

int main_of(int argc, char** argv) {
  const std::optional<Arguments> arguments = parse_arguments(argc, argv);
  if (!arguments) {
    return complain(
        "use: model_alone CASE.json HOST [--report FILE] [--timeline FILE] [--events FILE] [--audit] [--seed N] "
        "[--set KEY=VALUE]...");
  }
  std::ifstream file(arguments->case_path);
  const Json description = Json::parse(file, nullptr, false);
  if (description.is_discarded() || !description.contains("run") || description["run"].empty()) {
    return complain(arguments->case_path + ": not a case description");
  }
  const int oom_score_adj = description["run"][0][0].get<int>();
  const std::string command = description["run"][0][1].get<std::string>();
  if (!is_memload(command)) {
    std::cerr << "model_alone: skipped, not a memload command: " << command << '\n';
    return kSkipped;
  }
  const Result<Script> script = parse_script(command);
  if (!script) return complain(script.error().message);
  Result<host::HostSpec> host = host_of(*arguments, description);
  if (!host) return complain(host.error().message);

  sim::Options options;
  options.oom_score_adj = oom_score_adj;
  if (const auto bad = set_policy(description, host.value(), options))
    return complain(arguments->case_path + ": " + bad->message);
  const sim::Outcome outcome = forecast(*arguments, std::move(host).value(), script.value(), options);
  const std::string report = facts_json(outcome).dump(1);
  if (arguments->report.empty()) {
    std::cout << report << '\n';
  } else {
    std::ofstream out(arguments->report);
    out << report << '\n';
    if (!out.flush()) return complain("cannot write " + arguments->report);
  }
  if (!arguments->timeline.empty()) {
    std::ofstream out(arguments->timeline);
    write_timeline(outcome, out);
  }
  return 0;
}

}  // namespace
}  // namespace oomcast::ground_truth

int main(int argc, char** argv) { return oomcast::ground_truth::main_of(argc, argv); }
