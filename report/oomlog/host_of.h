// Makes a host description of an OOM report: the machine after the victim is gone.
//
// The victim's resident memory, swap and page tables are free, so that a run answers "would this fit there?". Slab and
// page cache that reclaim had not been able to free are unreclaimable. What the report does not say is a documented
// default, and is listed in HostSpec::assumed.
#pragma once

#include <string>

#include "model/base/result.h"
#include "model/spec/host_spec.h"
#include "report/oomlog/oom_report.h"

namespace oomcast::oomlog {

/// An error if the report has no zones (a cgroup's kill, a truncated log), if pages are not of 4 KiB, or if figures
/// contradict each other.
Result<host::HostSpec> host_of(const OomReport& report, const std::string& name);

}  // namespace oomcast::oomlog
