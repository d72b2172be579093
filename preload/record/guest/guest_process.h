// Process: what the recorder knows of one process of the run. Plain state; the classes of capture/ change it.
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

/// One walk of a thread over fresh memory, upwards or downwards: where its next fault is expected, and its prefilled
/// pages.
struct Walk {
  uint64_t next = 0;                                // a fault on this page continues it upwards; 0: it goes down
  uint64_t below = 0;                               // a fault on this page continues it downwards; 0: it goes up
  uint64_t prefilled_start = 0, prefilled_end = 0;  // the prefilled pages lie in this range; empty: none
  uint64_t sentinel = 0;  // write-protected last page of a window after which no fault would come, or 0
  bool reads = false;     // it only reads: pages ahead get the shared zero page and no memory
  bool zeroes = false;    // the prefilled pages are zero pages: the kernel can say which of them have been written
  uint64_t window_pages = 1;
  uint64_t walked_pages = 0;  // touched so far
  uint32_t steps = 0;         // faults so far
  uint64_t last_ns = 0;       // time of the last fault
  bool has_prefilled() const { return prefilled_start < prefilled_end; }
  uint64_t prefilled_pages() const { return has_prefilled() ? (prefilled_end - prefilled_start) >> kPageShift : 0; }
};

struct Task {
  Task(pid_t pid, uint32_t task_id, uint64_t now_ns) : tid(task_id), clock(pid, static_cast<pid_t>(task_id), now_ns) {}
  uint32_t tid;
  TaskClock clock;
  std::array<Walk, 12> walks;
  uint64_t first_window_pages = 1;  // of a new walk, learned from the lengths of earlier walks
  bool file_time_known = false;     // the clock has the thread's total time in file calls
  UniqueFd stopped_at;              // /proc/PID/task/TID/syscall, once it was read
  uint64_t tick = 0;                // last tick at which the thread was listed
};

/// The shared area of one process. Unmapped by the destructor.
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

/// An allocation, mapping or thread stack of which the library has sampled the call stack.
struct SampledAllocation {
  uint64_t end = 0;
  uint32_t stack_id = 0;
  bool large = false;  // `end` is its own end; else it stands for all allocations up to the next sample
  SiteKind kind = SiteKind::kHeap;
};

/// The executable mappings of a process, as read when a stack had to be named.
struct CodeMaps {
  std::vector<Vma> maps;
  uint64_t next_read_ns = 0, wait_ns = 0;  // not read again before; the interval until then
};

/// The end of the addresses that a program can map. Above lies vsyscall, which is no memory of the program's.
inline constexpr uint64_t kLowHalfEnd = uint64_t{1} << 47;
/// The address under which unattributed pages are reported to the sink.
inline constexpr uint64_t kUnattributedMemory = kLowHalfEnd;

/// When the process is scanned, and the counts at the last scans. "May": not before. "Due": even if no count has
/// changed.
struct ScanTimes {
  bool begun = false;   // this address space has been scanned
  bool active = false;  // the process has done something since the last scan
  uint64_t count = 1;   // scans of its pages so far, plus one
  uint64_t next_ns = 0, interval_ns = 5'000'000;
  uint64_t last_ns = 0, began_ns = 0;  // start of the last scan; of the last scan in the polling phase
  uint64_t whole_ns = 0;               // a scan of everything is due
  uint64_t next_full_ns = 0;           // all pages may be scanned again
  uint64_t next_mappings_ns = 0,
           stale_mappings_ns = 0;                // the mappings may be read again; they are due
  uint64_t next_locks_ns = 0;                    // locked memory may be looked up again
  uint64_t next_files_ns = 0, files_due_ns = 0;  // mapped files may be scanned again; they are due
  uint64_t next_io_ns = 0, next_shared_ns = 0;   // descriptors, shared memory may be scanned again
  uint64_t size_pages = 0, data_pages = 0;       // of statm, when the mappings were read last
  uint64_t file_pages = 0, shared_bytes = 0;     // resident, when mapped files, shared memory were scanned last
  int64_t unseen_pages = 0;                      // resident beyond the known pages, after the last scan
};

/// How much memory the process has: its part of the totals of ResidentMeter, and the kernel's counts as last read.
struct ResidentCounts {
  uint64_t counted_pages = 0;    // its part of the tracked total
  uint64_t own_pages = 0;        // of these, private pages that it has not inherited
  uint64_t prefilled_pages = 0;  // prefilled in this process, inherited ones left out
  uint64_t inherited_prefilled_pages = 0;
  uint64_t inherited_pages = 0;     // from its parent, by fork
  uint64_t shared_known_pages = 0;  // counted pages of shared memory
  uint64_t rss_bytes = 0;           // its part of the kernel's total: anonymous and shared memory
  uint64_t touched_since_sample = 0;
  uint64_t size_pages = 0, data_pages = 0, file_pages = 0;  // of statm; resident pages of files
  // statm's sum of files and shared memory; the latter's part of it
  uint64_t statm_shared_pages = 0, sampled_shared_bytes = 0;
  uint64_t shared_bytes = 0;  // RssShmem without the library's shared area
};

/// Faults that the kernel served itself, because the touch was not held.
struct NativeFaults {
  uint64_t unpaid_faults = 0, system_ns = 0;  // not in `cpu_ns` yet; the process's system time at the last charge
  uint64_t cpu_ns = 0;                        // CPU time of such faults that no thread's clock has been reduced by yet
};

/// When the ring of the process is emptied without a fault or a question.
struct DrainTimes {
  uint64_t last_ns = 0;
  uint64_t next_ns = 0;  // when it is emptied next; 0: its ring does not fill without a fault
  uint64_t last_note_ns = 0;
};

