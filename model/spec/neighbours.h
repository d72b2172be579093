// Makes the host's lists and free memory agree with what the host's processes hold.
//
// The kernel's own files always agree. A host that was written by hand may not: processes were added, and the lists and
// the free memory stayed as they were.
#pragma once

#include <optional>

#include "model/spec/host_spec.h"
#include "model/spec/validate.h"

namespace oomcast::host {

/// How far the processes' anonymous and shared memory exceeds the anonymous and unevictable lists, in pages; 0 or more.
/// Pages that fork() shares are in the RSS of each process; HostSpec::shared_anon is subtracted for them.
Pages anon_beyond_lists(const HostSpec& spec);

/// Puts what processes hold beyond the lists onto the lists: first pages that are neither free nor on a list nor the
/// kernel's own (3 % of a node and its counters), then free memory above the high marks, then the rest of the free
/// memory; each in proportion over the zones. Marks swap that processes use as used on the devices. Lists each change
/// as assumed. Returns the field that is too large, if the memory does not suffice. REQUIRES: the zones have their
/// watermarks.
std::optional<Contradiction> hold_process_memory(HostSpec& spec);

}  // namespace oomcast::host
