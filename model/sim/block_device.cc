// Simulates disks. See block_device.h.
#include "model/sim/block_device.h"

#include <algorithm>

#include "model/mm/lru.h"
#include "model/mm/swap.h"
#include "model/mm/writeback.h"

namespace oomcast::sim {

namespace {
constexpr size_t kRequestPagesMax = 254;  // segments of one virtio-blk request
constexpr int kReadsInARowMax = 16;       // then a queued write goes first
constexpr int kParallelRequests = 64;     // threads of QEMU's pool; SSDs serve 32 and more
}  // namespace

Nanoseconds service_time(const host::DeviceTimes& times, bool write, int64_t pages) {
  const Nanoseconds small = write ? times.write_4k : times.read_4k;
  const Nanoseconds large = write ? times.write_128k : times.read_128k;
  const Nanoseconds per_page = std::max(Nanoseconds(0), (large - small) / 31);
  return small + per_page * (pages - 1);
}

// Random 4 KiB that take longer than sequential 128 KiB, for reads and for writes, mean an arm that has to move, or a
// limit of requests per second whose burst credit the first measurements used up. Both are the same for reads and
// writes: if one takes more than twice as long as the other, the disk was measured at a busy moment.
int service_depth(const host::DeviceTimes& times) {
  const bool small_slow = times.read_4k > times.read_128k && times.write_4k > times.write_128k;
  const bool both_ways_alike = std::max(times.read_4k, times.write_4k) <= 2 * std::min(times.read_4k, times.write_4k);
  return small_slow && both_ways_alike ? 1 : kParallelRequests;
}

Disks::Disks(Scheduler& scheduler, host::Host& host)
    : scheduler_(scheduler), host_(host), disks_(host.swaps.size() + 1) {}

bool Disks::idle() const {
  return std::none_of(disks_.begin(), disks_.end(), [](const Disk& disk) { return disk.in_service > 0; });
}

void Disks::submit(const std::vector<mm::SwapIo>& pages, const Request& like) {
  for (size_t i = 0; i < pages.size();) {
    const size_t device = host::SwapDevice::device_of(pages[i].slot);
    Request request = like;
    request.pages = {pages[i]};
    size_t next = i + 1;
    while (next < pages.size() && pages[next].slot == pages[next - 1].slot + 1 &&
           request.pages.size() < kRequestPagesMax) {
      request.pages.push_back(pages[next++]);
    }
    i = next;
    enqueue(device, std::move(request));
  }
}

void Disks::enqueue(size_t device, Request request) {
  (request.write ? disks_[device].writes : disks_[device].reads).push_back(std::move(request));
  start_next(device);
}

void Disks::submit_file(const std::vector<host::PageId>& pages, bool write, host::CpuIndex cpu) {
  Request request{write, cpu, mm::WbtQueue::kBackground, {}};
  for (host::PageId page : pages) request.pages.push_back({page, host::kNoSlot});
  enqueue(file_disk(), std::move(request));
}

const host::DeviceTimes& Disks::times(size_t device) const {
  return device == file_disk() ? host_.spec.disk : host_.swaps[device].spec().times;
}

void Disks::end_read(host::PageId id, bool swap, host::CpuIndex cpu) {
  host::Page& page = host_.pages[id];
  page.clear(host::kPageLocked);
  if (!page.has(host::kPageOrphan)) return;
  page.clear(host::kPageOrphan);
  if (swap) mm::remove_from_swap_cache(*kernel_, id, false);
  mm::release_page(*kernel_, id, cpu);
}

void Disks::submit_swap_writes(const std::vector<mm::SwapIo>& writes, host::CpuIndex cpu, mm::WbtQueue queue) {
  submit(writes, {true, cpu, queue, {}});
}

void Disks::submit_swap_reads(const std::vector<mm::SwapIo>& reads) {
  std::vector<mm::SwapIo> sorted = reads;
  std::sort(sorted.begin(), sorted.end(), [](const mm::SwapIo& a, const mm::SwapIo& b) { return a.slot < b.slot; });
  for (const mm::SwapIo& io : sorted) mm::wbt_note_read(*kernel_, host::SwapDevice::device_of(io.slot));
  submit(sorted, {false, scheduler_.current().cpu, mm::WbtQueue::kBackground, {}});
}

void Disks::start_next(size_t device) {
  Disk& disk = disks_[device];
  while (disk.in_service < service_depth(times(device)) && !(disk.reads.empty() && disk.writes.empty())) {
    const bool starved = disk.reads_in_a_row >= kReadsInARowMax && !disk.writes.empty();
    const bool read = !disk.reads.empty() && !starved;
    std::deque<Request>& queue = read ? disk.reads : disk.writes;
    disk.reads_in_a_row = read ? disk.reads_in_a_row + 1 : 0;
    ++disk.in_service;
    const Request request = std::move(queue.front());
    queue.pop_front();
    const Nanoseconds time = service_time(times(device), request.write, static_cast<int64_t>(request.pages.size()));
    scheduler_.at(scheduler_.now() + time, [this, device, request, time] { finish(device, request, time); });
  }
}

void Disks::finish(size_t device, const Request& done, Nanoseconds took) {
  --disks_[device].in_service;
  const bool swap = device != file_disk();
  for (const mm::SwapIo& io : done.pages) {
    if (!done.write) {
      end_read(io.page, swap, done.cpu);
    } else if (swap) {
      mm::end_swap_write(*kernel_, io.page, done.cpu);
    } else {
      mm::end_file_write(*kernel_, io.page, done.cpu);
    }
  }
  if (swap) mm::wbt_done(*kernel_, device, done.write, done.queue, took);
  scheduler_.wake_all(done.write ? writers_ : readers_);
  start_next(device);
}

}  // namespace oomcast::sim
