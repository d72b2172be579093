// Findings about zswap: whether it has room for what is swapped out, or passes pages on to the device.
#include <algorithm>

#include "model/host/vmstat.h"
#include "report/findings.h"
#include "report/words/format.h"

namespace oomcast::report {
namespace {

constexpr int kPoolPercentMost = 50;  // a pool of more than half of the memory takes what it saves

void find_full_pool(const sim::Outcome& outcome, Findings& findings) {
  const host::ZswapSpec& spec = outcome.host.zswap;
  const int64_t to_device = outcome.counters[host::Vmstat::pswpout];
  Finding finding{"zswap_full", Severity::kWarning};
  finding.title = "zswap is full: " + bytes_text(outcome.zswap.pool_peak) + ", " +
                  std::to_string(spec.max_pool_percent) + " % of memory";
  finding.why =
      "from then on pages go to the swap device, the most recent ones among them, until the pool has shrunk to " +
      std::to_string(spec.accept_threshold_percent) + " % of its limit; " + pages_text(Pages(to_device)) +
      " went there in all";
  finding.evidence = {
      {"pool_peak_bytes", outcome.zswap.pool_peak.count()},
      {"pool_limit_bytes", to_bytes(Pages(outcome.host.zswap.pool_pages_max(outcome.host.total_ram.count()))).count()},
      {"pool_limit_hit", outcome.zswap.pool_limit_hit},
      {"written_back_pages", outcome.zswap.written_back_pages},
      {"zswpout", outcome.counters[host::Vmstat::zswpout]},
      {"pswpout", to_device},
      {"stored_percent", spec.stored_percent}};
  const int more = std::min(spec.max_pool_percent * 2, kPoolPercentMost);
  if (more > spec.max_pool_percent)
    finding.tries.push_back({"zswap.max_pool_percent=" + std::to_string(more) + ", if pages compress well",
                             set_to({"zswap.max_pool_percent=" + std::to_string(more)})});
  findings.push_back(std::move(finding));
}

}  // namespace

void find_zswap(const sim::Outcome& outcome, const trace::CaptureSummary&, Findings& findings) {
  if (!outcome.host.zswap.enabled) return;
  if (outcome.zswap.pool_limit_hit > 0) return find_full_pool(outcome, findings);
  const int64_t written = outcome.zswap.written_back_pages;
  if (written == 0) return;
  Finding finding{"zswap_writeback", Severity::kInfo};
  finding.title = "zswap wrote " + pages_text(Pages(written)) + " back to the swap device";
  finding.why =
      "a group was at its memory.zswap.max, or reclaim called zswap's shrinker; pages written back are read from the "
      "device when they are used again";
  finding.evidence = {{"written_back_pages", written},
                      {"zswpout", outcome.counters[host::Vmstat::zswpout]},
                      {"zswpin", outcome.counters[host::Vmstat::zswpin]},
                      {"pswpin", outcome.counters[host::Vmstat::pswpin]}};
  findings.push_back(std::move(finding));
}

}  // namespace oomcast::report
