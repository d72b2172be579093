// Serves the guest's processes while they run. The loop, and processes coming and going.
#include "preload/record/session.h"

#include <poll.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <fcntl.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <utility>

namespace oomcast::record {
namespace {

std::string proc_path(uint32_t pid, const char* name) { return "/proc/" + std::to_string(pid) + "/" + name; }

/// Of a process that has been reaped, where the kernel keeps it; -1: not reaped, or not kept.
int reaped_wait_status(const Process& process) {
  struct {  // struct pidfd_info of newer kernels
    uint64_t mask, cgroup;
    uint32_t ids[11];
    int32_t exit_code;
  } info{};
  info.mask = 1 << 3;  // PIDFD_INFO_EXIT
  if (::ioctl(process.pidfd.get(), _IOWR(0xff, 11, decltype(info)), &info) == 0 && (info.mask & (1 << 3)) != 0) return info.exit_code;
  return -1;
}

/// Wait status of a process that is not our child: from the pidfd once it was reaped, or from its zombie's stat file.
int foreign_wait_status(const Process& process) {
  if (const int status = reaped_wait_status(process); status != -1) return status;
  const std::string stat = read_whole_path(proc_path(process.pid, "stat"));
  if (const size_t close = stat.rfind(')'); close != std::string::npos && close + 2 < stat.size() && stat[close + 2] == 'Z')
    if (const size_t last = stat.find_last_of(' '); last != std::string::npos) return std::atoi(stat.c_str() + last + 1);
  return reaped_wait_status(process);  // in between, perhaps
}

}  // namespace

Session::Session(const RecordOptions& options, TrackerKind tracker, trace::EventSink& sink) : options_(options), sink_(sink), notes_(tracker, ::geteuid()), guard_(options.guard_percent), tracker_(tracker) {
  epoll_ = UniqueFd(::epoll_create1(EPOLL_CLOEXEC));
  summary_.command = options.command;
  near_ = !options.poll_while_far || tracker != TrackerKind::kUserfaultfd || sink.placed_by_thread() || !kernel_has_pagemap_scan() || is_near();
  if (near_) measure_cost();
  else notes_.begin_polling_phase();
  began_ns_ = monotonic_ns();
}

Session::~Session() {
  doorbell_.stop();
  for (const int fd : connections_) ::close(fd);
}

Result<void> Session::listen(const std::string& abstract_name) {
  socket_name_ = abstract_name;
  if (socket_name_.empty()) {
    std::random_device random;
    socket_name_ = "@oomcast-" + std::to_string(::getpid()) + "-" + std::to_string(uint64_t{random()} << 32 | random());
  }
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, socket_name_.data(), std::min(socket_name_.size(), sizeof address.sun_path));
  address.sun_path[0] = '\0';
  listener_ = UniqueFd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_name_.size());
  if (!listener_ || ::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), length) != 0 || ::listen(listener_.get(), 128) != 0)
    return Error{std::string("cannot listen on a UNIX socket: ") + std::strerror(errno)};
  watch(listener_.get(), kListener, 0);
  return {};
}

void Session::watch(int fd, uint32_t kind, uint32_t id) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = uint64_t{kind} << 32 | id;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event);
}

void Session::add_connection(int fd) {
  connections_.insert(fd);
  watch(fd, kConnection, static_cast<uint32_t>(fd));
}

Process* Session::find(uint32_t pid) {
  const auto at = processes_.find(pid);
  return at == processes_.end() ? nullptr : at->second.get();
}

