// Session: runs the loop, and does at each time what is due.
#include "preload/record/session.h"

#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "preload/record/kernel/ended_process.h"
#include "preload/record/kernel/pages.h"
#include "preload/record/kernel/proc_file.h"
#include "preload/record/kernel/proc_maps.h"
#include "preload/record/own_process.h"

namespace oomcast::record {
namespace {

constexpr uint64_t kTickNs = 20'000'000, kPollingClockTicks = 3, kProgressNs = 100'000'000;
// the loop goes on this long after the root, to take the ends of its children
constexpr uint64_t kLingerNs = 100'000'000;
// A process that has left no note for this long does not fill its event ring any more.
constexpr uint64_t kQuietNs = 50'000'000;

}  // namespace

Session::Session(const RecordOptions& options, TrackerKind tracker, trace::EventSink& sink)
    : rooms_(options, tracker, sink, clocks_,
             [this](uint32_t pid, uint32_t tid) {
               serving_cpu_.served(pid, tid, {loop_tid_, questions_.doorbell().answering_tid()});
             }),
      hellos_(loop_, options.stack_sample_bytes, [this](Hello hello) { hello_answers_.take(std::move(hello)); }),
      life_(rooms_, loop_, hellos_.socket_name()),
      outside_(rooms_, loop_),
      tracking_start_(options, tracker, rooms_.processes, rooms_.phase, rooms_.filler, rooms_.scanner, rooms_.meter,
                      rooms_.notes, loop_),
      hello_answers_(options, tracker, rooms_.processes, rooms_.files, rooms_.notes, clocks_, life_, tracking_start_,
                     hellos_, questions_),
      question_answers_(options, rooms_.processes, rooms_.feed, rooms_.reader, rooms_.faults, rooms_.windows,
                        rooms_.filler, rooms_.scanner, rooms_.stash, rooms_.memory_questions, rooms_.notes,
                        rooms_.count),
      signals_(loop_, rooms_.processes),
      guard_(rooms_.processes, options.guard_percent),
      questions_(rooms_.processes, {[this](Process& process) { rooms_.reader.drain(process); },
                                    [this](Process& process, const ring::Request& question) {
                                      return question_answers_.answer(process, question);
                                    },
                                    [this] { life_.add_children_without_descriptor(); }}) {
  summary_.command = options.command;
}

void Session::add_root(uint32_t pid, bool is_child) {
  rooms_.processes.root = {pid, is_child};
  Process& process = life_.add(pid, 0);
  rooms_.feed.report(process, trace::EventKind::kProcessStart, 0, 0);
  rooms_.settings.report_limits(process);
  rooms_.feed.read_comm(process);
  process.huge_pages_off = ::prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 1;  // the program inherits the recorder's setting
  if (const int adj = rooms_.options.root_oom_score_adj; adj != 0)
    rooms_.feed.report(process, trace::EventKind::kOomScoreAdj, static_cast<uint64_t>(static_cast<int64_t>(adj)), 0);
  signals_.start(watches_ ? SignalRelay::Meant::kForUs : SignalRelay::Meant::kForTheProgram);
}

bool Session::add_running(const Attachment& to, const std::string& cgroup) {
  watches_ = true;
  watches_cgroup_ = !cgroup.empty();
  outside_.expect_no_hellos();
  const std::string status = read_whole_path(proc_of(to.pid) + "status");
  add_root(to.pid, false);
  Process& root = *rooms_.processes.find(to.pid);
  root.huge_pages_off = status.find("THP_enabled:\t0") != std::string::npos;
  if (root.adj != 0 && rooms_.options.root_oom_score_adj == 0)
    rooms_.feed.report(root, trace::EventKind::kOomScoreAdj, static_cast<uint64_t>(root.adj), 0);
  rooms_.scanner.scan(root, true);
  Scanner::forget_native_faults(root);
  life_.add_running_relatives(root, cgroup);
  rooms_.notes.note_attached(rooms_.meter.peak().resident_pages() * kPage, rooms_.processes.size());
  if (to.for_ns != 0) watches_until_ns_ = rooms_.clocks.now_ns() + to.for_ns;
  return root.pidfd && root.scans.begun && !root.last_maps.empty();
}

/// Raises the priority of the recorder's two threads, where that is allowed: a faulting thread waits for them. In the
/// polling phase no thread waits, but a late scan misses memory that is gone. The guest has been started already and
/// keeps its own priority.
void Session::raise_priority() const {
  for (const int tid : {loop_tid_, questions_.doorbell().answering_tid()})
    ::setpriority(PRIO_PROCESS, static_cast<id_t>(tid), rooms_.phase.exact() ? -10 : -5);
}

bool Session::is_over(uint64_t now_ns) const {
  const bool waits = rooms_.options.wait_for_all || watches_cgroup_;
  const Root& root = rooms_.processes.root;
  if (watches_ && (now_ns >= watches_until_ns_ || signals_.end_requested())) return true;
  if (root.ended && (!waits || signals_.end_requested()) && now_ns - root.ended_ns > kLingerNs) return true;
  // The parents of a daemon may all have ended before the daemon's hello is read.
  return rooms_.processes.empty() && !(waits && now_ns - last_end_ns_ < kLingerNs);
}

void Session::loop() {
  next_tick_ns_ = rooms_.clocks.now_ns();
  raise_descriptor_limit();
  hellos_.keep_spare_descriptor();
  outside_.hold_due(rooms_.clocks.now_ns());
  serve_until_over(questions_.lock());
  questions_.stop();  // its thread may wait for the lock, which is free now
}

void Session::serve_until_over(HeldLock held) {
  loop_tid_ = static_cast<int>(::syscall(SYS_gettid));
  raise_priority();
  // The thread inherits the priority. After an answer a scan may be due before the loop wakes up.
  questions_.start([this] {
    if (next_deadline_ns() < sleeps_until_ns_) loop_.wake_up();
  });
  for (uint64_t now = rooms_.clocks.now_ns(); !is_over(now); now = rooms_.clocks.now_ns()) {
    const uint64_t deadline = next_deadline_ns();
    sleeps_until_ns_ = deadline;
    const std::span<const Source> ready =
        held.without([&] { return loop_.wait(deadline <= now ? 0 : deadline - now); });
    sleeps_until_ns_ = 0;
    questions_.answer_rings(held);
    if (!ready.empty()) ++rooms_.count.wake_ups;
    for (const Source& source : ready) serve(source, held);
    tick(held);
  }
}

void Session::serve(const Source& source, const HeldLock& held) {
  Process* const process = rooms_.processes.find(source.id);
  switch (source.kind) {
    case SourceKind::kFaults:
      if (process != nullptr) rooms_.faults.serve(*process);
      break;
    case SourceKind::kMappings:
      if (process != nullptr) outside_.take_mappings(*process);
      break;
    case SourceKind::kConnection:
      hellos_.read_connection(static_cast<int>(source.id));
      break;
    case SourceKind::kListener:
      hellos_.accept_connection();
      break;
    case SourceKind::kProcess:
      if (process != nullptr) take_end(*process, held);
      break;
    case SourceKind::kSignals:
      signals_.read_signals();
      break;
    case SourceKind::kWakeUp:
      break;
  }
}

void Session::take_end(Process& process, const HeldLock& held) {
  if (!has_ended(process.pidfd.get())) return;
  // Its last question may still be in the mailbox: the exit, with the status.
  questions_.answer(process, held);
  rooms_.reader.drain(process);
  const int status = life_.wait_status_of(process);
  const bool by_signal = WIFSIGNALED(status);
  const int value = by_signal ? WTERMSIG(status) : WEXITSTATUS(status);
  rooms_.shared_memory.settle_after_end(process);
  Root& root = rooms_.processes.root;
  // A sampled peak is reported before the exit, while the target still has the process.
  rooms_.scanner.report_sampled_peak(process.pid == root.pid);
  trace::Event event = rooms_.feed.stamp(process, nullptr, trace::EventKind::kExit);
  event.address = static_cast<uint64_t>(value);
  event.flags = by_signal ? trace::kExitBySignal : 0;
  rooms_.feed.feed(event);
  spdlog::info("process {} ({}) has ended: {} {}", process.pid, process.comm, by_signal ? "signal" : "status", value);
  if (process.pid == root.pid) {
    root.ended = true;
    root.ended_ns = rooms_.clocks.now_ns();
    summary_.exited = !by_signal;
    (by_signal ? summary_.exit_signal : summary_.exit_code) = value;
  }
  if (by_signal && value == SIGKILL) guard_.note_killed();
  last_end_ns_ = rooms_.clocks.now_ns();
  life_.add_pending_children(process);
  life_.drop(process.pid);
}

uint64_t Session::next_deadline_ns() const {
  uint64_t deadline = std::min(next_tick_ns_, watches_until_ns_);
  for (const auto& [pid, process] : rooms_.processes) {
    deadline = std::min(deadline, process->scans.next_ns);
    if (process->drains.next_ns != 0) deadline = std::min(deadline, process->drains.next_ns);
    deadline = std::min(deadline, process->held.unanswered.next_ns());
    if (process->life.memory_gone_ns != 0)
      deadline = std::min(deadline, process->life.memory_gone_ns + ProcessLife::kMemoryGoneGraceNs);
  }
  return deadline;
}

void Session::tick(const HeldLock& held) {
  const uint64_t now = rooms_.clocks.now_ns();
  for (const auto& [pid, process] : rooms_.processes) rooms_.filler.try_again(*process, false);
  drain_streaming(now);
  scan_due(now);
  if (!rooms_.phase.exact() && rooms_.phase.nears_watermark()) {
    rooms_.phase.begin_exact_phase();
    raise_priority();
    rooms_.hold_all_touches();
    outside_.hold_due(now);  // last: this takes longer
  }
  guard_.check(rooms_.meter.latest_bytes(), now);
  if (now < next_tick_ns_) return;
  next_tick_ns_ = now + kTickNs;
  tick_slowly(now, held);
}

void Session::scan_due(uint64_t now_ns) {
  std::vector<uint32_t> due;
  for (const auto& [pid, process] : rooms_.processes)
    if (process->life.memory_gone_ns != 0 ? now_ns - process->life.memory_gone_ns >= ProcessLife::kMemoryGoneGraceNs
                                          : now_ns >= process->scans.next_ns)
      due.push_back(pid);
  for (const uint32_t pid : due) {
    Process* const process = rooms_.processes.find(pid);
    if (process == nullptr || !life_.lives_on(*process, now_ns)) continue;
    if (!process->life.said_hello() && !process->tracked_by_faults()) rooms_.notes.use_tracker(TrackerKind::kPagemap);
    if (process->reports_frees()) rooms_.faults.serve(*process);
    rooms_.scanner.scan(*process, false);
  }
  if (!due.empty()) rooms_.scanner.report_sampled_peak(false);  // after the scans, which have found most of the peak
}

void Session::tick_slowly(uint64_t now_ns, const HeldLock& held) {
  ++ticks_;
  serving_cpu_.rest({loop_tid_, questions_.doorbell().answering_tid()});
  questions_.answer_all(held);  // also where no ring of the doorbell arrived
  rooms_.poller.end_tick();
  // The CPU time between two readings is reported as one event. In the polling phase longer spans do no harm, as the
  // order of events changes nothing.
  if (rooms_.phase.exact() || ticks_ % kPollingClockTicks == 0)
    for (const auto& [pid, process] : rooms_.processes) rooms_.scanner.read_thread_clocks(*process, now_ns, ticks_);
  if (rooms_.options.follow_children) life_.discover_children(ticks_);
  outside_.hold_due(now_ns);
  rooms_.deleted.settle_if_due(now_ns);
  rooms_.feed.arm_watches();
  if (rooms_.options.progress && now_ns >= next_progress_ns_) {
    next_progress_ns_ = now_ns + kProgressNs;
    rooms_.options.progress(
        {rooms_.feed.events(), rooms_.meter.tracked_pages() * kPage, static_cast<int>(rooms_.processes.size())});
  }
}

/// A program that only reads and writes files takes no faults: its ring is emptied here before it is full.
void Session::drain_streaming(uint64_t now_ns) {
  for (const auto& [pid, process] : rooms_.processes) {
    if (process->drains.next_ns == 0 || now_ns < process->drains.next_ns) continue;
    if (process->reports_frees()) rooms_.faults.serve(*process);
    const uint64_t notes_before = rooms_.count.notes;
    rooms_.reader.drain(*process);
    const uint64_t since_ns = now_ns - std::exchange(process->drains.last_ns, now_ns);
    const uint64_t notes = rooms_.count.notes - notes_before;
    const bool quiet = now_ns - process->drains.last_note_ns >= kQuietNs;
    process->drains.next_ns = quiet ? 0 : now_ns + FileUses::drain_interval_ns(*process, since_ns, notes);
    rooms_.feed.arm_watches();
  }
}

trace::CaptureSummary Session::finish() {
  for (const auto& [pid, process] : rooms_.processes) rooms_.reader.drain(*process);
  if (watches_) {
    summary_.attached_bytes = rooms_.notes.attached_bytes();
    summary_.attached_processes = rooms_.notes.attached_processes();
    summary_.detached = !rooms_.processes.root.ended;
  }
  // Detached programs are meant to run on: they are not listed.
  if (!summary_.detached) summary_.still_running = life_.still_running();
  while (!rooms_.processes.empty()) life_.drop(rooms_.processes.begin()->first);
  rooms_.notes.hellos_without_descriptor = hellos_.turned_away();
  summary_.stopped = guard_.stopped();
  rooms_.log_counts();
  rooms_.summarize(&summary_);
  return std::move(summary_);
}

}  // namespace oomcast::record
