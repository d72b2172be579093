// Sees to it that what the host's processes hold is memory of the host: on its lists, and not free.
//
// The kernel's own files cannot contradict themselves there. A host written by hand can: processes are added to a file
// whose lists and free memory stay as they were.
#pragma once

#include <optional>

#include "model/spec/host_spec.h"
#include "model/spec/validate.h"

namespace oomcast::host {

/// By how much the processes' anonymous and shared memory exceeds the lists; pages that fork shares are counted by
/// each. HostSpec::shared_anon is taken off. 0 or more.
Pages anon_beyond_lists(const HostSpec& spec);

/// Puts what processes hold beyond the lists onto the lists of all nodes: first what is neither free nor listed nor the
/// kernel's own (3 % of a node and its counters), then free memory, in proportion to what is free above the high marks.
/// Swap that processes use is used on the devices. Gives the field that is too large if it does not fit.
/// REQUIRES: the zones have their watermarks. Each change is listed as assumed.
std::optional<Contradiction> hold_process_memory(HostSpec& spec);

}  // namespace oomcast::host
