// Removes from a host what a kill has ended: frees the victims' memory, page tables and swap.
#pragma once

#include <string>

#include "model/spec/host_spec.h"
#include "report/oomlog/oom_report.h"

namespace oomcast::oomlog {

/// Removes the killed processes from `spec`, which describes the host of the same report. Each zone gets back a part in
/// proportion to its anonymous memory. Returns an entry for HostSpec::assumed. REQUIRES: report.killed.
std::string free_victims(host::HostSpec& spec, const OomReport& report);

}  // namespace oomcast::oomlog
