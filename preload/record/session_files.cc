// Tells what the program has read and written through files. Notes from the ring become events; the time that the calls took
// natively is left out, because the model has its own cost for the same work.
#include <algorithm>
#include <utility>

#include "preload/record/session.h"

namespace oomcast::record {
namespace {

constexpr uint64_t kLockstepPages = 8192;     // 32 MiB before the next watermark, file notes are taken one by one
constexpr uint64_t kDrainNs = 1'000'000;   // how often a ring is looked at while its program uses files or many stacks are taken
constexpr uint64_t kFarDrainNs = 4'000'000;  // while nothing is near, unless a ring fills faster
constexpr uint64_t kDrainedPart = 8;         // of its slots, at one go
constexpr uint64_t kQuietNs = 50'000'000;  // and for how long after its last use
constexpr uint64_t kMostBytes = uint64_t{1} << 46;

}  // namespace

void Session::on_file_note(Process& process, const trace::Event& note) {
  // The ring is the guest's memory: numbers that no file can have are not passed on.
  if (note.bytes > kMostBytes || note.argument > kMostBytes || note.tid == 0) return;
  if (ring::is_last_position(note)) {
    feed_last_move(process, note);
    return;
  }
  note_file_use(process, note);
  if (ring::is_claim(note)) return;
  const uint64_t now = monotonic_ns();
  auto& slot = process.tasks[note.tid];
  if (!slot) slot = std::make_unique<Task>(static_cast<pid_t>(process.pid), note.tid, now);
  trace::Event event = stamped(process, slot.get(), note.kind);
  event.address = note.address;
  event.bytes = note.bytes;
  event.argument = note.argument;
  if (memory_files_.contains(note.address)) event.stack_id = stacks_.intern_kind(SiteKind::kShared);
  const bool cut = note.kind == trace::EventKind::kFileTruncate || note.kind == trace::EventKind::kFilePunch;
  if (cut && memory_files_.contains(note.address)) forget_cut(note);
  if (note.kind == trace::EventKind::kFileWrite) event.flags = note.flags & trace::kPresent;
  process.active = true;
  drain_soon(process, now);
  feed(event);
  if (process.shared) (*process.shared)->lockstep.store(sink_.headroom_pages() < kLockstepPages ? 1 : 0, std::memory_order_relaxed);
}

/// So that no more than a part of the ring fills meanwhile.
uint64_t Session::drain_interval_ns(const Process& process, uint64_t since_ns, uint64_t notes) {
  if (!process.far()) return kDrainNs;
  return std::clamp(since_ns * (ring::kSlots / kDrainedPart) / std::max<uint64_t>(notes, 1), kDrainNs, kFarDrainNs);
}

/// Its ring fills by itself: no fault and no question of the program makes us look.
void Session::drain_soon(Process& process, uint64_t now_ns) {
  process.last_note_ns = now_ns;
  if (process.next_drain_ns == 0) process.next_drain_ns = now_ns + kDrainNs;
}

/// True while the thread is in a file call: its clock waits until the call is over and has been counted.
bool Session::in_file_call(Process& process, Task& task, uint64_t now_ns) {
  if (!process.shared) return false;
  const ring::FileTime time = ring::FileTime::read((*process.shared)->file_calls, task.tid, now_ns);
  if (!task.file_time_known) task.clock.begin_file_time(time.wall_ns, time.cpu_ns);
  else task.clock.set_file_time(time.wall_ns, time.cpu_ns);
  task.file_time_known = true;
  return time.in_call;
}

/// A program that streams through files does not fault: nothing else would make us look before its ring is full.
void Session::drain_file_users(uint64_t now_ns) {
  for (const auto& [pid, process] : processes_) {
    if (process->next_drain_ns == 0 || now_ns < process->next_drain_ns) continue;
    if (process->tells_frees()) on_userfaultfd(*process);
    const uint64_t notes_before = count_.notes;
    drain_ring(*process);
    const uint64_t since_ns = now_ns - std::exchange(process->drained_ns, now_ns);
    process->next_drain_ns = now_ns - process->last_note_ns < kQuietNs ? now_ns + drain_interval_ns(*process, since_ns, count_.notes - notes_before) : 0;
    apply_watches();
  }
}

}  // namespace oomcast::record
