// Hooks the calls by which the guest limits itself: resource limits on memory and PR_SET_THP_DISABLE are noted once the
// kernel has accepted them; a seccomp filter ends tracking.
//
// glibc's headers declare these functions with an enum and variable arguments, so they are not included.
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <sys/types.h>

#include "preload/inject/agent.h"
#include "preload/inject/counted.h"
#include "preload/inject/give_way.h"
#include "preload/inject/raw_syscall.h"

namespace oomcast::inject {
namespace {

#define OOMCAST_EXPORT extern "C" __attribute__((visibility("default")))

constexpr int kData = 2, kStack = 3, kMemlock = 8, kAddressSpace = 9;  // RLIMIT_*

struct Limit {
  uint64_t soft, hard;
};

void note_limit(pid_t pid, int resource, const Limit* limit) {
  if (!tracking() || (resource != kData && resource != kStack && resource != kMemlock && resource != kAddressSpace))
    return;
  agent_note_setting(trace::EventKind::kLimit, current_tid(), static_cast<uint64_t>(resource),
                     static_cast<uint64_t>(pid), limit->soft, 0);
}

}  // namespace

OOMCAST_EXPORT int prlimit64(pid_t pid, int resource, const Limit* limit, Limit* old) {
  const long result = raw_syscall(SYS_prlimit64, pid, resource, reinterpret_cast<long>(limit), arg(old));
  // `old` may be the same memory as `limit`, and is overwritten by now: ask again.
  Limit now{};
  const Counted counted;
  if (result == 0 && limit != nullptr && tracking() && counted.tracking() &&
      raw_syscall(SYS_prlimit64, pid, resource, 0, arg(&now)) == 0)
    note_limit(pid, resource, &now);
  return static_cast<int>(with_errno(result));
}
OOMCAST_EXPORT int prlimit(pid_t, int, const Limit*, Limit*) __attribute__((alias("prlimit64")));

OOMCAST_EXPORT int setrlimit64(int resource, const Limit* limit) {
  const long result = raw_syscall(SYS_prlimit64, 0, resource, reinterpret_cast<long>(limit), 0);
  if (result == 0 && limit != nullptr) note_limit(0, resource, limit);
  return static_cast<int>(with_errno(result));
}
OOMCAST_EXPORT int setrlimit(int, const Limit*) __attribute__((alias("setrlimit64")));

OOMCAST_EXPORT int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d) {
  // Where touches are polled, huge pages stay off. The guest's own setting is remembered, and returned when it asks.
  const bool kept = agent_without_huge_pages.load(std::memory_order_relaxed) && b == 0 && c == 0 && d == 0;
  if (kept && option == PR_GET_THP_DISABLE && a == 0)
    return agent_guest_without_huge_pages.load(std::memory_order_relaxed) ? 1 : 0;
  const bool about_huge_pages = option == PR_SET_THP_DISABLE && b == 0 && c == 0 && d == 0;
  // Without a program the call only asks whether filters are supported.
  Sealing sealing(option == PR_SET_SECCOMP && (a == SECCOMP_MODE_STRICT || (a == SECCOMP_MODE_FILTER && b != 0)));
  const long result = kept && about_huge_pages
                          ? 0
                          : raw_syscall(SYS_prctl, option, static_cast<long>(a), static_cast<long>(b),
                                        static_cast<long>(c), static_cast<long>(d));
  sealing.called(result == 0);
  if (result == 0 && about_huge_pages) {
    agent_guest_without_huge_pages.store(a != 0, std::memory_order_relaxed);
    if (tracking()) agent_note_setting(trace::EventKind::kThpDisable, current_tid(), a != 0 ? 1 : 0, 0, 0, 0);
  }
  return static_cast<int>(with_errno(result));
}

}  // namespace oomcast::inject
