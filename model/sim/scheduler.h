// Decides who runs next. Virtual time, and a fiber for everybody who can wait.
//
// Every task of the program, every kswapd and every exiting process is a fiber, so that the rules in model/mm can be
// written like kernel code that sleeps. Order is fixed by (time, sequence number): equal inputs give equal runs.
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
  /// Unwinds every fiber where it stands. Call before what the fibers work on goes away.
  void abandon() { fibers_.clear(); }

  // What model/mm calls.
  Nanoseconds now() const override { return now_; }
  mm::Actor& current() override;
  void cpu(Nanoseconds cost) override { pending() += cost; }
  void point() override;
  void sleep(Nanoseconds duration) override;
  Nanoseconds wait(mm::WaitQueue& queue, Nanoseconds timeout) override;
  void wake_all(mm::WaitQueue& queue) override;
  void memstall_enter() override;
  void memstall_leave() override;
  void halt() override;

  // What the simulation calls, outside of any fiber.
  /// Tells `pressure` from now on what every fiber does.
  void account_to(Pressure& pressure) { pressure_ = &pressure; }
  /// A fiber that runs `body` from its first resume() on; when body returns the fiber is done.
  FiberId spawn(mm::Actor actor, std::function<void()> body);
  /// Runs the fiber now, until it blocks or is done.
  void resume(FiberId id);
  void resume_at(FiberId id, Nanoseconds time);
  /// Calls `callback` at `time`, outside of any fiber, as an interrupt would.
  void at(Nanoseconds time, std::function<void()> callback);
  /// halt() was called: run_until() and step() do nothing, and now() stands still.
  bool halted() const { return halted_; }
  /// Wake-ups and callbacks taken so far.
  uint64_t steps() const { return steps_; }
  /// Runs everything that is due up to and at `time`; now() is `time` afterwards (never goes back).
  void run_until(Nanoseconds time);
  /// Runs the next thing that is due, whenever that is. False if nothing is.
  bool step();
  /// The same for what is due by `time`.
  bool step_until(Nanoseconds time) { return !halted_ && !due_.empty() && due_.top().time <= time && step(); }

  // What a task's fiber calls.
  /// Back to whoever resumed this fiber, with nothing that would wake it but resume().
  void park();

  /// The parked task does nothing until it is resumed. Until this is said it is taken to compute.
  void rest(FiberId id);

  bool blocked(FiberId id) const { return fibers_[id]->state == State::kBlocked; }
  bool done(FiberId id) const { return fibers_[id]->state == State::kDone; }
  /// Unwinds a fiber that is parked or done and gives its stack back; its number may be used again.
  void discard(FiberId id);
  mm::Actor& actor(FiberId id) { return fibers_[id]->actor; }
  /// CPU time that the fiber has used since its last point, scaled by who shares its CPUs; forgets it.
  Nanoseconds take_pending(FiberId id);
  /// A fatal signal: whatever the fiber waits for, it goes on now.
  void interrupt(FiberId id);
  /// Calls `callback` whenever a task goes on after others may have had its CPU: context_switch() to it.
  void on_switch_to(std::function<void(const mm::Actor&)> callback) { switched_to_ = std::move(callback); }
  /// The task whose event was last taken is on a CPU between its events, too.
  void set_running_task(FiberId id) { running_task_ = id; }

  Nanoseconds busy_ns(FiberId id) const { return fibers_[id]->busy; }

 private:
  enum class State : uint8_t { kParked, kRunning, kBlocked, kDone };
  struct Fiber {
    std::optional<Coroutine> code;  // none: its number is free
    mm::Actor actor;
    State state = State::kParked;
    uint64_t token = 0;  // wake-ups with an older token are stale
    Nanoseconds pending;
    Nanoseconds busy;       // CPU time so far
    Nanoseconds wait_left;  // result of wait()
    Nanoseconds wait_deadline;
    bool on_cpu = false;  // blocked in point(), burning CPU
    // What `pressure_` was told last, and where.
    TaskState told;
    host::CpuIndex told_cpu;
    Nanoseconds before_stall, stalled_pending;  // of `pending`: used before a stall that lasts; in stalls that are over
  };
  struct Due {
    Nanoseconds time;
    uint64_t sequence;
    FiberId fiber;  // kNoFiber: callback
    uint64_t token;
    size_t callback;
    bool operator>(const Due& other) const {
      return time != other.time ? time > other.time : sequence > other.sequence;
    }
  };

  Nanoseconds& pending();
  void switch_to(Fiber& fiber, FiberId id);
  void block();           // from a fiber: yield until a wake-up
  void give_up_cpu();     // the same, and others had the CPU meanwhile
  void commit_pending();  // from a fiber: lets pending CPU time pass
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
  bool halted_ = false;
  uint64_t sequence_ = 0, steps_ = 0;
  FiberId current_ = kNoFiber;
  FiberId running_task_ = kNoFiber;
  mm::Actor irq_;  // who "current" is inside a callback
  Nanoseconds irq_pending_;
  void tell(Fiber& fiber, TaskState state);
  void correct_stall(Fiber& fiber);
  Pressure* pressure_ = nullptr;
};

}  // namespace oomcast::sim
