// Findings about NUMA: zone reclaim, and a node that runs dry while another has memory to spare.
#include "model/host/vmstat.h"
#include "report/findings.h"
#include "report/words/format.h"

namespace oomcast::report {
namespace {

std::optional<size_t> index_of(const host::HostSpec& host, NodeId node) {
  for (size_t i = 0; i < host.nodes.size(); ++i)
    if (host.nodes[i].id == node) return i;
  return std::nullopt;
}

Pages least_free(const sim::Outcome& outcome, size_t node) {
  std::optional<Pages> least;
  for (const sim::TimelineRow& row : outcome.timeline)
    if (node < row.node_free.size() && (!least || row.node_free[node] < *least)) least = row.node_free[node];
  return least.value_or(Pages(0));
}

}  // namespace

void find_zone_reclaim(const sim::Outcome& outcome, const trace::CaptureSummary&, Findings& findings) {
  using host::Vmstat;
  const int64_t rounds = outcome.counters[Vmstat::zone_reclaim_success] + outcome.counters[Vmstat::zone_reclaim_failed];
  const int64_t stolen = outcome.counters[Vmstat::pgsteal_direct];
  if (outcome.host.vm.zone_reclaim_mode == 0 || outcome.host.nodes.size() < 2 || !outcome.direct_reclaim ||
      rounds + stolen == 0)
    return;
  size_t freest = 0;
  for (size_t node = 1; node < outcome.host.nodes.size(); ++node)
    if (least_free(outcome, node) > least_free(outcome, freest)) freest = node;
  const Pages spare = least_free(outcome, freest);
  Finding finding{"zone_reclaim", Severity::kWarning};
  finding.title = "vm.zone_reclaim_mode=" + std::to_string(outcome.host.vm.zone_reclaim_mode) +
                  " makes tasks reclaim on their own node while node " +
                  std::to_string(outcome.host.nodes[freest].id.value) + " never has less than " + pages_text(spare) +
                  " free";
  finding.why =
      "with zone reclaim a task whose node is at its low watermark evicts page cache there before it takes memory of "
      "another node: the cache stays as "
      "small as one node, files are read again from disk, and tasks wait. The default has been 0 since 3.16, because a "
      "remote page costs far less";
  finding.evidence = {{"zone_reclaim_mode", outcome.host.vm.zone_reclaim_mode},
                      {"zone_reclaim_failed", outcome.counters[Vmstat::zone_reclaim_failed]},
                      {"pgsteal_direct", stolen},
                      {"workingset_refault_file", outcome.counters[Vmstat::workingset_refault_file]},
                      {"direct_reclaim_ns_total", outcome.stall.direct_reclaim_total.count()},
                      {"free_node_bytes_min", to_bytes(spare).count()}};
  finding.tries.push_back({"vm.zone_reclaim_mode=0: memory of another node is taken instead",
                           set_to({"vm.zone_reclaim_mode=0"}, Aim::kWaitsLess)});
  findings.push_back(std::move(finding));
}

void find_node_imbalance(const sim::Outcome& outcome, const trace::CaptureSummary&, Findings& findings) {
  const sim::Bands *dry = nullptr, *idle = nullptr;
  auto short_time = [](const sim::Bands& b) { return b.low_to_min + b.below_min; };
  for (const sim::Bands& bands : outcome.bands) {
    if (short_time(bands).count() > 0 && (!dry || short_time(bands) > short_time(*dry))) dry = &bands;
    bool stayed_high = bands.above_high.count() > 0 && (bands.high_to_low + short_time(bands)).count() == 0;
    if (stayed_high && !idle) idle = &bands;
  }
  if (!dry || !idle) return;
  Pages spare = least_free(outcome, index_of(outcome.host, idle->node).value_or(0));
  std::string dry_name = "node " + std::to_string(dry->node.value),
              idle_name = "node " + std::to_string(idle->node.value);
  Finding finding{"node_imbalance", Severity::kWarning};
  finding.title = dry_name + " runs dry while " + idle_name + " has memory to spare";
  finding.why = dry_name + " was below its low watermark for " + duration_text(short_time(*dry)) + " while " +
                idle_name + " never fell below its high one and kept at least " + pages_text(spare) + " free";
  finding.evidence = {{"dry_node", dry->node.value},
                      {"below_low_ns", short_time(*dry).count()},
                      {"idle_node", idle->node.value},
                      {"idle_node_free_bytes_min", to_bytes(spare).count()},
                      {"numa_miss", outcome.counters[host::Vmstat::numa_miss]},
                      {"numa_foreign", outcome.counters[host::Vmstat::numa_foreign]}};
  // Kernel memory stays on the dry node, wherever the program's own pages go.
  if (outcome.oom_kills.empty() || !sim::movable_is_forbidden(outcome.oom_kills.front()))
    finding.tries.push_back({"numactl --interleave=all for the program", interleaved(outcome.host)});
  if (outcome.host.vm.zone_reclaim_mode != 0)
    finding.tries.push_back({"vm.zone_reclaim_mode=0", set_to({"vm.zone_reclaim_mode=0"})});
  findings.push_back(std::move(finding));
}

}  // namespace oomcast::report
