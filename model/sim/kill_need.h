// How much more memory the run would have needed than it had at the first kill.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "model/sim/after_kill.h"

namespace oomcast::sim {

class KillNeed {
 public:
  KillNeed(const host::Host& host, const FileTable& files) : host_(host), after_kill_(host, files) {}

  /// The OOM killer has chosen this victim.
  void begin(host::ProcessIndex victim) {
    if (!at_kill_) at_kill_ = pages() + tables();
    if (host_.processes[victim].guest) after_kill_.begin(victim);
  }
  /// An event has been applied. The event during which the process was killed counts, too.
  void handle(const trace::Event& event, host::ProcessIndex process) {
    if (after_kill_.follows(process)) after_kill_.handle(event, process);
    note();
  }
  /// Call after each event and at the end of the run.
  void note() {
    if (!at_kill_) return;
    const AfterKill::Held twice = after_kill_.counted_twice();
    const int64_t held = pages() - twice.pages;
    whole_run_peak_ = std::max(whole_run_peak_, to_bytes(Pages(held)));
    const Bytes grown = to_bytes(Pages(held + tables() - twice.tables - *at_kill_));
    need_ = std::max(need_.value_or(Bytes(0)), grown);
  }

  /// Peak of the footprint since the first kill, as if nobody had been killed; 0 without a kill.
  Bytes whole_run_peak() const { return whole_run_peak_; }
  /// Growth of anonymous memory and page tables since the first kill; nothing without a kill.
  std::optional<Bytes> need() const { return need_; }

 private:
  int64_t pages() const { return host_.guest_anon + host_.guest_swapped + after_kill_.pages(); }
  int64_t tables() const { return host_.guest_tables + after_kill_.tables(); }

  const host::Host& host_;
  AfterKill after_kill_;
  std::optional<int64_t> at_kill_;  // pages and page-table pages when the first victim was chosen
  Bytes whole_run_peak_;
  std::optional<Bytes> need_;
};

}  // namespace oomcast::sim