Process& Session::add_process(uint32_t pid, uint32_t parent, uint64_t inherited_pages) {
  auto process = std::make_unique<Process>();
  process->pid = pid;
  process->parent = parent;
  process->pidfd = UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  process->statm.belong_to(pid);
  process->oom_score_adj.belong_to(pid);
  Process* inherits = find(parent);
  if (inherits != nullptr) forget_newborn(*inherits, pid);
  process->adj = inherits != nullptr ? inherits->adj : std::atoi(read_line(process->oom_score_adj.get()).c_str());
  process->huge_pages_off = inherits != nullptr && inherits->huge_pages_off;
  process->started_ns = monotonic_ns();
  process->next_sweep_ns = process->started_ns + 20'000'000;
  if (process->pidfd) watch(process->pidfd.get(), kProcess, pid);
  Process& added = *process;
  processes_[pid] = std::move(process);
  forget_address_space(added);
  added.inherited_pages = inherited_pages;
  if (samples_peaks()) sampler_.watch(pid, inherited_pages);
  return added;
}

/// False once the process has exec'ed, or has let go of its memory on its way out.
bool Session::memory_lives(Process& process) {
  if (process.fault_fd.valid()) return process.fault_fd.address_space_lives();
  uint64_t entry;
  return process.pagemap.get() < 0 || ::pread(process.pagemap.get(), &entry, sizeof entry, 0) != 0;
}

/// The descriptors of /proc/PID/maps and pagemap belong to one address space: they are opened anew after an exec.
void Session::forget_address_space(Process& process) {
  return_loans(process);
  process.fork_group = 0;
  process.maps_shared_memory = false;
  process.file_mappings.clear();
  process.watched_code.clear();
  process.file_use.told.clear();  // the new program's hooks claim for themselves
  process.pages.clear_all();
  process.map.clear();
  process.last_maps.clear();
  process.sampled.clear();
  process.code = {};
  process.python.forget();
  process.free_advice.clear();
  process.unanswered.clear();
  process.let_go.clear();
  process.failures = 0;
  process.heap_start = process.break_end = process.fell_to = 0;
  process.fault_fd.reset();
  process.heap_fd.reset();
  process.tracker = TrackerKind::kPagemap;
  process.native_fault_ns = process.unpaid_faults = 0;
  process.inherited_pages = process.inherited_prefilled_pages = process.shared_known_pages = 0;
  process.shared_bytes = process.polled_shared_bytes = process.statm_shared_pages = process.sampled_shared_bytes = 0;
  process.leaving.clear();
  process.scanned.clear();
  process.anonymous.clear();
  process.doubtful.clear();
  if (process.shared) notes_.host_questions_mask |= (*process.shared)->sensitive.load(std::memory_order_relaxed);
  if (process.shared) notes_.lost_notes += process.shared->reader.lost();
  process.shared.reset();
  process.looked_at = false;
  if (std::exchange(process.memory_tid, 0) != 0) process.statm.belong_to(process.pid);
  process.maps.belong_to(process.pid);
  process.pagemap.belong_to(process.pid);
  process.mem.belong_to(process.pid);
  for (auto& [tid, task] : process.tasks) task->walks = {};
  note_tracked(process);
}

void Session::add_root(uint32_t pid, bool is_child) {
  root_ = pid;
  root_is_child_ = is_child;
  Process& process = add_process(pid, 0);
  feed_simple(process, trace::EventKind::kProcessStart, 0, 0);
  feed_limits(process);
  feed_comm(process);
  process.huge_pages_off = ::prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 1;  // the program was started as we were
  if (options_.root_oom_score_adj != 0)
    feed_simple(process, trace::EventKind::kOomScoreAdj, static_cast<uint64_t>(static_cast<int64_t>(options_.root_oom_score_adj)), 0);
  listen_for_signals();
}

/// A faulting thread waits for us: where it is allowed, do not queue behind others. The guest has been started already and
/// keeps its own priority. While touches are only polled nobody waits, but what a look finds late may be gone.
void Session::go_first() {
  for (const int tid : {loop_tid_, doorbell_.answering_tid()}) ::setpriority(PRIO_PROCESS, static_cast<id_t>(tid), near_ ? -10 : -5);
}

