// Small programs that the model really plays: what is said of them is said of a simulation, not of numbers made up
// here.
#pragma once

#include "model/sim/simulation.h"
#include "tests/report/stories.h"
#include "tests/support/host_builder.h"
#include "tests/support/program.h"

namespace oomcast::report::simulated {

using namespace oomcast::literals;
using support::HostBuilder;
using support::Program;

/// `play` feeds the program to a simulation of the host. The capture is one that saw everything.
template <class Play>
stories::Story run(host::HostSpec host, Play play, const sim::Options& options = {}) {
  host.name = "small";
  host.kernel_release = "6.1.0-56-cloud-amd64";
  sim::Simulation simulation(host, options);
  play(simulation);
  stories::Story story = stories::fits();
  story.outcome = simulation.finish();
  story.capture.events = story.outcome.events;
  story.capture.tracked_peak_bytes = story.capture.rss_peak_bytes =
      static_cast<uint64_t>(story.outcome.app.whole_run_peak.count());
  return story;
}

/// redis-server maps and uses `pages`, one after the other.
inline auto grows_to(uint64_t pages) {
  return [pages](sim::Simulation& s) {
    Program p(s, 812, "redis-server");
    p.pace(Nanoseconds(20'000)).map(0, pages);
    p.touch(0, pages);
    p.exit();
  };
}

/// The same, with all of it locked.
inline auto locks_and_grows_to(uint64_t pages) {
  return [pages](sim::Simulation& s) {
    Program p(s, 812, "redis-server");
    p.lock_all(true, true);
    p.pace(Nanoseconds(20'000)).map(0, pages);
    p.touch(0, pages);
    p.exit();
  };
}

inline stories::Story fits() { return run(HostBuilder().node(256_MiB).build(), grows_to(10'000)); }

inline stories::Story oom() {
  return run(HostBuilder()
                 .node(128_MiB)
                 .process(400, "sshd", 2_MiB, -1000)
                 .process(500, "python3", 8_MiB)
                 .set("vm.overcommit_memory", 1)
                 .build(),
             grows_to(40'000));
}

inline stories::Story bystander() {
  sim::Options options;
  options.oom_score_adj = -1000;
  return run(HostBuilder().node(128_MiB).process(500, "python3", 40_MiB).set("vm.overcommit_memory", 1).build(),
             grows_to(24'000), options);
}

/// Twice through more than memory holds: what went to swap comes back.
inline stories::Story swap_thrash() {
  return run(HostBuilder().node(128_MiB).cpus(2).swap(256_MiB).build(), [](sim::Simulation& s) {
    Program p(s, 812, "redis-server");
    p.pace(Nanoseconds(20'000)).map(0, 45'000);
    for (int round = 0; round < 2; ++round) p.touch(0, 45'000);
    p.exit();
  });
}

}  // namespace oomcast::report::simulated
