// Process: what the recorder knows of one process of the run. Plain state; the rooms of capture/ change it.
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
#include "preload/record/guest/control_blocks.h"
#include "preload/record/guest/file_mappings.h"
#include "preload/record/guest/file_use.h"
#include "preload/record/guest/free_advice.h"
#include "preload/record/guest/hello_patience.h"
#include "preload/record/guest/leaving_ranges.h"
#include "preload/record/guest/page_states.h"
#include "preload/record/guest/stash_state.h"
#include "preload/record/guest/task_clock.h"
#include "preload/record/guest/tracker_kind.h"
#include "preload/record/guest/unanswered_faults.h"
#include "preload/record/kernel/clocks.h"
#include "preload/record/kernel/fault_channel.h"
#include "preload/record/kernel/mapping_notices.h"
#include "preload/record/kernel/memory_view.h"
#include "preload/record/kernel/proc_file.h"
#include "preload/record/kernel/proc_maps.h"
#include "preload/record/kernel/sealed_memory.h"
#include "preload/record/kernel/unique_fd.h"
#include "preload/record/stacks/python_names.h"
#include "preload/record/stacks/site_kind.h"
#include "preload/ring/shared_area.h"

namespace oomcast::record {

/// One walk of a thread over fresh memory, upwards or downwards: where its next fault is expected and what was
/// prefilled.
struct Walk {
  uint64_t next = 0;                                // a fault on this page continues it upwards; 0: it goes down
  uint64_t below = 0;                               // a fault on this page continues it downwards; 0: it goes up
  uint64_t prefilled_start = 0, prefilled_end = 0;  // filled and not yet counted; empty: nothing
  uint64_t sentinel = 0;  // write-protected last page of a window after which no fault would come, or 0
  bool reads = false;     // it only reads: what comes next must not become memory
  bool zeroes = false;    // the prefilled pages are zero pages: the kernel can say which of them have been written
  uint64_t window_pages = 1;
  uint64_t walked_pages = 0;  // that it has come along
  uint32_t steps = 0;
  uint64_t last_ns = 0;
  bool has_prefilled() const { return prefilled_start < prefilled_end; }
  uint64_t prefilled_pages() const { return has_prefilled() ? (prefilled_end - prefilled_start) >> kPageShift : 0; }
};

struct Task {
  Task(pid_t pid, uint32_t task_id, uint64_t now_ns) : tid(task_id), clock(pid, static_cast<pid_t>(task_id), now_ns) {}
  uint32_t tid;
  TaskClock clock;
  std::array<Walk, 12> walks;
  uint64_t first_window_pages = 1;  // of a new walk, as far as the last ones went
  bool file_time_known = false;     // its clock has seen how long it was in file calls
  UniqueFd stopped_at;              // /proc/PID/task/TID/syscall, once it was asked for
  uint64_t tick = 0;                // last tick at which the thread was seen to live
};

/// The shared area of one process, unmapped with it.
class SharedMapping {
 public:
  explicit SharedMapping(void* area)
      : area_(static_cast<ring::SharedArea*>(area)),
        reader(&area_->ring),
        known(&area_->known),
        touched(&area_->touched) {}
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

/// Where a process's code lies, as it was read when a stack had to be named.
struct CodeMaps {
  std::vector<Vma> maps;  // the executable ones
  uint64_t next_read_ns = 0, wait_ns = 0;
};

/// Behind all that a program can map; above lies what is no memory of its own (vsyscall).
inline constexpr uint64_t kLowHalfEnd = uint64_t{1} << 47;
/// The address under which unattributed pages are reported to the sink.
inline constexpr uint64_t kUnattributedMemory = kLowHalfEnd;

/// When the process is scanned, and what the last scans have seen.
struct ScanTimes {
  bool begun = false;   // a scan has seen this address space
  bool active = false;  // something has happened since the last one
  uint64_t count = 1;   // of scans of its pages, the next one among them
  uint64_t next_ns = 0, interval_ns = 5'000'000;
  uint64_t last_ns = 0, began_ns = 0;  // of the last one; the same, while it is only polled
  uint64_t whole_ns = 0;               // when one of everything is due even if nothing shows
  uint64_t next_full_ns = 0;           // when all pages may be scanned again
  uint64_t next_mappings_ns = 0,
           stale_mappings_ns = 0;  // when its mappings may be read again; when they are even if nothing shows
  uint64_t next_locks_ns = 0;      // when it may be looked up what is locked
  uint64_t next_files_ns = 0, files_due_ns = 0;  // the same of mapped files
  uint64_t next_io_ns = 0, next_shared_ns = 0;   // when its descriptors, its shared memory may be scanned again
  uint64_t size_pages = 0, data_pages = 0;       // by the kernel's counts, when all mappings were read last
  uint64_t file_pages = 0, shared_bytes = 0;     // when mapped files, shared memory were scanned last
  int64_t unseen_pages = 0;                      // resident beyond what was known: the libraries' own
};

/// How much memory the process has: its part of the totals of ResidentMeter, and the kernel's counts.
struct ResidentCounts {
  uint64_t counted_pages = 0;    // its part of the tracked total
  uint64_t own_pages = 0;        // of these, private and not shared with its parent since a fork
  uint64_t prefilled_pages = 0;  // filled and not used by the program yet, without those of its parent at the fork
  uint64_t inherited_prefilled_pages = 0;
  uint64_t inherited_pages = 0;     // that it had from its parent when it was forked; the sampler leaves out as many
  uint64_t shared_known_pages = 0;  // of shared memory, among those that are counted
  uint64_t rss_bytes = 0;           // its part of the RssAnon total
  uint64_t touched_since_sample = 0;
  uint64_t size_pages = 0, data_pages = 0, file_pages = 0;  // what the kernel's counts said last; of files: resident
  uint64_t statm_shared_pages = 0,
           sampled_shared_bytes = 0;  // files and shared memory then, and how much of it is the latter
  uint64_t shared_bytes = 0;          // RssShmem less our own, as last read
};

/// Faults of this machine that touches took which were not held.
struct NativeFaults {
  uint64_t unpaid_faults = 0, system_ns = 0;  // that are not in `cpu_ns` yet; the process's system time then
  uint64_t cpu_ns = 0;  // its threads' CPU time that went into such faults and is not taken off yet
};

/// When the ring of the process is emptied without a fault or a question.
struct DrainTimes {
  uint64_t last_ns = 0;
  uint64_t next_ns = 0;  // its ring fills without a fault; 0: it does not
  uint64_t last_note_ns = 0;
};

/// The heap as it was last reported or seen; all 0: none yet.
struct HeapRange {
  uint64_t start = 0, end = 0;
  uint64_t fell_to = 0;  // the break, before it rose again to where no question was asked yet; 0: nothing like that
};

/// Where the process may have memory of its own, if all of its address space is scanned.
struct PolledRanges {
  std::vector<PageRange> all, anonymous;  // everywhere but in large mappings of other kinds; where it has nothing else
  std::vector<PageRange> doubtful;        // all, less what can only be read
};

/// Of a process whose faults are held without the library.
struct OutsideState {
  bool held = false;  // a userfaultfd was opened inside of it
  int refusal = 0;    // or an errno: why none could be
  int tries = 0;
  uint64_t next_try_ns = 0;
  HelloPatience patience;
  std::unique_ptr<MappingNotices> notices;  // of what it maps; null: scans find it
};

/// How the process became known, and how it leaves.
struct LifeState {
  uint64_t started_ns = 0, program_ns = 0;  // the process; the program that it runs now
  bool said_hello = false;                  // its library has said hello
  bool discovered = false;                  // found among the children of a guest, without a hello
  bool exec_pending = false;                // kExec fed when its memory had gone, the new program's hello may yet come
  uint64_t memory_gone_ns = 0;              // the address space that was known is no more; exec or exit: not yet known
  int exit_status = -1;                     // as reported by the library when it left, -1: not reported
};

struct ForkState {
  uint64_t group = 0;   // processes with the same number may share pages since a fork; 0: none
  uint64_t cursor = 0;  // where the scan for copies goes on
  std::map<uint32_t, uint64_t>
      pending_children;  // forked children that have not said hello yet, and their pages when they were counted
};

/// Of memory whose faults are held.
struct HeldFaults {
  FreeAdvice free_advice;  // MADV_FREE reported, REMOVE event yet to come
  UnansweredFaults unanswered;
  std::vector<Walk> unclosed;     // stopped, and the kernel has refused so far to protect what they prefilled
  uint64_t next_rest_ns = 0;      // no walk rests before
  std::vector<PageRange> let_go;  // let go for an mremap() that is not over, where the memory is now
  uint32_t failures = 0;          // faults of which the memory had to be let go for an unknown reason
  int refused_ranges = 0;         // that could not be registered at once, one after another
};

struct FileState {
  FileMappings mappings;
  std::set<uint64_t> watched_text;  // pages of its text whose next use the model has asked for
  FileUse use;
};

struct Process;
/// Reads content wherever it lies by now, and never waits for a page. The number of bytes that were read.
size_t read_memory(const Process& process, uint64_t address, void* out, size_t bytes);

struct Process {
  explicit Process(uint32_t process_id) : pid(process_id), memory(std::make_unique<ProcMemory>(process_id)) {}

