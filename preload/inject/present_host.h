// Decides what a guest sees when it looks at its machine: the target with --present-host, else this machine. With
// --cgroup at least the limits of its cgroup are the target's.
//
// The command puts OOMCAST_PRESENT into the guest's environment: figures, and a directory with files that stand in for
// the kernel's. It is read at the first question. A setuid program ignores it.
#pragma once

#include <sched.h>

#include <cstdint>

namespace oomcast::inject {

struct PresentedMachine {
  uint64_t total_pages, free_pages, swap_total_pages, swap_free_pages, processes;
  uint32_t online_cpus;
  cpu_set_t affinity;
};

/// The figures of the target; null: this machine is shown.
const PresentedMachine* presented_machine();

/// Whether a call, which has `succeeded` or failed with the present errno, has read the guest's path. Before the call
/// nothing reads the path, since only the kernel can tell whether the pointer is good.
bool path_was_read(bool succeeded);
/// The file to open instead of `path`; null: `path` itself. Notes in any case that the guest has looked. The command
/// deletes the file at its end; a guest that cannot open it sees this machine again.
const char* machine_file(const char* path);

}  // namespace oomcast::inject
