// A small sweep to be run in parts: a program of 40 MiB on hosts of 24 to 64 MiB.
#pragma once

#include <string>
#include <vector>

#include "report/sweep.h"
#include "tests/report/recorded_program.h"

namespace oomcast::report {

class FleetSweep {
 public:
  explicit FleetSweep(std::vector<Variation> variations = {{"memory", {"24M", "32M", "48M", "64M"}},
                                                           {"vm.swappiness", {"0", "60", "7000"}}})
      : combinations_(Combinations::of(std::move(variations)).value()) {
    using namespace oomcast::literals;
    host_ = support::HostBuilder().node(64_MiB).swap(256_MiB).set("vm.overcommit_memory", 1).build();
    recorded_ = record(host_, [](trace::EventSink& sink) {
      support::Program p(sink, 100);
      p.map(0, 10240);
      p.touch(0, 10240);
      p.exit();
    });
    workload_ = {recorded_.bytes, "t.trace"};
  }

  SweepInput input() const { return {workload_, host_, options_, named_}; }
  const Combinations& combinations() const { return combinations_; }
  /// The rows of the sweep as one process makes all of them.
  std::vector<SweepRow> rows() const { return sweep(input(), combinations_, 2).value(); }
  std::string json() const { return sweep_json(combinations_.variations(), rows()); }

  RunOptions options_;
  HostReader named_;
  host::HostSpec host_;

 private:
  Combinations combinations_;
  RecordedProgram recorded_;
  Workload workload_;
};

}  // namespace oomcast::report