  uint32_t pid;
  uint32_t parent = 0;
  std::string comm;
  UniqueFd pidfd;
  ProcFile oom_score_adj{"oom_score_adj"};
  std::unique_ptr<MemoryView> memory;
  int64_t adj = 0;
  std::unordered_map<uint32_t, std::unique_ptr<Task>> tasks;

  TrackerKind tracker = TrackerKind::kPagemap;
  bool exact = false;      // kUserfaultfd: its memory is registered and each touch held; before, it is only polled
  bool gives_way = false;  // to what the program does with its memory: nothing is registered any more (ring::GiveWay)
  // By its own word or that of one that it descends from; what we switch off is not reported.
  bool huge_pages_off = false;
  OptionalChannel fault_fd;  // of the userfaultfd and wp-async trackers
  OptionalChannel heap_fd;   // the same for the heap: it reports no fall of the break, the library does; may be missing
  std::unique_ptr<SharedMapping> shared;
  std::vector<PageRange> ours;  // our own shared area and doorbell in the guest
  StashState stash;             // after what its helper's stand-in knows: it goes first

  PageStates pages;
  ControlBlocks control_blocks;
  AddressMap map;
  std::vector<Vma> last_maps;
  std::vector<PageRange> locked;  // found by a scan
  uint64_t locked_kb = 0;         // VmLck, when that was
  LeavingRanges leaving;
  bool maps_shared_memory = false;
  std::map<uint64_t, SampledAllocation> sampled;  // by start
  CodeMaps code;
  PythonNames python{
      [this](uint64_t address, void* out, size_t bytes) { return read_memory(*this, address, out, bytes) == bytes; }};

