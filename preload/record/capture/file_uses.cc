// FileUses: reports what the program has read from files and written to them. See file_uses.h.
#include "preload/record/capture/file_uses.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <utility>

#include "preload/record/kernel/kernel_text.h"
#include "preload/record/kernel/proc_file.h"
#include "preload/record/kernel/proc_maps.h"
#include "preload/ring/event_ring.h"
#include "preload/ring/file_notes.h"

namespace oomcast::record {
namespace {

// 32 MiB: nearer to the next watermark, each file call waits until its note is read.
constexpr uint64_t kLockstepPages = 8192;
// Interval between two emptyings of a ring while its program uses files or many stacks are taken.
constexpr uint64_t kDrainNs = 1'000'000;
constexpr uint64_t kPollingDrainNs = 4'000'000;  // in the polling phase, unless a ring fills faster
constexpr uint64_t kDrainedPart = 8;             // of a ring's slots may fill between two emptyings
constexpr uint64_t kMostBytes = uint64_t{1} << 46;
constexpr uint64_t kWorthAScan = 256 << 10;  // unreported bytes, pipes and sockets included
constexpr uint64_t kLeastMove = 4096;

uint64_t less(uint64_t a, uint64_t b) { return a > b ? a - b : 0; }

/// Bytes that the kernel has counted and no hook has reported.
IoTotals unseen_io(const FileUse& use, const IoTotals& totals) {
  return {less(totals.read_bytes, use.seen.read_bytes + use.noted.read_bytes),
          less(totals.written_bytes, use.seen.written_bytes + use.noted.written_bytes)};
}

std::map<int, OpenFile> read_open_files(const std::string& process_path) {
  std::map<int, OpenFile> open;
  for (const uint32_t number : numbers_in_directory(process_path + "/fd")) {
    struct stat status {};
    OpenFile file;
    if (::stat((process_path + "/fd/" + std::to_string(number)).c_str(), &status) != 0 || !S_ISREG(status.st_mode))
      continue;
    if (!parse_fdinfo(read_line_of(process_path + "/fdinfo/" + std::to_string(number)), &file)) continue;
    file.object = ring::file_id(status.st_dev, status.st_ino);
    open.emplace(static_cast<int>(number), file);
  }
  return open;
}

}  // namespace

void FileUses::take_note(Process& process, const trace::Event& note) {
  // The guest can write anything into its ring: impossible numbers are dropped.
  if (note.bytes > kMostBytes || note.argument > kMostBytes || note.tid == 0) return;
  if (ring::is_last_position(note)) {
    report_last_move(process, note);
    return;
  }
  note_file_use(process, note);
  if (ring::is_claim(note)) {
    deleted_.before_first_use(process, note.address);
    return;
  }
  deleted_.note_use(note.address);
  const uint64_t now = clocks_.now_ns();
  auto& slot = process.tasks[note.tid];
  if (!slot) slot = std::make_unique<Task>(static_cast<pid_t>(process.pid), note.tid, now);
  trace::Event event = feed_.stamp(process, slot.get(), note.kind);
  event.address = note.address;
  event.bytes = note.bytes;
  event.argument = note.argument;
  if (shared_memory_.holds(note.address)) event.stack_id = sites_.of_kind(SiteKind::kShared);
  const bool cut = note.kind == trace::EventKind::kFileTruncate || note.kind == trace::EventKind::kFilePunch;
  if (cut && shared_memory_.holds(note.address)) shared_memory_.forget_cut(note);
  if (note.kind == trace::EventKind::kFileWrite) event.flags = note.flags & trace::kPresent;
  process.scans.active = true;
  drain_soon(process, now);
  feed_.feed(event);
  if (process.shared)
    (*process.shared)->lockstep.store(feed_.headroom_pages() < kLockstepPages ? 1 : 0, std::memory_order_relaxed);
}

uint64_t FileUses::drain_interval_ns(const Process& process, uint64_t since_ns, uint64_t notes) {
  if (!process.in_polling_phase()) return kDrainNs;
  return std::clamp(since_ns * (ring::kSlots / kDrainedPart) / std::max<uint64_t>(notes, 1), kDrainNs, kPollingDrainNs);
}

void FileUses::drain_soon(Process& process, uint64_t now_ns) {
  process.drains.last_note_ns = now_ns;
  if (process.drains.next_ns == 0) process.drains.next_ns = now_ns + kDrainNs;
}

IoTotals parse_io(const std::string& text) { return {number_behind(text, "rchar:"), number_behind(text, "wchar:")}; }

bool parse_fdinfo(const std::string& text, OpenFile* out) {
  if (!text.starts_with("pos:")) return false;
  out->position = number_behind(text, "pos:");
  const uint64_t mode = number_behind(text, "flags:", 8) & O_ACCMODE;
  out->reads = mode != O_WRONLY;
  out->writes = mode != O_RDONLY;
  return true;
}

void FileUses::note_file_use(Process& process, const trace::Event& note) {
  FileUse& use = process.files.use;
  if ((note.flags & trace::kPresent) != 0) return;  // allocated: nothing was moved
  if (note.kind == trace::EventKind::kFileRead)
    use.noted.read_bytes += note.bytes;
  else if (note.kind == trace::EventKind::kFileWrite)
    use.noted.written_bytes += note.bytes;
  else
    return;
  if (use.claim(note.address)) use.forget_closed(read_open_files("/proc/" + std::to_string(process.pid)));
}

void FileUses::scan(Process& process) {
  const uint64_t cpu_began = clocks_.cpu_ns();
  scan_positions(process);
  process.scans.next_io_ns = planner_.rest_in_polling_phase(process, cpu_began);
}

void FileUses::scan_positions(Process& process) {
  FileUse& use = process.files.use;
  const std::string self = "/proc/" + std::to_string(process.pid);
  const IoTotals totals = parse_io(read_line_of(self + "/io"));
  // A few bytes are worth a scan only once the totals have stopped growing.
  const bool at_rest = totals == use.last_read;
  use.last_read = totals;
  const IoTotals unseen = unseen_io(use, totals);
  if (use.begun && unseen.read_bytes + unseen.written_bytes < (at_rest ? kLeastMove : kWorthAScan)) return;
  std::map<int, OpenFile> open = read_open_files(self);
  // A hook claims its file before its first call: once the ring is empty, every file that a hook has moved is claimed.
  drain_(process);
  IoTotals left = unseen_io(use, totals);
  if (use.begun)
    for (auto& [number, file] : open) report_move(process, number, file, left);
  use.open = std::move(open);
  use.noted = {};
  use.seen = totals;
  use.begun = true;
}

/// Feeds the bytes by which a descriptor's position has moved since the last scan, unless hooks report the use of its
/// file. At most `left`, the process's own unreported bytes, is fed: another process may share the descriptor. What
/// exceeds `left` is kept for the next scan, as the position was read after the byte counts.
uint64_t FileUses::report_move(Process& process, int number, OpenFile& file, IoTotals& left) {
  const FileUse& use = process.files.use;
  if (use.claimed.contains(file.object)) return 0;
  // A descriptor that was closed and opened again counts from position 0.
  const auto known = use.open.find(number);
  const bool same = known != use.open.end() && known->second.object == file.object &&
                    known->second.reads == file.reads && known->second.writes == file.writes &&
                    known->second.position <= file.position;
  if (!same) deleted_.before_first_use(process, file.object);
  const uint64_t before = same ? known->second.position : 0;
  const bool read = file.reads && (!file.writes || left.read_bytes >= left.written_bytes);
  uint64_t& own = read ? left.read_bytes : left.written_bytes;
  const uint64_t moved = std::min(less(file.position, before), own);
  if (moved < kLeastMove) {
    file.position = std::min(before, file.position);
    return 0;
  }
  shared_memory_.learn_descriptor(process, number);
  deleted_.note_use(file.object);
  own -= moved;
  file.position = before + moved;
  trace::Event event = feed_.stamp(process, nullptr, read ? trace::EventKind::kFileRead : trace::EventKind::kFileWrite);
  event.address = file.object;
  event.bytes = moved;
  event.argument = before;
  if (shared_memory_.holds(file.object)) event.stack_id = sites_.of_kind(SiteKind::kShared);
  feed_.feed(event);
  notes_.unhooked_file_bytes += moved;
  process.scans.active = true;
  return moved;
}

/// A stream is about to be closed: its last position is reported before the descriptor is gone.
void FileUses::report_last_move(Process& process, const trace::Event& note) {
  FileUse& use = process.files.use;
  const bool writes = note.kind == trace::EventKind::kFileWrite;
  OpenFile file{note.address, note.bytes, !writes, writes};
  const int number = static_cast<int>(std::min<uint64_t>(note.argument, INT_MAX));
  IoTotals left = unseen_io(use, parse_io(read_line_of(proc_of(process.pid) + "io")));
  // A descriptor opened for reading and writing counts as the one that was known before.
  if (const auto known = use.open.find(number); known != use.open.end())
    known->second.reads = !writes, known->second.writes = writes;
  const uint64_t moved = report_move(process, number, file, left);
  (writes ? use.noted.written_bytes : use.noted.read_bytes) += moved;
  use.open.erase(number);
}

}  // namespace oomcast::record
