// The threads of the program: a fiber for each, and where each is in virtual time.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "model/host/host.h"
#include "model/sim/scheduler.h"
#include "model/sim/task.h"
#include "model/trace/event.h"

namespace oomcast::sim {

class TaskTable {
 public:
  /// For one program.
  struct Settings {
    int64_t recorder_cpu_loop_20m_ns = 0;  // speed of the recording machine (sim::Placement), ns
    host::NodeIndex app_node;              // the program runs on this node's CPUs
  };
  /// `settings` is indexed by Process::service. `process_of(pid, parent's pid)`: the living guest process; made if it
  /// is new. `apply`: handles the event of the task in the task's fiber; the task may stall meanwhile. Both may add
  /// processes to the host.
  TaskTable(host::Host& host, Scheduler& scheduler, std::vector<Settings> settings,
            std::function<host::ProcessIndex(uint32_t, uint32_t)> process_of, std::function<void(Task&)> apply)
      : host_(host),
        scheduler_(scheduler),
        settings_(std::move(settings)),
        process_of_(std::move(process_of)),
        apply_(std::move(apply)) {}

  /// The task of this event, not stalled any more; made if it is new. Waits for the task's last event, and for a fork()
  /// of the process that the model still stalls.
  Task& ready_for(const trace::Event& event);
  /// Handles the event in the task's fiber, until the event is done or the task stalls. REQUIRES: the task is ready.
  void run(Task& task, const trace::Event& event, Nanoseconds start);
  /// The virtual time at which the event happens: the task's clock, its computation (scaled) and its wait.
  Nanoseconds start_of(const Task& task, const trace::Event& event) const;
  /// start_of() before the task is ready. Nothing while the task, or the fork() that makes its process, is stalled.
  /// `if_new`: the answer for a new task.
  std::optional<Nanoseconds> due(const trace::Event& event, Nanoseconds if_new) const;
  /// SIGKILL: interrupts all tasks of the process.
  void interrupt(host::ProcessIndex victim);
  /// Lets time pass until `start`. The task computes first and then is idle for event.wait_ns.
  void pass_until(const Task& task, const trace::Event& event, Nanoseconds start);
  /// Removes tasks that have ended. Reports tasks without an event for 100 ms as idle.
  void sweep();
  /// The number of stalled tasks.
  int64_t blocked() const;
  /// Runs on until the time is that of every task's clock.
  void run_out();

 private:
  Task& task_for(const trace::Event& event);
  Nanoseconds scaled(uint64_t compute_ns, uint8_t service) const;
  void run_fiber(uint32_t tid);
  void wait_for(FiberId fiber);
  void wait_for_fork(uint32_t pid);
  void forget(uint32_t pid, uint32_t last);
  void drop(uint32_t tid);

  host::Host& host_;
  Scheduler& scheduler_;
  const std::vector<Settings> settings_;
  std::function<host::ProcessIndex(uint32_t, uint32_t)> process_of_;
  std::function<void(Task&)> apply_;
  std::map<uint32_t, Task> tasks_;      // by tid
  std::map<uint32_t, uint32_t> forks_;  // child without an event so far -> tid of the task that forks it
  size_t started_ = 0;
};

}  // namespace oomcast::sim
