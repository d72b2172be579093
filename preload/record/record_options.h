// RecordOptions: how a program is to be recorded; the parameters of run(), attach() and watch() in recorder.h.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace oomcast::record {

/// State of the run for a progress display. Passed from the recorder's loop, at most every 100 ms.
struct Progress {
  uint64_t events = 0;
  uint64_t tracked_bytes = 0;
  int processes = 0;
};

struct RecordOptions {
  std::vector<std::string> command;
  bool follow_children = true;
  bool wait_for_all = false;           // go on after the root has ended, until its last descendant has ended (daemons)
  int64_t stack_sample_bytes = 65536;  // one stack sample for so many allocated bytes; 0: none
  int guard_percent = 5;       // kill the guests when this machine or its cgroups have less than this left; 0: never
  bool kill_on_oom = false;    // really kill the process that the sink's OOM killer has chosen
  bool refuse_enomem = false;  // let a mapping that the sink has refused fail in the guest with ENOMEM
  int root_oom_score_adj = 0;  // reported to the sink as the root's value; not set on this machine
  bool use_mimalloc = false;   // the guest allocates with mimalloc instead of its own allocator
  std::vector<std::string> environment;  // NAME=VALUE, added to the guest's
  int64_t max_window_pages = 512;
  bool stash = false;                   // move pages out of the program's page table to see reads too (capture/stash.h)
  bool begin_in_polling_phase = false;  // begin in the polling phase if the sink has room
  std::string tracker;                  // "userfaultfd", "wp-async", "pagemap"; empty: the best that the kernel allows
  std::string library_path;  // empty: searched beside the executable, in the build tree, and in the install libdir
  std::function<void(const Progress&)> progress;
};

}  // namespace oomcast::record
