// Serves the guest's processes while they run. One loop over sockets, userfaultfds and pidfds, and a thread that answers
// questions while the loop waits: under one lock, so that the order of arrival is the order of the events.
//
//   session.cc            the loop, processes coming and going
//   session_requests.cc   hellos and questions from the library, the ring
//   session_mail.cc       who takes the questions out of the mailboxes
//   session_heap.cc       where the break is
//   session_settings.cc   memory policies, affinity and limits that the guest has set
//   session_mapped_files.cc  files that are mapped, program text among them
//   session_code.cc       which of its text a thread has just run
//   session_files.cc      what was read and written through files, and how long that took
//   session_faults.cc     userfaultfd messages: faults, unmaps, removals
//   session_walks.cc      how far ahead of a thread memory is filled, and what of it was touched
//   session_let_go.cc     faults that the kernel does not let us answer
//   session_near.cc       when touches begin to be held
//   session_look.cc       when to look at a process and at what of it, RssAnon
//   session_sweep.cc      /proc: what nobody told us, clocks
//   session_children.cc   children that do not say hello
//   session_poll.cc       the page tables: touches and later writes that no fault tells
//   session_cow.cc        copies of pages that a fork left shared
//   session_shared.cc     shared memory and files that are memory
//   session_signals.cc    signals to the recorder, passed on to the guest
//   session_guard.cc      a guest that is about to exhaust this machine, or has
//   session_summary.cc    what is said of the capture at its end
#pragma once

#include <sys/signalfd.h>
#include <sys/types.h>

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "preload/record/capture/capture_notes.h"
#include "preload/record/capture/tracking_cost.h"
#include "preload/record/server/doorbell.h"
#include "preload/record/capture/guest_content.h"
#include "preload/record/capture/memory_file.h"
#include "preload/record/server/memory_guard.h"
#include "preload/record/server/serving_cpu.h"
#include "preload/record/guest/guest_process.h"
#include "preload/record/capture/peak_meter.h"
#include "preload/record/recorder.h"
#include "preload/record/capture/rss_sampler.h"
#include "preload/record/server/signal_witness.h"
#include "preload/record/stacks/stack_table.h"
#include "preload/record/capture/statistics.h"
#include "preload/ring/protocol.h"

namespace oomcast::record {

/// What a hello brings: a userfaultfd for all memory but the heap, and one for that; either may be missing.
struct FaultDescriptors {
  UniqueFd all, heap;
};

/// What the loop waits for.
enum SourceKind : uint32_t { kListener, kConnection, kFaults, kProcess, kSignals, kWakeUp };

class Session {
 public:
  Session(const RecordOptions& options, TrackerKind tracker, trace::EventSink& sink);
  ~Session();

  /// What a look has found: pages that are not counted, and that are counted and not there any more.
  struct Changes {
    std::vector<PageRange> fresh, gone;
    uint64_t fresh_pages = 0;
  };

  /// Opens the abstract socket that guests say hello on. An empty name: one is made up.
  Result<void> listen(const std::string& abstract_name);
  const std::string& socket_name() const { return socket_name_; }
  /// The process whose end is the end of the run.
  void add_root(uint32_t pid, bool is_child);
  void add_connection(int fd);
  /// Until the root is gone.
  void loop();
  trace::CaptureSummary finish();

 private:
  // session.cc
  Process* find(uint32_t pid);
  static bool memory_lives(Process& process);
  Process& add_process(uint32_t pid, uint32_t parent, uint64_t inherited_pages = 0);
  void on_process_end(Process& process);
  void became_other_program(Process& process);
  void forget_address_space(Process& process);
  void go_first();
  void watch(int fd, uint32_t kind, uint32_t id);
  void drop_process(uint32_t pid);

  // session_signals.cc
  void listen_for_signals();
  void on_signal();
  void pass_on(const signalfd_siginfo& signal, bool to_group);

  // session_guard.cc
  void kill_guests();
  void check_guard();
  void note_killed_by_kernel();

  // Feeding. Watches asked for are collected; apply_watches() arms them.
  trace::Event stamped(Process& process, Task* task, trace::EventKind kind, bool force_clock = false);
  void feed(const trace::Event& event);
  void feed_simple(Process& process, trace::EventKind kind, uint64_t address, uint64_t bytes, uint64_t argument = 0, uint8_t flags = 0);
  void feed_comm(Process& process);
  void tell_comm(Process& process);
  void apply_watches();
  void note_tracked(Process& process);
  void recount(Process& process);

