// Holds what the recorder knows of one tracked process. Plain state; the code that changes it is in session_*.cc.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "preload/record/guest/address_map.h"
#include "preload/record/kernel/clocks.h"
#include "preload/record/kernel/sealed_memory.h"
#include "preload/record/guest/free_advice.h"
#include "preload/record/guest/leaving_ranges.h"
#include "preload/record/guest/mapped_files.h"
#include "preload/record/guest/open_files.h"
#include "preload/record/kernel/page_scan.h"
#include "preload/record/guest/page_states.h"
#include "preload/record/kernel/proc_file.h"
#include "preload/record/kernel/proc_maps.h"
#include "preload/record/stacks/python_names.h"
#include "preload/record/stacks/site_kind.h"
#include "preload/record/guest/task_clock.h"
#include "preload/record/guest/tracker_kind.h"
#include "preload/record/guest/unanswered_faults.h"
#include "preload/record/kernel/unique_fd.h"
#include "preload/record/kernel/userfaultfd.h"
#include "preload/ring/shared_area.h"

namespace oomcast::record {

/// One walk of a thread over fresh memory, upwards or downwards: where its next fault is expected and what was filled ahead.
struct Walk {
  uint64_t next = 0;         // a fault on this page continues it upwards; 0: it goes down
  uint64_t below = 0;        // a fault on this page continues it downwards; 0: it goes up
  uint64_t ahead_start = 0, ahead_end = 0;  // filled ahead and not yet counted; empty: nothing
  uint64_t sentinel = 0;     // write-protected last page of a window after which no fault would come, or 0
  bool reads = false;        // it only reads: what comes next must not become memory
  bool zeroes = false;       // what lies ahead are zero pages: the kernel can say which of them have been written
  uint64_t window_pages = 1;
  uint64_t walked_pages = 0; // that it has come along
  uint32_t steps = 0;
  uint64_t last_ns = 0;
  bool has_ahead() const { return ahead_start < ahead_end; }
};

struct Task {
  Task(pid_t pid, uint32_t task_id, uint64_t now_ns) : tid(task_id), clock(pid, static_cast<pid_t>(task_id), now_ns) {}
  uint32_t tid;
  TaskClock clock;
  std::array<Walk, 12> walks;
  uint64_t first_window_pages = 1;  // of a new walk, as far as the last ones went
  bool file_time_known = false;  // its clock has seen how long it was in file calls
  UniqueFd stopped_at;  // /proc/PID/task/TID/syscall, once it was asked for
  uint64_t tick = 0;  // last tick at which the thread was seen to live
};

/// The shared area of one process, unmapped with it.
class SharedMapping {
 public:
  explicit SharedMapping(void* area) : area_(static_cast<ring::SharedArea*>(area)), reader(&area_->ring), known(&area_->known), touched(&area_->touched) {}
  ~SharedMapping() {
    ring::close(area_->mailbox, shared_futex);
    ::munmap(area_, sizeof(ring::SharedArea));
  }
  SharedMapping(const SharedMapping&) = delete;
  SharedMapping& operator=(const SharedMapping&) = delete;
  ring::SharedArea* operator->() { return area_; }

 private:
  ring::SharedArea* area_;

 public:
  ring::RingReader reader;
  ring::KnownPagesWriter known, touched;
  uint64_t stuck_since_ns = 0;
};

/// An allocation, a mapping or a thread's stack whose maker's stack was taken.
struct SampledAllocation {
  uint64_t end = 0;
  uint32_t stack_id = 0;
  bool large = false;  // the end is its own; else it stands for all those around it until the next sample
  SiteKind kind = SiteKind::kHeap;
};

/// Where a process's code lies, as it was read when a stack had to be told.
struct CodeMaps {
  std::vector<Vma> maps;  // the executable ones
  uint64_t next_read_ns = 0, wait_ns = 0;
};

/// Behind all that a program can map; above lies what is no memory of its own (vsyscall).
inline constexpr uint64_t kLowHalfEnd = uint64_t{1} << 47;
/// Where the sink is told of pages whose place is not known.
inline constexpr uint64_t kNobodysMemory = kLowHalfEnd;

struct Process {
  uint32_t pid = 0;
  uint32_t parent = 0;
  std::string comm;
  UniqueFd pidfd;
  ProcFile maps{"maps"}, pagemap{"pagemap"}, mem{"mem"}, statm{"statm"}, oom_score_adj{"oom_score_adj"};
  uint32_t memory_tid = 0;  // the thread whose files tell of its memory, once the first one has left; 0: that one
  TrackerKind tracker = TrackerKind::kPagemap;
  bool gives_way = false;  // to what the program does with its memory: nothing is registered any more (ring::GiveWay)
  bool huge_pages_off = false;  // by its own word or that of one that it descends from; what we switch off is not told
  bool near = false;       // kUserfaultfd: its memory is registered and each touch held; before, it is only polled
  Userfaultfd fault_fd;    // of the userfaultfd and wp-async trackers
  Userfaultfd heap_fd;     // the same for the heap: it does not tell when the break falls, the library does; may be missing
  std::unique_ptr<SharedMapping> shared;

