// Hooks questions about the machine, and notes them: a program that sizes itself by this machine would size itself
// otherwise on the target. With --present-host the target's values are returned. Also hooks exits that bypass exit().
#include <errno.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "preload/inject/agent.h"
#include "preload/inject/counted.h"
#include "preload/inject/give_way.h"
#include "preload/inject/present_host.h"
#include "preload/inject/raw_syscall.h"
#include "preload/inject/real_libc.h"

namespace oomcast::inject {

#define OOMCAST_EXPORT extern "C" __attribute__((visibility("default")))

OOMCAST_EXPORT long sysconf(int name) {
  const PresentedMachine* target = nullptr;
  switch (name) {
    case _SC_PHYS_PAGES:
      agent_note_sensitive(ring::Sensitive::kPhysPages);
      if ((target = presented_machine()) != nullptr) return static_cast<long>(target->total_pages);
      break;
    case _SC_AVPHYS_PAGES:
      agent_note_sensitive(ring::Sensitive::kAvailablePhysPages);
      if ((target = presented_machine()) != nullptr) return static_cast<long>(target->free_pages);
      break;
    case _SC_NPROCESSORS_ONLN:
      agent_note_sensitive(ring::Sensitive::kProcessorsOnline);
      if ((target = presented_machine()) != nullptr) return target->online_cpus;
      break;
    case _SC_NPROCESSORS_CONF:
      agent_note_sensitive(ring::Sensitive::kProcessorsConfigured);
      if ((target = presented_machine()) != nullptr) return target->online_cpus;
      break;
    default:
      break;
  }
  return have_real_libc() ? real_libc_table.sysconf(name) : -1;
}

OOMCAST_EXPORT int sysinfo(struct sysinfo* out) {
  agent_note_sensitive(ring::Sensitive::kSysinfo);
  const int result = have_real_libc() ? real_libc_table.sysinfo(out) : -1;
  const PresentedMachine* target = presented_machine();
  if (result != 0 || target == nullptr) return result;
  // Uptime and load are this machine's: no program sizes its memory by them.
  out->mem_unit = 4096;
  out->totalram = target->total_pages;
  out->freeram = target->free_pages;
  out->sharedram = out->bufferram = out->totalhigh = out->freehigh = 0;
  out->totalswap = target->swap_total_pages;
  out->freeswap = target->swap_free_pages;
  out->procs = static_cast<unsigned short>(target->processes);
  return 0;
}

OOMCAST_EXPORT long get_phys_pages(void) {
  agent_note_sensitive(ring::Sensitive::kPhysPages);
  if (const PresentedMachine* target = presented_machine()) return static_cast<long>(target->total_pages);
  return have_real_libc() ? real_libc_table.get_phys_pages() : -1;
}

OOMCAST_EXPORT long get_avphys_pages(void) {
  agent_note_sensitive(ring::Sensitive::kAvailablePhysPages);
  if (const PresentedMachine* target = presented_machine()) return static_cast<long>(target->free_pages);
  return have_real_libc() ? real_libc_table.get_avphys_pages() : -1;
}

OOMCAST_EXPORT int get_nprocs(void) {
  agent_note_sensitive(ring::Sensitive::kGetNprocs);
  if (const PresentedMachine* target = presented_machine()) return static_cast<int>(target->online_cpus);
  return have_real_libc() ? real_libc_table.get_nprocs() : 1;
}

OOMCAST_EXPORT int get_nprocs_conf(void) {
  agent_note_sensitive(ring::Sensitive::kGetNprocs);
  if (const PresentedMachine* target = presented_machine()) return static_cast<int>(target->online_cpus);
  return have_real_libc() ? real_libc_table.get_nprocs_conf() : 1;
}

/// Whether `pid` is this process or the calling thread. Other processes keep their own CPUs.
static bool is_own_thread(pid_t pid) {
  if (pid == 0) return true;
  const Counted counted;
  return !counted.sealed() && (pid == raw_syscall(SYS_getpid) || pid == raw_syscall(SYS_gettid));
}

/// Writes the target's CPUs. EINVAL, as the kernel has it: the set is too small for its CPUs.
static int present_affinity(const PresentedMachine& target, size_t bytes, cpu_set_t* set) {
  if (bytes % sizeof(long) != 0 || bytes * 8 < target.online_cpus) return EINVAL;
  memset(set, 0, bytes);
  memcpy(set, &target.affinity, bytes < sizeof target.affinity ? bytes : sizeof target.affinity);
  return 0;
}

OOMCAST_EXPORT int sched_getaffinity(pid_t pid, size_t bytes, cpu_set_t* set) {
  agent_note_sensitive(ring::Sensitive::kAffinity);
  const PresentedMachine* target = presented_machine();
  const int saved_errno = errno, result = have_real_libc() ? real_libc_table.sched_getaffinity(pid, bytes, set) : -1;
  if (target == nullptr || !is_own_thread(pid) || (result != 0 && errno == EFAULT)) return result;
  errno = saved_errno;
  const int error = present_affinity(*target, bytes, set);
  if (error == 0) return 0;
  return errno = error, -1;
}

/// All threads of this process have the target's CPUs.
OOMCAST_EXPORT int pthread_getaffinity_np(pthread_t thread, size_t bytes, cpu_set_t* set) {
  agent_note_sensitive(ring::Sensitive::kAffinity);
  const PresentedMachine* target = presented_machine();
  if (!have_real_libc() || real_libc_table.pthread_getaffinity_np == nullptr) return ENOSYS;
  const int error = real_libc_table.pthread_getaffinity_np(thread, bytes, set);
  return target == nullptr || (error != 0 && error != EINVAL) ? error : present_affinity(*target, bytes, set);
}

/// After the guest's fopen() of `path` has returned `stream`: if --present-host shows another file there, a stream of
/// that one. As for open() (file_hooks.cc).
static FILE* shown(FILE* stream, const char* path, const char* mode, FILE* (*open)(const char*, const char*)) {
  const Counted counted;
  if (counted.sealed() || !path_was_read(stream != nullptr)) return stream;
  const int saved_errno = errno;
  if (stream != nullptr) note_opened(fileno(stream), path);
  if (mode[0] != 'r' || strchr(mode, '+') != nullptr) return stream;
  const char* const stand_in = machine_file(path);
  FILE* const other = stand_in != nullptr ? open(stand_in, mode) : nullptr;
  if (other != nullptr && stream != nullptr) real_libc_table.fclose(stream);
  errno = saved_errno;
  return other != nullptr ? other : stream;
}

OOMCAST_EXPORT FILE* fopen(const char* path, const char* mode) {
  if (!have_real_libc() || real_libc_table.fopen == nullptr) return errno = ENOSYS, nullptr;
  return shown(real_libc_table.fopen(path, mode), path, mode, real_libc_table.fopen);
}

OOMCAST_EXPORT FILE* fopen64(const char* path, const char* mode) {
  if (!have_real_libc() || real_libc_table.fopen64 == nullptr) return errno = ENOSYS, nullptr;
  return shown(real_libc_table.fopen64(path, mode), path, mode, real_libc_table.fopen64);
}

OOMCAST_EXPORT void _exit(int status) {
  say_exiting(status);
  for (;;) raw_syscall(SYS_exit_group, status);
}

OOMCAST_EXPORT void _Exit(int status) { _exit(status); }

OOMCAST_EXPORT void quick_exit(int status) {
  say_exiting(status);
  if (have_real_libc() && real_libc_table.quick_exit != nullptr) real_libc_table.quick_exit(status);
  for (;;) raw_syscall(SYS_exit_group, status);
}

}  // namespace oomcast::inject
