// The text at the end of the help of oomcast and of run: examples and exit statuses.
#pragma once

namespace oomcast::report {

inline constexpr const char* kExamples = R"(Examples:
  oomcast run -- ./server --port 8080              this machine
  oomcast run --host small.json -- ./server        another one
  oomcast run --host this --cgroup memory.max=512M -- make -j8
  oomcast run --fail-on direct_reclaim --report r.json -- ./test   in CI
  oomcast run --trace t.trace -- ./server, then: oomcast replay t.trace --host small.json
  oomcast sweep t.trace --vary memory=1G..16G --vary vm.swappiness=0,60
  oomcast fit --as k8s -- ./server --selftest      the smallest limit that is enough
  oomcast attach 4711 --host vm-1g --for 60        a program that runs already, watched for a minute
  oomcast run --html r.html -- ./server            with a page of charts; of an old report: oomcast page r.json
  oomcast check r.json --budget budget.yaml, oomcast diff old.json new.json   in CI
  oomcast show r.json --at oom_kill --as zoneinfo, oomcast export r.json --as pprof -o r.pb.gz
  oomcast host capture box1 (on the target), then --host box1
  oomcast explain kern.log                         why the kernel killed; --host kern.log takes that host
  oomcast show oomcast.report.json                 the host at any moment of the run

Exit status of run: the program's own (128+N if signal N ended it); 3 if the forecast is as bad as --fail-on or
worse (or withheld); 2 for usage, host and report errors; 127 program not found; 126 not executable or setuid.)";

}  // namespace oomcast::report
