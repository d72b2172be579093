// Decides what the guest sees when it looks at its machine: with --present-host the target, else this machine.
//
// With --cgroup the limits of its cgroup are the target's, at least.
// The recorder's command puts OOMCAST_PRESENT into the guest's environment: figures, and a directory with files that
// stand in for the kernel's. It is read at the first question; a program that runs with another's rights ignores it.
#pragma once

#include <sched.h>

#include <cstdint>

namespace oomcast::inject {

struct PresentedMachine {
  uint64_t total_pages, free_pages, swap_total_pages, swap_free_pages, processes;
  uint32_t online_cpus;
  cpu_set_t affinity;
};

/// Null: the machine is not hidden.
const PresentedMachine* presented_machine();

/// Whether a call that has `succeeded`, or failed with the errno that stands, has read the path that the guest gave it.
/// The kernel alone can tell whether the guest's pointer is good, so nothing reads the path before.
bool path_was_read(bool succeeded);
/// The file to show instead of `path`; null: that one. Notes in any case that the guest looked. The recorder takes the
/// file along when it goes: where it cannot be opened, the guest sees this machine again.
const char* machine_file(const char* path);

}  // namespace oomcast::inject