  // session_requests.cc
  void on_connection(int listener);
  void on_message(int fd);
  void on_hello(int fd, const ring::Request& request, FaultDescriptors descriptors);
  bool on_request(Process& process, const ring::Request& request);
  void hang_up(int fd);
  bool descends_from_guest(uint32_t pid);
  bool share_area(Process& process, UniqueFd* out);
  void reply(int fd, ring::ReplyStatus status, std::initializer_list<int> descriptors = {}, bool polled = false, bool huge_pages_off = false);
  void drain_ring(Process& process);
  void start_tracking(Process& process, FaultDescriptors descriptors, const ring::Request& hello);
  void inherit_from(Process& child, Process& parent);
  void inherit_open_files(Process& child, const Process& parent);

  // session_mail.cc
  void start_answering();
  void on_ring();
  void answer(Process& process);
  void answer_all();
  void answer_rings();

  // session_heap.cc
  void note_heap(Process& process, const Vma& vma);
  void on_break_moved(Process& process, const ring::Request& request);
  void look_at_break(Process& process);
  void break_fell(Process& process, uint64_t to);
  void look_again(Process& process, uint64_t start, uint64_t end);

  // session_settings.cc
  void on_setting(Process& process, const trace::Event& note);
  void feed_limits(Process& process);

  // session_files.cc
  void on_file_note(Process& process, const trace::Event& note);
  bool in_file_call(Process& process, Task& task, uint64_t now_ns);
  void drain_soon(Process& process, uint64_t now_ns);
  static uint64_t drain_interval_ns(const Process& process, uint64_t since_ns, uint64_t notes);
  void drain_file_users(uint64_t now_ns);

  // session_faults.cc
  void on_userfaultfd(Process& process);
  struct Fault {
    Task& task;
    uint64_t page;
    uint64_t arrived_ns;
    bool of_heap;  // the heap's userfaultfd told it
  };
  void on_fault(Process& process, const uffd_msg& message, bool of_heap);
  /// Where a first write met the page: not there, left behind by a walk that filled it, or only read so far.
  enum class Fresh { kMissing, kLeft, kZeroes };
  void on_missing_write(Process& process, const Fault& fault);
  void on_fresh_write(Process& process, const Fault& fault, Fresh fresh);
  void on_missing_read(Process& process, const Fault& fault);
  void on_protected_write(Process& process, const Fault& fault);
  void on_unmap(Process& process, uint64_t start, uint64_t end);
  void note_file_use(Process& process, const trace::Event& note);
  uint64_t feed_move(Process& process, int number, OpenFile& file, IoTotals& left);
  void poll_open_files(Process& process);
  void look_at_positions(Process& process);
  void feed_last_move(Process& process, const trace::Event& note);
  bool is_image(const Vma& vma);
  bool announced_elsewhere(Process& process, const Vma& vma);
  void learn_mapped_files(Process& process, const std::vector<Vma>& maps);
  void poll_mapped_files(Process& process);
  void tell_used_pages(Process& process, FileMapping& mapping, const std::vector<PageRange>& resident);
  void poll_mapped_before_free(Process& process);
  void forget_mapped_files(Process& process, uint64_t start, uint64_t end);
  void forget_mapped_file(Process& process, FileMappings::iterator at);
  // session_code.cc
  void watch_code(Process& process, uint64_t page);
  void tell_code_in_use(Process& process, Task& task);
  void on_remove(Process& process, uint64_t start, uint64_t end);
  void on_remap(Process& process, uint64_t from, uint64_t to, uint64_t bytes);
  FaultResult finish_fill(Process& process, WindowFill fill);
  void release(Process& process, const Fault& fault);
  // session_let_go.cc
  void try_again(Process& process, bool event_read);
  void not_answered(Process& process, const WindowFill& fill, FaultResult result);
  PageRange let_go(Process& process, const WindowFill& fill);
  void take_back(Process& process, uint64_t start, uint64_t end);
  void hold_no_more(Process& process);
  void poll_from_now_on(Process& process);
  // session_walks.cc
  struct Window {
    Walk* walk;
    uint64_t start, end;
    bool sentinel;  // no fault would come behind its far end
    bool down;
    uint64_t pages() const { return (end - start) >> kPageShift; }
  };
  Window window_for(Process& process, Task& task, uint64_t page, Fresh fresh);
  Walk& walk_at(Process& process, Task& task, uint64_t page, Fresh fresh);
  static bool grows_at(Process& process, const Area& area, uint64_t end);
  uint64_t allowed_pages(const Task& task, const Walk& walk) const;
  void tell_walked_to_break(Process& process, Task& task, uint64_t end);
  void continue_at_break(Process& process, Task& task, uint64_t start, uint64_t end);
  uint64_t last_content(Process& process, uint64_t start, uint64_t end);
  void close_walk(Process& process, Walk& walk);
  std::vector<PageRange> arm_zeroes(Process& process, uint64_t start, uint64_t end, uint64_t* known_to = nullptr);
  uint64_t settle_zeroes(Process& process, Task* task, uint64_t start, uint64_t end);
  void end_walk(Process& process, Task& task, Walk& walk);
  void close_stalled_walks(Process& process, uint64_t older_than_ns);
  uint64_t touch_run(Process& process, Task* task, uint64_t start, uint64_t end, uint64_t always, uint8_t flags);

