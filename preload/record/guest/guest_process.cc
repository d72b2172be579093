// Process: small functions over its state and /proc.
#include "preload/record/guest/guest_process.h"

#include <algorithm>
#include <iterator>

#include "preload/record/kernel/shared_address_space.h"
#include "preload/ring/file_notes.h"

namespace oomcast::record {
namespace {

// The program asks for a scan before it frees this much. kPhaseFreeBytes: its tracker is userfaultfd, in the polling
// phase. kPolledFreeBytes: any other tracker.
constexpr uint64_t kPhaseFreeBytes = 1 << 20, kPolledFreeBytes = 64 << 10;

}  // namespace

bool in_file_call(Process& process, Task& task, uint64_t now_ns) {
  if (!process.shared) return false;
  const ring::FileTime time = ring::FileTime::read((*process.shared)->file_calls, task.tid, now_ns);
  if (!task.file_time_known)
    task.clock.begin_file_time(time.wall_ns, time.cpu_ns);
  else
    task.clock.set_file_time(time.wall_ns, time.cpu_ns);
  task.file_time_known = true;
  return time.in_call;
}

void watch_text(Process& process, uint64_t page) {
  if (!process.tracked_by_faults()) return;
  const auto next = process.files.mappings.upper_bound(page);
  if (next == process.files.mappings.begin()) return;
  const FileMapping& mapping = std::prev(next)->second;
  if (page < mapping.end && mapping.program && mapping.executable) process.files.watched_text.insert(page);
}

size_t read_memory(const Process& process, uint64_t address, void* out, size_t bytes) {
  size_t done = 0;
  while (done < bytes) {
    const uint64_t at = address + done, page = page_down(at);
    const size_t part = std::min<size_t>(bytes - done, page + kPage - at);
    const bool is_out = process.stash.helper != nullptr && process.pages.test(PageBit::kStashed, page);
    const uint64_t from = is_out ? process.stash.helper->place_of(page) + (at - page) : at;
    const size_t got = process.memory->read(from, static_cast<char*>(out) + done, part);
    done += got;
    if (got != part) break;
  }
  return done;
}

bool memory_lives(Process& process) {
  // The helper of a stash shares the address space and keeps it alive after an exec of the process.
  const StashChannel* const helper = process.stash.helper.get();
  if (helper != nullptr && helper->alive() && !share_address_space(process.pid, helper->pid())) return false;
  if (process.fault_fd.valid()) return process.fault_fd.address_space_lives();
  return process.memory->lives();
}

uint64_t take_native_faults(Process& process, uint64_t of_ns) {
  const uint64_t taken = std::min(process.native.cpu_ns, of_ns);
  process.native.cpu_ns -= taken;
  return taken;
}

void publish_ask_thresholds(Process& process, bool ask_before_use) {
  if (!process.shared) return;
  SharedMapping& area = *process.shared;
  area->ask_before_free_bytes.store(process.tracked_by_faults()                    ? UINT64_MAX
                                    : process.tracker == TrackerKind::kUserfaultfd ? kPhaseFreeBytes
                                                                                   : kPolledFreeBytes);
  area->ask_before_use.store(process.reports_frees() || ask_before_use ? 1 : 0);
}

}  // namespace oomcast::record
