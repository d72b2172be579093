// What does the guest see when it looks at its machine? With --present-host the target; else this machine.
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

/// The path to open instead of `path`. Notes in any case that the guest looked.
const char* machine_file(const char* path, bool read_only);

}  // namespace oomcast::inject