  LifeState life;
  ForkState forks;
  ScanTimes scans;
  DrainTimes drains;
  ResidentCounts resident;
  NativeFaults native;
  HeapRange heap;
  PolledRanges polled;
  HeldFaults held;
  FileState files;
  OutsideState outside;

  bool tracked_by_faults() const { return tracker == TrackerKind::kUserfaultfd && exact; }
  bool in_polling_phase() const { return tracker == TrackerKind::kUserfaultfd && !exact; }
  /// All of its address space is scanned for pages: its mappings need not be known first.
  bool polled_whole() const { return !reports_frees() && !polled.all.empty(); }
  /// Pages that are resident because the recorder has filled them, and that the program has not used yet.
  uint64_t prefilled_pages() const { return pages.count(PageBit::kPrefilled) + pages.count(PageBit::kPrefilledArmed); }
  bool reports_frees() const { return tracker == TrackerKind::kWpAsync || tracked_by_faults(); }
  bool in_heap(uint64_t address) const { return heap.start <= address && address < heap.end; }
  OptionalChannel& fd_of(bool of_heap) { return of_heap ? heap_fd : fault_fd; }
};

/// True while the thread is in a file call: its clock waits until the call is over and has been counted.
bool in_file_call(Process& process, Task& task, uint64_t now_ns);
/// The next use of this page will be reported if it is one of the program's code; it is none of its own memory
/// then.
void watch_text(Process& process, uint64_t page);
/// False once the process has exec'ed, or has let go of its memory on its way out.
bool memory_lives(Process& process);
/// The part of a thread's CPU time that went into faults of this machine: the model has its own cost for them. Which
/// thread made them is not known: whoever computes first pays.
uint64_t take_native_faults(Process& process, uint64_t of_ns);
/// Tells the library what it has to ask about. Before the mappings are scanned: what the program maps after it has read
/// the old word is there by then. `ask_before_use`: even where no memory is registered.
void publish_ask_thresholds(Process& process, bool ask_before_use);

}  // namespace oomcast::record
