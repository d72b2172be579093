// Recounts every invariant of the state the slow way, from the pages up.
//
// Checked: every page is in exactly one place, list sizes, zone totals (free + parked + used == managed), resident and
// swapped counts of every process, swap slots, the pages of
// each file and of each cgroup. Not checked: the order of lists, the reservoir's owners.
#pragma once

#include <string>
#include <vector>

#include "model/host/host.h"

namespace oomcast::sim {

class Auditor {
 public:
  /// Takes the balance that the host starts with.
  explicit Auditor(const host::Host& host);
  /// What does not hold, one sentence each; empty when all is well. `in_flight`: how many actors are in the middle of
  /// something; each may hold two pages, one of memory and one for a page table, that are nowhere yet.
  std::vector<std::string> audit(const host::Host& host, int64_t in_flight = 0) const;

 private:
  using ByZoneOfNode = IndexVector<host::NodeIndex, host::ByZone<int64_t>>;
  ByZoneOfNode kernel_used_;                              // used, less what is on lists, in tables and in flight
  ByZoneOfNode total_;                                    // free + parked + used
  ByZoneOfNode foreign_locked_;                           // locked by what stood on the host before
  IndexVector<host::NodeIndex, int64_t> foreign_mapped_;  // mapped pages of files that no process here maps
  IndexVector<host::NodeIndex, int64_t> foreign_shmem_;   // the same of NR_SHMEM
};

}  // namespace oomcast::sim
