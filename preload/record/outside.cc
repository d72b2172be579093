// Outside: holds the touches of processes that have not loaded the library.
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
constexpr uint64_t kNextLookNs = 20'000'000;  // at a program that may still say hello

/// A filter of system calls, a userfaultfd of its own, a kernel that has none like ours. Other reasons pass: another
/// tracer, a stop, an exec that is under way, a lack of descriptors; and who is on its way out may not be traced
/// (EPERM).
bool is_for_good(int error) { return error == EACCES || error == EEXIST || error == EINVAL; }

}  // namespace

bool Outside::may_say_hello(Process& process, uint64_t now_ns) const {
  return hellos_come_ &&
         process.outside.patience.lasts(process.life.program_ns, now_ns, cpu_ns_of(process.pid, process.pid)) &&
         loads_library(process.pid);
}

bool Outside::is_due(const Process& process, uint64_t now_ns) {
  return !process.fault_fd.valid() && !process.life.said_hello && !process.gives_way && process.pidfd &&
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

/// To open a userfaultfd may take a quarter of a second, and each is followed by faults.
void Outside::serve_all() {
  for (const auto& [pid, process] : rooms_.processes)
    if (process->tracked_by_faults()) rooms_.faults.serve(*process);
}

void Outside::hold(Process& process) {
  const bool starts = start_.pid() == static_cast<pid_t>(process.pid);
  // On a busy machine the fetch takes so long that the program may end meanwhile.
  if (!starts && !process.scans.begun) rooms_.scanner.scan(process, true);
  FetchedUserfaultfd fetched =
      starts ? start_.fetch(process.pidfd.get()) : fetcher_.fetch(process.pid, process.pidfd.get(), hellos_come_);
  process.outside.next_try_ns = rooms_.clocks.now_ns() + kNextTryNs;  // the fetch itself may have taken longer
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
  // Before its mappings are read: none is missed.
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
  rooms_.faults.serve(process);  // what was unmapped in its place comes first
  for (const auto& [start, end] : news.mapped) rooms_.mappings.learn_reported(process, start, end);
  if (news.lost) process.scans.next_ns = process.scans.whole_ns = 0;
  rooms_.feed.arm_watches();
  for (const int descriptor : news.ended) loop_.forget(descriptor);
}

}  // namespace oomcast::record
