// A finding about a program that takes more memory on the target than it touches, because huge pages are allocated
// whole.
#include "model/spec/field_names.h"
#include "report/findings.h"
#include "report/words/format.h"

namespace oomcast::report {
namespace {

/// How the huge pages came about: by first touches, or by khugepaged, which collapses small pages.
std::string origin_text(int64_t given, int64_t collapsed) {
  const std::string touches = count_text(given) + " first touches were given 2 MiB at once";
  const std::string khugepaged = "khugepaged collapsed " + count_text(collapsed) + " ranges into huge pages";
  if (collapsed == 0) return touches;
  return given == 0 ? khugepaged : touches + ", " + khugepaged;
}

}  // namespace

/// If the unused parts of huge pages are more than a tenth of what the program uses at the peak. Both figures are the
/// model's: the capture counts a page that n processes share n times, the footprint counts it once.
void find_huge_pages(const sim::Outcome& outcome, const trace::CaptureSummary&, Findings& findings) {
  const int64_t given = outcome.counters[host::Vmstat::thp_fault_alloc];
  const int64_t collapsed = outcome.counters[host::Vmstat::thp_collapse_alloc];
  const Bytes footprint = outcome.app.footprint_peak, unused = outcome.app.untouched_at_peak, used = footprint - unused;
  if (given + collapsed == 0 || unused.count() * 10 <= used.count()) return;
  Finding finding{"huge_pages", Severity::kInfo};
  finding.title =
      "The target's huge pages make the footprint larger than what the program touches: " + bytes_text(footprint) +
      " instead of " + bytes_text(used);
  finding.why = origin_text(given, collapsed) + " (transparent_hugepage/enabled is " +
                host::thp_mode_name(outcome.host.vm.thp_enabled) +
                " there); the parts of them that the program does not use take memory, too";
  finding.evidence = {{"thp_fault_alloc", given},
                      {"thp_collapse_alloc", collapsed},
                      {"footprint_peak_bytes", footprint.count()},
                      {"used_bytes", used.count()},
                      {"unused_bytes", unused.count()}};
  finding.tries.push_back({"--set vm.thp_enabled=madvise: huge pages only where a program asks for them",
                           set_to({"vm.thp_enabled=madvise"})});
  findings.push_back(std::move(finding));
}

}  // namespace oomcast::report
