// Makes a host for the model out of an OOM report: the machine as it stood once the victim was gone.
//
// The victim's resident memory, swap and page tables are free again in it, so that a run asks "would this fit there?".
// What the kernel had tried and could not take (slab, remaining cache) stays taken. All that the report does not say is
// the documented default and listed in HostSpec::assumed.
#pragma once

#include <string>

#include "model/base/result.h"
#include "model/spec/host_spec.h"
#include "report/oomlog/oom_report.h"

namespace oomcast::oomlog {

/// An error when the report has no zones (a cgroup's kill, a cut log), pages that are not 4 KiB, or figures that
/// contradict each other.
Result<host::HostSpec> host_of(const OomReport& report, const std::string& name);

}  // namespace oomcast::oomlog
