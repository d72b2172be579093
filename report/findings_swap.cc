// Findings about swap: whether the pages in it are cold, or are read back all the time.
#include "model/host/vmstat.h"
#include "report/findings.h"
#include "report/words/format.h"

namespace oomcast::report {
namespace {

// A megabyte of swap-ins is noise. If every second page is read back, it is thrashing.
constexpr int64_t kThrashPages = 256;

Pages swap_used_peak(const sim::Outcome& outcome) {
  Pages peak;
  for (const sim::TimelineRow& row : outcome.timeline) peak = std::max(peak, row.swap_used);
  return peak;
}

}  // namespace

void find_swap(const sim::Outcome& outcome, const trace::CaptureSummary&, Findings& findings) {
  int64_t in = outcome.counters[host::Vmstat::pswpin], out = outcome.counters[host::Vmstat::pswpout];
  if (in >= kThrashPages && in * 2 >= out) {
    Nanoseconds waited = outcome.stall.swap_in_total;
    bool heavy = waited.count() * 10 > outcome.forecast.count();
    Finding finding{"swap_thrash", heavy ? Severity::kError : Severity::kWarning};
    finding.title = "Swap thrashes: " + pages_text(Pages(in)) + " read back, " + duration_text(waited) + " of waiting";
    finding.why = "of " + pages_text(Pages(out)) + " written to swap " + percent_text(in, out) +
                  " were read back within the run: the working set does not fit beside the rest of the host";
    finding.evidence = {{"pswpin", in},
                        {"pswpout", out},
                        {"swap_in_ns_total", waited.count()},
                        {"pgmajfault", outcome.counters[host::Vmstat::pgmajfault]},
                        {"workingset_refault_anon", outcome.counters[host::Vmstat::workingset_refault_anon]}};
    const host::CgroupSpec& group = outcome.host.cgroup;
    const Bytes more = to_bytes(swap_used_peak(outcome));
    finding.tries.push_back({"more memory: swap space does not help a working set that is in use",
                             group.present && group.memory_max >= 0 && outcome.cgroup.events.max > 0
                                 ? higher_limit(outcome.host, "memory.max", more, Bytes(0))
                                 : more_memory_of(outcome.host, more, Bytes(0))});
    if (outcome.counters[host::Vmstat::workingset_refault_file] * 4 < in && outcome.host.vm.swappiness > 1)
      finding.tries.push_back(
          {"vm.swappiness=1, if the host holds page cache that nobody reads again", set_to({"vm.swappiness=1"})});
    findings.push_back(std::move(finding));
  }
  Pages total = outcome.host.total_swap(), peak = swap_used_peak(outcome);
  if (total.count() > 0 && peak.count() * 20 >= total.count() * 19) {
    Finding finding{"swap_full", Severity::kWarning};
    finding.title = "Swap is full: " + pages_text(peak) + " of " + pages_text(total);
    finding.why =
        "once swap is full anonymous memory cannot be reclaimed any more, and the next shortage goes to the OOM killer";
    finding.evidence = {{"swap_used_peak_bytes", to_bytes(peak).count()}, {"swap_bytes", to_bytes(total).count()}};
    finding.tries.push_back({"more swap", more_swap_of(outcome.host, to_bytes(peak) / 4)});
    finding.tries.push_back({"more memory", more_memory_of(outcome.host, to_bytes(peak) / 4, Bytes(0))});
    findings.push_back(std::move(finding));
  }
}

}  // namespace oomcast::report