/// The heap as it was last reported or seen; all 0: none yet.
struct HeapRange {
  uint64_t start = 0, end = 0;
  uint64_t fell_to = 0;  // where the break fell to before it rose again, until the library asks about the rise; 0: none
};

/// Ranges where the process may have memory of its own, if its whole address space is scanned.
struct PolledRanges {
  std::vector<PageRange> all;        // all addresses but large mappings scanned otherwise or not at all
  std::vector<PageRange> anonymous;  // large anonymous mappings, scanned without asking whose a page is
  std::vector<PageRange> doubtful;   // `all` without read-only mappings of files
};

/// Of a process whose faults are held without the library.
struct OutsideState {
  bool held = false;  // a userfaultfd was opened inside of it
  int refusal = 0;    // an errno: why none could be opened; 0: not refused
  int tries = 0;
  uint64_t next_try_ns = 0;
  HelloPatience patience;
  std::unique_ptr<MappingNotices> notices;  // null: scans find its new mappings
};

/// How the recorder knows the program that a process runs.
enum class KnownBy : uint8_t {
  kStart,  // the process was started: a hello may follow
  kFind,   // found among the children of a guest or in a cgroup: its hello has not come
  kExec,   // kExec was fed because the memory of the program before was gone: a hello may follow
  kHello,  // its library has said hello
};

/// How the process became known, and how it leaves.
struct LifeState {
  uint64_t started_ns = 0, program_ns = 0;  // start of the process; of the program that it runs now
  KnownBy known_by = KnownBy::kStart;
  uint64_t memory_gone_ns = 0;  // when its memory was found gone, by exec or exit; 0: it is there
  int exit_status = -1;         // as reported by the library when it left, -1: not reported
  bool said_hello() const { return known_by == KnownBy::kHello; }
};

struct ForkState {
  uint64_t group = 0;   // processes with the same number may share pages since a fork; 0: none
  uint64_t cursor = 0;  // where the next scan for copies begins
  std::map<uint32_t, uint64_t> pending_children;  // pid -> pages, when they were counted last
};

/// Of memory whose faults are held.
struct HeldFaults {
  FreeAdvice free_advice;  // noted MADV_FREE whose REMOVE events are still to come
  UnansweredFaults unanswered;
  std::vector<Walk> unclosed;     // walks whose prefilled pages the kernel has refused to write-protect so far
  uint64_t next_rest_ns = 0;      // no walk with prefilled pages rests before
  std::vector<PageRange> let_go;  // let go for an mremap() that is still running; its new place
  uint32_t failures = 0;          // mappings let go because a fault could not be answered
  int refused_ranges = 0;         // failures in a row to register a run of mappings
  /// Whether the kernel has refused something that has to be tried again.
  bool waits() const { return !unanswered.empty() || !unclosed.empty(); }
};

struct FileState {
  FileMappings mappings;
  std::set<uint64_t> watched_text;  // pages of its text whose next use the model has asked for
  FileUse use;
};

struct Process;
/// Reads memory of the process, from the stash where a page is out. Never waits for a page fault. Returns the bytes
/// read.
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
  bool gives_way = false;  // polled from now on, for a reason of ring::GiveWay
  // PR_SET_THP_DISABLE by itself or an ancestor. That the recorder switches huge pages off is not meant.
  bool huge_pages_off = false;
  OptionalChannel fault_fd;  // of the userfaultfd and wp-async trackers
  OptionalChannel heap_fd;   // the same for the heap, without UNMAP events (heap_break.h); may be missing
  std::unique_ptr<SharedMapping> shared;
  std::vector<PageRange> ours;  // where the shared area and the doorbell are mapped
  StashState stash;             // declared after `memory` and the channels, which StashRescue uses

  PageStates pages;
  ControlBlocks control_blocks;
  AddressMap map;
  std::vector<Vma> last_maps;
  std::vector<PageRange> locked;  // found by a scan
  uint64_t locked_kb = 0;         // VmLck at that scan
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
  /// Its whole address space is scanned for pages, without knowing its mappings.
  bool polled_whole() const { return !reports_frees() && !polled.all.empty(); }
  /// Pages that the recorder has filled and that are not known to be used.
  uint64_t prefilled_pages() const { return pages.count(PageBit::kPrefilled) + pages.count(PageBit::kPrefilledArmed); }
  bool reports_frees() const { return tracker == TrackerKind::kWpAsync || tracked_by_faults(); }
  bool in_heap(uint64_t address) const { return heap.start <= address && address < heap.end; }
  OptionalChannel& fd_of(bool of_heap) { return of_heap ? heap_fd : fault_fd; }
};

/// Gives the thread's clock its total time in file calls. True while the thread is in one: its clock is not read then.
bool in_file_call(Process& process, Task& task, uint64_t now_ns);
/// If the page is code of the program, its next use is reported by ProgramText.
void watch_text(Process& process, uint64_t page);
/// False once the known address space is gone, by an exec or during exit.
bool memory_lives(Process& process);
/// Takes CPU time of native faults off the `of_ns` that a thread has computed, and returns how much. The model has its
/// own cost for faults. Which thread took them is not known, so the first thread whose clock is read pays.
uint64_t take_native_faults(Process& process, uint64_t of_ns);
/// Tells the library what it has to ask about. To be called before the mappings are scanned: the scan finds what the
/// program maps before it sees the change. `ask_before_use`: the library asks even where no memory is registered.
void publish_ask_thresholds(Process& process, bool ask_before_use);

}  // namespace oomcast::record
