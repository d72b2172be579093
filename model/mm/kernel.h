// What the rules of memory management work on: the host's state, the scheduler, the disks, and the listener.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/base/random.h"
#include "model/host/host.h"
#include "model/mm/blk_wbt.h"
#include "model/mm/costs.h"
#include "model/mm/flusher_state.h"
#include "model/mm/khugepaged_state.h"
#include "model/mm/kswapd_state.h"
#include "model/mm/refusal.h"
#include "model/mm/sched.h"
#include "model/mm/swap_readahead.h"
#include "model/mm/zswap_state.h"
#include "model/spec/kernel_rules.h"

namespace oomcast::mm {

/// One page to be written to or read from a swap slot.
struct SwapIo {
  host::PageId page = host::kNoPage;
  host::SlotId slot = host::kNoSlot;
};

/// submit_bio() for the simulated disks. Completion of a write to swap calls end_swap_write() (mm/swap.h).
class Block {
 public:
  virtual ~Block() = default;
  /// Starts writes. Adjacent slots in one call become one request (blk_plug). `queue`: the counter that has each
  /// request until it is done (blk_wbt.h).
  virtual void submit_swap_writes(const std::vector<SwapIo>& writes, host::CpuIndex cpu, WbtQueue queue) = 0;
  /// Starts reads. When a page's data has arrived, the page is unlocked and `readers()` are woken.
  virtual void submit_swap_reads(const std::vector<SwapIo>& reads) = 0;
  /// Starts reading or writing adjacent pages of a file. Reads end as above. Writes end with end_file_write()
  /// (mm/writeback.h), and `writers()` are woken.
  virtual void submit_file(const std::vector<host::PageId>& pages, bool write, host::CpuIndex cpu) = 0;
  virtual WaitQueue& readers() = 0;
  virtual WaitQueue& writers() = 0;
};

struct OomReport;  // mm/oom_killer.h
using host::ZoneRef;

/// Why an actor waits. One wait may be part of another that ends later: a throttled reclaim inside a swap-in.
enum class Stalled : uint8_t { kDirectReclaim, kSwapIn, kThrottled, kMemoryHigh };

/// Gets reports of what the modelled kernel does, at that moment.
class Listener {
 public:
  virtual ~Listener() = default;
  virtual void on_kswapd_run(host::NodeIndex node) = 0;  // balance_pgdat() begins
  // inactive pages were scanned
  virtual void on_scan(host::NodeIndex node, bool by_kswapd, host::CgroupIndex target_cgroup) = 0;
  virtual void on_direct_reclaim(ZoneRef zone) = 0;    // a task begins direct reclaim
  virtual void on_swap_out(host::NodeIndex node) = 0;  // a page goes to swap
  virtual void on_alloc_refused(int pid, const Refusal& refusal) = 0;
  virtual void on_oom_kill(const OomReport& report) = 0;  // a kill, a panic, or no process that may be killed
  virtual void on_stuck(host::ProcessIndex process) = 0;  // its memory can never be allocated (Process::stuck_at)
  // a wait has ended now; Actor::stall_depth: waits around it
  virtual void on_stall(Nanoseconds begin, Stalled what) = 0;
  virtual void on_memory_high(host::CgroupIndex group) = 0;  // a task reclaims in a cgroup above its memory.high
  // asks the recorder to report the next use of this page
  virtual void watch(host::ProcessIndex process, uint64_t vpn) = 0;
};

struct Kernel {
  Kernel(host::Host& host_state, Sched& scheduler, Block& block_layer, Listener& listener_ref, Seed seed)
      : host(host_state),
        sched(scheduler),
        block(block_layer),
        listener(listener_ref),
        costs(Costs::from(host_state.spec.calibration)),
        random(seed),
        kswapd(host_state.nodes.size()) {
    for (const host::SwapDevice& device : host.swaps) wbt.emplace_back(device.spec().rotational);
  }

  bool follows(host::KernelRule rule) const { return holds(rule, host.spec.kernel); }

  host::Host& host;
  Sched& sched;
  Block& block;
  Listener& listener;
  Costs costs;
  Random random;
  IndexVector<host::NodeIndex, KswapdState> kswapd;
  std::vector<BlkWbt> wbt;  // by swap device
  SwapReadahead swap_readahead;
  FlusherState flusher;
  KhugepagedState khugepaged;
  ZswapState zswap;
  int oom_victims_pending = 0;  // victims whose memory is not freed yet
  bool oom_locked = false;      // oom_lock
};

/// The current actor begins to wait. Returns the present time. REQUIRES: stall_leave() on each way out.
inline Nanoseconds stall_enter(Kernel& k) {
  ++k.sched.current().stall_depth;
  return k.sched.now();
}
inline void stall_leave(Kernel& k, Nanoseconds begin, Stalled what) {
  --k.sched.current().stall_depth;
  k.listener.on_stall(begin, what);
}

}  // namespace oomcast::mm
