// The scheduler decides who runs next, and keeps the time. Order by time and sequence, waits and wake-ups, CPUs that
// are shared.
#include "model/sim/scheduler.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/host_builder.h"

namespace oomcast::sim {
namespace {

using namespace oomcast::literals;

struct Sched : testing::Test {
  Scheduler s{{1}};
  std::vector<std::string> log;

  FiberId task(std::function<void()> body, mm::ActorKind kind = mm::ActorKind::kTask) {
    mm::Actor actor;
    actor.kind = kind;
    return s.spawn(actor, std::move(body));
  }
  FiberId start(std::function<void()> body, mm::ActorKind kind = mm::ActorKind::kTask) {
    const FiberId id = task(std::move(body), kind);
    s.resume(id);
    return id;
  }
};

TEST_F(Sched, CallbacksRunInTheOrderOfTheirTimes) {
  s.at(30_ns, [&] { log.push_back("c"); });
  s.at(10_ns, [&] { log.push_back("a"); });
  s.at(20_ns, [&] { log.push_back("b"); });
  s.run_until(100_ns);
  EXPECT_EQ(log, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(s.now(), 100_ns);
}

TEST_F(Sched, AtTheSameTimeFirstAskedFirstRun) {
  for (const char* name : {"a", "b", "c", "d"}) s.at(10_ns, [this, name] { log.push_back(name); });
  s.run_until(10_ns);
  EXPECT_EQ(log, (std::vector<std::string>{"a", "b", "c", "d"}));
}

TEST_F(Sched, TimeNeverGoesBack) {
  s.run_until(100_ns);
  s.run_until(50_ns);
  EXPECT_EQ(s.now(), 100_ns);
  Nanoseconds seen;
  s.at(10_ns, [&] { seen = s.now(); });
  s.run_until(100_ns);
  EXPECT_EQ(seen, 100_ns) << "the past is now";
}

TEST_F(Sched, SleepersWakeWhenTheirTimeHasCome) {
  start([&] {
    s.sleep(20_ns);
    log.push_back("late " + std::to_string(s.now().count()));
  });
  start([&] {
    s.sleep(10_ns);
    log.push_back("early " + std::to_string(s.now().count()));
  });
  s.run_until(1000_ns);
  EXPECT_EQ(log, (std::vector<std::string>{"early 10", "late 20"}));
}

TEST_F(Sched, CpuTimePassesAtThePoint) {
  start([&] {
    s.cpu(70_ns);
    EXPECT_EQ(s.now(), 0_ns);
    s.point();
    EXPECT_EQ(s.now(), 70_ns);
    s.point();
    EXPECT_EQ(s.now(), 70_ns) << "nothing consumed, nothing passes";
  });
  s.run_until(1000_ns);
}

TEST_F(Sched, TwoWhoShareOneCpuTakeTwiceAsLong) {
  Nanoseconds second;
  start([&] {
    s.cpu(100_ns);
    s.point();
  });
  start([&] {
    s.cpu(100_ns);
    s.point();
    second = s.now();
  });
  s.run_until(1_s);
  EXPECT_EQ(second, 200_ns);
}

TEST_F(Sched, TwoOnTwoCpusDoNot) {
  Scheduler two({2});
  Nanoseconds second;
  for (int i = 0; i < 2; ++i) {
    const FiberId id = two.spawn({}, [&] {
      two.cpu(100_ns);
      two.point();
      second = two.now();
    });
    two.resume(id);
  }
  two.run_until(1_s);
  EXPECT_EQ(second, 100_ns);
}

TEST_F(Sched, CpusOfAnotherNodeAreNotShared) {
  Scheduler two({1, 1});
  Nanoseconds second;
  for (const host::NodeIndex node : IndexRange<host::NodeIndex>(0, 2)) {
    mm::Actor actor;
    actor.node = node;
    const FiberId id = two.spawn(actor, [&] {
      two.cpu(100_ns);
      two.point();
      second = two.now();
    });
    two.resume(id);
  }
  two.run_until(1_s);
  EXPECT_EQ(second, 100_ns);
}

TEST_F(Sched, ATaskBetweenItsEventsKeepsItsCpu) {
  const FiberId parked = start([&] { s.park(); });
  s.set_running_task(parked);
  Nanoseconds end;
  start(
      [&] {
        s.cpu(100_ns);
        s.point();
        end = s.now();
      },
      mm::ActorKind::kKswapd);
  s.run_until(1_s);
  EXPECT_EQ(end, 200_ns);
}

TEST_F(Sched, AWakeUpEndsTheWaitAndGivesTheTimeThatWasLeft) {
  mm::WaitQueue queue;
  Nanoseconds left;
  start([&] { left = s.wait(queue, 100_ns); });
  EXPECT_TRUE(queue.active());
  s.at(30_ns, [&] { s.wake_all(queue); });
  s.run_until(1_s);
  EXPECT_EQ(left, 70_ns);
  EXPECT_FALSE(queue.active());
}

TEST_F(Sched, AWaitThatRunsOutGivesZero) {
  mm::WaitQueue queue;
  Nanoseconds left{-5}, end;
  start([&] {
    left = s.wait(queue, 100_ns);
    end = s.now();
  });
  s.run_until(1_s);
  EXPECT_EQ(left, 0_ns);
  EXPECT_EQ(end, 100_ns);
  EXPECT_FALSE(queue.active()) << "it does not stay in the queue";
}

TEST_F(Sched, AWaitForEverNeedsAWakeUp) {
  mm::WaitQueue queue;
  const FiberId id = start([&] { EXPECT_GT(s.wait(queue, mm::kForever), 0_ns); });
  s.run_until(1000_s);
  EXPECT_TRUE(s.blocked(id));
  s.wake_all(queue);
  s.run_until(1001_s);
  EXPECT_TRUE(s.done(id));
}

TEST_F(Sched, ALateTimeoutDoesNotWakeTheNextWait) {
  mm::WaitQueue queue;
  Nanoseconds second_end;
  start([&] {
    s.wait(queue, 100_ns);
    s.wait(queue, 500_ns);
    second_end = s.now();
  });
  s.at(10_ns, [&] { s.wake_all(queue); });
  s.run_until(1_s);
  EXPECT_EQ(second_end, 510_ns);
}

TEST_F(Sched, OneWakeUpReachesAllWaitersInOrder) {
  mm::WaitQueue queue;
  for (const char* name : {"a", "b", "c"}) {
    start([this, name, &queue] {
      s.wait(queue, mm::kForever);
      log.push_back(name);
    });
  }
  s.wake_all(queue);
  s.run_until(1_ns);
  EXPECT_EQ(log, (std::vector<std::string>{"a", "b", "c"}));
}

TEST_F(Sched, AFatalSignalEndsAnyWait) {
  mm::WaitQueue queue;
  const FiberId id = start([&] { s.wait(queue, mm::kForever); });
  s.interrupt(id);
  s.run_until(1_ns);
  EXPECT_TRUE(s.done(id));
  EXPECT_TRUE(s.actor(id).dying);
}

TEST_F(Sched, TheDyingDoNotWaitAgain) {
  mm::WaitQueue queue;
  const FiberId id = start([&] {
    s.current().dying = true;
    s.wait(queue, mm::kForever);
  });
  EXPECT_TRUE(s.done(id));
}

TEST_F(Sched, AFatalSignalDoesNotCutShortTimeOnTheCpu) {
  Nanoseconds end;
  const FiberId id = start([&] {
    s.cpu(100_ns);
    s.point();
    end = s.now();
  });
  s.interrupt(id);
  s.run_until(1_s);
  EXPECT_EQ(end, 100_ns);
}

TEST_F(Sched, AParkedTaskWaitsForItsNextEvent) {
  const FiberId id = start([&] {
    log.push_back("one");
    s.park();
    log.push_back("two");
  });
  s.run_until(1_s);
  EXPECT_EQ(log.size(), 1u);
  s.resume(id);
  EXPECT_EQ(log.size(), 2u);
  EXPECT_TRUE(s.done(id));
}

TEST_F(Sched, PendingTimeOfAParkedTaskIsTakenOnce) {
  const FiberId id = start([&] {
    s.cpu(40_ns);
    s.park();
  });
  EXPECT_EQ(s.take_pending(id), 40_ns);
  EXPECT_EQ(s.take_pending(id), 0_ns);
  EXPECT_EQ(s.busy_ns(id), 40_ns);
}

TEST_F(Sched, InACallbackNobodyIsTheCurrentTask) {
  start([&] { s.current().pid = 7; });
  s.at(1_ns, [&] { EXPECT_EQ(s.current().pid, 0); });
  s.run_until(1_s);
}

TEST_F(Sched, WhoeverWaitedIsSwitchedTo) {
  int switches = 0;
  s.on_switch_to([&](const mm::Actor&) { ++switches; });
  start([&] {
    s.cpu(20_ns);
    s.point();
    EXPECT_EQ(switches, 0) << "its CPU was its own";
    s.sleep(20_ns);
  });
  s.run_until(100_ns);
  EXPECT_EQ(switches, 1);
}

TEST_F(Sched, WhoSharesItsCpuIsSwitchedToAtEachPoint) {
  int switches = 0;
  s.on_switch_to([&](const mm::Actor&) { ++switches; });
  for (int i = 0; i < 2; ++i)
    start([&] {
      s.cpu(20_ns);
      s.point();
    });
  s.run_until(100_ns);
  EXPECT_EQ(switches, 1) << "the second came while the first had the CPU";
}

// A host with one CPU, whose pressure is kept.
struct SchedPressure : Sched {
  host::Host host{support::HostBuilder().node(64_MiB).build()};
  Pressure pressure{host};
  SchedPressure() { s.account_to(pressure); }
  Nanoseconds some() { return now().some().total; }
  Nanoseconds full() { return now().full().total; }
  PressureGroup& now() {
    pressure.host().update(s.now());
    return pressure.host();
  }
};

TEST_F(SchedPressure, SomeIsLostWhenOneStallsFullWhenNobodyElseWorks) {
  const auto stall = [&](Nanoseconds begin, Nanoseconds length) {
    return [this, begin, length] {
      s.cpu(begin);
      s.point();
      s.memstall_enter();
      s.sleep(length);
      s.memstall_leave();
    };
  };
  start(stall(10_ms, 100_ms));
  s.run_until(50_ms);
  start(stall(10_ms, 100_ms));
  s.run_until(1_s);
  EXPECT_EQ(some(), 150_ms) << "from 10 to 110 ms and from 60 to 160 ms";
  EXPECT_EQ(full(), 140_ms) << "the second one worked from 50 to 60 ms";
}

TEST_F(SchedPressure, NestedStallsCountOnce) {
  start([&] {
    s.memstall_enter();
    s.memstall_enter();
    s.sleep(50_ms);
    s.memstall_leave();
    s.sleep(50_ms);
    s.memstall_leave();
  });
  s.run_until(1_s);
  EXPECT_EQ(some(), 100_ms);
}

TEST_F(SchedPressure, TimeThatWasUsedBeforeTheStallIsNotLostThoughItPassesWithin) {
  start([&] {
    s.cpu(40_ms);
    s.memstall_enter();
    s.cpu(100_ms);
    s.point();
    s.memstall_leave();
  });
  s.run_until(1_s);
  EXPECT_EQ(some(), 100_ms);
}

TEST_F(SchedPressure, TimeThatWasUsedWithinItIsLostThoughItPassesAfterwards) {
  start([&] {
    s.cpu(40_ms);
    s.memstall_enter();
    s.cpu(100_ms);
    s.memstall_leave();
    s.cpu(20_ms);
    s.point();
  });
  s.run_until(1_s);
  EXPECT_EQ(some(), 100_ms);
  EXPECT_EQ(full(), 100_ms);
}

TEST_F(SchedPressure, AParkedTaskIsTakenToWorkUntilItIsSaidToRest) {
  const FiberId worker = start([&] { s.park(); });
  start([&] {
    s.memstall_enter();
    s.sleep(100_ms);
    s.memstall_leave();
  });
  s.run_until(60_ms);
  s.rest(worker);
  s.run_until(1_s);
  EXPECT_EQ(some(), 100_ms);
  EXPECT_EQ(full(), 40_ms);
}

TEST_F(Sched, AbandonedFibersAreUnwound) {
  struct Guard {
    bool* gone;
    ~Guard() { *gone = true; }
  };
  bool gone = false;
  mm::WaitQueue queue;
  start([&] {
    const Guard guard{&gone};
    s.wait(queue, mm::kForever);
  });
  s.abandon();
  EXPECT_TRUE(gone);
}

TEST_F(Sched, WhoIsAloneGoesOnWithinOneStepAndOnlyUpToItsLimit) {
  const FiberId id = start([this] {
    for (int i = 0; i < 10; ++i) {
      s.cpu(10_ns);
      s.point();
    }
  });
  EXPECT_TRUE(s.step_until(35_ns));
  EXPECT_EQ(s.now(), 30_ns) << "the next point lies behind the limit";
  EXPECT_EQ(s.steps(), 3u) << "counted as if the fiber had been left each time";
  EXPECT_FALSE(s.step_until(35_ns));
  EXPECT_TRUE(s.step());
  EXPECT_TRUE(s.done(id));
  EXPECT_EQ(s.now(), 100_ns);
  EXPECT_EQ(s.steps(), 10u);
}

TEST_F(Sched, NobodyIsAloneBeforeSomethingThatIsDue) {
  std::vector<bool> alone;
  s.at(55_ns, [this] { log.push_back("due"); });
  start([&] {
    alone.push_back(s.alone_for(10_ns));
    s.cpu(10_ns);
    s.point();
    alone.push_back(s.alone_for(40_ns));
    alone.push_back(s.alone_for(45_ns));
    s.cpu(40_ns);
    alone.push_back(s.alone_for(5_ns));
    s.point();
    s.cpu(10_ns);
    s.point();
    log.push_back("task");
  });
  while (s.step()) {
  }
  EXPECT_EQ(alone, (std::vector<bool>{false, true, false, false})) << "the first time its caller feeds it events";
  EXPECT_EQ(log, (std::vector<std::string>{"due", "task"}));
}

TEST(Scheduler, NothingRunsAfterAHalt) {
  Scheduler s({1});
  bool went_on = false, called = false;
  const FiberId id = s.spawn(mm::Actor{}, [&] {
    s.halt();
    went_on = true;
  });
  s.at(Nanoseconds(5), [&] { called = true; });
  s.resume(id);
  EXPECT_TRUE(s.halted());
  s.run_until(Nanoseconds(10));
  EXPECT_FALSE(s.step());
  EXPECT_FALSE(went_on);
  EXPECT_FALSE(called);
  EXPECT_EQ(s.now(), Nanoseconds(0)) << "time stands still";
}

TEST(Scheduler, ADiscardedFiberIsUnwoundAndItsNumberServesAgain) {
  Scheduler s({1});
  const auto alive = std::make_shared<int>(1);
  const FiberId first = s.spawn(mm::Actor{}, [&s, copy = alive] {
    const std::shared_ptr<int> on_the_stack = copy;
    s.park();
  });
  s.resume(first);
  EXPECT_EQ(alive.use_count(), 3);
  s.discard(first);
  EXPECT_EQ(alive.use_count(), 1) << "the stack and what it held are gone";
  bool ran = false;
  const FiberId second = s.spawn(mm::Actor{}, [&] { ran = true; });
  EXPECT_EQ(second, first);
  s.resume(second);
  EXPECT_TRUE(ran);
}

}  // namespace
}  // namespace oomcast::sim