  // session_sites.cc
  struct SiteRun {
    uint32_t id = 0;
    uint64_t end = 0;
  };
  SiteRun site_at(const Process& process, uint64_t address, uint64_t limit);
  void feed_touch(const Process& process, trace::Event event);
  const std::vector<Vma>& code_maps(Process& process, std::span<const uint64_t> counters);
  static void put_sample(Process& process, uint64_t start, const SampledAllocation& sample);
  static void move_samples(Process& process, uint64_t from, uint64_t to, uint64_t bytes);
  void on_sample(Process& process, const trace::Event& note, std::span<const uint64_t> counters);

  // session_summary.cc
  void log_counts() const;

  // session_near.cc
  /// Where touches are only polled, peaks between two scans are sampled beside that.
  bool samples_peaks() const { return !near_ || tracker_ != TrackerKind::kUserfaultfd; }
  bool is_near() const;
  void serve_near(uint32_t pid, uint32_t tid);
  void come_near();
  void measure_cost();
  uint64_t far_interval_ns(const Process& process, uint64_t now_ns, uint64_t tracked_before) const;
  void say_what_to_ask(Process& process);
  void note_found(Process& process, uint64_t pages);
  void charge_native_faults(Process& process);
  void tell_peak(Process& process, const PeakMeter::Unattributed& missed);
  uint64_t sampled_shared_pages() const;
  void feed_unattributed(Process& process, uint64_t first_page, uint64_t pages, uint8_t flags);
  bool waits_for_newborns();
  void tell_sampled_peak(bool last);
  uint64_t most_own_pages(const Process& process);
  void tell_remembered_peak(Process& process);
  uint64_t take_native_faults(Process& process, uint64_t of_ns);
  // session_give_way.cc
  bool note_gives_way(Process& process, ring::GiveWay why);
  void give_way(Process& process, ring::GiveWay why);
  bool is_traced_by_guest(const Process& process);

  // session_look.cc
  enum class Touches { kNone, kFresh, kAll };  // kFresh: only where no page was known
  struct Look {
    Touches touches;
    bool mappings;
  };
  static bool rises_above(uint64_t bytes, uint64_t peak_bytes);
  int64_t count_slack_pages(const Process& process) const;
  Look what_has_changed(Process& process, uint64_t now_ns);
  void note_looked(Process& process);
  uint64_t rest_after(uint64_t cpu_began_ns, uint64_t share) const;
  uint64_t rest_while_far(const Process& process, uint64_t cpu_began_ns) const;
  uint64_t rest_after_look(uint64_t now_ns, uint64_t looked_ns);
  void set_next_sweep(Process& process, uint64_t began, uint64_t took, Touches touches, uint64_t tracked_before);
  void look_at_possible_peak();
  void look_at_peak(bool sampled_peak);
  void look_at_those_that_grew();
  void sample_rss(Process& process);
  void read_rss(Process& process);
  static bool follow_living_thread(Process& process);
  uint64_t shared_memory_bytes(Process& process);

