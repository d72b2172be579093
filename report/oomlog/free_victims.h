// Takes out of a host what a kill has ended: the victims' memory, page tables and swap are free again.
#pragma once

#include <string>

#include "model/spec/host_spec.h"
#include "report/oomlog/oom_report.h"

namespace oomcast::oomlog {

/// Takes the killed processes out of the host, which is described by the same report. Each zone gets back its part of
/// anonymous memory. Returns what is thereby assumed, for HostSpec::assumed. REQUIRES: report.killed.
std::string free_victims(host::HostSpec& spec, const OomReport& report);

}  // namespace oomcast::oomlog
