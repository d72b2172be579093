// Lists the findings that exist, in their order in a report.
#include "report/findings.h"

#include <algorithm>

namespace oomcast::report {

const char* severity_name(Severity severity) {
  switch (severity) {
    case Severity::kInfo:
      return "info";
    case Severity::kWarning:
      return "warning";
    case Severity::kError:
      return "error";
  }
  return "info";
}

Findings find_all(const sim::Outcome& outcome, const trace::CaptureSummary& capture) {
  constexpr std::array table = {find_incomplete,      find_tracking,       find_halt,           find_memory_high,
                                find_oom_kill,        find_oom_bystander,  find_alloc_refused,  find_tmpfs_full,
                                find_files_in_memory, find_services,       find_eviction,       find_close,
                                find_close_victim,    find_direct_reclaim, find_swap,           find_zswap,
                                find_file_thrash,     find_zone_reclaim,   find_node_imbalance, find_group_page_cache,
                                find_huge_pages,      find_guest_end,      find_host_sensitive, find_assumed};
  Findings findings;
  for (auto* find : table) find(outcome, capture, findings);
  // A suggestion for one process would be simulated as if it were meant for all services.
  if (!outcome.services.empty())
    for (Finding& finding : findings)
      for (Try& suggestion : finding.tries)
        std::erase_if(suggestion.remedy.words,
                      [](const std::string& word) { return word.starts_with("oom-score-adj"); });
  std::stable_sort(findings.begin(), findings.end(),
                   [](const Finding& a, const Finding& b) { return a.severity > b.severity; });
  return findings;
}

}  // namespace oomcast::report
