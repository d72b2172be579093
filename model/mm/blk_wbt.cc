// Writeback throttling. See blk_wbt.h.
#include "model/mm/blk_wbt.h"

#include <algorithm>

#include "model/mm/kernel.h"

namespace oomcast::mm {

namespace {

constexpr int kDefaultDepth = 16;             // RWB_DEF_DEPTH
constexpr int kQueueDepth = 256;              // nr_requests of a multi-queue device without an I/O scheduler
constexpr int kUnknownBump = 5;               // RWB_UNKNOWN_BUMP
constexpr int64_t kWriteSamplesMin = 3;       // RWB_MIN_WRITE_SAMPLES
constexpr Nanoseconds kWindow{100'000'000};   // RWB_WINDOW_NSEC
constexpr Nanoseconds kCloseIo{100'000'000};  // close_io(): HZ/10 since the last read

// rq_depth_calc_max_depth() and calc_wb_limits().
void calculate_limits(BlkWbt& wbt) {
  const int extra = kDefaultDepth - 1;
  const int ceiling = 3 * kQueueDepth / 4;
  wbt.scaled_max = false;
  if (wbt.scale_step >= 0) {
    wbt.max_depth = 1 + (extra >> std::min(31, wbt.scale_step));
  } else {
    wbt.max_depth = 1 + (extra << -wbt.scale_step);
    wbt.scaled_max = wbt.max_depth > ceiling;
    wbt.max_depth = std::min(wbt.max_depth, ceiling);
  }
  const bool tiny = wbt.max_depth <= 2;
  wbt.normal = tiny ? wbt.max_depth : (wbt.max_depth + 1) / 2;
  wbt.background = tiny ? 1 : (wbt.max_depth + 3) / 4;
}

void scale_up(BlkWbt& wbt) {
  if (wbt.scaled_max) return;
  --wbt.scale_step;
  calculate_limits(wbt);
  wbt.unknown_windows = 0;
}

void scale_down(BlkWbt& wbt, bool hard) {
  if (wbt.max_depth == 1) return;
  wbt.scale_step = wbt.scale_step < 0 && hard ? 0 : wbt.scale_step + 1;
  calculate_limits(wbt);
  wbt.unknown_windows = 0;
}

int inflight(const BlkWbt& wbt) { return wbt.queues[0].inflight + wbt.queues[1].inflight; }

int64_t int_sqrt(int64_t value) {
  int64_t root = 0;
  while ((root + 1) * (root + 1) <= value) ++root;
  return root;
}

void start_window(BlkWbt& wbt, Nanoseconds now) {
  const Nanoseconds length = wbt.scale_step > 0 ? kWindow * 16 / int_sqrt((int64_t{wbt.scale_step} + 1) << 8) : kWindow;
  wbt.watching = true;
  wbt.window_end = now + length;
  wbt.read_min = Nanoseconds(INT64_MAX);
  wbt.reads = wbt.writes = 0;
}

// wb_timer_fn() with latency_exceeded().
void end_window(BlkWbt& wbt) {
  if (wbt.reads >= 1 && wbt.writes >= kWriteSamplesMin) {
    if (wbt.read_min > wbt.min_latency) {
      scale_down(wbt, true);
    } else {
      scale_up(wbt);
    }
  } else if (wbt.writes > 0 || inflight(wbt) > 0) {
    scale_up(wbt);
  } else if (++wbt.unknown_windows >= kUnknownBump) {
    // Few samples for a long time: one step back to depth 16.
    if (wbt.scale_step > 0) scale_up(wbt);
    if (wbt.scale_step < 0) scale_down(wbt, false);
  }
  wbt.watching = false;
  if (wbt.scale_step != 0 || inflight(wbt) > 0) start_window(wbt, wbt.window_end);
}

void run_timer(BlkWbt& wbt, Nanoseconds now) {
  while (wbt.watching && wbt.window_end <= now) end_window(wbt);
}

// get_limit(). `woken`: the place is given by wbt_done(), which runs in an interrupt, where kswapd's higher limit does
// not apply.
int limit_for(const Kernel& k, const BlkWbt& wbt, bool woken) {
  if (k.follows(host::KernelRule::kSwapBeforeWbtLimit)) return wbt.max_depth;  // REQ_SWAP
  if (!woken && k.sched.current().is_kswapd()) return wbt.max_depth;
  return k.sched.now() < wbt.last_read + kCloseIo ? wbt.background : wbt.normal;
}

bool try_get(Kernel& k, size_t device, bool woken) {
  BlkWbt& wbt = k.wbt[device];
  run_timer(wbt, k.sched.now());
  BlkWbt::Queue& queue = wbt.queue(wbt_queue(k));
  if (queue.inflight >= limit_for(k, wbt, woken)) return false;
  ++queue.inflight;
  if (!wbt.watching) start_window(wbt, k.sched.now());
  return true;
}

}  // namespace

// min_lat_nsec: 2 ms for a disk that does not rotate, 75 ms for one that does. No read was made so far.
BlkWbt::BlkWbt(bool rotational) : min_latency(rotational ? 75'000'000 : 2'000'000), last_read(-kCloseIo) {}

WbtQueue wbt_queue(const Kernel& k) {
  const bool own = k.follows(host::KernelRule::kSwapBeforeWbtLimit) || k.sched.current().is_kswapd();
  return own ? WbtQueue::kSwap : WbtQueue::kBackground;
}

bool wbt_try_get(Kernel& k, size_t device) {
  if (k.wbt[device].queue(wbt_queue(k)).wait.active()) return false;  // tasks that sleep come first
  return try_get(k, device, false);
}

void wbt_wait(Kernel& k, size_t device) {
  BlkWbt::Queue& queue = k.wbt[device].queue(wbt_queue(k));
  bool woken = queue.wait.active();
  k.sched.point();
  while (!try_get(k, device, woken)) {
    if (k.sched.current().dying && !k.sched.current().is_kswapd()) {
      ++queue.inflight;  // the kernel waits uninterruptibly; the model lets a dying task go
      return;
    }
    k.sched.wait(queue.wait, kForever);
    woken = true;
  }
}

void wbt_note_read(Kernel& k, size_t device) { k.wbt[device].last_read = k.sched.now(); }

void wbt_done(Kernel& k, size_t device, bool write, WbtQueue which, Nanoseconds latency) {
  BlkWbt& wbt = k.wbt[device];
  run_timer(wbt, k.sched.now());
  (write ? wbt.writes : wbt.reads) += wbt.watching ? 1 : 0;
  if (!write) {
    wbt.read_min = std::min(wbt.read_min, latency);
    wbt.last_read = k.sched.now();
    return;
  }
  // For a disk with a write cache (rwb->wc) wbt_rqw_done() wakes nobody before all requests have ended.
  BlkWbt::Queue& queue = wbt.queue(which);
  if (--queue.inflight == 0) k.sched.wake_all(queue.wait);
}

}  // namespace oomcast::mm
