// How long does a swap device take? See block_device.h.
#include "model/sim/block_device.h"

#include <algorithm>

#include "model/mm/lru.h"
#include "model/mm/swap.h"

namespace oomcast::sim {

namespace {
constexpr size_t kRequestPagesMax = 254;   // segments of one virtio-blk request
constexpr int kReadsInARowMax = 16;        // then a waiting write is let through
}  // namespace

Nanoseconds service_time(const host::DeviceTimes& times, bool write, int64_t pages) {
  const Nanoseconds small = write ? times.write_4k : times.read_4k;
  const Nanoseconds large = write ? times.write_128k : times.read_128k;
  const Nanoseconds per_page = std::max(Nanoseconds(0), (large - small) / 31);
  return small + per_page * (pages - 1);
}

SwapDisks::SwapDisks(Scheduler& scheduler, host::Host& host) : scheduler_(scheduler), host_(host), disks_(host.swaps.size()) {}

bool SwapDisks::idle() const {
  return std::none_of(disks_.begin(), disks_.end(), [](const Disk& disk) { return disk.busy; });
}

void SwapDisks::submit(const std::vector<mm::SwapIo>& pages, bool write, int cpu) {
  for (size_t i = 0; i < pages.size();) {
    const size_t device = host::SwapDevice::device_of(pages[i].slot);
    Request request{write, cpu, {pages[i]}};
    size_t next = i + 1;
    while (next < pages.size() && pages[next].slot == pages[next - 1].slot + 1 && request.pages.size() < kRequestPagesMax) {
      request.pages.push_back(pages[next++]);
    }
    i = next;
    (write ? disks_[device].writes : disks_[device].reads).push_back(std::move(request));
    if (!disks_[device].busy) start_next(device);
  }
}

void SwapDisks::submit_swap_writes(const std::vector<mm::SwapIo>& writes, int cpu) { submit(writes, true, cpu); }

void SwapDisks::submit_swap_reads(const std::vector<mm::SwapIo>& reads) {
  std::vector<mm::SwapIo> sorted = reads;
  std::sort(sorted.begin(), sorted.end(), [](const mm::SwapIo& a, const mm::SwapIo& b) { return a.slot < b.slot; });
  submit(sorted, false, scheduler_.current().cpu);
}

void SwapDisks::start_next(size_t device) {
  Disk& disk = disks_[device];
  const bool starved = disk.reads_in_a_row >= kReadsInARowMax && !disk.writes.empty();
  const bool read = !disk.reads.empty() && !starved;
  std::deque<Request>& queue = read ? disk.reads : disk.writes;
  disk.busy = !queue.empty();
  if (!disk.busy) return;
  disk.reads_in_a_row = read ? disk.reads_in_a_row + 1 : 0;
  disk.in_service = std::move(queue.front());
  queue.pop_front();
  const Nanoseconds time = service_time(host_.swaps[device].spec().times, disk.in_service.write, static_cast<int64_t>(disk.in_service.pages.size()));
  scheduler_.at(scheduler_.now() + time, [this, device] { finish(device); });
}

void SwapDisks::finish(size_t device) {
  const Request done = std::move(disks_[device].in_service);
  for (const mm::SwapIo& io : done.pages) {
    if (done.write) {
      mm::end_swap_write(*kernel_, io.page, done.cpu);
      continue;
    }
    host::Page& page = host_.pages[io.page];
    page.clear(host::kPageLocked);
    if (!page.has(host::kPageOrphan)) continue;
    page.clear(host::kPageOrphan);
    mm::remove_from_swap_cache(*kernel_, io.page, false);
    mm::release_page(*kernel_, io.page, done.cpu);
  }
  if (!done.write) scheduler_.wake_all(readers_);
  start_next(device);
}

}  // namespace oomcast::sim
