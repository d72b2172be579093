// Recounts every sum of the host's state from the pages up. A mismatch is a mistake of the model.
//
// Checked: every page is in exactly one place; list sizes; zone totals (free + parked + used == managed); resident and
// swapped counts of every process; swap slots; pages of each file and of each cgroup. Not checked: the order of lists,
// and the owners in reservoirs.
#pragma once

#include <string>
#include <vector>

#include "model/host/host.h"

namespace oomcast::sim {

class Auditor {
 public:
  /// Notes the sums that the host starts with.
  explicit Auditor(const host::Host& host);
  /// Returns one sentence per fault; empty if there is none. `in_flight`: actors in the middle of an allocation. Each
  /// may hold two pages, one of memory and one for a page table, that are not in their place yet.
  std::vector<std::string> audit(const host::Host& host, int64_t in_flight = 0) const;

 private:
  using ByZoneOfNode = IndexVector<host::NodeIndex, host::ByZone<int64_t>>;
  ByZoneOfNode kernel_used_;                              // used, less pages on lists, in page tables and in flight
  ByZoneOfNode total_;                                    // free + parked + used
  ByZoneOfNode foreign_locked_;                           // locked by processes from before the run
  IndexVector<host::NodeIndex, int64_t> foreign_mapped_;  // mapped pages of files that no process here maps
  IndexVector<host::NodeIndex, int64_t> foreign_shmem_;   // NR_SHMEM of such files
};

}  // namespace oomcast::sim
