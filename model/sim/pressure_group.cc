// Memory pressure of a group of tasks. See pressure_group.h; kernel-spec section 12.5.
#include "model/sim/pressure_group.h"

#include <algorithm>

#include "model/mm/sched.h"

namespace oomcast::sim {

namespace {

constexpr int kShift = 11;  // FSHIFT
constexpr int64_t kFixed = 1 << kShift;
constexpr std::array<int64_t, 3> kDecay = {1677, 1981, 2034};  // EXP_10s, EXP_60s, EXP_300s

int64_t calc_load(int64_t load, int64_t decay, int64_t active) {
  int64_t next = load * decay + active * (kFixed - decay);
  if (active >= load) next += kFixed - 1;
  return next / kFixed;
}

// fixed_power_int(): base to the power of n, in fixed point, rounded after each step.
int64_t fixed_power(int64_t base, int64_t n) {
  int64_t result = kFixed;
  for (; n > 0; n >>= 1) {
    if ((n & 1) != 0) result = (result * base + kFixed / 2) >> kShift;
    base = (base * base + kFixed / 2) >> kShift;
  }
  return result;
}

int64_t centi(int64_t average) { return (average >> kShift) * 100 + ((average & (kFixed - 1)) * 100 >> kShift); }

}  // namespace

void PressureGroup::add(Cpu& cpu, const TaskState& state, int by) {
  if (state.running) cpu.running += by;
  if (state.stalled) cpu.stalled += by;
  if (state.stalled && state.running) cpu.stalled_running += by;
  if (state.waiting) cpu.waiting += by;
}

// PSI_MEM_FULL: no task of the group runs, or only stalled ones do.
Nanoseconds PressureGroup::full_of(const Cpu& cpu, Nanoseconds now) const {
  const Nanoseconds passed = now - cpu.since;
  if (cpu.running == 0) return passed;
  if (!full_by_tick_) return passed * cpu.stalled_running / cpu.running;
  const Nanoseconds last_tick = mm::kTick * (now.count() / mm::kTick.count());
  return last_tick > cpu.since ? (last_tick - cpu.since) * cpu.stalled_running / cpu.running : Nanoseconds(0);
}

void PressureGroup::record_times(Cpu& cpu, Nanoseconds now) const {
  const Nanoseconds passed = now - cpu.since;
  if (cpu.stalled > 0) {
    cpu.times.some += passed;
    cpu.times.full += full_of(cpu, now);
  }
  if (cpu.stalled > 0 || cpu.running > 0 || cpu.waiting > 0) cpu.times.nonidle += passed;
  cpu.since = now;
}

void PressureGroup::change(host::CpuIndex index, Nanoseconds now, const TaskState& from, const TaskState& to) {
  Cpu& cpu = cpus_[index.place()];
  record_times(cpu, now);
  add(cpu, from, -1);
  add(cpu, to, 1);
}

void PressureGroup::correct(host::CpuIndex index, Nanoseconds by) {
  Cpu& cpu = cpus_[index.place()];
  const int others = cpu.stalled - (by.count() < 0 ? 1 : 0);
  if (others > 0) return;  // another task is stalled: the time was counted for it
  cpu.times.some += by;
  if (!full_by_tick_ && cpu.running <= 1) cpu.times.full += by;
}

// collect_percpu_times(): the average over the CPUs, weighted with the time in which each was not idle.
PressureGroup::Times PressureGroup::collect(Aggregator aggregator, Nanoseconds now) {
  int64_t nonidle_ticks = 0, some = 0, full = 0;
  for (Cpu& cpu : cpus_) {
    record_times(cpu, now);
    Times& seen = cpu.seen[aggregator];
    const int64_t ticks = (cpu.times.nonidle - seen.nonidle).count() / mm::kTick.count();
    nonidle_ticks += ticks;
    some += std::max<int64_t>(0, (cpu.times.some - seen.some).count()) * ticks;
    full += std::max<int64_t>(0, (cpu.times.full - seen.full).count()) * ticks;
    seen = cpu.times;
  }
  const int64_t divisor = std::max<int64_t>(nonidle_ticks, 1);
  return {Nanoseconds(some / divisor), Nanoseconds(full / divisor), {}};
}

void PressureGroup::update(Nanoseconds now) {
  const Times times = collect(kAverages, now);
  some_.total += times.some;
  full_.total += times.full;
  if (!due(now)) return;
  const int64_t missed = (now - next_update_) / kPressurePeriod;
  next_update_ += kPressurePeriod * (1 + missed);
  const Nanoseconds period = now - (last_update_ + kPressurePeriod * missed);
  last_update_ = now;
  for (Line* const line : {&some_, &full_}) {
    const Nanoseconds sample = std::min(line->total - line->averaged, period);
    line->averaged += sample;
    const int64_t active = sample.count() * 100 / period.count() * kFixed;  // whole percents, as in calc_avgs()
    for (size_t i = 0; i < kDecay.size(); ++i) {
      int64_t& average = line->averages[i];
      if (missed > 0) average = calc_load(average, fixed_power(kDecay[i], missed), 0);
      average = calc_load(average, kDecay[i], active);
    }
  }
}

PressureLine PressureGroup::shown(const Line& line) {
  return {centi(line.averages[0]), centi(line.averages[1]), centi(line.averages[2]), line.total};
}

}  // namespace oomcast::sim
