// Bundles what the rules of memory management work on. The host's state, the scheduler, the disks, and who is told.
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

/// One page on its way to or from a swap slot.
struct SwapIo {
  host::PageId page = host::kNoPage;
  host::SlotId slot = host::kNoSlot;
};

/// submit_bio() and what comes back: the sim's block devices. Completion of writes calls end_swap_write (mm/swap.h).
class Block {
 public:
  virtual ~Block() = default;
  /// Starts writing; adjacent slots of one call are merged into one request (blk_plug). `queue`: where it is counted
  /// (blk_wbt.h) until it is done.
  virtual void submit_swap_writes(const std::vector<SwapIo>& writes, host::CpuIndex cpu, WbtQueue queue) = 0;
  /// Starts reading `pages`; each is unlocked, and `readers()` woken, when its data is there.
  virtual void submit_swap_reads(const std::vector<SwapIo>& reads) = 0;
  /// Starts reading or writing pages of a file that lie side by side on the disk. Reads unlock as above; writes end in
  /// end_file_write (mm/writeback.h), and `writers()` is woken.
  virtual void submit_file(const std::vector<host::PageId>& pages, bool write, host::CpuIndex cpu) = 0;
  virtual WaitQueue& readers() = 0;
  virtual WaitQueue& writers() = 0;
};

struct OomReport;  // mm/oom_killer.h
using host::ZoneRef;

/// What an actor waits for. One wait may be a part of another that ends later: a throttled reclaim inside a swap-in.
enum class Stalled : uint8_t { kDirectReclaim, kSwapIn, kThrottled, kMemoryHigh };

/// Who hears of what the modelled kernel does, at the moment it does it.
class Listener {
 public:
  virtual ~Listener() = default;
  virtual void on_kswapd_run(host::NodeIndex node) = 0;  // balance_pgdat begins
  virtual void on_scan(host::NodeIndex node, bool by_kswapd,
                       host::CgroupIndex target_cgroup) = 0;  // pages of the inactive lists were looked at
  virtual void on_direct_reclaim(ZoneRef zone) = 0;           // a task reclaims for itself
  virtual void on_swap_out(host::NodeIndex node) = 0;         // the first page of a batch goes to swap
  virtual void on_alloc_refused(int pid, const Refusal& refusal) = 0;
  virtual void on_oom_kill(const OomReport& report) = 0;       // a kill, a panic, or nobody who may be killed
  virtual void on_stuck(host::ProcessIndex process) = 0;       // its memory can never be had (Process::stuck_at)
  virtual void on_stall(Nanoseconds begin, Stalled what) = 0;  // ended now; Actor::stall_depth counts those around it
  virtual void on_memory_high(host::CgroupIndex group) = 0;    // a task reclaims in a group above its memory.high
  virtual void watch(host::ProcessIndex process, uint64_t vpn) = 0;  // tell us when this page is used again
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
  int oom_victims_pending = 0;  // victims whose memory is not yet freed
  bool oom_locked = false;      // oom_lock
};

/// A wait of the current actor begins; gives the time. REQUIRES: stall_leave() on each way out.
inline Nanoseconds stall_enter(Kernel& k) {
  ++k.sched.current().stall_depth;
  return k.sched.now();
}
inline void stall_leave(Kernel& k, Nanoseconds begin, Stalled what) {
  --k.sched.current().stall_depth;
  k.listener.on_stall(begin, what);
}

}  // namespace oomcast::mm