void Session::loop() {
  constexpr uint64_t kMillisecondNs = 1'000'000;
  constexpr uint64_t kLingerNs = 100'000'000;  // for children that end together with the root
  std::array<epoll_event, 64> events;
  next_tick_ns_ = monotonic_ns();
  // Some seven descriptors per process and two per thread; the guest keeps the limit that it was started with.
  rlimit descriptors{};
  if (::getrlimit(RLIMIT_NOFILE, &descriptors) == 0) {
    descriptors.rlim_cur = descriptors.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &descriptors);
  }
  spare_ = UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  std::unique_lock lock(mutex_);
  loop_tid_ = static_cast<int>(::syscall(SYS_gettid));
  go_first();
  start_answering();  // the thread inherits the priority
  const auto lingers = [&] { return options_.wait_for_all && monotonic_ns() - last_end_ns_ < kLingerNs; };
  // Of a daemon that lets go, all that we know may have ended before its hello is read.
  while (!processes_.empty() || lingers()) {
    const uint64_t now = monotonic_ns();
    if (root_ended_ && (!options_.wait_for_all || told_to_end_) && now - root_ended_ns_ > kLingerNs) break;
    const uint64_t deadline = next_deadline_ns();
    const uint64_t wait_ns = deadline <= now ? 0 : deadline - now;
    sleeps_until_ns_ = deadline;
    lock.unlock();
    // epoll_wait() counts in milliseconds: a fault that is to be tried again soon would wait for twenty tries.
    if (wait_ns > 0 && wait_ns < kMillisecondNs) {
      pollfd ready{epoll_.get(), POLLIN, 0};
      const timespec rest{0, static_cast<long>(wait_ns)};
      ::ppoll(&ready, 1, &rest, nullptr);
    }
    const int timeout_ms = wait_ns < kMillisecondNs ? 0 : static_cast<int>(wait_ns / kMillisecondNs) + 1;
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), timeout_ms);
    lock.lock();
    sleeps_until_ns_ = 0;
    answer_rings();  // a busy loop takes the lock again before the other thread gets it
    // Faults and frees before sockets, sockets before ends: what a process did comes before what became of it.
    std::sort(events.begin(), events.begin() + std::max(count, 0), [](const epoll_event& a, const epoll_event& b) {
      const auto rank = [](const epoll_event& e) { const auto kind = static_cast<uint32_t>(e.data.u64 >> 32); return kind == kFaults ? 0 : kind == kConnection ? 1 : kind == kListener ? 2 : 3; };
      return rank(a) < rank(b);
    });
    if (count > 0) ++count_.wake_ups;
    for (int i = 0; i < count; ++i) {
      const auto id = static_cast<uint32_t>(events[static_cast<size_t>(i)].data.u64);
      switch (static_cast<SourceKind>(events[static_cast<size_t>(i)].data.u64 >> 32)) {
        case kListener: on_connection(listener_.get()); break;
        case kConnection:
          if (connections_.contains(static_cast<int>(id))) on_message(static_cast<int>(id));
          break;
        case kFaults:
          if (Process* process = find(id)) on_userfaultfd(*process);
          break;
        case kProcess:
          if (Process* process = find(id)) on_process_end(*process);
          break;
        case kSignals: on_signal(); break;
        case kWakeUp: {
          uint64_t times;
          static_cast<void>(!::read(wake_up_.get(), &times, sizeof times));
          break;
        }
      }
    }
    tick();
  }
  lock.unlock();
  doorbell_.stop();
}

