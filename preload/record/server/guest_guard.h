// GuestGuard: kills the guests before they exhaust the memory of the machine that they really run on, or of its cgroup.
// It also notices when this machine's kernel has killed a guest for lack of memory.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "preload/record/guest/process_table.h"
#include "preload/record/server/memory_guard.h"

namespace oomcast::record {

class GuestGuard {
 public:
  using Measure = std::function<MemoryGuard::Measurement(uint64_t guest_bytes)>;
  /// `percent` of the memory that this machine or its cgroups have left must stay free; 0: guests are never killed.
  GuestGuard(ProcessTable& processes, int percent)
      : GuestGuard(processes, percent, [this](uint64_t guest_bytes) { return guard_.measure(guest_bytes); }) {}
  /// `measure`: replaces MemoryGuard::measure() in a test.
  GuestGuard(ProcessTable& processes, int percent, Measure measure)
      : processes_(processes), guard_(percent), measure_(std::move(measure)) {}
  GuestGuard(const GuestGuard&) = delete;
  GuestGuard& operator=(const GuestGuard&) = delete;

  /// Kills all guests if this machine has too little memory left. `guest_bytes`: memory that the guests use. Measures
  /// every 100 ms, and earlier once the guests have grown by half of the room seen last (at least 256 KiB).
  void check(uint64_t guest_bytes, uint64_t now_ns);
  /// To be called after a SIGKILL has ended a guest. The sender is unknown, so the kernel's count of OOM kills decides.
  void note_killed();
  /// Why the run was stopped; empty: it was not.
  const std::string& stopped() const { return stopped_; }

 private:
  ProcessTable& processes_;
  MemoryGuard guard_;
  Measure measure_;
  bool struck_ = false;
  uint64_t next_measure_ns_ = 0, next_measure_bytes_ = 0;
  std::string stopped_;
};

}  // namespace oomcast::record
