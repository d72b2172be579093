// The text at the end of each command's help: examples and exit statuses.
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

inline constexpr const char* kReplayExamples = R"(Examples:
  oomcast replay t.trace --host small.json                another host
  oomcast replay t.trace --set memory=512M --set swap=1G  the recorded one, changed
  oomcast replay t.trace --cgroup memory.max=256M --seeds 20   and how often each verdict comes
  oomcast replay t.trace --host vm-1g --html r.html

Exit status: 0; 3 if the forecast is as bad as --fail-on or worse (or withheld); 2 for usage, host and trace errors.)";

inline constexpr const char* kSweepExamples = R"(Examples:
  oomcast sweep t.trace --vary memory=1G..16G             doubled from row to row
  oomcast sweep t.trace --vary memory=1G..2G:128M --vary vm.swappiness=0,60
  oomcast sweep t.trace --host vm-1g --vary swap=0,512M,1G --html sweep.html
  oomcast sweep t.trace --vary cgroup.memory.max=128M..1G --json
  oomcast sweep t.trace --hosts fleet/ --vary memory=1G..16G      each host of a folder
  oomcast sweep t.trace --hosts fleet/ --parts parts --engine slurm --html fleet.html    on a cluster
  oomcast sweep t.trace --hosts fleet/ --parts parts --part 3/20, and when all are there: ... --parts parts --merge

Exit status: 0, also where single rows are no host that can be; 2 for usage, host and trace errors.)";

inline constexpr const char* kFitExamples = R"(Examples:
  oomcast fit -- ./server --selftest                          the smallest memory.max in which it survives here
  oomcast fit t.trace --host vm-8g --for memory --until no_direct_reclaim
  oomcast fit t.trace --margin 25 --as k8s                    the setting to hand over
  oomcast fit t.trace --for swap --host vm-1g --json

The program is recorded once and forecast on some fourteen sizes. One that asks for the limit of its cgroup (node, java)
sizes itself by it: it is recorded up to eight times more, each time shown a limit near the answer. Exit status: 0 a size was found, 1 not even a very large
one is enough, 2 bad input.)";

inline constexpr const char* kCompletionExamples = R"(Examples:
  . <(oomcast completion bash)                     now, or from ~/.bashrc
  oomcast completion zsh > _oomcast                into a folder of $fpath, for compinit

The Debian package installs both.)";

}  // namespace oomcast::report
