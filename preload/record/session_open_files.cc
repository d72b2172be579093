// What does the program read and write past libc's names? stdio calls read() and write() inside libc, Go and static
// programs make system calls of their own: the kernel's byte counts show it, the descriptors' positions say where.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "preload/record/open_files.h"
#include "preload/record/session.h"

namespace oomcast::record {
namespace {

constexpr uint64_t kWorthALook = 256 << 10;  // bytes that nobody told of, pipes and sockets included
constexpr uint64_t kLeastMove = 4096;

uint64_t number_after(const std::string& text, const char* key, int base) {
  const size_t at = text.find(key);
  return at == std::string::npos ? 0 : std::strtoull(text.c_str() + at + std::strlen(key), nullptr, base);
}

uint64_t less(uint64_t a, uint64_t b) { return a > b ? a - b : 0; }

}  // namespace

IoTotals parse_io(const std::string& text) { return {number_after(text, "rchar:", 10), number_after(text, "wchar:", 10)}; }

bool parse_fdinfo(const std::string& text, OpenFile* out) {
  if (!text.starts_with("pos:")) return false;
  out->position = number_after(text, "pos:", 10);
  const uint64_t mode = number_after(text, "flags:", 8) & O_ACCMODE;
  out->reads = mode != O_WRONLY;
  out->writes = mode != O_RDONLY;
  return true;
}

void Session::note_file_use(Process& process, const trace::Event& note) {
  FileUse& use = process.file_use;
  if (note.kind == trace::EventKind::kFileRead) use.noted.read_bytes += note.bytes;
  else if (note.kind == trace::EventKind::kFileWrite) use.noted.written_bytes += note.bytes;
  else return;
  use.noted_bytes[note.address] += note.bytes;
}

/// Feeds what a descriptor has moved over since the last look and no hook has told of.
void Session::feed_move(Process& process, const OpenFile& before, const OpenFile& now, bool more_read) {
  if (now.position <= before.position) return;
  const auto noted = process.file_use.noted_bytes.find(now.object);
  const uint64_t moved = less(now.position - before.position, noted == process.file_use.noted_bytes.end() ? 0 : noted->second);
  if (moved < kLeastMove) return;
  const bool read = now.reads && (!now.writes || more_read);
  trace::Event event = stamped(process, nullptr, read ? trace::EventKind::kFileRead : trace::EventKind::kFileWrite);
  event.address = now.object;
  event.bytes = moved;
  event.argument = now.position - moved;
  feed(event);
  unseen_file_bytes_ += moved;
  process.active = true;
}

void Session::poll_open_files(Process& process) {
  const std::string self = "/proc/" + std::to_string(process.pid);
  FileUse& use = process.file_use;
  const IoTotals totals = parse_io(read_whole_path(self + "/io"));
  const uint64_t unseen_read = less(totals.read_bytes - use.seen.read_bytes, use.noted.read_bytes);
  const uint64_t unseen_written = less(totals.written_bytes - use.seen.written_bytes, use.noted.written_bytes);
  if (totals.read_bytes < use.seen.read_bytes || unseen_read + unseen_written < kWorthALook) return;
  std::map<int, OpenFile> open;
  DIR* directory = ::opendir((self + "/fd").c_str());
  if (directory == nullptr) return;
  while (const dirent* entry = ::readdir(directory)) {
    if (entry->d_name[0] == '.') continue;
    struct stat status{};
    OpenFile file;
    if (::fstatat(::dirfd(directory), entry->d_name, &status, 0) != 0 || !S_ISREG(status.st_mode)) continue;
    if (!parse_fdinfo(read_whole_path(self + "/fdinfo/" + entry->d_name), &file)) continue;
    file.object = ring::file_id(status.st_dev, status.st_ino);
    const int number = std::atoi(entry->d_name);
    const auto known = use.open.find(number);
    OpenFile before = file;
    before.position = known != use.open.end() && known->second.object == file.object ? known->second.position : 0;
    feed_move(process, before, file, unseen_read >= unseen_written);
    open.emplace(number, file);
  }
  ::closedir(directory);
  use.open = std::move(open);
  use.noted_bytes.clear();
  use.noted = {};
  use.seen = totals;
}

}  // namespace oomcast::record