  // session_sweep.cc
  void sweep(Process& process, bool whole, bool last = false);
  void look_last(Process& process);
  void look_at_mappings(Process& process, bool changed_only, bool whole);
  enum class Registration { kByItself, kDone, kLater };
  bool register_memory(Process& process, uint64_t start, uint64_t end);
  Registration register_between(Process& process, uint64_t start, uint64_t end, bool whole);
  void learn_all(Process& process, const std::vector<Vma>& maps, bool whole);
  void learn_changed(Process& process, const std::vector<Vma>& maps);
  static bool is_asked_for(const Process& process, const PageRange& gap);
  void learn(Process& process, const Vma& vma, bool no_reserve, Registration how = Registration::kByItself, std::vector<PageRange>* registered = nullptr);
  // session_poll.cc
  void note_where_to_scan(Process& process);
  void find_relocated(Process& process, const std::vector<Vma>& maps);
  std::vector<PageRange> polled_ranges(const Process& process, bool whole) const;
  using Scan = uint64_t (*)(int, uint64_t, uint64_t, const FoundRun&);
  static void add_fresh(const Process& process, uint64_t from, uint64_t to, Changes* out);
  void add_changes(Process& process, const std::vector<PageRange>& ranges, Scan scan, Changes* out);
  Changes fresh_changes(Process& process, bool whole);
  Changes fresh_changes_by_one_scan(Process& process);
  Changes polled_changes(Process& process, bool whole);
  Changes all_changes(Process& process, bool whole);
  Changes changes_in(Process& process, const std::vector<PageRange>& ranges);
  void reconcile_all(Process& process, const std::vector<PageRange>& ranges);
  void apply_changes(Process& process, const Changes& changes);
  void find_there(Process& process, uint64_t from, uint64_t to);
  void give_back(Process& process, uint64_t from, uint64_t to);
  void find_fresh(Process& process, uint64_t from, uint64_t to);
  void tell_fresh(Process& process, uint64_t from, uint64_t to);
  void feed_fresh(Process& process, uint64_t from, uint64_t to, uint8_t flags);
  void feed_found(Process& process, uint64_t from, uint64_t to, bool grown, uint8_t flags);
  bool announce_under(Process& process, uint64_t at);
  std::vector<PageRange> without_pages(const Process& process, const std::vector<PageRange>& ranges);
  void poll_touches(Process& process, Touches touches, bool whole);
  void poll_shared(Process& process);
  void poll_watches(Process& process);
  void poll_before_free(Process& process, uint64_t start, uint64_t end, bool may_stay);
  void note_poll(Process& process, uint64_t now_ns);
  // session_children.cc
  void discover_children(uint64_t now_ns);
  void take_in_silent_children();
  void note_newborn(Process& parent, uint32_t pid);
  void count_newborns(Process& parent);
  void forget_newborn(Process& parent, uint32_t pid);
  void catch_up_before_fork(Process& parent);
  void take_in(uint32_t pid, Process& parent);
  void take_in_newborns(Process& parent);
  void note_left_behind();
  bool is_copy_of(const Process& child, const Process& parent);
  // session_cow.cc
  void share_by_fork(Process& parent, Process& child);
  static uint64_t inherited_by_fork(Process& parent, uint32_t child);
  std::vector<Process*> fork_group_of(const Process& process);
  static Process* lender_of(uint64_t page, const std::vector<Process*>& partners);
  std::vector<PageRange> borrow(Process& process, uint64_t from, uint64_t to);
  void return_loans(Process& leaving);
  void become_own(Process& borrower, uint64_t page);
  std::vector<Process*> fork_partners(const Process& process);
  void feed_copies(std::vector<Process*>& owners, bool still_shared, uint64_t page);
  void poll_copies(Process& process, bool whole);
  void poll_copied_run(Process& process, const std::vector<Process*>& partners, uint64_t start, uint64_t end);
  // session_shared.cc
  enum class DeviceKind : uint8_t { kOther, kShmem, kRamfs };
  using MemoryFiles = std::map<uint64_t, MemoryFile>;
  DeviceKind device_kind(uint64_t device, const std::string& path);
  bool is_shared_memory(const Vma& vma);
  void tell_memory_file(Process& process, uint64_t device, uint64_t inode, const std::string& shown);
  void feed_memory_file(Process& process, uint64_t id, const MemoryFile& file);
  void on_memory_file_note(Process& process, const trace::Event& note);
  void learn_open_memory_file(Process& process, int number);
  bool still_named(MemoryFile& file);
  bool still_used(uint64_t id, const MemoryFile& file, const Process* leaving);
  MemoryFiles::iterator settle_memory_file(Process& process, MemoryFiles::iterator at, const Process* leaving);
  void settle_memory_files(Process& process, const Process* leaving);
  void reconcile_shared(Process& process, uint64_t start, uint64_t end);
  static void forget_shared_pages(Process& process, const Area& area, uint64_t start, uint64_t end);
  void forget_shared_mappings(Process& process, uint64_t start, uint64_t end);
  void forget_cut(const trace::Event& note);
  void look_at_shared_now(Process& process);
  void learn_shared_mappings(Process& process, uint64_t start, uint64_t end);
  void release_shared(Process& process, const std::vector<Area>& areas, bool leaving);
  // session_sweep.cc
  void tick();
  void tick_process(Process& process, uint64_t now_ns);
  uint64_t next_deadline_ns() const;

