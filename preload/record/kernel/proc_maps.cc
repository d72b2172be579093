// Reads maps, statm and stat of /proc/PID. Uses PROCMAP_QUERY (Linux 6.11) where the kernel has it, else the text of
// maps.
#include "preload/record/kernel/proc_maps.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string_view>

#include "model/base/units.h"
#include "preload/record/kernel/proc_file.h"
#include "preload/record/kernel/unique_fd.h"

namespace oomcast::record {
namespace {

// struct procmap_query of a newer linux/fs.h than Debian 12's.
struct ProcmapQuery {
  uint64_t size, query_flags, query_addr, vma_start, vma_end, vma_flags, vma_page_size, vma_offset, inode;
  uint32_t dev_major, dev_minor, vma_name_size, build_id_size;
  uint64_t vma_name_addr, build_id_addr;
};
#define OOMCAST_PROCMAP_QUERY _IOWR('f', 17, ProcmapQuery)
constexpr uint64_t kVmaReadable = 1, kVmaWritable = 2, kVmaExecutable = 4, kVmaShared = 8;

/// PROCMAP_QUERY for the mapping that contains the address. Returns 0 or an errno.
int ask_kernel(int maps_fd, uint64_t address, Vma* out) {
  char name[256] = {};
  ProcmapQuery query{};
  query.size = sizeof query;
  query.query_addr = address;
  query.vma_name_size = sizeof name;
  query.vma_name_addr = reinterpret_cast<uint64_t>(name);
  if (::ioctl(maps_fd, OOMCAST_PROCMAP_QUERY, &query) != 0) return errno;
  *out = {};
  out->start = query.vma_start;
  out->end = query.vma_end;
  out->file_offset = query.vma_offset;
  out->inode = query.inode;
  out->device = makedev(query.dev_major, query.dev_minor);
  out->readable = query.vma_flags & kVmaReadable;
  out->writable = query.vma_flags & kVmaWritable;
  out->executable = query.vma_flags & kVmaExecutable;
  out->shared = query.vma_flags & kVmaShared;
  name[sizeof name - 1] = '\0';
  out->name = name;
  return 0;
}

/// Removes a number and the character `after` from the front of the text; false: they are not there.
template <class Number>
bool take_number(std::string_view* text, int base, char after, Number* out) {
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), *out, base);
  if (error != std::errc() || end == text->data() + text->size() || *end != after) return false;
  text->remove_prefix(static_cast<size_t>(end - text->data()) + 1);
  return true;
}

/// Parses a line of /proc/PID/maps: "start-end rwxp offset major:minor inode      name". Without a library for speed:
/// every scan parses all lines.
bool parse_mapping(std::string_view line, Vma* out) {
  unsigned device_major = 0, device_minor = 0;
  if (!take_number(&line, 16, '-', &out->start) || !take_number(&line, 16, ' ', &out->end) || out->end <= out->start ||
      line.size() < 5 || line[4] != ' ')
    return false;
  out->readable = line[0] == 'r';
  out->writable = line[1] == 'w';
  out->executable = line[2] == 'x';
  out->shared = line[3] == 's';
  line.remove_prefix(5);
  if (!take_number(&line, 16, ' ', &out->file_offset) || !take_number(&line, 16, ':', &device_major) ||
      !take_number(&line, 16, ' ', &device_minor))
    return false;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), out->inode);
  if (error != std::errc()) return false;
  out->device = makedev(device_major, device_minor);
  line.remove_prefix(static_cast<size_t>(end - line.data()));
  if (const size_t name = line.find_first_not_of(' '); name != std::string_view::npos) out->name = line.substr(name);
  return true;
}

}  // namespace

std::string read_whole(int fd) {
  std::string text;
  char buffer[16384];
  off_t at = 0;
  for (;;) {
    const ssize_t got = ::pread(fd, buffer, sizeof buffer, at);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return text;
    text.append(buffer, static_cast<size_t>(got));
    at += got;
  }
}

std::string read_whole_path(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  return fd ? read_whole(fd.get()) : std::string();
}

std::string read_line(int fd) {
  char buffer[512];
  ssize_t got;
  do got = ::pread(fd, buffer, sizeof buffer, 0);
  while (got < 0 && errno == EINTR);
  return std::string(buffer, static_cast<size_t>(std::max<ssize_t>(got, 0)));
}

std::string read_line_of(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  return fd ? read_line(fd.get()) : std::string();
}