  PageStates pages;
  AddressMap map;
  std::vector<Vma> last_maps;
  std::unordered_map<uint32_t, std::unique_ptr<Task>> tasks;
  std::map<uint64_t, SampledAllocation> sampled;  // by start
  CodeMaps code;
  PythonNames python{[this](uint64_t address, void* out, size_t bytes) {
    return ::pread(mem.get(), out, bytes, static_cast<off_t>(address)) == static_cast<ssize_t>(bytes);  // why this never waits: guest_content.h
  }};
  FreeAdvice free_advice;        // MADV_FREE announced, REMOVE event yet to come
  UnansweredFaults unanswered;
  std::vector<PageRange> let_go; // let go for an mremap() that is not over, where the memory is now
  uint32_t failures = 0;         // faults of which the memory had to be let go and nobody knows why
  LeavingRanges leaving;

  bool greeted = false;          // its library has said hello
  bool looked_at = false;        // a sweep has seen this address space
  bool discovered = false;       // found among the children of a guest, without a hello
  bool exec_pending = false;     // kExec fed when its memory had gone, the new program's hello may yet come
  uint64_t memory_gone_ns = 0;   // the address space that it said hello from is no more; exec or exit: not yet known
  uint64_t started_ns = 0;
  uint64_t next_sweep_ns = 0, sweep_interval_ns = 5'000'000, last_poll_ns = 0;
  uint64_t drained_ns = 0;       // when its ring was emptied for that
  uint64_t next_drain_ns = 0;    // its ring fills without a fault to tell us; 0: it does not
  uint64_t last_note_ns = 0;
  bool active = false;           // something happened since the last sweep
  std::map<uint32_t, uint64_t> newborns;  // forked children that have not said hello yet, and their pages when they were looked at
  uint64_t counted_pages = 0;    // its part of the session's tracked total
  uint64_t own_pages = 0;        // of these, private and not shared with its parent since a fork
  uint64_t prefilled_pages = 0;   // filled ahead of the program and not used by it yet, without those of its parent at the fork
  uint64_t inherited_prefilled_pages = 0;
  uint64_t inherited_pages = 0;  // that it had from its parent when it was forked; the sampler leaves out as many
  uint64_t shared_known_pages = 0;  // of shared memory, among those that are counted
  uint64_t rss_bytes = 0;        // its part of the session's RssAnon total
  uint64_t touched_since_sample = 0;
  uint64_t unpaid_faults = 0, system_ns = 0;  // faults of this machine that are not in the next yet; the process's system time then
  uint64_t native_fault_ns = 0;  // its threads' CPU time that went into faults of this machine and is not taken off yet
  uint64_t size_pages = 0, data_pages = 0, file_pages = 0;  // what the kernel's counts said last; of files: resident
  uint64_t statm_shared_pages = 0, sampled_shared_bytes = 0;  // files and shared memory then, and how much of it is the latter
  uint64_t polled_file_pages = 0, file_poll_ns = 0;     // at the last look at mapped files; when the next one is due even if nothing shows
  uint64_t next_file_poll_ns = 0;                       // and when it may be at the earliest
  uint64_t next_io_ns = 0, next_shared_ns = 0;          // when its descriptors, its shared memory may be looked at again
  uint64_t swept_size_pages = 0, swept_data_pages = 0;  // at the last sweep of all mappings
  uint64_t looks = 1;            // at its pages; the next one is counted
  uint64_t swept_ns = 0;         // when it was looked at last, while it is only looked at
  int64_t swept_unseen_pages = 0;                       // resident there beyond what we knew: the libraries' own
  uint64_t whole_sweep_ns = 0;                          // when the next one is due even if nothing shows
  uint64_t next_full_ns = 0;                            // when all its pages may be looked through again
  uint64_t next_mappings_ns = 0, stale_mappings_ns = 0; // when its mappings may be read again; when they are even if nothing shows
  std::vector<PageRange> scanned, anonymous;            // where it may have memory of its own, if all of it is scanned; where it has nothing else
  std::vector<PageRange> doubtful;                      // scanned, less what can only be read
  uint64_t heap_start = 0, break_end = 0;  // the heap as it was last told or seen; 0: none yet
  uint64_t fell_to = 0;                    // the break, before it rose again to where nobody has asked about yet; 0: nothing like that
  int64_t adj = 0;
  int exit_status = -1;          // as told by the library when it left, -1: not told
  uint64_t fork_group = 0;       // processes with the same number may share pages since a fork; 0: with nobody
  uint64_t copy_cursor = 0;      // where poll_copies() goes on
  bool maps_shared_memory = false;
  int refused_ranges = 0;        // that could not be registered at once, one after another
  FileMappings file_mappings;
  std::set<uint64_t> watched_code;  // pages of its text whose next use the model wants to hear of
  FileUse file_use;
  std::vector<PageRange> ours;  // our own shared area and doorbell in the guest
  uint64_t shared_bytes = 0, polled_shared_bytes = 0;  // RssShmem less our own, as last read; at the last look at shared memory

  bool tracked_by_faults() const { return tracker == TrackerKind::kUserfaultfd && near; }
  bool far() const { return tracker == TrackerKind::kUserfaultfd && !near; }
  /// All of its address space is scanned for pages: its mappings need not be known first.
  bool polled_whole() const { return !tells_frees() && !scanned.empty(); }
  bool tells_frees() const { return tracker == TrackerKind::kWpAsync || tracked_by_faults(); }
  bool in_heap(uint64_t address) const { return heap_start <= address && address < break_end; }
  /// Pages that are resident because the recorder has filled them, and that the program has not used yet.
  uint64_t filled_ahead() const { return pages.count(PageBit::kAhead) + pages.count(PageBit::kLeft); }
  Userfaultfd& fd_of(bool of_heap) { return of_heap ? heap_fd : fault_fd; }
};

}  // namespace oomcast::record