  const RecordOptions& options_;
  trace::EventSink& sink_;
  trace::CaptureSummary summary_;
  CaptureNotes notes_;
  Statistics count_;
  TrackingCost cost_;
  const uint64_t native_fault_ns_ = measure_native_fault_ns();
  const bool counts_are_exact_ = kernel_counts_exactly();
  RssSampler sampler_;
  StackTable stacks_;
  std::string socket_name_;
  UniqueFd epoll_, listener_, signals_, spare_, wake_up_;
  uint64_t sleeps_until_ns_ = 0;                         // the loop, unless something comes
  std::unordered_map<uint32_t, uint64_t> strangers_;     // children without a hello: pid -> tick at which they were first seen, or kNotOurs
  std::vector<std::pair<uint32_t, uint32_t>> silent_children_;  // that have no descriptors for a hello, and their parents: to be taken in
  std::set<int> connections_;                            // sockets of those who are saying hello
  std::map<uint32_t, std::unique_ptr<Process>> processes_;
  uint32_t root_ = 0;
  bool root_is_child_ = false;
  bool root_ended_ = false;
  uint64_t root_ended_ns_ = 0, last_end_ns_ = 0;
  uint64_t next_tick_ns_ = 0, ticks_ = 0, next_guard_ns_ = 0, next_progress_ns_ = 0;
  MemoryGuard guard_;
  bool guard_struck_ = false;
  SignalWitness witness_;
  bool asked_to_end_ = false, told_to_end_ = false;  // while descendants are waited for: a first signal that ends, a second one
  uint64_t tracked_pages_ = 0, prefilled_pages_ = 0, rss_total_bytes_ = 0, newborn_pages_ = 0;
  PeakMeter peak_;                                       // of private pages, what a fork shares counted once
  TrackerKind tracker_ = TrackerKind::kUserfaultfd;  // the best that a process may get
  bool near_ = true;                                 // touches are held, where the tracker can
  uint64_t began_ns_ = 0;
  uint64_t sweep_budget_at_ns_ = 0, next_peak_look_ns_ = 0;
  uint64_t newborns_due_ns_ = 0;                         // tell_sampled_peak() waits until then for children to become known; 0: it does not
  int64_t sweep_budget_ns_ = 0;
  uint64_t found_feed_ns_ = 0;                       // in this sweep: what the sink took for them
  uint64_t found_pages_ = 0, most_found_pages_ = 0;  // by polling: in this tick, and the most in any
  std::vector<trace::WatchRequest> watches_;
  std::vector<trace::KillRequest> kills_;
  GuestContent content_;
  uint64_t last_fork_group_ = 0;
  MemoryFiles memory_files_;                             // by file number
  std::unordered_map<uint64_t, DeviceKind> memory_devices_;  // by st_dev
  uint64_t next_settle_ns_ = 0;
  std::map<uint64_t, bool> images_;  // by file number: an ELF file
  uint32_t answered_rings_ = 0;
  std::mutex mutex_;  // held but for where the loop waits
  NearCpu near_cpu_;
  int loop_tid_ = 0;
  Doorbell doorbell_;  // last: its thread uses all the others
};

}  // namespace oomcast::record