std::vector<Vma> parse_maps(const std::string& text) {
  std::vector<Vma> out;
  for (size_t at = 0; at < text.size();) {
    size_t line_end = text.find('\n', at);
    if (line_end == std::string::npos) line_end = text.size();
    Vma vma;
    if (parse_mapping(std::string_view(text).substr(at, line_end - at), &vma)) out.push_back(std::move(vma));
    at = line_end + 1;
  }
  return out;
}

std::vector<PageRange> locked_ranges(const std::string& smaps) {
  std::vector<PageRange> out;
  Vma vma;
  for (size_t at = 0; at < smaps.size();) {
    const size_t line_end = std::min(smaps.find('\n', at), smaps.size());
    const std::string_view line = std::string_view(smaps).substr(at, line_end - at);
    at = line_end + 1;
    Vma next;
    if (parse_mapping(line, &next)) vma = std::move(next);
    if (!line.starts_with("VmFlags:") || (line.find(" lo ") == line.npos && !line.ends_with(" lo"))) continue;
    append(&out, vma.start, vma.end);
  }
  return out;
}

std::vector<Vma> read_maps(int maps_fd) { return parse_maps(read_whole(maps_fd)); }

bool query_map(int maps_fd, uint64_t address, Vma* out) {
  if (kernel_has_procmap_query()) {
    const int error = ask_kernel(maps_fd, address, out);
    if (error == 0) return true;
    if (error == ENOENT || error == ESRCH) return false;
  }
  for (Vma& vma : read_maps(maps_fd))
    if (address >= vma.start && address < vma.end) {
      *out = std::move(vma);
      return true;
    }
  return false;
}

std::optional<uint64_t> stat_field(const std::string& stat, int field) {
  size_t at = stat.rfind(')');
  for (int passed = 2; passed < field && at != std::string::npos; ++passed) at = stat.find(' ', at + 1);
  if (at == std::string::npos) return std::nullopt;
  return std::strtoull(stat.c_str() + at + 1, nullptr, 10);
}

char stat_state(const std::string& stat) {
  const size_t name_end = stat.rfind(')');
  return name_end != std::string::npos && name_end + 2 < stat.size() ? stat[name_end + 2] : '\0';
}

std::optional<uint32_t> parent_of(uint32_t pid) {
  const auto parent = stat_field(read_line_of(proc_of(pid) + "stat"), 4);
  return parent ? std::optional(static_cast<uint32_t>(*parent)) : std::nullopt;
}

std::vector<uint32_t> pids_in(const std::string& text) {
  std::vector<uint32_t> pids;
  for (const char* at = text.c_str(); *at != '\0';) {
    char* end = nullptr;
    const unsigned long pid = std::strtoul(at, &end, 10);
    if (end == at) break;
    pids.push_back(static_cast<uint32_t>(pid));
    at = end + (*end == ' ' ? 1 : 0);
  }
  return pids;
}

Resident resident_of(const std::string& statm) {
  Resident out;
  if (statm.empty()) return out;
  char* end = nullptr;
  out.known = true;
  out.size_pages = std::strtoull(statm.c_str(), &end, 10);
  const uint64_t resident = std::strtoull(end, &end, 10);
  out.shared_pages = std::strtoull(end, &end, 10);
  out.own_pages = resident > out.shared_pages ? resident - out.shared_pages : 0;
  std::strtoull(end, &end, 10);  // text
  std::strtoull(end, &end, 10);  // always 0 since Linux 2.6
  out.data_pages = std::strtoull(end, &end, 10);
  return out;
}

bool kernel_has_procmap_query() {
  static const bool has = [] {
    UniqueFd fd(::open("/proc/self/maps", O_RDONLY | O_CLOEXEC));
    Vma vma;
    return ask_kernel(fd.get(), reinterpret_cast<uint64_t>(&vma), &vma) == 0;
  }();
  return has;
}

bool kernel_counts_exactly() {
  constexpr uint64_t kTried = 16;
  UniqueFd statm(::open("/proc/self/statm", O_RDONLY | O_CLOEXEC));
  const auto resident = [&statm] { return resident_of(read_line(statm.get())).own_pages; };
  void* pages = ::mmap(nullptr, kTried * static_cast<size_t>(kPageBytes), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) return false;
  bool exact = true;
  for (uint64_t i = 0; i < kTried && exact; ++i) {
    const uint64_t before = resident();
    *(static_cast<volatile char*>(pages) + i * static_cast<uint64_t>(kPageBytes)) = 1;
    exact = resident() > before;
  }
  ::munmap(pages, kTried * static_cast<size_t>(kPageBytes));
  return exact;
}

bool maps_inode(uint32_t pid, uint64_t inode) {
  return read_whole_path(proc_of(pid) + "maps").find(" " + std::to_string(inode) + " ") != std::string::npos;
}

}  // namespace oomcast::record