void Session::on_process_end(Process& process) {
  pollfd ended{process.pidfd.get(), POLLIN, 0};
  if (::poll(&ended, 1, 0) != 1) return;
  // A last question may still be in its mailbox: how it left.
  answer(process);
  drain_ring(process);
  int status = -1;
  if (process.pid == root_ && root_is_child_) {
    if (::waitpid(static_cast<pid_t>(process.pid), &status, WNOHANG) <= 0) status = -1;
  } else {
    status = foreign_wait_status(process);
  }
  if (status == -1) status = process.exit_status >= 0 ? (process.exit_status & 0xff) << 8 : 0;
  const bool by_signal = WIFSIGNALED(status);
  const int value = by_signal ? WTERMSIG(status) : WEXITSTATUS(status);
  if (!memory_files_.empty() && (memory_files_.size() <= kFewFiles || monotonic_ns() >= next_settle_ns_)) settle_memory_files(process, &process);
  trace::Event event = stamped(process, nullptr, trace::EventKind::kExit);
  event.address = static_cast<uint64_t>(value);
  event.flags = by_signal ? trace::kExitBySignal : 0;
  feed(event);
  if (process.pid == root_) {
    root_ended_ = true;
    root_ended_ns_ = monotonic_ns();
    summary_.exited = !by_signal;
    (by_signal ? summary_.exit_signal : summary_.exit_code) = value;
  }
  if (by_signal && value == SIGKILL) note_killed_by_kernel();
  last_end_ns_ = monotonic_ns();
  tell_sampled_peak(process.pid == root_);
  take_in_newborns(process);
  drop_process(process.pid);
}

void Session::drop_process(uint32_t pid) {
  Process* process = find(pid);
  if (process == nullptr) return;
  if (!process->greeted && !process->comm.empty() && process->tracked_by_faults() == false) notes_.note_unhooked_process(process->comm);
  return_loans(*process);
  process->pages.clear_all();
  note_tracked(*process);
  rss_total_bytes_ -= process->rss_bytes;
  sampler_.forget(pid);
  for (const auto& [child, pages] : process->newborns) newborn_pages_ -= pages;
  if (process->shared) {
    notes_.host_questions_mask |= (*process->shared)->sensitive.load(std::memory_order_relaxed);
    notes_.lost_notes += process->shared->reader.lost();
  }
  processes_.erase(pid);
}

/// The process has exec'ed: a new program in an empty address space.
void Session::became_other_program(Process& process) {
  process.memory_gone_ns = 0;
  drain_ring(process);
  feed_simple(process, trace::EventKind::kExec, 0, 0);
  forget_address_space(process);
  if (samples_peaks()) sampler_.watch(process.pid);
  if (!memory_files_.empty()) settle_memory_files(process, nullptr);
  feed_comm(process);
}

trace::Event Session::stamped(Process& process, Task* task, trace::EventKind kind, bool force_clock) {
  trace::Event event;
  event.kind = kind;
  event.pid = process.pid;
  event.tid = task != nullptr ? task->tid : process.pid;
  event.time_ns = monotonic_ns();
  if (task != nullptr) {
    TaskClock::Span span;
    if ((force_clock || task->clock.due(event.time_ns, process.far())) && !in_file_call(process, *task, event.time_ns) && task->clock.read(cost_, event.time_ns, &span)) {
      ++count_.clock_reads;
      event.compute_ns = span.compute_ns - take_native_faults(process, span.compute_ns);
      event.wait_ns = span.wait_ns;
    }
    task->clock.seen(event.time_ns);
  }
  return event;
}

void Session::feed(const trace::Event& event) {
  ++summary_.events;
  sink_.feed(event);
  sink_.take_watches(watches_);
  sink_.take_kills(kills_);
  if (!kills_.empty()) {
    for (const trace::KillRequest& kill : kills_)
      if (Process* process = find(kill.pid); process != nullptr && options_.kill_on_oom) ::syscall(SYS_pidfd_send_signal, process->pidfd.get(), SIGKILL, nullptr, 0);
    kills_.clear();
  }
}

void Session::feed_simple(Process& process, trace::EventKind kind, uint64_t address, uint64_t bytes, uint64_t argument, uint8_t flags) {
  trace::Event event = stamped(process, nullptr, kind);
  event.address = address;
  event.bytes = bytes;
  event.argument = argument;
  event.flags = flags;
  if (kind == trace::EventKind::kTouch) feed_touch(process, event);
  else feed(event);
}

void Session::feed_comm(Process& process) {
  std::string comm = read_line_of(proc_path(process.pid, "comm"));
  if (!comm.empty() && comm.back() == '\n') comm.pop_back();
  if (comm.empty()) return;
  process.comm = comm;
  tell_comm(process);
}

