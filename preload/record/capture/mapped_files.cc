// Reports which pages of mapped files the program uses, its own text included. See mapped_files.h.
#include "preload/record/capture/mapped_files.h"

#include <elf.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <string_view>
#include <utility>

#include "preload/record/kernel/page_scan.h"
#include "preload/record/kernel/pages.h"
#include "preload/ring/file_notes.h"

namespace oomcast::record {
namespace {

using Files = std::set<std::pair<uint64_t, uint64_t>>;
constexpr uint64_t kWholePollNs = 200'000'000;

uint8_t flags_of(const FileMapping& mapping) {
  return static_cast<uint8_t>((mapping.shared ? 0 : trace::kPrivate) | (mapping.writable ? trace::kWritable : 0) |
                              (mapping.executable ? trace::kExecutable : 0));
}

Files executed_files(const std::vector<Vma>& maps) {
  Files executed;
  for (const Vma& vma : maps)
    if (vma.executable && vma.inode != 0) executed.emplace(vma.device, vma.inode);
  return executed;
}

bool of_regular_file(const Vma& vma) {
  return vma.inode != 0 && vma.name.starts_with('/') && !vma.special() && !vma.name.starts_with("/dev/") &&
         !vma.name.starts_with("/memfd:");
}

/// Our own library and what it loads, the C library, and shells: every target has the latter two in use at all times.
bool in_memory_anyway(const std::string& path) {
  static constexpr std::string_view kOurs[] = {"liboomcast", "libunwind", "liblzma"};
  static constexpr std::string_view kCLibrary[] = {"libc.so", "libc-2.", "ld-linux", "ld-2.", "ld-musl", "libc.musl"};
  static constexpr std::string_view kShells[] = {"sh", "dash", "bash", "busybox"};
  const std::string_view name = std::string_view(path).substr(path.rfind('/') + 1);
  const auto begins = [name](std::string_view with) { return name.starts_with(with); };
  return std::ranges::any_of(kOurs, begins) || std::ranges::any_of(kCLibrary, begins) ||
         std::ranges::find(kShells, name) != std::end(kShells);
}

}  // namespace

std::vector<Vma> data_file_mappings(const std::vector<Vma>& maps) {
  const Files executed = executed_files(maps);
  std::vector<Vma> found;
  for (const Vma& vma : maps) {
    // Files below /usr (locales, fonts, caches) are taken to be mapped by other programs of the target already.
    if (!of_regular_file(vma) || vma.name.starts_with("/usr/") || vma.end - vma.start < ring::kLeastMappedFileBytes ||
        (vma.writable && !vma.shared))
      continue;
    if (!executed.contains({vma.device, vma.inode})) found.push_back(vma);
  }
  return found;
}

std::vector<Vma> program_mappings(const std::vector<Vma>& maps) {
  const Files executed = executed_files(maps);
  std::vector<Vma> found;
  for (const Vma& vma : maps)
    if (of_regular_file(vma) && !vma.shared && !vma.writable && executed.contains({vma.device, vma.inode}) &&
        !in_memory_anyway(vma.name))
      found.push_back(vma);
  return found;
}

bool maps_io_uring(const std::vector<Vma>& maps) {
  return std::ranges::any_of(maps, [](const Vma& vma) { return vma.name == "anon_inode:[io_uring]"; });
}

/// Whether the file is an ELF image. The dynamic linker maps the whole image read-only before its text: that mapping is
/// no data.
bool MappedFiles::is_image(const Vma& vma) {
  const auto [at, is_new] = images_.try_emplace(ring::file_id(vma.device, vma.inode), false);
  if (is_new) {
    UniqueFd file(::open(vma.name.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    char magic[SELFMAG] = {};
    at->second = file && ::read(file.get(), magic, sizeof magic) == SELFMAG && std::memcmp(magic, ELFMAG, SELFMAG) == 0;
  }
  return at->second;
}

void MappedFiles::forget_one(Process& process, FileMappings::iterator at) {
  // Parts where another mapping has been reported since are left out: it has replaced this one in the sink.
  uint64_t from = at->second.start;
  process.map.for_each(at->second.start, at->second.end, [&](const Area& area) {
    if (!area.reported) return;
    if (area.start > from) feed_.report(process, trace::EventKind::kUnmap, from, area.start - from);
    from = area.end;
  });
  if (from < at->second.end) feed_.report(process, trace::EventKind::kUnmap, from, at->second.end - from);
  process.files.watched_text.erase(process.files.watched_text.lower_bound(at->second.start),
                                   process.files.watched_text.lower_bound(at->second.end));
  process.files.mappings.erase(at);
}

void MappedFiles::learn(Process& process, const std::vector<Vma>& maps) {
  notes_.used_io_uring |= maps_io_uring(maps);
  std::vector<Vma> now = data_file_mappings(maps);
  std::erase_if(now, [this](const Vma& vma) { return shared_memory_.is_shared_memory(vma) || is_image(vma); });
  const size_t data_mappings = now.size();
  for (Vma& vma : program_mappings(maps))
    if (!reported_elsewhere(process, vma)) now.push_back(std::move(vma));
  for (auto at = process.files.mappings.begin(); at != process.files.mappings.end();) {
    const FileMapping& known = at->second;
    const bool still = std::any_of(now.begin(), now.end(), [&known](const Vma& vma) {
      return vma.start == known.start && vma.end == known.end && vma.file_offset == known.offset &&
             vma.shared == known.shared && (vma.shared && vma.writable) == known.writable &&
             ring::file_id(vma.device, vma.inode) == known.object;
    });
    const auto next = std::next(at);
    if (!still) forget_one(process, at);
    at = next;
  }
  for (size_t i = 0; i < now.size(); ++i) {
    const Vma& vma = now[i];
    if (process.files.mappings.contains(vma.start)) continue;
    const bool program = i >= data_mappings;
    FileMapping mapping{vma.start,
                        vma.end,
                        ring::file_id(vma.device, vma.inode),
                        vma.file_offset,
                        vma.shared && vma.writable,
                        vma.shared,
                        vma.executable,
                        program,
                        std::vector<bool>((vma.end - vma.start) / kPage)};
    feed_.report(process, trace::EventKind::kMap, vma.start, vma.end - vma.start, 0, flags_of(mapping));
    feed_.report(process, trace::EventKind::kMapFile, vma.start, mapping.object, mapping.offset,
                 program ? trace::kProgram : 0);
    deleted_.note_use(mapping.object);
    process.files.mappings.emplace(vma.start, std::move(mapping));
    (program ? notes_.mapped_program_file : notes_.mapped_data_file) = true;
  }
}

/// Whether the mapping has been reported as memory of the program's own. The dynamic linker relocates such parts of an
/// image before it makes them read-only.
bool MappedFiles::reported_elsewhere(Process& process, const Vma& vma) {
  bool reported = false;
  process.map.for_each(vma.start, vma.end, [&](const Area& area) { reported |= area.reported; });
  return reported;
}

/// Mappings that lie close together, as the parts of a library do, are scanned with one call.
void MappedFiles::scan(Process& process) {
  const uint64_t cpu_began = clocks_.cpu_ns();
  process.scans.file_pages = process.resident.file_pages;
  std::vector<PageRange> ranges, runs;
  for (const auto& [start, mapping] : process.files.mappings) ranges.emplace_back(mapping.start, mapping.end);
  for (size_t first = 0, last = 0; first < ranges.size(); first = last) {
    last = end_of_close_ones(ranges, first, kAlongAnyKind);
    runs.clear();
    process.memory->scan(ScanKind::kShared, ranges[first].first, ranges[last - 1].second,
                         [&](uint64_t from, uint64_t to) { runs.emplace_back(from, to); });
    for (size_t i = first; i < last; ++i) report_used(process, process.files.mappings.at(ranges[i].first), runs);
  }
  process.scans.files_due_ns = clocks_.now_ns() + kWholePollNs;
  process.scans.next_files_ns = planner_.rest_in_polling_phase(process, cpu_began);
}

/// Reports the pages that have appeared in the page table since the last scan, one event per run.
void MappedFiles::report_used(Process& process, FileMapping& mapping, const std::vector<PageRange>& resident) {
  uint64_t run = 0, run_end = 0;
  const auto flush = [&] {
    if (run_end > run)
      feed_.report(process, trace::EventKind::kTouch, run, run_end - run, 0, mapping.writable ? trace::kWrite : 0);
    run = run_end = 0;
  };
  for_each_inside(resident, {mapping.start, mapping.end}, [&](uint64_t from, uint64_t to) {
    for (uint64_t at = from; at < to; at += kPage) {
      auto seen = mapping.seen[(at - mapping.start) / kPage];
      if (seen) continue;
      seen = true;
      if (at != run_end) {
        flush();
        run = at;
      }
      run_end = at + kPage;
      process.scans.active = true;
    }
  });
  flush();
}

void MappedFiles::scan_before_free(Process& process) {
  learn(process, process.memory->mappings());
  scan(process);
}

void MappedFiles::forget(Process& process, uint64_t start, uint64_t end) {
  for (auto at = process.files.mappings.lower_bound(start);
       at != process.files.mappings.end() && at->second.end <= end;) {
    const auto next = std::next(at);
    forget_one(process, at);
    at = next;
  }
}

}  // namespace oomcast::record
