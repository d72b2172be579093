// Simulates disks: one queue per device (swap devices first, the disk with the files last), with the service times of
// the host's calibration.
//
// A request takes the time of a 4 KiB access, and for each further page a 31st of the difference to a 128 KiB access.
// Up to 64 requests are served at once, each at that speed, as by an SSD or a hypervisor's thread pool. A device with
// an arm, or with a limit of requests per second, serves one at a time. Queued reads go before queued writes. Adjacent
// slots of one batch are one request.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "model/mm/kernel.h"
#include "model/sim/scheduler.h"

namespace oomcast::sim {

/// Service time of one request of `pages` pages.
Nanoseconds service_time(const host::DeviceTimes& times, bool write, int64_t pages);
/// Requests that the device serves at once: 64, or 1 (see above).
int service_depth(const host::DeviceTimes& times);

class Disks final : public mm::Block {
 public:
  Disks(Scheduler& scheduler, host::Host& host);
  void connect(mm::Kernel& kernel) { kernel_ = &kernel; }

  void submit_swap_writes(const std::vector<mm::SwapIo>& writes, host::CpuIndex cpu, mm::WbtQueue queue) override;
  void submit_swap_reads(const std::vector<mm::SwapIo>& reads) override;
  void submit_file(const std::vector<host::PageId>& pages, bool write, host::CpuIndex cpu) override;
  mm::WaitQueue& readers() override { return readers_; }
  mm::WaitQueue& writers() override { return writers_; }

  bool idle() const;

 private:
  struct Request {
    bool write = false;
    host::CpuIndex cpu = 0;
    mm::WbtQueue queue = mm::WbtQueue::kBackground;
    std::vector<mm::SwapIo> pages;
  };
  struct Disk {
    std::deque<Request> reads, writes;
    int in_service = 0;
    int reads_in_a_row = 0;
  };
  void submit(const std::vector<mm::SwapIo>& pages, const Request& request);
  void enqueue(size_t device, Request request);
  void end_read(host::PageId id, bool swap, host::CpuIndex cpu);
  size_t file_disk() const { return disks_.size() - 1; }
  const host::DeviceTimes& times(size_t device) const;
  void start_next(size_t device);
  void finish(size_t device, const Request& done, Nanoseconds took);

  Scheduler& scheduler_;
  host::Host& host_;
  mm::Kernel* kernel_ = nullptr;
  std::vector<Disk> disks_;
  mm::WaitQueue readers_, writers_;
};

}  // namespace oomcast::sim
