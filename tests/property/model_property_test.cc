// Tests invariants of the model on random scenarios: whatever the program does, on whatever host.
//
// A failure prints the shrunken scenario and a line RC_PARAMS="reproduce=..." that repeats it:
//   RC_PARAMS="reproduce=..." test_property --gtest_filter=Model.NAME
// Other luck than usual: scripts/dev seed N, or OOMCAST_TEST_SEED=N.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "model/mm/page_cache.h"
#include "model/mm/shmem.h"
#include "model/sim/simulation.h"
#include "tests/support/machine.h"
#include "tests/support/scenario.h"

namespace oomcast {
namespace {

using host::Vmstat;
using support::Machine;
using support::Scenario;

// rapidcheck reads RC_PARAMS when it is first used; what the caller has set there wins.
const bool kSeeded = [] {
  const char* seed = std::getenv("OOMCAST_TEST_SEED");
  const std::string parameters = std::string("seed=") + (seed ? seed : "20240917") + " max_success=60 max_size=100";
  setenv("RC_PARAMS", parameters.c_str(), 0);
  std::cerr << "property tests: RC_PARAMS=\"" << std::getenv("RC_PARAMS") << "\"\n";
  return true;
}();

sim::Outcome run(const Scenario& scenario, bool audit = false) {
  sim::Options options;
  options.audit = audit;
  sim::Simulation simulation(build(scenario.host), options);
  play(scenario, simulation);
  return simulation.finish();
}

RC_GTEST_PROP(Model, TheStateAddsUpAfterEveryEvent, (const Scenario& scenario)) {
  const sim::Outcome outcome = run(scenario, true);
  if (!outcome.audit_faults.empty()) RC_FAIL(outcome.audit_faults[0].what);
  RC_CLASSIFY(outcome.verdict == sim::Verdict::kOomKill, "oom_kill");
  RC_CLASSIFY(outcome.counters[Vmstat::pswpout] > 0, "swapped");
  RC_CLASSIFY(outcome.verdict == sim::Verdict::kFits, "fits");
}

RC_GTEST_PROP(Model, EqualInputsGiveEqualDigests, (const Scenario& scenario)) {
  RC_ASSERT(run(scenario).digest == run(scenario).digest);
}

RC_GTEST_PROP(Model, WithoutSwapNothingIsSwapped, (Scenario scenario)) {
  scenario.host.swap = 0;
  const sim::Outcome outcome = run(scenario);
  for (Vmstat item : {Vmstat::pswpout, Vmstat::pswpin, Vmstat::swap_ra, Vmstat::pgmajfault, Vmstat::pgscan_anon,
                      Vmstat::workingset_refault_anon}) {
    RC_ASSERT(outcome.counters[item] == 0);
  }
  RC_ASSERT(!outcome.swap_out);
}

RC_GTEST_PROP(Model, CountersAreConsistent, (const Scenario& scenario)) {
  const sim::Outcome outcome = run(scenario);
  const host::VmstatArray& c = outcome.counters;
  for (int i = 0; i < host::kVmstatCount; ++i) RC_ASSERT(c.at_index(i) >= 0);
  RC_ASSERT(c[Vmstat::pgsteal_kswapd] <= c[Vmstat::pgscan_kswapd]);
  RC_ASSERT(c[Vmstat::pgsteal_direct] <= c[Vmstat::pgscan_direct]);
  RC_ASSERT(c[Vmstat::pgsteal_kswapd] + c[Vmstat::pgsteal_direct] <= c[Vmstat::pgsteal_anon] + c[Vmstat::pgsteal_file]);
  RC_ASSERT(c[Vmstat::pgmajfault] <= c[Vmstat::pgfault]);
  RC_ASSERT(c[Vmstat::swap_ra_hit] <= c[Vmstat::swap_ra]);
  RC_ASSERT(c[Vmstat::swap_ra] <= c[Vmstat::pswpin]);
  RC_ASSERT(c[Vmstat::pglazyfreed] <= c[Vmstat::pglazyfree]);
  RC_ASSERT(c[Vmstat::numa_miss] == c[Vmstat::numa_foreign]);
  int64_t allocated = 0;
  for (const host::ZoneKind zone : host::kZonesAscending) allocated += c[host::by_zone(Vmstat::pgalloc_dma, zone)];
  // A huge page is one allocation of 512 pages.
  const int64_t allocations = c[Vmstat::numa_hit] + c[Vmstat::numa_miss];
  RC_ASSERT((allocated - allocations) % (host::kHugePages - 1) == 0);
  RC_ASSERT(allocated - allocations >= c[Vmstat::thp_fault_alloc] * (host::kHugePages - 1));
  if (scenario.host.huge == 0) RC_ASSERT(allocations == allocated);
  RC_ASSERT(c[Vmstat::numa_interleave] <= allocations);
  RC_ASSERT(c[Vmstat::oom_kill] == static_cast<int64_t>(outcome.oom_kills.size()));
}

RC_GTEST_PROP(Model, TheTimelineStaysWithinTheMachine, (const Scenario& scenario)) {
  const sim::Outcome outcome = run(scenario);
  const int64_t memory = scenario.host.pages + scenario.host.second_node;
  Nanoseconds before{-1};
  for (const sim::TimelineRow& row : outcome.timeline) {
    RC_ASSERT(row.t > before || row.t == outcome.forecast);
    before = row.t;
    int64_t listed = (row.inactive_anon + row.active_anon + row.inactive_file + row.active_file).count();
    for (Pages free : row.node_free) {
      RC_ASSERT(free >= Pages(0));
      listed += free.count();
    }
    RC_ASSERT(listed <= memory);
    RC_ASSERT(row.swap_used >= Pages(0));
    RC_ASSERT(row.swap_used <= Pages(scenario.host.swap));
    RC_ASSERT(row.pressure_some_permille <= 1000);
  }
  RC_ASSERT(outcome.app.resident_peak <= to_bytes(Pages(memory)));
  RC_ASSERT(outcome.pressure_full.total <= outcome.pressure_some.total);
}

RC_GTEST_PROP(Model, AVerdictHasItsIncident, (const Scenario& scenario)) {
  const sim::Outcome outcome = run(scenario);
  RC_ASSERT(outcome.oom_kill.has_value() == !outcome.oom_kills.empty());
  if (outcome.swap_out) RC_ASSERT(outcome.counters[Vmstat::pswpout] > 0);
  if (outcome.kswapd_scan) RC_ASSERT(outcome.kswapd_wake.has_value());
  for (const auto& incident :
       {outcome.kswapd_wake, outcome.kswapd_scan, outcome.direct_reclaim, outcome.swap_out, outcome.oom_kill}) {
    if (incident) RC_ASSERT(incident->t <= outcome.forecast);
  }
}

// Memory in use comes back when its users are gone, per-CPU lists included.
RC_GTEST_PROP(Model, WhenEverybodyIsGoneAllMemoryIsFreeAgain, (Scenario scenario)) {
  scenario.host.cache = 0;  // reclaimed cache would not come back
  scenario.host.bystander = false;
  Machine m(build(scenario.host));
  const int64_t available = m.available();
  m.host.files.emplace_back().home = host::FileHome::kShmem;
  std::vector<host::ProcessIndex> living{m.start(100)};
  int pid = 101;
  for (const support::Step& step : scenario.steps) {
    if ((scenario.left_out >> static_cast<int>(step.kind)) & 1 || living.empty()) continue;
    const size_t who = step.who % living.size();
    const host::ProcessIndex p = living[who];
    const uint64_t first = step.first, last = first + step.pages;
    switch (step.kind) {
      case support::StepKind::kRead:
        m.read(p, first, step.pages);
        break;
      case support::StepKind::kUnmap:
        m.run([&] { mm::unmap_range(m.k, p, first << kPageShift, uint64_t{step.pages} << kPageShift); });
        break;
      case support::StepKind::kGiveBack:
        m.run([&] { mm::zap_range(m.k, p, first, last); });
        break;
      case support::StepKind::kFreeLazily:
        m.run([&] { mm::lazyfree_range(m.k, p, first, last); });
        break;
      case support::StepKind::kSleep:
        m.pass(Nanoseconds(1'000'000) * step.pages);
        break;
      case support::StepKind::kFork:
        if (living.size() < 6) {
          living.push_back(m.start(pid++));
          m.run([&] { mm::copy_address_space(m.k, p, living.back()); }, 0, m.process(p).pid);
        }
        break;
      case support::StepKind::kExit:
        m.run([&] { mm::exit_process(m.k, p); });
        living.erase(living.begin() + static_cast<std::ptrdiff_t>(who));
        break;
      case support::StepKind::kWriteMemoryFile:
        m.run([&] { mm::shmem_write(m.k, p, 0, first << kPageShift, uint64_t{step.pages} << kPageShift); }, 0,
              m.process(p).pid);
        break;
      case support::StepKind::kCutMemoryFile:
        m.run([&] { mm::punch_file(m.k, 0, first, last); });
        break;
      default:
        m.touch(p, first, step.pages);
        break;
    }
    std::erase_if(living, [&](host::ProcessIndex each) { return m.process(each).dying || !m.process(each).alive; });
  }
  for (host::ProcessIndex p : living) m.run([&] { mm::exit_process(m.k, p); });
  m.run([&] { mm::truncate_file(m.k, 0, 0); });
  m.pass(Nanoseconds(10'000'000'000));
  // A page whose reader was killed in mid-read stays in the swap cache until reclaim meets it, as in the kernel.
  int64_t cached = 0;
  for (host::PageId id = 0; id < m.host.pages.size(); ++id)
    cached += m.host.pages.alive(id) && m.host.pages[id].has(host::kPageSwapCache);
  RC_ASSERT(m.available() + cached == available);
  RC_ASSERT(m.host.free_swap() + m.host.cached_slots + cached == m.host.total_swap);
  RC_ASSERT(m.host.guest_anon == 0);
  RC_ASSERT(m.host.guest_swapped == 0);
  RC_ASSERT(m.host.guest_tables == 0);
  RC_ASSERT(m.audit().empty());
}

// One process without swap or cache: what it takes is what decides, so memory can only help. Not so with huge pages: a
// host with more whole blocks gives more of them, and what they hold beyond what the program uses is lost.
RC_GTEST_PROP(Model, MoreMemoryNeverBringsTheFirstOomForward, (Scenario scenario)) {
  scenario.host.swap = scenario.host.cache = 0;
  scenario.host.bystander = false;
  scenario.host.limit = scenario.host.huge = 0;
  // Lazily freed pages that reclaim takes are touched anew: the tighter host counts more touches before the same kill.
  scenario.left_out |= 1u << static_cast<int>(support::StepKind::kFreeLazily);
  const sim::Outcome tight = run(scenario);
  scenario.host.pages = static_cast<uint16_t>(scenario.host.pages + 2000);
  const sim::Outcome roomy = run(scenario);
  RC_ASSERT(!roomy.oom_kill || tight.oom_kill);
  if (roomy.oom_kill) RC_ASSERT(roomy.oom_kill->app_touched >= tight.oom_kill->app_touched);
}

}  // namespace
}  // namespace oomcast
