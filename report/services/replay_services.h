// Forecasts several recorded programs on one host, as services that share its memory, page cache, swap and kswapd.
#pragma once

#include <vector>

#include "report/replay.h"

namespace oomcast::report {

/// `settings.model` has what the command line says of all services; what a service has of its own wins, and what its
/// recording says is the default. A recording that ends early ends its service and says so. Errors: a trace that cannot
/// be read, a group or a node that the host cannot have.
Result<Replayed> replay_services(const std::vector<RecordedService>& services, host::HostSpec host,
                                 const ReplaySettings& settings);

}  // namespace oomcast::report
