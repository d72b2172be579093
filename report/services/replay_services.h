// Forecasts several recorded programs on one host: they share its memory, page cache, swap and kswapd.
#pragma once

#include <vector>

#include "report/replay.h"

namespace oomcast::report {

/// `settings.model` has the options for all services. An option of a service overrides it; the recording gives the
/// default. If a recording ends early, its service ends there, and the result says so. Errors: a trace cannot be read,
/// or the host cannot have a cgroup or node that is asked for.
Result<Replayed> replay_services(const std::vector<RecordedService>& services, host::HostSpec host,
                                 const ReplaySettings& settings);

}  // namespace oomcast::report
