// Hooks calls that set NUMA policies and CPU affinity, and notes them as the guest has asked for them. This machine may
// refuse what the target would do, so most refused calls are noted too. These names come before libnuma's own.
#include <linux/mempolicy.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>

#include "preload/inject/agent.h"
#include "preload/inject/counted.h"
#include "preload/inject/raw_syscall.h"
#include "preload/inject/real_libc.h"

#ifndef SYS_set_mempolicy_home_node
#define SYS_set_mempolicy_home_node 450
#endif

extern "C" {
extern int pthread_getcpuclockid(pthread_t, clockid_t*) __attribute__((weak));
}

namespace oomcast::inject {
namespace {

#define OOMCAST_EXPORT extern "C" __attribute__((visibility("default")))

constexpr unsigned long kMostMaskBits = 4096 * 8;
constexpr int kBalancing = 1 << 13, kRelative = 1 << 14, kStatic = 1 << 15;  // MPOL_F_*
constexpr int kMostMode = 6,
              kMostModeAnywhere =
                  4;  // the highest modes: MPOL_WEIGHTED_INTERLEAVE; MPOL_LOCAL, which every kernel knows

/// Reads a word of the guest's mask. `mask_read`: the kernel has read the mask. Otherwise (a seccomp filter has refused
/// the call) the pointer may be bad, and the kernel copies the word.
bool read_word(const unsigned long* from, bool mask_read, unsigned long* word) {
  if (mask_read) {
    *word = *from;
    return true;
  }
  const Counted counted;
  if (!counted.tracking()) return false;
  iovec local{word, sizeof *word}, remote{const_cast<unsigned long*>(from), sizeof *word};
  return raw_syscall(SYS_process_vm_readv, raw_syscall(SYS_getpid), arg(&local), 1, arg(&remote), 1, 0) == sizeof *word;
}

/// Translates the arguments; `mask` gets nodes 0 to 63. False: no machine would accept the call.
bool asked_policy(int mode, const unsigned long* nodes, unsigned long bits, long result, uint8_t* policy,
                  uint64_t* mask) {
  const int plain = mode & ~(kBalancing | kRelative | kStatic);
  if (result != 0 && result != -EINVAL && result != -EPERM && result != -ENOSYS) return false;
  if (plain < 0 || plain > kMostMode || bits > kMostMaskBits + 1) return false;
  *policy = static_cast<uint8_t>(plain);
  *mask = 0;
  if (nodes == nullptr || bits < 2) return true;
  unsigned long word = 0;
  const bool mask_read = result == 0 || (result == -EINVAL && plain <= kMostModeAnywhere && (mode & kBalancing) == 0 &&
                                         (mode & (kRelative | kStatic)) != (kRelative | kStatic));
  if (!read_word(nodes, mask_read, &word)) return false;
  *mask = bits > 64 ? word : word & ((1ul << (bits - 1)) - 1);
  return true;
}

void note_affinity(uint32_t tid, size_t bytes, const cpu_set_t* set) {
  uint64_t mask = 0;
  memcpy(&mask, set, bytes < sizeof mask ? bytes : sizeof mask);
  agent_note_setting(trace::EventKind::kAffinity, tid, mask, 0, 0, 0);
}

/// Kernel tid of a thread of this process, derived from its CPU clock's id; 0: unknown.
uint32_t tid_of(pthread_t thread) {
  clockid_t clock = 0;
  if (pthread_equal(thread, pthread_self())) return current_tid();
  if (&pthread_getcpuclockid == nullptr || pthread_getcpuclockid(thread, &clock) != 0) return 0;
  return static_cast<uint32_t>(~(clock >> 3));
}

}  // namespace

OOMCAST_EXPORT long mbind(void* start, unsigned long bytes, int mode, const unsigned long* nodes, unsigned long bits,
                          unsigned flags) {
  const long result = raw_syscall(SYS_mbind, arg(start), static_cast<long>(bytes), mode, reinterpret_cast<long>(nodes),
                                  static_cast<long>(bits), flags);
  uint8_t policy;
  uint64_t mask;
  if (tracking() && reinterpret_cast<uint64_t>(start) % 4096 == 0 &&
      asked_policy(mode, nodes, bits, result, &policy, &mask))
    agent_note_setting(trace::EventKind::kBindRange, current_tid(), reinterpret_cast<uint64_t>(start), page_up(bytes),
                       mask, policy);
  return with_errno(result);
}

OOMCAST_EXPORT long set_mempolicy(int mode, const unsigned long* nodes, unsigned long bits) {
  const long result = raw_syscall(SYS_set_mempolicy, mode, reinterpret_cast<long>(nodes), static_cast<long>(bits));
  uint8_t policy;
  uint64_t mask;
  if (tracking() && asked_policy(mode, nodes, bits, result, &policy, &mask))
    agent_note_setting(trace::EventKind::kSetPolicy, current_tid(), mask, 0, 0, policy);
  return with_errno(result);
}

OOMCAST_EXPORT long set_mempolicy_home_node(unsigned long start, unsigned long bytes, unsigned long node,
                                            unsigned long flags) {
  const long result = raw_syscall(SYS_set_mempolicy_home_node, static_cast<long>(start), static_cast<long>(bytes),
                                  static_cast<long>(node), static_cast<long>(flags));
  // Noted whatever the result: for a range without a policy the model refuses it as every kernel does.
  if (tracking() && start % 4096 == 0 && flags == 0 && node < 64)
    agent_note_setting(trace::EventKind::kHomeNode, current_tid(), start, page_up(bytes), node, 0);
  return with_errno(result);
}

OOMCAST_EXPORT int sched_setaffinity(pid_t tid, size_t bytes, const cpu_set_t* set) {
  const long result = raw_syscall(SYS_sched_setaffinity, tid, static_cast<long>(bytes), reinterpret_cast<long>(set));
  if (tracking() && (result == 0 || result == -EINVAL))
    note_affinity(tid == 0 ? current_tid() : static_cast<uint32_t>(tid), bytes, set);
  return static_cast<int>(with_errno(result));
}

OOMCAST_EXPORT int pthread_setaffinity_np(pthread_t thread, size_t bytes, const cpu_set_t* set) {
  if (!have_real_libc() || real_libc_table.pthread_setaffinity_np == nullptr) return ENOSYS;
  const int error = real_libc_table.pthread_setaffinity_np(thread, bytes, set);
  if (tracking() && (error == 0 || error == EINVAL))
    if (const uint32_t tid = tid_of(thread); tid != 0) note_affinity(tid, bytes, set);
  return error;
}

}  // namespace oomcast::inject
