// Did the guest look at the machine it runs on? Answers are passed through; that it asked is noted, because a program
// that sizes itself by this machine would size itself otherwise on the target. Also: leaving without exit().
#include <sys/sysinfo.h>
#include <unistd.h>

#include "preload/inject/agent.h"
#include "preload/inject/raw_syscall.h"
#include "preload/inject/real_libc.h"

namespace oomcast::inject {

#define OOMCAST_EXPORT extern "C" __attribute__((visibility("default")))

OOMCAST_EXPORT long sysconf(int name) {
  switch (name) {
    case _SC_PHYS_PAGES: agent_note_sensitive(ring::Sensitive::kPhysPages); break;
    case _SC_AVPHYS_PAGES: agent_note_sensitive(ring::Sensitive::kAvailablePhysPages); break;
    case _SC_NPROCESSORS_ONLN: agent_note_sensitive(ring::Sensitive::kProcessorsOnline); break;
    case _SC_NPROCESSORS_CONF: agent_note_sensitive(ring::Sensitive::kProcessorsConfigured); break;
    default: break;
  }
  return have_real_libc() ? real_libc_table.sysconf(name) : -1;
}

OOMCAST_EXPORT int sysinfo(struct sysinfo* out) {
  agent_note_sensitive(ring::Sensitive::kSysinfo);
  return have_real_libc() ? real_libc_table.sysinfo(out) : -1;
}

OOMCAST_EXPORT int get_nprocs(void) {
  agent_note_sensitive(ring::Sensitive::kGetNprocs);
  return have_real_libc() ? real_libc_table.get_nprocs() : 1;
}

OOMCAST_EXPORT int get_nprocs_conf(void) {
  agent_note_sensitive(ring::Sensitive::kGetNprocs);
  return have_real_libc() ? real_libc_table.get_nprocs_conf() : 1;
}

OOMCAST_EXPORT int sched_getaffinity(pid_t pid, size_t bytes, cpu_set_t* set) {
  agent_note_sensitive(ring::Sensitive::kAffinity);
  return have_real_libc() ? real_libc_table.sched_getaffinity(pid, bytes, set) : -1;
}

OOMCAST_EXPORT void _exit(int status) {
  agent_request(ring::RequestKind::kExiting, 0, 0, static_cast<uint64_t>(static_cast<int64_t>(status)), 0);
  for (;;) raw_syscall(SYS_exit_group, status);
}

OOMCAST_EXPORT void _Exit(int status) { _exit(status); }

OOMCAST_EXPORT void quick_exit(int status) {
  agent_request(ring::RequestKind::kExiting, 0, 0, static_cast<uint64_t>(static_cast<int64_t>(status)), 0);
  if (have_real_libc() && real_libc_table.quick_exit != nullptr) real_libc_table.quick_exit(status);
  for (;;) raw_syscall(SYS_exit_group, status);
}

}  // namespace oomcast::inject
