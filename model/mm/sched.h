// What memory management asks of the simulator: spend CPU time, sleep, wait, wake.
//
// The rules in this folder read like kernel code. They call cpu() and point() where a kernel function would use the CPU
// and call cond_resched(), and wait() where it would call schedule(). model/sim/scheduler.h implements this in virtual
// time.
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

/// The fields of struct task_struct that memory management uses.
struct Actor {
  ActorKind kind = ActorKind::kTask;
  host::NodeIndex node;                          // node of its CPUs
  host::CpuIndex cpu;                            // for per-CPU lists, and for pressure
  host::CgroupIndex cgroup = host::kRootCgroup;  // whose pressure its stalls count in
  int pid = 0, tid = 0;
  host::ProcessIndex process = host::kNoProcess;  // kTask
  bool begun = false;                             // kTask: counted in Process::tasks
  uint8_t service = 0;                            // kTask: which of several programs (Host::services)
  int background = -1;                            // kBackground: index into HostSpec::background
  bool memalloc = false;                          // PF_MEMALLOC: may use all reserves, never reclaims
  bool in_lru_fault = false;                      // in a page fault: pages that it brings in are young (multi-gen LRU)
  bool dying = false;                             // a fatal signal is pending
  bool oom_victim = false;                        // TIF_MEMDIE: may use half of the reserves
  int64_t nr_dirtied = 0;                         // since the last check in balance_dirty_pages()
  int64_t over_high_pages = 0;                    // memcg_nr_pages_over_high
  int memstall_depth = 0;                         // psi_memstall_enter nesting
  int stall_depth = 0;                            // nested waits that it is in (stall_enter())
  uint32_t stack_id = 0;                          // of the event being handled
  host::Mempolicy policy;                         // current->mempolicy
  host::NodeIndex il_prev = host::kNoNode;        // last node of MPOL_INTERLEAVE
  SwapPlug* plug = nullptr;                       // current->plug
  bool is_kswapd() const { return kind == ActorKind::kKswapd; }
};

/// wait_queue_head_t. Only Sched::wait() adds waiters.
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
  /// Adds CPU time to the current actor. The time passes at its next point(), sleep() or wait().
  virtual void cpu(Nanoseconds cost) = 0;
  /// cond_resched(): lets the CPU time used so far pass, while others run.
  virtual void point() = 0;
  /// Whether the CPU time used so far and `cost` more can pass at points before anything else on the host happens.
  virtual bool alone_for(Nanoseconds cost) const = 0;
  virtual void sleep(Nanoseconds duration) = 0;
  /// Waits until woken, `timeout` at most (negative: for ever). Returns the time left; 0: it ran out. REQUIRES: point()
  /// was called before the condition was checked, as CPU time that passes in wait() could hide a wake-up.
  virtual Nanoseconds wait(WaitQueue& queue, Nanoseconds timeout) = 0;
  virtual void wake_all(WaitQueue& queue) = 0;
  /// psi_memstall_enter() and psi_memstall_leave() of the current actor; may nest.
  virtual void memstall_enter() = 0;
  virtual void memstall_leave() = 0;
  /// panic(): nothing on the host runs any more. Never returns to a fiber.
  virtual void halt() = 0;
};

inline constexpr Nanoseconds kForever{-1};
inline constexpr Nanoseconds kTick{4'000'000};  // HZ=250

}  // namespace oomcast::mm
