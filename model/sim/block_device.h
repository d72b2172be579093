// How long does a disk take? One queue per device, swap devices first and the disk with the files last, with the service times of
// the host's calibration.
//
// Requests are served one at a time, reads before writes (as mq-deadline and a reader's impatience have it), and take
// the time of a 4 KiB access plus a share of the 128 KiB one per further page. Adjacent pages of one plug are one request.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "model/mm/kernel.h"
#include "model/sim/scheduler.h"

namespace oomcast::sim {

/// Time of one request of `pages` pages.
Nanoseconds service_time(const host::DeviceTimes& times, bool write, int64_t pages);

class Disks final : public mm::Block {
 public:
  Disks(Scheduler& scheduler, host::Host& host);
  void connect(mm::Kernel& kernel) { kernel_ = &kernel; }

  void submit_swap_writes(const std::vector<mm::SwapIo>& writes, int cpu) override;
  void submit_swap_reads(const std::vector<mm::SwapIo>& reads) override;
  void submit_file(const std::vector<host::PageId>& pages, bool write, int cpu) override;
  mm::WaitQueue& readers() override { return readers_; }
  mm::WaitQueue& writers() override { return writers_; }

  bool idle() const;

 private:
  struct Request {
    bool write = false;
    int cpu = 0;
    std::vector<mm::SwapIo> pages;
  };
  struct Disk {
    std::deque<Request> reads, writes;
    bool busy = false;
    Request in_service;
    int reads_in_a_row = 0;
  };
  void submit(const std::vector<mm::SwapIo>& pages, bool write, int cpu);
  void enqueue(size_t device, Request request);
  void end_read(host::PageId id, bool swap, int cpu);
  size_t file_disk() const { return disks_.size() - 1; }
  const host::DeviceTimes& times(size_t device) const;
  void start_next(size_t device);
  void finish(size_t device);

  Scheduler& scheduler_;
  host::Host& host_;
  mm::Kernel* kernel_ = nullptr;
  std::vector<Disk> disks_;
  mm::WaitQueue readers_, writers_;
};

}  // namespace oomcast::sim
