// What the program reads and writes past libc's names: stdio calls read() and write() inside libc, Go and static
// programs make system calls of their own: the kernel's byte counts show it, the descriptors' positions say where.
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <cstring>

#include "preload/record/guest/open_files.h"
#include "preload/record/session.h"

namespace oomcast::record {
namespace {

constexpr uint64_t kWorthALook = 256 << 10;  // bytes that nobody told of, pipes and sockets included
constexpr uint64_t kLeastMove = 4096;

uint64_t less(uint64_t a, uint64_t b) { return a > b ? a - b : 0; }

/// What the kernel has counted and no hook has told of.
IoTotals unseen_io(const FileUse& use, const IoTotals& totals) {
  return {less(totals.read_bytes, use.seen.read_bytes + use.noted.read_bytes), less(totals.written_bytes, use.seen.written_bytes + use.noted.written_bytes)};
}

std::map<int, OpenFile> read_open_files(const std::string& process_path) {
  std::map<int, OpenFile> open;
  for (const uint32_t number : numbers_in_directory(process_path + "/fd")) {
    struct stat status{};
    OpenFile file;
    if (::stat((process_path + "/fd/" + std::to_string(number)).c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
    if (!parse_fdinfo(read_line_of(process_path + "/fdinfo/" + std::to_string(number)), &file)) continue;
    file.object = ring::file_id(status.st_dev, status.st_ino);
    open.emplace(static_cast<int>(number), file);
  }
  return open;
}

}  // namespace

IoTotals parse_io(const std::string& text) { return {number_behind(text, "rchar:"), number_behind(text, "wchar:")}; }

bool parse_fdinfo(const std::string& text, OpenFile* out) {
  if (!text.starts_with("pos:")) return false;
  out->position = number_behind(text, "pos:");
  const uint64_t mode = number_behind(text, "flags:", 8) & O_ACCMODE;
  out->reads = mode != O_WRONLY;
  out->writes = mode != O_RDONLY;
  return true;
}

void FileUse::forget_closed(const std::map<int, OpenFile>& still_open) {
  std::set<uint64_t> kept;
  for (const auto& [number, file] : still_open)
    if (told.contains(file.object)) kept.insert(file.object);
  told = std::move(kept);
  many_told = std::max<size_t>(4096, 2 * told.size());
}

void Session::note_file_use(Process& process, const trace::Event& note) {
  FileUse& use = process.file_use;
  if ((note.flags & trace::kPresent) != 0) return;  // allocated: nothing was moved
  if (note.kind == trace::EventKind::kFileRead) use.noted.read_bytes += note.bytes;
  else if (note.kind == trace::EventKind::kFileWrite) use.noted.written_bytes += note.bytes;
  else return;
  if (use.claim(note.address)) use.forget_closed(read_open_files("/proc/" + std::to_string(process.pid)));
}

void Session::poll_open_files(Process& process) {
  const uint64_t cpu_began = thread_cpu_ns();
  look_at_positions(process);
  process.next_io_ns = rest_while_far(process, cpu_began);
}

void Session::look_at_positions(Process& process) {
  FileUse& use = process.file_use;
  const std::string self = "/proc/" + std::to_string(process.pid);
  const IoTotals totals = parse_io(read_line_of(self + "/io"));
  // Little is worth a look only once the process has come to rest: more may come.
  const bool at_rest = totals == use.glanced;
  use.glanced = totals;
  const IoTotals unseen = unseen_io(use, totals);
  if (use.begun && unseen.read_bytes + unseen.written_bytes < (at_rest ? kLeastMove : kWorthALook)) return;
  std::map<int, OpenFile> open = read_open_files(self);
  // A hook claims its file before the first call moves anything: what the positions show, its claim has come before.
  drain_ring(process);
  IoTotals left = unseen_io(use, totals);
  if (use.begun)
    for (auto& [number, file] : open) feed_move(process, number, file, left);
  use.open = std::move(open);
  use.noted = {};
  use.seen = totals;
  use.begun = true;
}

/// Feeds what a descriptor has moved over since the last look, unless hooks tell of its file. No more than what is `left`
/// of the process's own bytes: others may move a descriptor that they share with it. The rest is for the next look, as the
/// position was read after the bytes were counted.
uint64_t Session::feed_move(Process& process, int number, OpenFile& file, IoTotals& left) {
  const FileUse& use = process.file_use;
  if (use.told.contains(file.object)) return 0;
  // The number may have been closed and opened again: then it began at 0.
  const auto known = use.open.find(number);
  const bool same = known != use.open.end() && known->second.object == file.object && known->second.reads == file.reads &&
                    known->second.writes == file.writes && known->second.position <= file.position;
  const uint64_t before = same ? known->second.position : 0;
  const bool read = file.reads && (!file.writes || left.read_bytes >= left.written_bytes);
  uint64_t& own = read ? left.read_bytes : left.written_bytes;
  const uint64_t moved = std::min(less(file.position, before), own);
  if (moved < kLeastMove) {
    file.position = std::min(before, file.position);
    return 0;
  }
  learn_open_memory_file(process, number);
  own -= moved;
  file.position = before + moved;
  trace::Event event = stamped(process, nullptr, read ? trace::EventKind::kFileRead : trace::EventKind::kFileWrite);
  event.address = file.object;
  event.bytes = moved;
  event.argument = before;
  if (memory_files_.contains(file.object)) event.stack_id = stacks_.intern_kind(SiteKind::kShared);
  feed(event);
  notes_.unhooked_file_bytes += moved;
  process.active = true;
  return moved;
}

/// A stream is about to be closed: how far it has come is known now or never.
void Session::feed_last_move(Process& process, const trace::Event& note) {
  FileUse& use = process.file_use;
  const bool writes = note.kind == trace::EventKind::kFileWrite;
  OpenFile file{note.address, note.bytes, !writes, writes};
  const int number = static_cast<int>(std::min<uint64_t>(note.argument, INT_MAX));
  IoTotals left = unseen_io(use, parse_io(read_line_of("/proc/" + std::to_string(process.pid) + "/io")));
  // Opened for both, it was the same one before.
  if (const auto known = use.open.find(number); known != use.open.end()) known->second.reads = !writes, known->second.writes = writes;
  const uint64_t moved = feed_move(process, number, file, left);
  (writes ? use.noted.written_bytes : use.noted.read_bytes) += moved;
  use.open.erase(number);
}

}  // namespace oomcast::record
