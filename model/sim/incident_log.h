// Collects incidents when they happen: what the modelled kernel did, and the numbers that explain it.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "model/mm/kernel.h"
#include "model/mm/oom_killer.h"
#include "model/sim/outcome.h"
#include "model/trace/event_sink.h"

namespace oomcast::sim {

class IncidentLog final : public mm::Listener {
 public:
  IncidentLog(host::Host& host, mm::Sched& sched) : host_(host), sched_(sched) {}

  void on_kswapd_run(host::NodeIndex node) override;
  void on_scan(host::NodeIndex node, bool by_kswapd, host::CgroupIndex target_cgroup) override;
  void on_direct_reclaim(mm::ZoneRef zone) override;
  void on_swap_out(host::NodeIndex node) override;
  void on_alloc_refused(int pid, const mm::Refusal& refusal) override;
  void on_oom_kill(const mm::OomReport& report) override;
  void on_stuck(host::ProcessIndex process) override;
  void on_stall(Nanoseconds begin, mm::Stalled what) override;
  void on_memory_high(host::CgroupIndex group) override;
  void watch(host::ProcessIndex process, uint64_t vpn) override;

  const Incidents& incidents() const { return own_; }
  /// Call at the end of the run; nothing may be logged afterwards.
  Incidents take() { return std::move(own_); }
  /// The kubelet evicts the service, or the only program (0), that `process` is part of.
  void on_evicted(uint8_t service, const host::Process& process);
  /// Records the state of the kernel now, under this name.
  void take_moment(std::string name);

  /// Called when the OOM killer has chosen a victim. The callee ends the victim.
  std::function<void(host::ProcessIndex)> on_kill;
  /// Called for each recorded moment, to add the pressure lines, which this log does not know.
  std::function<void(Moment&)> on_moment;
  std::vector<trace::WatchRequest> watches;
  std::vector<ServiceFate> services;  // as Host::services; empty: one program
  bool more_to_come = false;  // a service has not begun yet: even if all others are stuck, the run does not halt
  // The stack of the event that is being handled, and the last one sampled before it.
  uint32_t event_stack_id = 0, sampled_stack_id = 0;
  bool refused = false;  // memory was refused since the last look
  // the real call fails too: the program goes on as on the target, so that nothing diverges
  bool refusal_is_lived = false;

 private:
  bool by_kernel_thread() const;
  void note_cgroup_reclaim(host::NodeIndex node, host::CgroupIndex target_cgroup);
  Incident incident(mm::ZoneRef zone, Cause cause) const;
  void note_first(std::optional<Incident>& first, const char* moment, Incident happened);
  OomShortage shortage(const mm::OomReport& report) const;
  mm::ZoneRef tightest_zone(host::NodeIndex node) const;
  OomCandidate candidate(host::ProcessIndex index, int64_t points) const;
  void diverge(Divergence divergence);
  void halt(HaltedBy by);
  std::vector<OomCandidate> candidates(const mm::OomReport& report) const;
  void put_victim(const mm::OomReport& report, OomKill& kill) const;
  void keep(OomKill kill);
  bool current_may_swap() const;
  void note_victim(const host::Process& victim);
  void add_stall(Nanoseconds length, mm::Stalled what, Stall& stall) const;

  host::Host& host_;
  mm::Sched& sched_;
  Incidents own_;
};

}  // namespace oomcast::sim
