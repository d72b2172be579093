// Declares what decides who runs when. What the memory management asks of the simulator: spend CPU time, sleep, wait,
// wake.
//
// The rules in this folder read like kernel code: they call cpu() and point() where a kernel function would burn cycles
// and cond_resched(), and wait() where it would schedule(). model/sim/scheduler.h implements this with virtual time.
#pragma once

#include <cstdint>
#include <vector>

#include "model/base/units.h"
#include "model/host/indices.h"
#include "model/host/page.h"
#include "model/spec/mempolicy.h"

namespace oomcast::mm {

class SwapPlug;  // mm/swap.h

enum class ActorKind : uint8_t { kTask, kKswapd, kExit, kFlusher, kBackground, kKhugepaged, kWorker };

/// struct task_struct, as far as memory management looks at it.
struct Actor {
  ActorKind kind = ActorKind::kTask;
  host::NodeIndex node;                          // of the CPUs it runs on
  host::CpuIndex cpu;                            // for per-CPU lists, and for pressure
  host::CgroupIndex cgroup = host::kRootCgroup;  // whose pressure its stalls are
  int pid = 0, tid = 0;
  host::ProcessIndex process = host::kNoProcess;  // kTask
  bool begun = false;                             // kTask: counted in Process::tasks
  uint8_t service = 0;                            // kTask: which of several programs (Host::services)
  int background = -1;                            // kBackground: index into HostSpec::background
  bool memalloc = false;                          // PF_MEMALLOC: may use all reserves, never reclaims
  bool in_lru_fault = false;                      // handles a page fault: what it brings in is young (multi-gen LRU)
  bool dying = false;                             // a fatal signal is pending
  bool oom_victim = false;                        // TIF_MEMDIE: may use half of the reserves
  int64_t nr_dirtied = 0;                         // since its last check in balance_dirty_pages()
  int64_t over_high_pages = 0;                    // memcg_nr_pages_over_high
  int memstall_depth = 0;                         // psi_memstall_enter nesting
  int stall_depth = 0;                            // waits that it is in, one inside the other (stall_enter)
  uint32_t stack_id = 0;                          // of the event being handled
  host::Mempolicy policy;                         // current->mempolicy
  host::NodeIndex il_prev = host::kNoNode;        // where MPOL_INTERLEAVE went last
  SwapPlug* plug = nullptr;                       // current->plug
  bool is_kswapd() const { return kind == ActorKind::kKswapd; }
};

/// wait_queue_head_t. Filled by Sched::wait only.
struct WaitQueue {
  struct Waiter {
    uint32_t fiber;
    uint64_t token;
  };
  std::vector<Waiter> waiters;
  bool active() const { return !waiters.empty(); }
};

class Sched {
 public:
  virtual ~Sched() = default;
  virtual Nanoseconds now() const = 0;
  virtual Actor& current() = 0;
  /// Adds CPU time to the current actor; it passes at its next point(), sleep() or wait().
  virtual void cpu(Nanoseconds cost) = 0;
  /// cond_resched(): lets the time consumed so far pass, and others run in it.
  virtual void point() = 0;
  virtual void sleep(Nanoseconds duration) = 0;
  /// REQUIRES: point() was called before the condition was checked; CPU time that passes in here could hide a wake-up.
  /// Waits until woken or until `timeout` has passed (negative: for ever). Gives the time that was left, 0 if it ran
  /// out.
  virtual Nanoseconds wait(WaitQueue& queue, Nanoseconds timeout) = 0;
  virtual void wake_all(WaitQueue& queue) = 0;
  virtual void memstall_enter() = 0;
  virtual void memstall_leave() = 0;
  /// panic(): nothing on the host runs any more. Does not return to a fiber; a fiber that runs stays blocked for ever.
  virtual void halt() = 0;
};

inline constexpr Nanoseconds kForever{-1};
inline constexpr Nanoseconds kTick{4'000'000};  // HZ=250

}  // namespace oomcast::mm
