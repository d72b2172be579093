// Limits the writes to swap that a disk may hold before whoever reclaims has to wait. Writeback throttling.
//
// Mirrors block/blk-wbt.c and rq_qos_wait() (Linux 6.1 and 6.12, CONFIG_BLK_WBT_MQ=y): a depth of 16 requests, halved
// when reads take too long, doubled per window of 100 ms in which there are only writes. Without it a reclaimer would
// write out everything there is before the first page is free. Differs: whoever has to wait finishes its batch of 32
// pages first, the file disk is not throttled here (writeback.cc has its own bound), and one read that hangs is noticed
// when it ends.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "model/base/units.h"
#include "model/mm/sched.h"

namespace oomcast::mm {

struct Kernel;

/// Which counter a write is held against: enum WBT_RWQ_*.
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
  Nanoseconds min_latency;  // what a read may take
  Nanoseconds last_read;    // last_issue, last_comp
  // The window that is being watched (blk_stat).
  bool watching = false;
  Nanoseconds window_end, read_min;
  int64_t reads = 0, writes = 0;
  int unknown_windows = 0;

  Queue& queue(WbtQueue which) { return queues[static_cast<std::size_t>(which)]; }
};

/// Which counter a write of the current actor to swap is held against.
WbtQueue wbt_queue(const Kernel& k);
/// wbt_wait() up to the point of sleeping: counts one request in if the limit allows it.
bool wbt_try_get(Kernel& k, std::size_t device);
/// The rest of wbt_wait(): sleeps until one request is counted in.
void wbt_wait(Kernel& k, std::size_t device);
/// wbt_wait() of a read: it is not held up, but noted.
void wbt_note_read(Kernel& k, std::size_t device);
/// wbt_done(): a request of the device is complete.
void wbt_done(Kernel& k, std::size_t device, bool write, WbtQueue queue, Nanoseconds latency);

}  // namespace oomcast::mm
