// Holds the threads of the program: a fiber for each, and where each is in virtual time.
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
  /// Of one program.
  struct Settings {
    int64_t recorder_cpu_loop_20m_ns = 0;  // speed of the recording machine (sim::Placement)
    host::NodeIndex app_node;              // on whose CPUs the program runs
  };
  /// `settings`: by Process::service. `process_of`: the guest process with this pid that lives now (pid, parent's pid).
  /// `apply`: does what the event of the task says, in the task's fiber; may stall it. Both may add processes to the
  /// host.
  TaskTable(host::Host& host, Scheduler& scheduler, std::vector<Settings> settings,
            std::function<host::ProcessIndex(uint32_t, uint32_t)> process_of, std::function<void(Task&)> apply)
      : host_(host),
        scheduler_(scheduler),
        settings_(std::move(settings)),
        process_of_(std::move(process_of)),
        apply_(std::move(apply)) {}

  /// The task whose event this is, not stalled any more; made if nobody has announced it. Waits for a fork() of the
  /// process that the model still stalls, and for the task's own last event.
  Task& ready_for(const trace::Event& event);
  /// Runs the event in the task's fiber, until it is through or stalled. REQUIRES: the task is ready.
  void run(Task& task, const trace::Event& event, Nanoseconds start);
  /// Virtual time at which the event of the task happens.
  Nanoseconds start_of(const Task& task, const trace::Event& event) const;
  /// The same before the task is ready: absent while it is stalled, or the fork() that makes it is; `if_new`: of a task
  /// that nobody has announced.
  std::optional<Nanoseconds> due(const trace::Event& event, Nanoseconds if_new) const;
  /// SIGKILL: the tasks of the process stop at once.
  void interrupt(host::ProcessIndex victim);
  /// Lets time pass until `start`: the task computes, then sleeps for what the event says.
  void pass_until(const Task& task, const trace::Event& event, Nanoseconds start);
  /// Clears away tasks that are gone and through. Those without an event of late are taken to sleep.
  void sweep();
  /// How many are stalled.
  int64_t blocked() const;
  /// Runs on until the last task is where its own clock is.
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
  std::map<uint32_t, uint32_t> forks_;  // child not heard of yet -> tid of the task that forks it
  size_t started_ = 0;
};

}  // namespace oomcast::sim
