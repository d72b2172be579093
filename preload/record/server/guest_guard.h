// GuestGuard: stops a guest that is about to exhaust the machine it really runs on, or its cgroup here; and notices
// that the kernel of this machine has killed one for it.
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
  using Looks = std::function<MemoryGuard::Look(uint64_t guest_bytes)>;
  /// `percent` of what this machine or its cgroups leave is the floor; 0: the guest is never stopped.
  GuestGuard(ProcessTable& processes, int percent)
      : GuestGuard(processes, percent, [this](uint64_t guest_bytes) { return guard_.look(guest_bytes); }) {}
  /// `looks`: how much there is left.
  GuestGuard(ProcessTable& processes, int percent, Looks looks)
      : processes_(processes), guard_(percent), looks_(std::move(looks)) {}
  GuestGuard(const GuestGuard&) = delete;
  GuestGuard& operator=(const GuestGuard&) = delete;

  /// Kills all guests if this machine has too little left. `guest_bytes`: what they have of it. Looks every now and
  /// then, and sooner the more they grow.
  void check(uint64_t guest_bytes, uint64_t now_ns);
  /// A SIGKILL has ended a process. Its sender is not known, but the kernel counts what it kills for lack of memory.
  void note_killed();
  /// Why the run was stopped; empty: it was not.
  const std::string& stopped() const { return stopped_; }

 private:
  ProcessTable& processes_;
  MemoryGuard guard_;
  Looks looks_;
  bool struck_ = false;
  uint64_t next_look_ns_ = 0, next_look_bytes_ = 0;
  std::string stopped_;
};

}  // namespace oomcast::record
