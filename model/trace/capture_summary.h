// Tells how well the program was seen. What the recorder knows at the end of a run beside the events themselves.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace oomcast::trace {

/// One of several recordings that are replayed together: how its program ended where it was recorded.
struct ServiceCapture {
  std::string name, trace;
  std::vector<std::string> command;
  bool exited = false;  // as in CaptureSummary
  int exit_code = 0, exit_signal = 0;
  bool cut = false, still_running = false;
};

struct CaptureSummary {
  std::vector<std::string> command;
  bool exited = false;            // the root process ended by itself
  int exit_code = 0;              // valid if exited
  int exit_signal = 0;            // else the signal that ended it
  std::string tracker;            // "userfaultfd", "wp-async", "pagemap", "none"
  uint64_t resolution_pages = 1;  // widest window that was filled at once
  uint64_t resolution_ns = 0;     // longest time between two polls of a busy process; 0: no touch was polled
  uint64_t lost_events = 0;
  uint64_t tracked_peak_bytes = 0;  // most anonymous bytes that tracking saw resident at once (all processes)
  uint64_t prefilled_bytes = 0;  // resident at the peak of private pages and not tracked: filled ahead by the recorder,
                                 // not used yet; each page once
  uint64_t rss_peak_bytes = 0;   // most RssAnon that the kernel reported at once (all processes)
  uint64_t events = 0;
  uint64_t order_forced = 0;
  std::vector<std::string> caveats;         // full sentences for people
  std::vector<std::string> host_sensitive;  // what the guest asked its machine, e.g. "sysconf(_SC_PHYS_PAGES)"
  std::string presented_host;               // --present-host: the host that the guest was shown; else empty
  std::string cut;                          // replay: why the trace ends before the run did; else empty
  std::string stopped;                      // why this machine ended the program before its time, a clause; else empty
  std::vector<std::string> still_running;   // processes that the root left behind: "nginx (pid 71)"
  std::string presented_cgroup;             // the limits of its cgroup that the guest was shown; else empty
  uint64_t attached_bytes = 0;              // private memory of the running program that the recorder attached to
  uint64_t attached_processes = 0;          // that it had then; 0: the recorder has started it
  bool detached = false;                    // it runs on: the recorder has let go of it
  std::string extrapolated;                 // replay: why the events tell less than a live run would; else empty
  std::vector<std::string> site_kinds;      // site_kinds[id - 1]: "heap", "mmap", "stack", ...; empty in old traces
  std::vector<std::vector<std::string>>
      stacks;  // stacks[id - 1]: frames, innermost first, "function at file:line" or "module+0x123"
  std::vector<ServiceCapture> services;  // replay of several recordings: each of them, the rest is of all; else empty
};

}  // namespace oomcast::trace
