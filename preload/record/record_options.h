// Says how a program is to be recorded: plain data, all that run() and attach() in recorder.h ask for.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace oomcast::record {

/// What a caller may show while the program runs. Called from run()'s own loop, at most every 100 ms.
struct Progress {
  uint64_t events = 0;
  uint64_t tracked_bytes = 0;
  int processes = 0;
};

struct RecordOptions {
  std::vector<std::string> command;
  bool follow_children = true;
  bool wait_for_all = false;           // go on after the root has ended, until its last descendant has: daemons
  int64_t stack_sample_bytes = 65536;  // one stack per so many allocated bytes; 0: none
  int guard_percent = 5;     // stop the guest when what this machine or its cgroups leave falls to this share; 0: never
  bool kill_on_oom = false;  // carry out the sink's kills for real
  bool refuse_enomem = false;            // make mappings that the sink has refused fail in the guest
  int root_oom_score_adj = 0;            // reported to the sink as the root's value; never set on this machine
  bool use_mimalloc = false;             // the guest allocates with mimalloc instead of its own allocator
  std::vector<std::string> environment;  // NAME=VALUE, added to the guest's
  int64_t max_window_pages = 512;
  bool stash = false;  // take pages out of the program's page table to hear reads too (capture/stash.h)
  bool begin_in_polling_phase = false;  // begin in the polling phase if the sink has room
  std::string tracker;                  // "userfaultfd", "wp-async", "pagemap"; empty: the best that the kernel allows
  std::string library_path;             // empty: beside the executable, in the build tree or in the install libdir
  std::function<void(const Progress&)> progress;
};

}  // namespace oomcast::record
