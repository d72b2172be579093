// Settings: reports what a guest has told the kernel about its future memory. See settings.h.
#include "preload/record/capture/settings.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>

#include "preload/record/kernel/kernel_text.h"
#include "preload/record/kernel/proc_file.h"

namespace oomcast::record {
namespace {

/// The process of a thread, by /proc/TID/status; 0: there is no such thread.
uint32_t process_of_thread(uint32_t tid) {
  return static_cast<uint32_t>(number_behind(read_whole_path(proc_of(tid) + "status"), "Tgid:"));
}

}  // namespace

void Settings::take_note(Process& process, const trace::Event& note) {
  Process* owner = &process;
  uint64_t bytes = note.bytes;
  if (note.kind == trace::EventKind::kLimit) {
    // A limit of another process: its pid comes in `bytes`.
    if (bytes != 0 && bytes != process.pid) owner = processes_.find(static_cast<uint32_t>(bytes));
    bytes = 0;
  } else if (note.kind == trace::EventKind::kAffinity && note.tid != process.pid && !process.tasks.contains(note.tid)) {
    // A thread that has ended meanwhile counts as one of the guest's own.
    if (const uint32_t pid = process_of_thread(note.tid); pid != 0) owner = processes_.find(pid);
  }
  if (owner == nullptr) return;
  const bool policy = note.kind == trace::EventKind::kSetPolicy || note.kind == trace::EventKind::kBindRange;
  if (policy && note.flags > static_cast<uint8_t>(trace::PolicyMode::kWeightedInterleave)) return;
  // The model sets policies on known mappings only, so unknown memory of the range is looked up first.
  if (note.kind == trace::EventKind::kBindRange || note.kind == trace::EventKind::kAdviseHuge ||
      note.kind == trace::EventKind::kLock) {
    const uint64_t end = note.address + note.bytes;
    Vma vma;
    if (!owner->map.gaps(note.address, end).empty())
      for (uint64_t at = note.address; at < end && owner->memory->mapping_at(at, &vma); at = vma.end)
        mappings_.learn(*owner, vma, false);
  }
  if (note.kind == trace::EventKind::kThpDisable) owner->huge_pages_off = note.address != 0;
  trace::Event event = feed_.stamp(*owner, nullptr, note.kind);
  if (owner == &process || note.kind == trace::EventKind::kAffinity) event.tid = note.tid;
  event.address = note.address;
  event.bytes = bytes;
  event.argument = note.argument;
  event.flags = note.flags;
  feed_.feed(event);
}

/// A spawned child inherits limits as a forked one does, but the model passes them on at a fork only.
void Settings::report_limits(Process& process) {
  for (const auto resource : {RLIMIT_DATA, RLIMIT_AS}) {
    rlimit limit{};
    if (::prlimit(static_cast<pid_t>(process.pid), resource, nullptr, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
      feed_.report(process, trace::EventKind::kLimit, static_cast<uint64_t>(resource), 0, limit.rlim_cur);
  }
}

}  // namespace oomcast::record