void Session::tell_comm(Process& process) {
  char name[16] = {};
  std::memcpy(name, process.comm.data(), std::min<size_t>(process.comm.size(), 15));
  uint64_t halves[2];
  std::memcpy(halves, name, sizeof name);
  feed_simple(process, trace::EventKind::kComm, halves[0], halves[1]);
}

void Session::apply_watches() {
  if (watches_.empty()) return;
  notes_.armed_watches = true;
  const auto page = static_cast<uint64_t>(kPageBytes);
  for (trace::WatchRequest& watch : watches_) watch.address &= ~(page - 1);
  // Pages that are gone, or were never registered, cannot be watched: no harm.
  std::erase_if(watches_, [&](const trace::WatchRequest& watch) {
    Process* process = find(watch.pid);
    if (process != nullptr) watch_code(*process, watch.address);
    return process == nullptr || !process->fault_fd.write_protects() || !process->pages.test(PageBit::kTouched, watch.address);
  });
  std::sort(watches_.begin(), watches_.end(), [](const trace::WatchRequest& a, const trace::WatchRequest& b) { return a.pid != b.pid ? a.pid < b.pid : a.address < b.address; });
  for (size_t i = 0; i < watches_.size();) {
    Process& process = *find(watches_[i].pid);
    const uint64_t start = watches_[i].address;
    uint64_t end = start;
    for (; i < watches_.size() && watches_[i].pid == process.pid && watches_[i].address <= end; ++i) {
      process.pages.set(PageBit::kWatched, watches_[i].address, true);
      end = watches_[i].address + page;
    }
    if (process.fault_fd.protect(start, end, true, false) == FaultResult::kDone) continue;
    // Part of the run may lie in a mapping of another kind: page by page then.
    for (uint64_t address = start; address < end; address += page)
      if (process.fault_fd.protect(address, address + page, true, false) != FaultResult::kDone) process.pages.set(PageBit::kWatched, address, false);
  }
  watches_.clear();
}

/// At a new peak of all together the others are asked how much they have: each was counted when it was looked at.
void Session::note_tracked(Process& process) {
  recount(process);
  if (rises_above(tracked_pages_ * kPage, summary_.tracked_peak_bytes))
    for (auto& [pid, other] : processes_) {
      if (other.get() == &process || !other->polled_whole()) continue;
      read_rss(*other);
      recount(*other);
    }
  summary_.tracked_peak_bytes = std::max(summary_.tracked_peak_bytes, tracked_pages_ * kPage);
  if (peak_.resident_pages() > peak_.peak_pages()) summary_.prefilled_bytes = prefilled_pages_ * kPage;
  peak_.note_resident();
  if (samples_peaks()) sampler_.set_known(peak_.known());
}

void Session::recount(Process& process) {
  const uint64_t known = process.pages.count(PageBit::kTouched);
  // Of what a look has found some may be gone since: there are no more than the kernel counts.
  const uint64_t now = process.polled_whole() && process.rss_bytes != 0 ? std::min(known, process.rss_bytes / kPage) : known;
  if (now > process.counted_pages) {
    process.touched_since_sample += now - process.counted_pages;
    const TrackerKind kind = process.far() ? TrackerKind::kPagemap : process.tracker;
    notes_.add_seen_pages(kind, now - process.counted_pages);
  }
  tracked_pages_ += now - process.counted_pages;
  const uint64_t filled = process.filled_ahead();
  process.inherited_prefilled_pages = std::min(process.inherited_prefilled_pages, filled);
  const uint64_t prefilled = filled - process.inherited_prefilled_pages;
  prefilled_pages_ += prefilled - process.prefilled_pages;
  process.prefilled_pages = prefilled;
  process.counted_pages = now;
  process.inherited_pages = std::min(process.inherited_pages, now);
  const uint64_t own = now - std::min(now, process.shared_known_pages + process.inherited_pages);
  peak_.change_resident(process.own_pages, own);
  process.own_pages = own;
}

}  // namespace oomcast::record
