// Measures how many events a second the model takes: first touches at ease, under kswapd, in direct reclaim and in swap
// thrash.
//
//   build/tests/bench/model_bench --benchmark_repetitions=5 --benchmark_report_aggregates_only=true
//
// items_per_second counts events (one page each). `pages_scanned` and `swapped` say, per event, how hard the modelled
// kernel had to work: what a slower row buys.
#include <benchmark/benchmark.h>

#include "model/base/random.h"
#include "model/sim/simulation.h"
#include "tests/support/host_builder.h"
#include "tests/support/program.h"

namespace {

using namespace oomcast;
using namespace oomcast::literals;
using host::Vmstat;
using support::HostBuilder;
using support::Program;

// Runs `program` on a fresh simulation and reports per event.
template <class Run>
void measure(benchmark::State& state, const HostBuilder& builder, Run run) {
  const host::HostSpec host = builder.build();
  uint64_t events = 0;
  int64_t scanned = 0, swapped = 0;
  for (auto _ : state) {
    state.PauseTiming();
    auto simulation = std::make_unique<sim::Simulation>(host, sim::Options{});
    state.ResumeTiming();
    run(*simulation);
    const sim::Outcome outcome = simulation->finish();
    state.PauseTiming();
    events += outcome.events;
    scanned += outcome.counters[Vmstat::pgscan_kswapd] + outcome.counters[Vmstat::pgscan_direct];
    swapped += outcome.counters[Vmstat::pswpout] + outcome.counters[Vmstat::pswpin];
    simulation.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(static_cast<int64_t>(events));
  state.counters["pages_scanned"] = static_cast<double>(scanned) / static_cast<double>(events);
  state.counters["swapped"] = static_cast<double>(swapped) / static_cast<double>(events);
}

void first_touch(sim::Simulation& s, uint64_t pages) {
  Program p(s, 100);
  p.map(0, pages);
  p.touch(0, pages);
  p.exit();
}

void BM_FirstTouchAtEase(benchmark::State& state) {
  measure(state, HostBuilder().node(1_GiB), [](sim::Simulation& s) { first_touch(s, 100'000); });
}

void BM_FirstTouchInWindows(benchmark::State& state) {
  measure(state, HostBuilder().node(1_GiB), [](sim::Simulation& s) {
    Program p(s, 100);
    p.window(16);
    p.map(0, 100'000);
    p.touch(0, 100'000);
  });
}

// As from a recorder that fills 2 MiB ahead, or from a replay of its trace.
void BM_FirstTouchInLargeWindows(benchmark::State& state) {
  measure(state, HostBuilder().node(1_GiB), [](sim::Simulation& s) {
    Program p(s, 100);
    p.window(512);
    p.map(0, 200'000);
    p.touch(0, 200'000);
  });
}

void BM_FirstTouchWithKswapd(benchmark::State& state) {
  measure(state, HostBuilder().node(512_MiB).cpus(2).page_cache(80'000_pages),
          [](sim::Simulation& s) { first_touch(s, 100'000); });
}

void BM_FirstTouchUntilOom(benchmark::State& state) {
  measure(state, HostBuilder().node(256_MiB), [](sim::Simulation& s) { first_touch(s, 70'000); });
}

void BM_FirstTouchIntoSwap(benchmark::State& state) {
  measure(state, HostBuilder().node(256_MiB).cpus(2).swap(512_MiB),
          [](sim::Simulation& s) { first_touch(s, 100'000); });
}

void BM_FirstTouchIntoSwapMultiGen(benchmark::State& state) {
  measure(state, HostBuilder().kernel(6, 12).multi_gen().node(256_MiB).cpus(2).swap(512_MiB),
          [](sim::Simulation& s) { first_touch(s, 100'000); });
}

// A working set of 1.2 times the memory, used at random: every fifth access or so goes to the disk.
void thrash(sim::Simulation& s) {
  Random random(Seed{1});
  Program p(s, 100);
  p.map(0, 40'000);
  p.touch(0, 40'000);
  for (int i = 0; i < 40'000; ++i) p.touch(random.below(40'000), 1);
}

void BM_SwapThrash(benchmark::State& state) {
  measure(state, HostBuilder().node(128_MiB).cpus(2).swap(256_MiB), thrash);
}

void BM_SwapThrashMultiGen(benchmark::State& state) {
  measure(state, HostBuilder().kernel(6, 12).multi_gen().node(128_MiB).cpus(2).swap(256_MiB), thrash);
}

BENCHMARK(BM_FirstTouchAtEase)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_FirstTouchInWindows)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_FirstTouchInLargeWindows)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_FirstTouchWithKswapd)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_FirstTouchUntilOom)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_FirstTouchIntoSwap)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_FirstTouchIntoSwapMultiGen)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_SwapThrash)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_SwapThrashMultiGen)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
