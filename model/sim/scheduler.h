// Virtual time, and a fiber for every actor that can wait.
//
// Every task of the program, every kernel thread and every exiting process is a fiber, so that the rules in model/mm
// can be written like kernel code that sleeps. The order is (time, sequence number): equal inputs give equal runs.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <queue>
#include <vector>

#include "model/mm/sched.h"
#include "model/sim/coroutine.h"
#include "model/sim/pressure.h"

namespace oomcast::sim {

using FiberId = uint32_t;
inline constexpr FiberId kNoFiber = 0xffffffffu;

class Scheduler final : public mm::Sched {
 public:
  explicit Scheduler(IndexVector<host::NodeIndex, int> cpus_per_node);
  ~Scheduler() override;
  /// Unwinds every fiber where it stands. Call before the objects that fibers use are destroyed.
  void abandon() { fibers_.clear(); }

  // For model/mm.
  Nanoseconds now() const override { return now_; }
  mm::Actor& current() override;
  void cpu(Nanoseconds cost) override { pending() += cost; }
  void point() override;
  bool alone_for(Nanoseconds cost) const override;
  void sleep(Nanoseconds duration) override;
  Nanoseconds wait(mm::WaitQueue& queue, Nanoseconds timeout) override;
  void wake_all(mm::WaitQueue& queue) override;
  void memstall_enter() override;
  void memstall_leave() override;
  void halt() override;

  // For the simulation, outside of any fiber.
  /// From now on, reports the state of every fiber to `pressure`.
  void account_to(Pressure& pressure) { pressure_ = &pressure; }
  /// Makes a fiber that runs `body` from its first resume() on. The fiber is done when `body` returns.
  FiberId spawn(mm::Actor actor, std::function<void()> body);
  /// Runs the fiber until it blocks, parks or is done. REQUIRES: it is parked.
  void resume(FiberId id);
  /// Blocks the fiber until `time`.
  void resume_at(FiberId id, Nanoseconds time);
  /// Calls `callback` at `time`, outside of any fiber, as an interrupt would.
  void at(Nanoseconds time, std::function<void()> callback);
  /// Whether halt() was called: run_until() and step() do nothing then, and now() stands still.
  bool halted() const { return halted_; }
  /// Wake-ups and callbacks run so far.
  uint64_t steps() const { return steps_; }
  /// Runs everything that is due by `time`. now() is `time` afterwards, unless it was later already.
  void run_until(Nanoseconds time);
  /// Runs the next thing that is due by `limit`. False if nothing is. A fiber that nobody else keeps waiting goes on
  /// with the next thing that it does by `limit`.
  bool step_until(Nanoseconds limit);
  /// The same at whatever time.
  bool step() { return step_until(Nanoseconds(INT64_MAX)); }

  // For the fiber of a task.
  /// Returns to the caller of resume(). Only resume() wakes the fiber.
  void park();

  /// Reports the parked task as idle until it is resumed. A parked task counts as running otherwise.
  void rest(FiberId id);

  bool blocked(FiberId id) const { return fibers_[id]->state == State::kBlocked; }
  bool done(FiberId id) const { return fibers_[id]->state == State::kDone; }
  /// Unwinds a fiber that is parked or done, and frees its stack. Its id may be used again.
  void discard(FiberId id);
  mm::Actor& actor(FiberId id) { return fibers_[id]->actor; }
  /// CPU time since the fiber's last point(), lengthened if its CPUs are shared. Resets it.
  Nanoseconds take_pending(FiberId id);
  /// A fatal signal: marks the actor as dying, and ends its wait at once.
  void interrupt(FiberId id);
  /// Calls `callback` when a task goes on after others may have had its CPU: context_switch() to it.
  void on_switch_to(std::function<void(const mm::Actor&)> callback) { switched_to_ = std::move(callback); }
  /// The task of the last event: it counts as running between its events.
  void set_running_task(FiberId id) { running_task_ = id; }

  /// CPU time that the fiber has used.
  Nanoseconds busy_ns(FiberId id) const { return fibers_[id]->busy; }

 private:
  enum class State : uint8_t { kParked, kRunning, kBlocked, kDone };
  struct Fiber {
    std::optional<Coroutine> code;  // none: the id is free
    mm::Actor actor;
    State state = State::kParked;
    uint64_t token = 0;  // wake-ups with an older token are stale
    Nanoseconds pending;
    Nanoseconds busy;       // CPU time so far
    Nanoseconds wait_left;  // result of wait()
    Nanoseconds wait_deadline;
    bool on_cpu = false;  // blocked in point(): CPU time passes
    // The state that `pressure_` was told last, and for which CPU.
    TaskState told;
    host::CpuIndex told_cpu;
    // parts of `pending`: before a stall that has not ended; in stalls that have ended
    Nanoseconds before_stall, stalled_pending;
  };
  struct Due {
    Nanoseconds time;
    uint64_t sequence;
    FiberId fiber;  // kNoFiber: a callback
    uint64_t token;
    size_t callback;
    bool operator>(const Due& other) const {
      return time != other.time ? time > other.time : sequence > other.sequence;
    }
  };

  Nanoseconds& pending();
  void switch_to(Fiber& fiber, FiberId id);
  void block();           // from a fiber: returns at its next wake-up
  void give_up_cpu();     // block(), and other tasks may have had the CPU meanwhile
  void commit_pending();  // from a fiber: lets its pending CPU time pass
  bool nothing_due_by(Nanoseconds time) const;
  void go_on_at(Nanoseconds time);
  void schedule(FiberId id, Nanoseconds time);
  void run(const Due& due);
  Nanoseconds shared(Nanoseconds cost, const mm::Actor& actor) const;

  IndexVector<host::NodeIndex, int> cpus_per_node_;
  IndexVector<host::NodeIndex, int> busy_per_node_;
  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::vector<FiberId> free_fibers_;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
  std::function<void(const mm::Actor&)> switched_to_;
  std::vector<std::function<void()>> callbacks_;
  std::vector<size_t> free_callbacks_;
  Nanoseconds now_;
  Nanoseconds horizon_;  // of the step_until() that runs; none does: nothing is due by it
  bool halted_ = false;
  uint64_t sequence_ = 0, steps_ = 0;
  FiberId current_ = kNoFiber;
  FiberId running_task_ = kNoFiber;
  mm::Actor irq_;  // the actor that current() is inside a callback
  Nanoseconds irq_pending_;
  void tell(Fiber& fiber, TaskState state);
  void correct_stall(Fiber& fiber);
  Pressure* pressure_ = nullptr;
};

}  // namespace oomcast::sim
