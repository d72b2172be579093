// Why does the program take more of the target than it touches? Huge pages come whole.
#include "model/host/field_names.h"
#include "report/findings.h"
#include "report/format.h"

namespace oomcast::report {

/// Where they make a tenth and more of what was seen here: `tracked_bytes` of the coverage counts small pages.
void find_huge_pages(const sim::Outcome& outcome, const trace::CaptureSummary& capture, Findings& findings) {
  const int64_t given = outcome.counters[host::Vmstat::thp_fault_alloc];
  const auto tracked = static_cast<int64_t>(capture.tracked_peak_bytes);
  const int64_t footprint = outcome.app.footprint_peak.count();
  if (given == 0 || footprint <= tracked + tracked / 10) return;
  Finding finding{"huge_pages", Severity::kInfo};
  finding.title = "The target's huge pages make the footprint larger than what the program touches: " + bytes_text(outcome.app.footprint_peak) + " instead of " + bytes_text(Bytes(tracked));
  finding.why = count_text(given) + " first touches were given 2 MiB at once (transparent_hugepage/enabled is " + host::thp_mode_name(outcome.host.vm.thp_enabled) + " there), and what the program does not use of them is held all the same";
  finding.evidence = {{"thp_fault_alloc", given}, {"footprint_peak_bytes", footprint}, {"tracked_bytes", tracked}};
  finding.tries.push_back({"--set vm.thp_enabled=madvise: huge pages only where a program asks for them"});
  findings.push_back(std::move(finding));
}

}  // namespace oomcast::report
