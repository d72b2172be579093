// Outside: holds the touches of processes without the library.
#include "preload/record/outside.h"

#include <errno.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <utility>

#include "preload/record/guest/task_clock.h"
#include "preload/record/kernel/userfaultfd.h"
#include "preload/record/program_use.h"

namespace oomcast::record {
namespace {

constexpr int kTriesMost = 4;
constexpr uint64_t kNextTryNs = 100'000'000;
constexpr uint64_t kNextLookNs = 20'000'000;  // between two checks whether a program may still load the library

/// Whether a retry is useless. EACCES: the program has a seccomp filter. EEXIST: it has a userfaultfd. EINVAL: this
/// kernel's userfaultfd lacks a feature. Every other error may go away, EPERM too: a process that is exiting may not be
/// traced.
bool is_for_good(int error) { return error == EACCES || error == EEXIST || error == EINVAL; }

}  // namespace

bool Outside::may_say_hello(Process& process, uint64_t now_ns) const {
  return hellos_come_ &&
         process.outside.patience.lasts(process.life.program_ns, now_ns, cpu_ns_of(process.pid, process.pid)) &&
         loads_library(process.pid);
}

bool Outside::is_due(const Process& process, uint64_t now_ns) {
  return !process.fault_fd.valid() && !process.life.said_hello() && !process.gives_way && process.pidfd &&
         process.life.memory_gone_ns == 0 && process.outside.tries < kTriesMost &&
         now_ns >= process.outside.next_try_ns;
}

void Outside::hold_due(uint64_t now_ns) {
  if (rooms_.tracker != TrackerKind::kUserfaultfd || !rooms_.phase.exact()) return;
  for (const auto& [pid, process] : rooms_.processes) {
    if (!is_due(*process, now_ns)) continue;
    if (may_say_hello(*process, now_ns)) {
      process->outside.next_try_ns = now_ns + kNextLookNs;
      continue;
    }
    hold(*process);
    serve_all();
  }
  start_.let_go();
}

/// Serves the pending faults of all processes. Opening one userfaultfd may take 250 ms, and threads of processes held
/// earlier wait meanwhile.
void Outside::serve_all() {
  for (const auto& [pid, process] : rooms_.processes)
    if (process->tracked_by_faults()) rooms_.faults.serve(*process);
}

void Outside::hold(Process& process) {
  const bool starts = start_.pid() == static_cast<pid_t>(process.pid);
  // Scanned first: on a busy machine the program may end during the fetch.
  if (!starts && !process.scans.begun) rooms_.scanner.scan(process, true);
  FetchedUserfaultfd fetched =
      starts ? start_.fetch(process.pidfd.get()) : fetcher_.fetch(process.pid, process.pidfd.get(), hellos_come_);
  process.outside.next_try_ns = rooms_.clocks.now_ns() + kNextTryNs;  // counted from the end of the fetch
  Userfaultfd opened(std::move(fetched.descriptor));
  if (!opened.valid() || !opened.negotiate()) {
    const int error = fetched.error != 0 ? fetched.error : EINVAL;
    if (error == ESRCH || error == EALREADY) return;
    if (is_for_good(error) || ++process.outside.tries == kTriesMost) {
      process.outside.tries = kTriesMost;
      process.outside.refusal = error;
    }
    return;
  }
  spdlog::info("process {} ({}) stood still for {} us: a userfaultfd was opened inside of it", process.pid,
               process.comm, fetched.stopped_ns / 1000);
  process.outside.tries = kTriesMost;
  process.fault_fd = OptionalChannel(std::make_unique<Userfaultfd>(std::move(opened)));
  process.tracker = TrackerKind::kUserfaultfd;
  rooms_.notes.use_tracker(TrackerKind::kUserfaultfd);
  process.outside.held = true;
  loop_.watch(process.fault_fd.fd(), SourceKind::kFaults, process.pid);
  // Notices are opened before the mappings are read, so that no new mapping is missed.
  process.outside.notices = std::make_unique<MappingNotices>(process.pid);
  process.outside.notices->for_each_descriptor(
      [&](int descriptor) { loop_.watch(descriptor, SourceKind::kMappings, process.pid); });
  if (!process.outside.notices->valid()) process.outside.notices.reset();
  rooms_.hold_touches_of(process);
}

void Outside::take_mappings(Process& process) {
  if (!process.tracked_by_faults()) process.outside.notices.reset();
  if (process.outside.notices == nullptr) return;
  const MappingNotices::News news = process.outside.notices->take();
  rooms_.faults.serve(process);  // UNMAP events are served first: a new mapping may have replaced an unmapped one
  for (const auto& [start, end] : news.mapped) rooms_.mappings.learn_reported(process, start, end);
  if (news.lost) process.scans.next_ns = process.scans.whole_ns = 0;
  rooms_.feed.arm_watches();
  for (const int descriptor : news.ended) loop_.forget(descriptor);
}

}  // namespace oomcast::record
