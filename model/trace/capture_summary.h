// What the recorder knows at the end of a run besides the events: how the program ended, and how well it was seen.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace oomcast::trace {

/// One of several recordings that are replayed together: its program, and how the program ended when it was recorded.
struct ServiceCapture {
  std::string name, trace;
  std::vector<std::string> command;
  bool exited = false;  // exited, exit_code, exit_signal: as in CaptureSummary
  int exit_code = 0, exit_signal = 0;
  bool cut = false, still_running = false;
};

struct CaptureSummary {
  std::vector<std::string> command;
  bool exited = false;            // the root process ended by exit(), not by a signal
  int exit_code = 0;              // valid if exited
  int exit_signal = 0;            // else the number of the signal that ended it
  std::string tracker;            // "userfaultfd", "wp-async", "pagemap", "none"
  uint64_t resolution_pages = 1;  // widest window of pages that the recorder filled at once
  uint64_t resolution_ns = 0;     // longest time between two polls of a busy process; 0: no touch was polled
  uint64_t lost_events = 0;
  uint64_t tracked_peak_bytes = 0;  // most anonymous bytes that tracking saw resident at once (all processes)
  // private pages that the recorder filled in advance and that were still unused at the peak; each page once
  uint64_t prefilled_bytes = 0;
  uint64_t rss_peak_bytes = 0;  // most RssAnon that the kernel reported at once (all processes)
  uint64_t events = 0;
  uint64_t order_forced = 0;
  std::vector<std::string> caveats;         // full sentences for users
  std::vector<std::string> host_sensitive;  // what the guest asked its machine, e.g. "sysconf(_SC_PHYS_PAGES)"
  std::string presented_host;               // --present-host: the host that the guest was shown; else empty
  std::string cut;                          // replay: why the trace ends before the run did; else empty
  std::string stopped;                     // why the recording machine ended the program early, as a clause; else empty
  std::vector<std::string> still_running;  // processes that lived on after the root process: "nginx (pid 71)"
  std::string presented_cgroup;            // the cgroup limits that the guest was shown; else empty
  uint64_t attached_bytes = 0;  // --pid: private memory of the running program when the recorder attached to it
  uint64_t attached_processes =
      0;                     // --pid: processes of the program at that moment; 0: the recorder started the program
  bool detached = false;     // the program runs on: the recorder has let go of it
  std::string extrapolated;  // replay: why the events tell less than a live run would; else empty
  std::vector<std::string> site_kinds;  // site_kinds[id - 1]: "heap", "mmap", "stack", ...; empty in old traces
  std::vector<std::vector<std::string>>
      stacks;  // stacks[id - 1]: frames, innermost first, "function at file:line" or "module+0x123"
  // replay of several recordings: one each, and the other fields are of all together; else empty
  std::vector<ServiceCapture> services;
};

}  // namespace oomcast::trace
