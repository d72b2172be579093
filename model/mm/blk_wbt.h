// Writeback throttling: limits the requests that a disk may hold for writes to swap. At the limit a reclaimer waits.
//
// Mirrors block/blk-wbt.c and rq_qos_wait() (Linux 6.1 and 6.12, CONFIG_BLK_WBT_MQ=y): a depth of 16 requests, halved
// when reads take too long, and doubled after each window of 100 ms with writes only. Without the limit a reclaimer
// would write out everything before the first page is free. Differs: a task that has to wait first finishes its batch
// of 32 pages; writes of files have a limit of their own (writeback.cc); a read that hangs is noticed only when it
// ends.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "model/base/units.h"
#include "model/mm/sched.h"

namespace oomcast::mm {

struct Kernel;

/// The counter of a write: enum wbt_flags / WBT_RWQ_*.
enum class WbtQueue : uint8_t { kBackground, kSwap };

/// struct rq_wb of one device.
struct BlkWbt {
  explicit BlkWbt(bool rotational);

  struct Queue {
    int inflight = 0;
    WaitQueue wait;
  };
  std::array<Queue, 2> queues;
  int max_depth = 16, normal = 8, background = 4;  // rq_depth.max_depth, wb_normal, wb_background
  int scale_step = 0;
  bool scaled_max = false;
  Nanoseconds min_latency;  // a longer read makes the depth smaller
  Nanoseconds last_read;    // last_issue or last_comp, whichever is later
  // The present window (struct blk_stat_callback).
  bool watching = false;
  Nanoseconds window_end, read_min;
  int64_t reads = 0, writes = 0;
  int unknown_windows = 0;

  Queue& queue(WbtQueue which) { return queues[static_cast<std::size_t>(which)]; }
};

/// The counter of the current actor's writes to swap.
WbtQueue wbt_queue(const Kernel& k);
/// wbt_wait() up to the sleep: counts one request if the limit allows it. False: the actor has to wait.
bool wbt_try_get(Kernel& k, std::size_t device);
/// The rest of wbt_wait(): sleeps until the request is counted.
void wbt_wait(Kernel& k, std::size_t device);
/// wbt_wait() for a read: reads do not wait; the time is noted.
void wbt_note_read(Kernel& k, std::size_t device);
/// wbt_done(): a request to the device is complete. `latency`: how long it took.
void wbt_done(Kernel& k, std::size_t device, bool write, WbtQueue queue, Nanoseconds latency);

}  // namespace oomcast::mm
