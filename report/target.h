// Makes the machine and the limits that the user asked for: from options to the model's own input.
#pragma once

#include "model/base/result.h"
#include "model/sim/simulation.h"
#include "model/spec/host_spec.h"
#include "report/command_line.h"

namespace oomcast::report {

/// `host` with --set applied, and nothing else.
Result<host::HostSpec> with_settings(host::HostSpec host, const RunOptions& options);

/// Reads --limits-from: its limits go before those of --cgroup; of a pod, its class of service gives the oom_score_adj
/// unless --oom-score-adj is there, and its request and priority are what the kubelet ranks by.
/// `host` is without --set, which is looked at, too. What the file does not say is added to HostSpec::assumed.
Result<void> take_limits_from(RunOptions& options, host::HostSpec& host);

/// `host` with --set, what --limits-from said, --cgroup and --tmpfs applied; an error where that, --cpu-node or a
/// policy's nodes cannot be.
Result<host::HostSpec> with_changes(host::HostSpec host, const RunOptions& options);

/// What of --cpu-node and the policies the host cannot do; no error: all of it can be.
Result<void> check_placement(const RunOptions& options, const host::HostSpec& host);

/// All but the recording machine's speed. REQUIRES: `host` and `options` passed with_changes().
sim::Options model_options(const RunOptions& options, const host::HostSpec& host);

}  // namespace oomcast::report
