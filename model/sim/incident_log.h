// Collects incidents as they happen: what the modelled kernel did first, and the numbers that explain it.
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
  /// The end of the run: nothing is logged any more.
  Incidents take() { return std::move(own_); }
  /// The kubelet ends the service, or the only program (0), whose process this is.
  void on_evicted(uint8_t service, const host::Process& process);
  /// Takes down the state of the kernel now.
  void take_moment(std::string name);

  /// Called when a victim has been chosen; it has to be brought to its end.
  std::function<void(host::ProcessIndex)> on_kill;
  /// Called when a moment has been taken down, for what the log does not know: the pressure lines.
  std::function<void(Moment&)> on_moment;
  std::vector<trace::WatchRequest> watches;
  std::vector<ServiceFate> services;  // as Host::services; empty: they are not told apart
  bool more_to_come = false;          // a service has not begun: that all others are stuck halts nothing
  // Of the event that is being handled, and what was sampled last before it.
  uint32_t event_stack_id = 0, sampled_stack_id = 0;
  bool refused = false;           // since it was last looked at
  bool refusal_is_lived = false;  // the guest is really refused: its world goes on as the target's would

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
